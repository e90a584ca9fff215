"""Every module imports on a system without POSIX: its modules, functions and signals are hidden from a fresh Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_CHILD = """
import importlib, importlib.util, os, signal, sys

import multiprocessing.popen_spawn_posix  # of the standard library, which has its own for Windows
import av, cv2, numpy, scipy, torch, torchvision, typer, rich, filelock, fsspec, msgspec, safetensors  # likewise
import subprocess, tempfile, shutil, concurrent.futures, logging, urllib.request, http.server, email, zipfile

HIDDEN = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name in HIDDEN:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in HIDDEN:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hider())
# uname and getuid stay: libraries of others choose what they use by the platform they find
for name in ("fork", "sched_getaffinity", "killpg", "setsid", "mkfifo", "O_NOFOLLOW",
             "O_NONBLOCK", "O_DIRECTORY", "statvfs", "fchmod", "WNOHANG"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGKILL", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE", "pthread_sigmask", "setitimer"):
    if hasattr(signal, name):
        delattr(signal, name)

failed = []
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except Exception as error:
        if not (isinstance(error, ImportError) and getattr(error, "name", "").partition(".")[0] in OPTIONAL):
            failed.append(f"{name}: {type(error).__name__}: {error}")
print("\\n".join(failed))
"""
_OPTIONAL = {
    "ray",
    "transformers",
    "trackers",
    "pyarrow",
    "polars",
    "pandas",
    "supervision",
    "pycocotools",
    "trackeval",
}


def test_no_module_needs_posix_to_be_imported() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((ROOT / "vidtrack").rglob("*.py"))
        if path.name != "__main__.py"
    ]
    assert len(names) > 150
    done = subprocess.run(
        [sys.executable, "-c", f"OPTIONAL = {_OPTIONAL}\n{_CHILD}"],
        input="\n".join(names),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""

"""Modules import and commands run on a system without POSIX.

Its modules, functions and signals are hidden from a fresh Python, which cannot rename or remove open files either.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
_HIDE = """
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

def closed(change):
    def as_on_windows(path, *others, **options):
        opened = {os.path.realpath(f"/proc/self/fd/{one}") for one in os.listdir("/proc/self/fd")}
        if any(isinstance(one, (str, os.PathLike)) and os.path.realpath(one) in opened for one in (path, *others)):
            raise PermissionError(13, "The process cannot access the file because it is being used", str(path))
        return change(path, *others, **options)
    return as_on_windows

if os.path.isdir("/proc/self/fd"):
    for name in ("replace", "rename", "unlink", "remove"):
        setattr(os, name, closed(getattr(os, name)))
"""
_IMPORT = """
failed = []
for name in sys.stdin.read().split():
    try:
        importlib.import_module(name)
    except Exception as error:
        if not (isinstance(error, ImportError) and getattr(error, "name", "").partition(".")[0] in OPTIONAL):
            failed.append(f"{name}: {type(error).__name__}: {error}")
print("\\n".join(failed))
"""
_RUN = """
from vidtrack.cli.app import main

clip, model, out = sys.argv[1:]
log = os.path.join(out, "bikes.tracks.jsonl")
commands = [
    ["detect", clip, "-o", out, "--model", model, "--end", "0.4", "--device", "cpu"],
    ["detect", clip, "-o", out, "--model", model, "--end", "0.4", "--device", "cpu", "--overwrite"],
    ["render", log, clip, "--blur", "-o", os.path.join(out, "hidden.mp4")],
    ["report", log],
    ["export", log, "--to", "nuke,mot", "-o", out],
    ["validate", log],
]
for command in commands:
    code = main(command)
    assert code == 0, (command, code)
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
        [sys.executable, "-c", f"{_HIDE}\nOPTIONAL = {_OPTIONAL}\n{_IMPORT}"],
        input="\n".join(names),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_commands_run_without_posix(tiny_checkpoint: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", f"{_HIDE}\n{_RUN}", ROOT / "examples" / "bikes.mp4", tiny_checkpoint, tmp_path],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    made = {path.name for path in tmp_path.iterdir()}
    assert {"bikes.tracked.mp4", "bikes.tracks.jsonl", "bikes.report.html", "hidden.mp4"} < made
    assert not list(tmp_path.rglob("*.partial"))

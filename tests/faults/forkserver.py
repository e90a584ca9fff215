"""Each case in a separate process, forked from one that has everything imported: a crash costs one case."""

from __future__ import annotations

import glob
import importlib
import io
import json
import math
import multiprocessing
import os
import pkgutil
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace, TracebackType
from typing import Any

from tests.faults.accidents import command_with_accidents

ROOT = Path(__file__).parents[2]
UNCAUGHT = 70  # exit code of a case that ended in a traceback
CPU_SECONDS = 30
WALL_SECONDS = 120  # beyond it a case is taken to wait for ever
ADDRESS_BYTES = 6 << 30  # beyond what the server has: a guard for the machine; `peak_bytes` is what is judged
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {  # audit events: positions of the paths they change
    "os.mkdir": (0,), "os.rename": (0, 1), "os.remove": (0,), "os.rmdir": (0,), "os.link": (1,), "os.symlink": (1,),
    "os.truncate": (0,), "os.chmod": (0,), "os.utime": (0,),
}  # fmt: skip
_FORBIDDEN = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect", "ftplib", "urllib")


@dataclass(frozen=True)
class Ending:
    """How a case ended: `code` is negative for a signal, `breaches` lists what it did outside its output folder."""

    code: int
    out: str
    err: str
    seconds: float
    peak_bytes: int  # of memory, what the server had included
    breaches: list[str]


@dataclass(frozen=True)
class Kill:
    """A signal for a case or one of its child processes, sent after a delay and once a file exists."""

    after_seconds: float
    child: bool = False
    once: str = ""  # pattern of that file
    signal: int = signal.SIGKILL


class ForkServer:
    """Runs cases one after the other, each in a fork of a warm child process."""

    def __init__(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "OPENBLAS_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",  # each arena counts 64 MiB of address space
            "NO_COLOR": "1",
            "COLUMNS": "400",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forkserver"],
            cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def run(
        self, call: str, arguments: Sequence[str], folder: Path, writable: Sequence[Path], kill: Kill | None = None
    ) -> Ending:
        """Do `call` of CALLS with the working folder `folder`; only below `writable` may it change anything."""
        request = {
            "call": call,
            "arguments": list(arguments),
            "folder": str(folder),
            "writable": list(map(str, writable)),
            "kill": None if kill is None else asdict(kill),
        }
        assert self._process.stdin is not None and self._process.stdout is not None
        print(json.dumps(request), file=self._process.stdin, flush=True)
        return Ending(**json.loads(self._process.stdout.readline()))

    def __enter__(self) -> ForkServer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=WALL_SECONDS)
        self._process.stdout.close()


def command(*arguments: str) -> int:
    """The command line, as the installed command runs it."""
    from vidtrack.cli.app import run

    sys.argv = ["vidtrack", *arguments]
    try:
        run()
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def read_video(path: str, start: str, stride: str) -> int:
    """Every frame of a clip, from a time on."""
    from fractions import Fraction

    from vidtrack.core.errors import VidtrackError
    from vidtrack.video import ReadConfig, VideoReader

    try:
        with VideoReader(path, ReadConfig(Fraction(start) or None, stride=int(stride))) as reader:
            last = -math.inf
            for frame in reader:
                assert frame.pts > last, f"pts {frame.pts} comes after {last}"
                assert frame.image.shape[1::-1] == reader.info.size
                last = frame.pts
            assert reader.expected is None or reader.expected >= 0
    except VidtrackError as error:
        print(f"vidtrack: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def load_model(path: str) -> int:
    """A detector from a checkpoint."""
    from vidtrack.core.errors import VidtrackError
    from vidtrack.model.checkpoint import load_deformable_detr as load

    try:
        load(path, "cpu")
    except VidtrackError as error:
        print(f"vidtrack: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def load_recipe(path: str) -> int:
    """A training recipe, as `vidtrack train` reads it before it looks at any data."""
    from vidtrack.core.errors import VidtrackError
    from vidtrack.training.recipe import load_config

    try:
        load_config(Path(path))
    except VidtrackError as error:
        print(f"vidtrack: error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def track_in_chunks(source: str, model: str, folder: str) -> int:
    """A clip of which each half second is safe once it is done; goes on with what an earlier call has left."""
    from vidtrack import RunConfig, load_model, track_video
    from vidtrack.core.errors import VidtrackError

    config = RunConfig(score=0.3, chunk_seconds=0.5, resume=True, smooth_seconds=0.2, gap_seconds=0.2)
    log, video = f"{folder}/clip.tracks.jsonl", f"{folder}/clip.tracked.mp4"
    try:
        result = track_video(source, load_model(model, "cpu"), log=log, video=video, config=config)
    except VidtrackError as error:
        print(f"vidtrack: error: {error}", file=sys.stderr)
        return error.exit_code
    print(result.resumed)
    return 0


CALLS: dict[str, Callable[..., int]] = {
    "command": command,
    "command_with_accidents": command_with_accidents,
    "read_video": read_video,
    "load_model": load_model,
    "load_recipe": load_recipe,
    "track_in_chunks": track_in_chunks,
}


def serve() -> None:
    """Answer requests on standard input, a line each."""
    _import_everything()
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(asdict(_run(request))), flush=True)


def _import_everything() -> None:
    import cv2
    import torch

    import vidtrack
    from vidtrack import ops
    from vidtrack.tracklog.schema import faults_of

    for module in pkgutil.walk_packages(vidtrack.__path__, "vidtrack."):
        if not module.name.endswith(("__main__", "_C")):
            importlib.import_module(module.name)
    cv2.setNumThreads(0)
    torch.set_num_threads(1)
    ops.announce("cpu")
    for kind in ("header", "frame", "event", "track", "footer"):
        list(faults_of(kind, {}))  # which compiles and keeps its schema


def _run(request: dict[str, Any]) -> Ending:
    folder = Path(request["folder"])
    out, err, seen = (folder.parent / name for name in ("stdout", "stderr", "breaches"))
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        _be_the_case(request, out, err, seen)
    usage, status = _wait(child, began, None if request["kill"] is None else Kill(**request["kill"]))
    return Ending(
        code=os.waitstatus_to_exitcode(status),
        out=out.read_text("utf-8", "surrogateescape"),
        err=err.read_text("utf-8", "surrogateescape"),
        seconds=round(time.monotonic() - began, 3),
        peak_bytes=usage.ru_maxrss * 1024,
        breaches=seen.read_text("utf-8", "surrogateescape").splitlines(),
    )


def _wait(child: int, began: float, kill: Kill | None) -> tuple[Any, int]:
    while True:
        found, status, usage = os.wait4(child, os.WNOHANG)
        if found:
            return usage, status
        elapsed = time.monotonic() - began
        if elapsed > WALL_SECONDS:
            os.kill(child, signal.SIGKILL)
        elif kill is not None and elapsed > kill.after_seconds and (not kill.once or glob.glob(kill.once)):
            victims = children_of(child) if kill.child else [child]
            if victims:
                os.kill(victims[int(elapsed * 1e6) % len(victims)], kill.signal)
                kill = None
        time.sleep(0.002 if elapsed < 1 or kill is not None else 0.02)


def children_of(process: int) -> list[int]:
    """Ids of the processes it has started that live."""
    try:
        return [int(text) for text in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []


def _be_the_case(request: dict[str, Any], out: Path, err: Path, seen: Path) -> None:
    code = UNCAUGHT
    try:
        for number, path in ((1, out), (2, err)):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8")
        sys.stderr = io.TextIOWrapper(os.fdopen(2, "wb", closefd=False), "utf-8", "backslashreplace")
        breaches = seen.open("w", buffering=1, encoding="utf-8", errors="surrogateescape")
        os.chdir(request["folder"])
        os.environ["HOME"] = os.environ["TMPDIR"] = request["folder"]
        _limit()
        _fork_workers(breaches.fileno())
        _watch([*request["writable"], os.devnull], breaches)
        code = CALLS[request["call"]](*request["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr, breaches):
            stream.flush()
        os._exit(code)


def _limit() -> None:
    with open("/proc/self/statm") as file:
        pages = int(file.read().split()[0])
    address_bytes = pages * resource.getpagesize() + ADDRESS_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (address_bytes, address_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))


def _fork_workers(kept: int) -> None:
    """Let a batch fork its workers, which spares them their start, and close in them what a fresh start would lack."""
    from vidtrack.batch.engines import local

    local._context = lambda: _Forking(kept)  # type: ignore[assignment, return-value]
    local.resource_tracker = SimpleNamespace(ensure_running=lambda: None)  # type: ignore[attr-defined]


class _Forking:
    """The context of multiprocessing for that; the descriptor `kept` stays open."""

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._context = multiprocessing.get_context("fork")
        self.Pipe = self._context.Pipe

    def Process(self, target: Callable[..., None], args: tuple[Any, ...], **named: Any) -> Any:  # noqa: N802
        """A process in which nothing is open but its connections."""

        def cleanly() -> None:
            kept = [self._kept, *(one.fileno() for one in args if isinstance(one, Connection))]
            first = 3
            for number in (*sorted(kept), 65536):
                os.closerange(first, number)
                first = number + 1
            target(*args)

        return self._context.Process(target=cleanly, **named)


def _watch(writable: Sequence[str], breaches: io.TextIOBase) -> None:
    """Note every change to a file elsewhere, every process started and every connection."""
    allowed = tuple(os.path.realpath(path) for path in writable)

    def elsewhere(path: Any) -> bool:
        if isinstance(path, int) or path is None:
            return False
        place = os.path.realpath(os.fsdecode(path))
        return not any(place == one or place.startswith(one + os.sep) for one in allowed)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & _WRITES and elsewhere(path):
                breaches.write(f"open {path!r}\n")
        elif event in _CHANGES:
            for position in _CHANGES[event]:
                if elsewhere(arguments[position]):
                    breaches.write(f"{event} {arguments[position]!r}\n")
        elif event.startswith(_FORBIDDEN):
            breaches.write(f"{event} {arguments!r}\n")

    sys.addaudithook(audit)


if __name__ == "__main__":
    serve()

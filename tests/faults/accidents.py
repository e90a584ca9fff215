"""What happens to a batch: worker processes in which a codec crashes, memory ends, clips change or the clock jumps."""

from __future__ import annotations

import os
import random
import resource
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vidtrack.core.types import VideoInfo


def command_with_accidents(*arguments: str) -> int:
    """The command line; a clip named after one of ACCIDENTS meets it after its first frame."""
    from tests.faults.forkserver import command
    from vidtrack.batch import run

    track = run.track_video  # type: ignore[attr-defined]

    def track_video(clip: VideoInfo, *further: Any, progress: Callable[[Any], None] | None = None, **named: Any) -> Any:
        source = clip.path
        accident = ACCIDENTS.get(source.stem.split("-")[0])
        happened = False

        def meet(step: Any) -> None:
            nonlocal happened
            if accident is not None and not happened:
                happened = True
                accident(source)
            if progress is not None:
                progress(step)

        before = resource.getrlimit(resource.RLIMIT_AS)
        try:
            return track(clip, *further, progress=meet, **named)
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)

    run.track_video = track_video  # type: ignore[attr-defined]
    return command(*arguments)


def _segfault(source: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _out_of_memory(source: Path) -> None:
    with open("/proc/self/statm") as file:
        held = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held, resource.getrlimit(resource.RLIMIT_AS)[1]))
    held_back = [bytearray(1 << 16) for _ in range(1 << 16)]
    del held_back


def _vanish(source: Path) -> None:
    source.unlink()


def _grow(source: Path) -> None:
    with source.open("ab") as file:
        file.write(source.read_bytes()[:4096])


def _shrink(source: Path) -> None:
    os.truncate(source, source.stat().st_size // 2)


def _clock(source: Path) -> None:
    real, jumps = time.time, random.Random(0)
    time.time = lambda: real() + jumps.uniform(-1e9, 1e9)


ACCIDENTS: dict[str, Callable[[Path], None]] = {
    "segv": _segfault, "oom": _out_of_memory, "vanish": _vanish, "grow": _grow, "shrink": _shrink, "clock": _clock,
}  # fmt: skip

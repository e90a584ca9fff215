"""The whole `vidtrack detect` command timed, start-up included, beside an older build and a peer.

    python benchmarks/command.py examples/bikes.mp4 --old OLD/bin/python --ultralytics PEER/bin/python

Commands take turns, `--rounds` times, so that a slow spell of the machine meets all of them. `--copies N` times a
folder of N copies of the clip instead, with as many jobs as `--jobs`. Prints a Markdown table: medians with minimum and
maximum, and the ratio to the first command, round by round. `--cost` prints seconds against length, size, tracks and
cores instead, and `--plot` draws them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from vidtrack.training.plot import draw_panel

_PEER = """
import sys
from ultralytics import YOLO
model = YOLO("yolo11n.yaml")
for _ in model.track(sys.argv[1], save=True, imgsz=640, project=sys.argv[2], stream=True, verbose=False):
    pass
"""


@dataclass(frozen=True)
class Run:
    """What one run took: seconds on the clock and of all processors, and the largest process in MiB."""

    seconds: float
    processor: float
    peak: float


def run(command: Sequence[str], cores: int | None = None) -> Run:
    """Run a command in an empty folder, on so many cores; OUT in it becomes that folder."""
    with tempfile.TemporaryDirectory() as folder:
        filled = [part.replace("OUT", folder) for part in command]
        began = time.perf_counter()
        process = subprocess.Popen(
            filled, cwd=folder, stdout=subprocess.DEVNULL, env={**os.environ, "YOLO_CONFIG_DIR": folder}
        )
        if cores is not None:
            os.sched_setaffinity(process.pid, range(cores))
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(filled)} ended with {process.returncode}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def _detect(python: str, source: Path, *options: str) -> list[str]:
    return [python, "-m", "vidtrack", "detect", str(source), "-o", "OUT", "--progress", "none", *options]


def _spread(values: Sequence[float], digits: int = 1) -> str:
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def compare(commands: dict[str, list[str]], rounds: int) -> None:
    """Time commands in turns and print the table."""
    found: dict[str, list[Run]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            found[name].append(run(command))
    first = [one.seconds for one in next(iter(found.values()))]
    print("| command | seconds | processor seconds | peak MiB | times as fast as the first, by round |")
    print("|---|---:|---:|---:|---:|")
    for name, runs in found.items():
        ratios = [base / one.seconds for base, one in zip(first, runs, strict=True)]
        print(
            f"| {name} | {_spread([one.seconds for one in runs])} | {_spread([one.processor for one in runs])} | "
            f"{max(one.peak for one in runs):.0f} | {_spread(ratios, 2)} |"
        )


def _longer(clip: Path, times: int, folder: Path) -> Path:
    """The clip `times` over, joined without encoding it again."""
    target = folder / f"{times}{clip.suffix}"
    with av.open(str(target), "w") as output:
        offset, stream = 0, None
        for _ in range(times):
            with av.open(str(clip)) as source:
                video = source.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                last = 0
                for packet in source.demux(video):
                    if packet.dts is None or packet.pts is None:
                        continue
                    packet.pts, packet.dts = packet.pts + offset, packet.dts + offset
                    last = max(last, packet.pts + (packet.duration or 0))
                    packet.stream = stream
                    output.mux(packet)
                offset = last
    return target


def cost(clip: Path, plot: Path | None) -> None:
    """Print, and draw, how the time grows with length, the network's input, objects and cores."""
    curves: dict[str, dict[str, list[tuple[int, float]]]] = {}
    print("| what grows | | seconds | processor seconds | peak MiB |")
    print("|---|---:|---:|---:|---:|")

    def row(what: str, value: int, command: list[str], cores: int | None = None) -> None:
        one = run(command, cores)
        print(f"| {what} | {value} | {one.seconds:.1f} | {one.processor:.1f} | {one.peak:.0f} |", flush=True)
        curve = curves.setdefault(what, {"seconds": [], "processor seconds": []})
        curve["seconds"].append((value, one.seconds))
        curve["processor seconds"].append((value, one.processor))

    with tempfile.TemporaryDirectory() as folder:
        for times in (1, 2, 4, 8):
            row("length, times the clip", times, _detect(sys.executable, _longer(clip, times, Path(folder))))
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        ratio = max(stream.width, stream.height) / min(stream.width, stream.height)
    for size in (192, 272, 384, 544, 768):
        command = _detect(sys.executable, clip, "--size", str(size), "--end", "5")
        row("thousand pixels of the network's input, 5 s", round(size * size * ratio / 1000), command)
    for limit in (1, 10, 100):
        command = _detect(sys.executable, clip, "--max-tracks", str(limit), "--score", "0.1")
        row("maximum simultaneous tracks, from a score of 0.1", limit, command)
    for cores in range(1, len(os.sched_getaffinity(0)) + 1):
        row("cores", cores, _detect(sys.executable, clip), cores)
    if plot is not None:
        panels = [
            draw_panel(what, curve, curve["seconds"][-1][0], 1.05 * max(y for one in curve.values() for _, y in one))
            for what, curve in curves.items()
        ]
        cv2.imwrite(str(plot), np.concatenate(panels))


def main() -> None:
    """Parse the command line and time."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--old", help="a Python with an older vidtrack")
    parser.add_argument("--ultralytics", help="a Python with ultralytics; random weights of yolo11n")
    parser.add_argument("--copies", type=int, default=0)
    parser.add_argument("--jobs", default="2")
    parser.add_argument("--cost", action="store_true")
    parser.add_argument("--plot", type=Path, help="PNG of the cost")
    arguments = parser.parse_args()
    clip = arguments.clip.resolve()
    if arguments.cost:
        cost(clip, arguments.plot)
        return
    with tempfile.TemporaryDirectory() as folder:
        source, extra = clip, []
        if arguments.copies:
            source, extra = Path(folder), ["--jobs", arguments.jobs]
            for number in range(arguments.copies):
                shutil.copy(clip, source / f"{number:03}{clip.suffix}")
        commands: dict[str, list[str]] = {}
        if arguments.old:
            commands["older build"] = _detect(arguments.old, source, *extra)
        commands["now, every frame detected"] = _detect(sys.executable, source, "--detect-every", "1", *extra)
        commands["now"] = _detect(sys.executable, source, *extra)
        if arguments.ultralytics and not arguments.copies:
            commands["ultralytics yolo11n"] = [arguments.ultralytics, "-c", _PEER, str(source), "OUT"]
        compare(commands, arguments.rounds)


if __name__ == "__main__":
    main()

"""What a batch costs: a second run over 10,000 finished clips, and clips per hour beside a shell loop of single runs.

    python benchmarks/batch.py resume
    python benchmarks/batch.py throughput examples/bikes.mp4 -- --model default
    python benchmarks/batch.py all examples/bikes.mp4 > benchmarks/batch.md

Everything after `--` goes to `vidtrack detect`. Writes Markdown to standard output.
"""

from __future__ import annotations

import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from vidtrack.batch.manifest import FOLDER, NAME, Manifest
from vidtrack.video import ReadConfig, VideoReader, VideoWriter

FINISHED, FOLDERS = 10_000, 100
RUNS = 5
CLIPS, CLIP_SECONDS = 8, 1
WORKERS = (1, 2)


def main() -> None:
    """Print the tables that were asked for."""
    arguments = sys.argv[1:]
    options = arguments[arguments.index("--") + 1 :] if "--" in arguments else []
    what, *clips = arguments[: arguments.index("--")] if "--" in arguments else arguments
    if what not in ("resume", "throughput", "all") or (what != "resume" and len(clips) != 1):
        sys.exit(str(__doc__))
    print(f"# Batches\n\n{os.cpu_count()} CPU cores, load {os.getloadavg()[0]:.1f} when this began.\n", flush=True)
    if what in ("resume", "all"):
        measure_resume(Path(clips[0]) if clips else Path(__file__).parents[1] / "examples/bikes.mp4", options)
    if what in ("throughput", "all"):
        measure_throughput(Path(clips[0]), options)


def measure_resume(footage: Path, options: Sequence[str]) -> None:
    """Time the command over finished clips: one, and 10,000 in 100 folders."""
    with tempfile.TemporaryDirectory() as folder:
        few, many = Path(folder, "few"), Path(folder, "many")
        cut(footage, few / "in/clip.mp4", 0, Fraction(1, 5))
        detect(few / "in", few / "out", options)
        finish(few, many)
        times = {place: [detect(place / "in", place / "out", options) for _ in range(RUNS)] for place in (few, many)}
    start, whole = (_medians(times[place]) for place in (few, many))
    print("## A second run with nothing left to do\n")
    print(f"`vidtrack detect in -o out` from start to end, median of {RUNS} runs.\n")
    print("| finished clips | seconds | beyond start-up | processor seconds | beyond start-up |")
    print("|---:|---:|---:|---:|---:|")
    print(f"| 1 | {start.wall:.2f} | | {start.processor:.2f} | |")
    more = f"{whole.wall - start.wall:.2f} | {whole.processor:.2f} | {whole.processor - start.processor:.2f}"
    print(f"| {FINISHED:,} | {whole.wall:.2f} | {more} |\n", flush=True)


def finish(few: Path, many: Path) -> None:
    """Make tiny files that the manifest in `many` holds for finished, like the real clip of `few`."""
    (finished,) = Manifest(few / "out" / FOLDER / NAME).rows().values()
    rows = []
    for number in range(FINISHED):
        below = Path(f"folder{number % FOLDERS:03}")
        source = many / "in" / below / f"clip{number:05}.mp4"
        made = [below / f"clip{number:05}{ending}" for ending in (".tracked.mp4", ".tracks.jsonl")]
        for path in (source, *(many / "out" / path for path in made)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(number))
        stat = source.stat()
        place = Path(os.path.relpath(source, many / "out"))
        outputs = tuple((str(path), (many / "out" / path).stat().st_size) for path in made)
        rows.append(replace(finished, source=place, bytes=stat.st_size, mtime_ns=stat.st_mtime_ns, outputs=outputs))
    manifest = Manifest(many / "out" / FOLDER / NAME)
    manifest.put(rows)
    manifest.close()


def measure_throughput(footage: Path, options: Sequence[str]) -> None:
    """Time the same clips by a shell loop and by batches, one after the other in every round."""
    threads = os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        clips = Path(folder, "in")
        for number in range(CLIPS):
            cut(footage, clips / f"clip{number}.mp4", Fraction(number, 4), Fraction(CLIP_SECONDS))
        ways = {"shell loop": 0, **{f"--jobs {workers}": workers for workers in WORKERS}}
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(RUNS):
            for name, workers in ways.items():
                out = Path(folder, "out")
                chosen = [*options, *(["--jobs", str(workers)] if workers else [])]
                began = time.perf_counter()
                for place in [clips] if workers else sorted(clips.iterdir()):
                    detect(place, out, chosen)
                times[name].append(time.perf_counter() - began)
                shutil.rmtree(out)
    loop = statistics.median(times["shell loop"])
    print("## Clips per hour\n")
    print(f"{CLIPS} clips of {CLIP_SECONDS} s from {footage.name}, {threads} cores, median of {RUNS} rounds.\n")
    print("| | clips per hour | relative to the loop |\n|---|---:|---:|")
    for name in ways:
        seconds = statistics.median(times[name])
        print(f"| {name} | {3600 * CLIPS / seconds:.0f} | {loop / seconds:.2f} |", flush=True)


class Seconds(NamedTuple):
    """By the clock, and of the processor, which other work on the machine hardly changes."""

    wall: float
    processor: float


def _medians(times: Sequence[Seconds]) -> Seconds:
    return Seconds(*map(statistics.median, zip(*times, strict=True)))


def detect(source: Path, out: Path, options: Sequence[str]) -> Seconds:
    """What the command takes; a folder is a batch, a file is a single run."""
    command = [sys.executable, "-m", "vidtrack", "detect", str(source), "-o", f"{out}/", "--progress", "none", *options]
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Seconds(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def cut(footage: Path, target: Path, start: Fraction | int, seconds: Fraction) -> None:
    """Write a piece of the footage, from the first frame at or after `start`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with VideoReader(footage, ReadConfig(Fraction(start), Fraction(start) + seconds)) as reader:
        with VideoWriter(target, reader.info) as writer:
            for frame in reader:
                writer.write(frame)


if __name__ == "__main__":
    main()

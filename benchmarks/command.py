"""Frames per second and peak memory of the whole `vidtrack detect` command, start-up included.

    python benchmarks/command.py examples/bikes.mp4 -- --model default

Everything after `--` goes to the command. Prints one Markdown row for each run.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from vidtrack import TrackLog

RUNS = 3


def main() -> None:
    """Run the command a few times and report each."""
    clip, *options = [argument for argument in sys.argv[1:] if argument != "--"]
    print("| command | frames | seconds | frames per second | peak memory MiB |")
    print("|---|---|---|---|---|")
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            command = [sys.executable, "-m", "vidtrack", "detect", clip, "-o", folder, "--progress", "none", *options]
            subprocess.run(command, check=True)
            seconds = time.perf_counter() - began
            frames = len(TrackLog.load(next(Path(folder).glob("*.jsonl"))))
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        print(
            f"| detect {' '.join([Path(clip).name, *options])} | {frames} | {seconds:.1f} | "
            f"{frames / seconds:.2f} | {peak:.0f} |"
        )


if __name__ == "__main__":
    main()

"""Memory, open files, threads and processor time per frame while a long video is tracked.

    python benchmarks/soak.py examples/bikes.mp4 --minutes 31

The video is the clip, made small, again and again: a list of parts that FFmpeg plays as one. The network is small, has
random weights and carries queries, as what could grow lies around it: reader, tracker, log, encoder. Prints a Markdown
table.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import torch

from vidtrack import RunConfig, track_video
from vidtrack.core.stages import Progress
from vidtrack.core.types import Frame
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.video import VideoReader, VideoWriter
from vidtrack.video.config import EncodeConfig

ROWS = 20
NETWORK = DetectorConfig(
    backbone="mobilenet_v2", feature_levels=2, num_levels=2, hidden_dim=32, heads=4, points=2, encoder_layers=1,
    decoder_layers=2, feedforward_dim=32, num_queries=12, num_classes=2, classes=("person", "car"), size=32,
    max_size=80, box_refine=True, two_stage=True, mixed_query_selection=True, track_queries="trained",
)  # fmt: skip


def main() -> None:
    """Track for as long as asked and print what was held on the way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=int, default=10, help="frames per second of the small version that is looped")
    parser.add_argument("--width", type=int, default=160, help="and its width in pixels")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        seconds = make_small(chosen.clip, folder / "part.mp4", chosen.width, chosen.rate)
        parts = round(chosen.minutes * 60 / seconds)
        (folder / "long.ffconcat").write_text("ffconcat version 1.0\n" + "file part.mp4\n" * parts)
        print("| minutes | frames | tracks so far | resident MiB | open files | threads | processor ms per frame |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        minutes = track(folder / "long.ffconcat", folder, round(chosen.minutes * 60 * chosen.rate / ROWS))
        sizes = [(folder / name).stat().st_size / 2**20 for name in ("long.mp4", "long.tracks.jsonl")]
    print(f"\nVideo of {sizes[0]:.0f} MiB and log of {sizes[1]:.0f} MiB written in {minutes:.1f} minutes.")


def make_small(clip: Path, target: Path, width: int, rate: int) -> float:
    """Write the clip at another width and rate; returns its length in seconds."""
    with VideoReader(clip) as reader:
        height = round(reader.info.size[1] * width / reader.info.size[0] / 2) * 2
        info = replace(reader.info, size=(width, height), time_base=Fraction(1, rate), average_rate=Fraction(rate))
        with VideoWriter(target, info) as writer:
            for frame in reader:
                if frame.seconds * rate >= writer.written:
                    image = cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA)
                    writer.write(Frame(writer.written, writer.written, info.time_base, image))
        return writer.written / rate


def track(source: Path, folder: Path, every: int) -> float:
    """Track it with a network that finds objects in anything, a row at regular intervals; returns the minutes taken."""
    torch.manual_seed(0)
    model = DeformableDETR(NETWORK).eval()
    for head in model.class_embed:
        torch.nn.init.normal_(head.bias, 0.5, 0.1)
    result = track_video(
        source, model, log=folder / "long.tracks.jsonl", video=folder / "long.mp4",
        config=RunConfig(score=0.5, video=EncodeConfig(preset="ultrafast")), progress=reporter(every),
    )  # fmt: skip
    return result.seconds / 60


def reporter(every: int) -> Callable[[Progress], None]:
    """What `track_video` calls a frame; it looks at the process and prints a row every so often."""
    last_frames, last_seconds = 0, time.process_time()

    def look(progress: Progress) -> None:
        nonlocal last_frames, last_seconds
        if progress.frames % every:
            return
        status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
        now = time.process_time()
        print(
            f"| {progress.clip_seconds / 60:.0f} | {progress.frames} | {progress.tracks} | "
            f"{int(status['VmRSS'].split()[0]) / 1024:.0f} | {len(os.listdir('/proc/self/fd'))} | "
            f"{status['Threads'].strip()} | {(now - last_seconds) / (progress.frames - last_frames) * 1000:.1f} |",
            flush=True,
        )
        last_frames, last_seconds = progress.frames, now

    return look


if __name__ == "__main__":
    main()

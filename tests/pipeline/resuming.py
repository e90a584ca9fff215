"""Runs that are stopped in the middle, and what they made."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest

from vidtrack import Progress, RunConfig, TrackerConfig, TrackResult, track_video
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracking.config import HindsightConfig

UNEVEN = [40 * i + 13 * i * i % 29 for i in range(90)]
BRIEF = HindsightConfig(0.05, 0.02)  # the clip is short, and frames that wait are not in a saved chunk
CONFIG = RunConfig(tracker=TrackerConfig(low_score=0.1), score=0.3, hindsight=BRIEF, chunk_seconds=1.3)


class StoppedError(Exception):
    """What ends a run in these tests."""


def track(
    clip: Path,
    model: DeformableDETR,
    folder: Path,
    stop: int | None = None,
    log: str = "out.jsonl",
    overwrite: bool = False,
    tell: Callable[[Progress], None] = lambda now: None,
    **choices: Any,
) -> TrackResult:
    """Track into `folder`, up to frame `stop`."""
    folder.mkdir(exist_ok=True)

    def progress(now: Progress) -> None:
        tell(now)
        if stop is not None and now.frames >= stop:
            raise StoppedError

    return track_video(
        clip,
        model,
        log=folder / log,
        video=folder / "out.mp4",
        config=replace(CONFIG, **choices),
        overwrite=overwrite,
        progress=progress,
    )


def stop_at(frame: int, clip: Path, model: DeformableDETR, folder: Path, **choices: Any) -> None:
    with pytest.raises(StoppedError):
        track(clip, model, folder, stop=frame, **choices)


def content(folder: Path, log: str = "out.jsonl") -> list[str]:
    """What a run made, but for what tells the time: lines, then packets, then the sound."""
    data = (folder / log).read_bytes()
    lines = [json.loads(line) for line in (gzip.decompress(data) if log.endswith(".gz") else data).splitlines()]
    del lines[0]["created"], lines[-1]["seconds"], lines[-1]["fps"]
    found = [json.dumps(line) for line in lines]
    with av.open(str(folder / "out.mp4")) as container:
        for packet in container.demux():
            place = (packet.stream_index, packet.pts, packet.dts, packet.duration, packet.is_keyframe)
            found.append(f"{place} {hashlib.sha256(bytes(packet)).hexdigest()}")
    return found


def states(folder: Path) -> list[Path]:
    return sorted((folder / "out.mp4.resume").glob("state-*"))

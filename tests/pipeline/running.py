"""A run with the tiny model."""

from __future__ import annotations

from pathlib import Path

from vidtrack import RunConfig, TrackerConfig, TrackLog, TrackResult, track_video
from vidtrack.model.detector import DeformableDETR

EAGER = TrackerConfig(low_score=0.1)


def run(source: Path, model: DeformableDETR, folder: Path, **choices: object) -> tuple[TrackResult, TrackLog]:
    config = RunConfig(tracker=EAGER, score=0.3, **choices)  # type: ignore[arg-type]
    result = track_video(source, model, log=folder / "out.jsonl", video=folder / "out.mp4", config=config)
    return result, TrackLog.load(folder / "out.jsonl")

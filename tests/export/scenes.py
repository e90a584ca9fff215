"""Logs to export: one by hand that goldens are made from, and others of any rate and motion."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vidtrack.core.types import FrameTracks, VideoInfo
from vidtrack.export.build import ExportConfig, build_scene
from vidtrack.export.registry import find_formats
from vidtrack.export.run import export_log, plan_outputs
from vidtrack.export.scene import Scene
from vidtrack.tracklog import LogWriter, Status, TrackLog
from vidtrack.tracklog.header import ContentHash, ModelInfo
from vidtrack.tracklog.provenance import log_header

BY_HAND = Path(__file__).with_name("shot-12.tracks.jsonl")  # 29.97 drop frame; track 1 is away in frames 4 and 5
GOLDEN = Path(__file__).with_name("golden")
Boxes = Mapping[int, Mapping[int, tuple[float, float, float, float]]]  # identity: decoded frame: box
PYTHONS = "VIDTRACK_CONSUMER_PYTHONS"  # further interpreters with consumers that clash with ours


def by_hand(**choices: Any) -> Scene:
    return build_scene(TrackLog.load(BY_HAND), ExportConfig(**choices))


def moving(frames: int, start: int = 0, speed: float = 2.25) -> dict[int, tuple[float, float, float, float]]:
    """A box that drifts to the right and grows."""
    return {i: (10 + speed * i, 20.5, 40 + speed * i + i / 4, 60.25) for i in range(start, start + frames)}


def write_log(
    target: Path,
    boxes: Boxes,
    frames: Sequence[int],
    rate: Fraction = Fraction(25),
    pts: Callable[[int], int] | None = None,
    time_base: Fraction | None = None,
    status: str | None = "complete",
    **facts: Any,
) -> Path:
    """A log of decoded `frames`; `pts` gives a frame's time in `time_base`, by default one tick a frame."""
    time_base = time_base or 1 / rate
    values: dict[str, Any] = {
        "path": Path("clip.mp4"),
        "container": "mp4",
        "codec": "h264",
        "pixel_format": "yuv420p",
        "coded_size": (160, 96),
        "size": (160, 96),
        "rotation": 0,
        "sample_aspect_ratio": Fraction(1),
        "start_pts": 0,
        "average_rate": rate,
        "frame_count": None,
        "duration_seconds": None,
    }
    model = ModelInfo("by hand", None, ("person", "car"))
    info = VideoInfo(**(values | facts), time_base=time_base)
    writer = LogWriter(target, log_header(info, ContentHash("sha256", "0" * 64), {}, model, "cpu", "float32"))
    for frame in frames:
        found = {identity: own[frame] for identity, own in boxes.items() if frame in own}
        count = len(found)
        writer.frame(
            FrameTracks(
                frame,
                frame if pts is None else pts(frame),
                time_base,
                np.array(list(found), np.int64),
                np.array([(identity - 1) % 2 for identity in found], np.int64),
                np.full(count, 0.5, np.float32),
                np.array(list(found.values()), np.float32).reshape(-1, 4),
                np.zeros(count, np.int64),
            )
        )
    writer.close(Status(status or "complete"))
    if status is None:  # as a run leaves it that was cut off
        lines = target.read_text("utf-8").splitlines(keepends=True)
        cut = [line for line in lines if '"type":"track"' not in line and '"type":"footer"' not in line]
        target.write_text("".join(cut)[:-30], "utf-8")
    return target


def scene_of(path: Path, **choices: Any) -> Scene:
    return build_scene(TrackLog.load(path), ExportConfig(**choices))


def exported(log: Path, name: str, folder: Path, **choices: Any) -> Path:
    """A log exported as a person does it; returns the file or folder."""
    formats = find_formats([name])
    targets = plan_outputs({log: Path()}, formats, folder)[log]
    export_log(log, formats, targets, ExportConfig(**choices))
    return targets[name]


def interpreter_with(package: str) -> str:
    """A Python that can import a consumer: this one, or one of those the variable names; skips if there is none."""
    for python in [sys.executable, *os.environ.get(PYTHONS, "").split(os.pathsep)]:
        if python and subprocess.run([python, "-c", f"import {package}"], capture_output=True).returncode == 0:
            return python
    pytest.skip(f"no Python here has {package}; name one that has in {PYTHONS}")


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found

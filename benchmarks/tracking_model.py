"""What a model finds in the sequences of the tracking benchmark, and what `vidtrack detect` makes of it.

The network runs once over each sequence. Its detections, and the tracks of `vidtrack detect` with either tracker, are
kept in a folder named after the hash of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from mot_files import result_rows, write_rows
from tracking_data import Footage, Run, folders, read_own

from vidtrack.core.detections import Detections
from vidtrack.core.types import FrameTracks
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.schedule import detection_step
from vidtrack.tracking.config import HindsightConfig
from vidtrack.tracking.hindsight import Hindsight
from vidtrack.tracking.state import TrackedBoxes
from vidtrack.tracking.tracker import make_tracker
from vidtrack.video import VideoReader

LEAST_SCORE = 0.1
MODES = {"propagation": "vidtrack detect", "association": "vidtrack detect --tracker association"}


def found_by(model: DeformableDETR, data: Path, cache: Path, class_name: str, say: Callable[[str], None]) -> Path:
    """The folder with what the model finds in the sequences under `data`, filled where it is not yet."""
    allowed = np.array([name == class_name for name in model.class_names])
    folder = cache / (model.origin.sha256 or "unnamed")[:12]
    for sequence in folders(data):
        if not (folder / f"{sequence.name}.txt").exists():
            look(model, sequence, allowed, folder)
            say(f"{sequence.name}: looked at")
    return folder


def detect_runs(all_footage: list[Footage], cache: Path) -> dict[str, Run]:
    """The tracks of `vidtrack detect`, by its command."""
    names = [footage.sequence.name for footage in all_footage]
    return {row: Run({one: read_own(cache / mode / f"{one}.txt") for one in names}, 0.0) for mode, row in MODES.items()}


@torch.inference_mode()
def look(model: DeformableDETR, folder: Path, allowed: np.ndarray, cache: Path) -> None:
    """Run the network over a sequence, and both trackers as `vidtrack detect` does when nothing is chosen."""
    encoder, config = FrameEncoder(model), RunConfig().at_score(model.default_score, model.class_names).tracker
    trackers = {mode: make_tracker(model, replace(config, mode=mode), allowed) for mode in MODES}
    revisions = {mode: Hindsight(HindsightConfig()) for mode in MODES}
    tracked: dict[str, list[FrameTracks]] = {mode: [] for mode in MODES}
    found: list[Detections] = []
    with VideoReader(folder / f"{folder.name}.mp4") as reader:
        step, count = detection_step(None, reader.info), reader.info.frame_count
        for frame in reader:
            memory = encoder.encode(*encoder.batch(frame.image))
            found.append(model.detect(memory, frame.image.shape[1::-1], LEAST_SCORE, allowed))
            looks = frame.index % step == 0 or frame.index + 1 == count
            for mode, tracker in trackers.items():
                now = tracker.step(memory, frame) if looks else tracker.pass_over(frame)
                tracked[mode] += revisions[mode].push(now, tracker.earlier, tracker.exchange)
    for mode, frames in tracked.items():
        (cache / mode).mkdir(parents=True, exist_ok=True)
        write_rows(cache / mode / f"{folder.name}.txt", result_rows([*frames, *revisions[mode].flush()]))
    write_rows(cache / f"{folder.name}.txt", result_rows([_without_ids(one) for one in found]))


def _without_ids(found: Detections) -> TrackedBoxes:
    nobody = np.full(len(found), -1)
    return TrackedBoxes(nobody, found.classes, found.scores, found.boxes_xyxy, nobody)

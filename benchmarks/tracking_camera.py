"""What camera motion compensation brings and costs: real sequences, seen by a camera that moves.

The sequences come from static cameras. A window of three quarters of the image moves over each like a camera would;
public detections and ground truth move with it, and the motion is measured on the window's images,
without the boxes of the detections.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from tracking_data import Footage, Step, folders, load, run, scores

from vidtrack.core.boxes import area
from vidtrack.core.detections import Detections
from vidtrack.datasets.mot import MotRows
from vidtrack.tracking.association import Associator
from vidtrack.tracking.camera_motion import CameraMotion
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.cuts import thumbnail_gray
from vidtrack.video import VideoReader

MOST_FRAMES = 300
WINDOW = 0.75  # of width and height
VISIBLE = 0.4  # least share of a box inside the window to count
Place = Callable[[float, np.random.Generator], tuple[float, float]]  # in [-1, 1] of the room to move in
MOTIONS: dict[str, Place] = {
    "standing still": lambda t, rng: (0.0, 0.0),
    "slow pan": lambda t, rng: (np.sin(2 * np.pi * t / 4), 0.0),
    "fast pan and tilt": lambda t, rng: (np.sin(2 * np.pi * t / 1.5), 0.3 * np.sin(2 * np.pi * t / 1.1)),
    "shake": lambda t, rng: tuple(np.clip(rng.normal(scale=0.065, size=2), -1, 1)),
    "whip every 1.5 s": lambda t, rng: (2 * (_ramp(t % 3 - 1) - _ramp(t % 3 - 2.5)) - 1, 0.0),
}


def _ramp(t: float) -> float:
    """From 0 to 1 in 0.4 s."""
    return min(max(t / 0.4, 0.0), 1.0)


@dataclass(frozen=True)
class Moved:
    """A sequence as the moving camera sees it, the measured motion of each frame, and what measuring a frame took."""

    footage: Footage
    matrices: list[np.ndarray | None]
    milliseconds: float


def moved(folder: Path, place: Place) -> Moved:
    """Move the window over the first frames of a sequence."""
    whole = load(folder)
    frames = min(MOST_FRAMES, whole.sequence.frames)
    width, height = whole.sequence.size
    window = (int(width * WINDOW), int(height * WINDOW))
    room = np.array([width - window[0], height - window[1]]) / 2
    camera, rng, matrices, spent = CameraMotion(), np.random.default_rng(0), [], 0.0
    detections: list[Detections] = []
    truth: list[MotRows] = []
    by_frame = whole.truth.by_frame(frames)
    with VideoReader(folder / f"{folder.name}.mp4") as reader:
        for frame, _ in zip(reader, range(frames), strict=False):
            i = frame.index
            x, y = np.round(room + room * place(i / whole.sequence.frames_per_second, rng)).astype(int)
            known = detections[-1].boxes_xyxy[detections[-1].scores > 0.3] if detections else np.zeros((0, 4))
            image = np.ascontiguousarray(frame.image[y : y + window[1], x : x + window[0]])
            begin = time.process_time()
            small = thumbnail_gray(image)
            scale = small.shape[1] / window[0]
            matrix = camera.step(small, known * scale)
            spent += time.process_time() - begin
            if matrix is not None:
                matrix[:, 2] /= scale
            matrices.append(matrix)
            boxes, inside = shifted(whole.detections[i].boxes_xyxy, (x, y), window)
            detections.append(Detections.of(boxes[inside], whole.detections[i].scores[inside]))
            boxes, inside = shifted(by_frame[i].boxes_xyxy, (x, y), window)
            truth.append(replace(by_frame[i], boxes_xyxy=boxes)[inside])
    rows = MotRows(*(np.concatenate([getattr(one, name) for one in truth]) for name in MotRows.__dataclass_fields__))
    sequence = replace(whole.sequence, frames=frames, size=window)
    return Moved(Footage(sequence, rows, detections), matrices, 1e3 * spent / frames)


def shifted(boxes_xyxy: np.ndarray, corner: tuple[int, int], window: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) as the window sees them, and which (N,) are visible enough."""
    boxes = boxes_xyxy - np.tile(corner, 2)
    clipped = np.clip(boxes, 0, np.tile(window, 2))
    return clipped, area(clipped) >= VISIBLE * np.maximum(area(boxes), 1e-9)


def steadied(matrices: list[np.ndarray | None]) -> Callable[[Footage], Step]:
    """The association, its tracks moved by the measured motion."""

    def make(footage: Footage) -> Step:
        associator, left = Associator(TrackerConfig()), iter(matrices)

        def step(detections: Detections, seconds: float):
            matrix = next(left)
            if matrix is not None and associator.tracks is not None:
                associator.tracks.warp(matrix)
            return associator.step(detections, seconds)

        return step

    return make


def moving(data: Path) -> Iterator[str]:
    """A Markdown table: every sequence moved over in every way, with and without compensation."""
    yield "| sequence | camera | measured | HOTA | IDF1 | IDSW | compensated: HOTA | IDF1 | IDSW | ms per frame |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for folder in folders(data):
        for name, place in MOTIONS.items():
            one = moved(folder, place)
            cells = []
            for matrices in ([None] * len(one.matrices), one.matrices):
                s = scores(run(steadied(matrices), [one.footage]), [one.footage])
                cells += [f"{100 * s.hota:.1f}", f"{100 * s.idf1:.1f}", str(s.switches)]
            measured = f"{sum(matrix is not None for matrix in one.matrices)} of {len(one.matrices)}"
            row = " | ".join([folder.name, name, measured, *cells, f"{one.milliseconds:.1f}"])
            yield f"| {row} |"

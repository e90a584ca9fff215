"""What carried queries add as evidence: in the cost of every match, for weak detections, against false births.

The network encodes each frame that `vidtrack detect` would look at once; every variant decodes its own track queries.
Tracks are revised by hindsight, as in `vidtrack detect`, and scored in every frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from mot_files import result_rows
from tracking_data import Run, folders, load, table

from vidtrack.core.boxes import pairwise_iou
from vidtrack.core.detections import Detections
from vidtrack.core.types import FrameTracks
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder
from vidtrack.model.outputs import FrameOutput
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.schedule import detection_step
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import HindsightConfig, TrackerConfig
from vidtrack.tracking.hindsight import Hindsight
from vidtrack.tracking.matching import accept_track_queries
from vidtrack.tracking.state import TrackedBoxes, TrackQueryOutput, Tracks
from vidtrack.tracking.track_queries import join_queries, track_queries
from vidtrack.video import VideoReader

LEAST_SCORE = 0.05
LIFT_IOU, SUPPRESS_IOU, SUPPRESS_SCORE = 0.6, 0.6, 0.3


@dataclass(frozen=True)
class Evidence:
    """How a variant uses carried queries: None or 0 is not at all."""

    weight: float = 0.0  # of query score times IoU, added to the similarity of every match
    lift_score: float | None = None  # a query of this score lifts a weak detection at its box
    suppresses: bool = False  # a query of a matched track keeps detections at its box from starting tracks
    memory_seconds: float = 0.0  # how long tracks that went unseen keep a query


VARIANTS = {
    "association": None,
    "queries follow only": Evidence(),
    "+ in every match (0.4)": Evidence(0.4),
    "+ lift weak detections (0.5)": Evidence(lift_score=0.5),
    "+ suppress births": Evidence(suppresses=True),
    "+ all three": Evidence(0.4, 0.5, True),
    "+ in every match, queries kept 1 s": Evidence(0.4, memory_seconds=1.0),
}


class EvidenceAssociator(Associator):
    """Association that is told, before each update, what the query of each track in `rows` found."""

    def __init__(self, config: TrackerConfig, num_classes: int, evidence: Evidence | None) -> None:
        super().__init__(config, num_classes)
        self.evidence = evidence or Evidence()
        self.rows, self.found = np.zeros(0, np.int64), Detections.of(np.zeros((0, 4)), np.zeros(0))

    def carried_rows(self) -> np.ndarray:
        if self.tracks is None or self.seconds is None:
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.tracks.seen_seconds >= self.seconds - self.evidence.memory_seconds - 1e-9)

    def step_with(self, detections: Detections, rows: np.ndarray, found: Detections) -> TrackedBoxes:
        self.rows, self.found, usual = rows, found, self.config
        kept = detections.scores >= usual.low_score
        carried = None
        if self.tracks is not None and len(rows):
            near = accept_track_queries(self.tracks.predicted_xyxy[rows], found, usual)
            carried = TrackQueryOutput(rows[near], found[near])
            if self.evidence.lift_score is not None:
                trusted = found[(found.scores >= self.evidence.lift_score) & (self.tracks.ids[rows] > 0)]
                kept |= (pairwise_iou(detections.boxes_xyxy, trusted.boxes_xyxy) >= LIFT_IOU).any(axis=1)
                self.config = replace(usual, low_score=LEAST_SCORE)
        shown = self.update(detections[kept], carried)
        self.config = usual
        return shown

    def similarity(self, tracks: Tracks, detections: Detections, seconds: float) -> np.ndarray:
        alike = super().similarity(tracks, detections, seconds)
        there = self.found.scores[:, None] * pairwise_iou(self.found.boxes_xyxy, detections.boxes_xyxy)
        alike[self.rows] += self.evidence.weight * there
        return alike

    def _manage_tracks(self, tracks: Tracks, free: Detections, seconds: float, image: np.ndarray | None) -> None:
        if self.evidence.suppresses and len(self.rows):
            sure = (tracks.seen_seconds[self.rows] == seconds) & (self.found.scores >= SUPPRESS_SCORE)
            at_query = pairwise_iou(free.boxes_xyxy, self.found[sure].boxes_xyxy) >= SUPPRESS_IOU
            free = free[~at_query.any(axis=1)]
        super()._manage_tracks(tracks, free, seconds, image)


def queries(model: DeformableDETR, data: Path, class_name: str) -> Iterator[str]:
    """The table, one part per sequence."""
    footage = [load(folder) for folder in folders(data)]
    results: dict[str, dict] = {name: {} for name in VARIANTS}
    for folder in folders(data):
        for name, frames in track_sequence(model, folder, class_name).items():
            results[name][folder.name] = result_rows(frames)
    yield from table({name: Run(found, 0.0) for name, found in results.items()}, footage)


@torch.inference_mode()
def track_sequence(model: DeformableDETR, folder: Path, class_name: str) -> dict[str, list[FrameTracks]]:
    """The final tracks of each variant, in pixels that count from 1."""
    config = RunConfig().at_score(model.default_score, model.class_names).tracker
    allowed = np.array([name == class_name for name in model.class_names])
    variants = {name: EvidenceAssociator(config, model.num_classes, one) for name, one in VARIANTS.items()}
    revisions = {name: Hindsight(HindsightConfig()) for name in VARIANTS}
    final: dict[str, list[FrameTracks]] = {name: [] for name in VARIANTS}
    encoder, last = FrameEncoder(model), None
    with VideoReader(folder / f"{folder.name}.mp4") as reader:
        step = detection_step(None, reader.info)
        for frame in reader:
            empty = FrameTracks.empty(frame.index, frame.pts, frame.time_base)
            if frame.index % step:
                for name in VARIANTS:
                    final[name] += revisions[name].push(empty)
                continue
            height, width = frame.image.shape[:2]
            memory = encoder.encode(*encoder.batch(frame.image))
            detections = FrameOutput(model.decode(memory, model.object_queries(memory)), (width, height), allowed)
            for name, tracker in variants.items():
                carries = VARIANTS[name] is not None
                rows = tracker.carried_rows() if carries else np.zeros(0, np.int64)
                tracker.predict(float(frame.seconds))
                found = look(model, tracker, rows, memory, (width, height), allowed)
                shown = tracker.step_with(detections.detections(0, LEAST_SCORE), rows, found)
                earlier = None if last is None else as_frame(tracker.first_seen, last)
                final[name] += revisions[name].push(as_frame(shown, empty), earlier)
            last = empty
    return {name: [*frames, *revisions[name].flush()] for name, frames in final.items()}


def look(model: DeformableDETR, tracker: EvidenceAssociator, rows: np.ndarray, memory, size, allowed) -> Detections:
    """What the queries of the tracks in `rows` found, whether to be believed or not."""
    if tracker.tracks is None or not len(rows):
        return Detections.of(np.zeros((0, 4)), np.zeros(0))
    objects = model.object_queries(memory)
    live = track_queries(model, tracker.tracks, rows, size, objects.content)
    output = FrameOutput(model.decode(memory, join_queries(live, objects)), size, allowed)
    places, classes = np.arange(len(rows)), tracker.tracks.classes[rows]
    scores = output.probabilities[places, classes].astype(np.float64)
    return Detections(
        output.boxes_xyxy[places], scores, classes, output.embeddings[places], np.full(len(rows), -1, np.int64)
    )


def as_frame(boxes: TrackedBoxes, at: FrameTracks) -> FrameTracks:
    shown = boxes.boxes_xyxy.astype(np.float32) + 1  # the ground truth's first pixel is 1
    return replace(
        at,
        ids=boxes.ids,
        classes=boxes.classes.astype(np.int64),
        scores=boxes.scores.astype(np.float32),
        boxes_xyxy=shown,
        states=boxes.states,
    )

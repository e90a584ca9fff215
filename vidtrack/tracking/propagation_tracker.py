"""Tracking by query propagation: decoder queries of known objects are carried into the next frame."""

from __future__ import annotations

import numpy as np
import torch

from vidtrack.core.boxes import pairwise_iou
from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.outputs import FrameOutput
from vidtrack.model.protocol import Detector
from vidtrack.tracking.association import Associator
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.state import TrackQueryOutput, Tracks
from vidtrack.tracking.track_queries import believed, findings, join_queries, track_queries


class QueryAssociator(Associator):
    """Association in which it also counts what carried queries found, if their tracker has set it for the frame."""

    carried: TrackQueryOutput | None = None

    def similarity(self, tracks: Tracks, detections: Detections, seconds: float) -> np.ndarray:
        alike = super().similarity(tracks, detections, seconds)
        if self.carried is not None:
            found = self.carried.found
            there = found.scores[:, None] * pairwise_iou(found.boxes_xyxy, detections.boxes_xyxy)
            alike[self.carried.rows] += self.config.track_query_weight * there
        return alike


class PropagationTracker(AssociationTracker):
    """A `Tracker` that also asks the decoder where the objects of the last frame are (TrackFormer, CVPR 2022)."""

    associator: QueryAssociator
    associator_type = QueryAssociator

    def __init__(self, detector: Detector, config: TrackerConfig, allowed: np.ndarray) -> None:
        if not isinstance(detector, DeformableDETR):
            raise UsageError("this model cannot carry queries", "use --tracker association")
        if detector.config.is_published_tracker:
            raise UsageError(
                f"--tracker propagation does not suit weights of {detector.default_tracker}",
                f"use --tracker {detector.default_tracker}",
            )
        super().__init__(detector, config, allowed)
        self.model = detector

    @torch.inference_mode()
    def step(self, memory: Memory, frame: Frame) -> FrameTracks:
        return super().step(memory, frame)

    def _rows_to_carry(self) -> np.ndarray:
        """Rows of the tracks seen in the last frame."""
        tracks, seconds = self.associator.tracks, self.associator.seconds
        return np.zeros(0, dtype=np.int64) if tracks is None else np.flatnonzero(tracks.seen_seconds == seconds)

    def _look(
        self, memory: Memory, size: tuple[int, int], rows: np.ndarray
    ) -> tuple[Detections, TrackQueryOutput | None]:
        tracks = self.associator.tracks
        self.associator.carried = None
        if tracks is None or not len(rows):
            return super()._look(memory, size, rows)
        objects = self.model.object_queries(memory)
        live = track_queries(self.model, tracks, rows, size, objects.content)
        decoded = self.model.decode(memory, join_queries(live, objects))
        output = FrameOutput(decoded, size, self.allowed)
        found = findings(output, tracks, rows)
        self.associator.carried = TrackQueryOutput(rows, found)
        detections = output.detections(len(rows), self.config.low_score, self.model.config.matrix_nms)
        return detections, believed(found, tracks, rows, self.config)

"""Tracking by query propagation: decoder queries of known objects are carried into the next frame."""

from __future__ import annotations

import numpy as np
import torch

from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.outputs import FrameOutput
from vidtrack.model.protocol import Detector
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.state import TrackQueryOutput
from vidtrack.tracking.track_queries import join_queries, track_queries, track_query_output


class PropagationTracker(AssociationTracker):
    """A `Tracker` that also asks the decoder where the objects of the last frame are (TrackFormer, CVPR 2022)."""

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
        if tracks is None or not len(rows):
            return super()._look(memory, size, rows)
        objects = self.model.object_queries(memory)
        live = track_queries(self.model, tracks, rows, size, objects.content)
        decoded = self.model.decode(memory, join_queries(live, objects))
        output = FrameOutput(decoded, size, self.allowed)
        found = track_query_output(output, tracks, rows, self.config)
        return output.detections(len(rows), self.config.low_score, self.model.config.matrix_nms), found

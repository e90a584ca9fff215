"""The tracker: one call a frame, from the encoder's memory to objects with identities."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.tracking.association import Associator
from vidtrack.tracking.camera_motion import CameraMotion
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.cuts import CutDetector, thumbnail_gray
from vidtrack.tracking.track_queries import FrameOutput, join_queries, track_queries


class Tracker:
    """Tracks objects through the frames of one clip at a time; `reset` between clips.

    `cut` tells whether the frame of the last step began a new shot; no track goes on across a cut.
    `class_filter` (K,) bool keeps only some of the model's classes; slots without a name are never reported.
    """

    def __init__(
        self, model: DeformableDETR, config: TrackerConfig | None = None, class_filter: np.ndarray | None = None
    ) -> None:
        classes = model.config.num_classes
        self.model = model
        self.config = config or TrackerConfig()
        self.allowed = np.ones(classes, dtype=bool) if class_filter is None else np.asarray(class_filter, dtype=bool)
        if self.allowed.shape != (classes,):
            raise UsageError(f"class_filter has shape {self.allowed.shape} for a model of {classes} classes")
        if model.config.classes:
            self.allowed = self.allowed & np.array([bool(name) for name in model.config.classes])
        self.associator = Associator(self.config, classes)
        self.cuts = CutDetector()
        self.camera = CameraMotion()
        self.cut = False

    def reset(self) -> None:
        """Forget all objects; ids start from 1 again."""
        self.associator.reset()
        self.cuts.reset()
        self.camera.reset()
        self.cut = False

    def state(self) -> dict[str, Any]:
        """Everything remembered between two frames, for `restore`: plain values and arrays that no step changes."""
        parts = {"associator": self.associator.state(), "cuts": self.cuts.state(), "camera": self.camera.state()}
        return copy.deepcopy(parts)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on as after the frame at which `state` was taken."""
        self.associator.restore(state["associator"])
        self.cuts.restore(state["cuts"])
        self.camera.restore(state["camera"])

    @torch.inference_mode()
    def step(self, memory: Memory, frame: Frame) -> FrameTracks:
        """Find the objects of `frame`, whose encoded picture is `memory` (batch of 1), and link them to the past."""
        height, width = frame.image.shape[:2]
        self._compensate_camera_motion(frame.image)
        rows = self._rows_to_carry()
        self.associator.predict(float(frame.seconds))
        queries, tracks = self.model.object_queries(memory), self.associator.tracks
        carried = None
        if tracks is None or not len(rows):
            output = FrameOutput(self.model.decode(memory, queries), (width, height), self.allowed)
        else:
            live = track_queries(self.model, tracks, rows, (width, height), queries.content)
            joined = join_queries(self.model, live, queries)
            output = FrameOutput(self.model.decode(memory, joined), (width, height), self.allowed)
            carried = output.carried(tracks, rows, self.config)
        tracked = self.associator.update(output.detections(len(rows), self.config.low_score), carried)
        return FrameTracks(
            index=frame.index,
            pts=frame.pts,
            time_base=frame.time_base,
            ids=tracked.ids,
            classes=tracked.classes.astype(np.int64),
            scores=tracked.scores.astype(np.float32),
            boxes_xyxy=np.clip(tracked.boxes_xyxy, 0, (width, height) * 2).astype(np.float32),
            states=tracked.states,
        )

    def _compensate_camera_motion(self, image: np.ndarray) -> None:
        """End the tracks at a cut, or move them with the camera."""
        small = thumbnail_gray(image)
        self.cut = self.config.scene_cuts and self.cuts.is_cut(small)
        if self.cut:
            self.associator.end_all()
        tracks = self.associator.tracks
        if not self.config.camera_motion:
            return
        scale = small.shape[1] / image.shape[1]
        known = np.zeros((0, 4)) if tracks is None else tracks.predicted_xyxy * scale
        matrix = self.camera.step(small, known)
        if matrix is not None and tracks is not None:
            matrix[:, 2] /= scale
            tracks.warp(matrix)

    def _rows_to_carry(self) -> np.ndarray:
        """Rows of the tracks whose queries go into the coming frame: those seen in the last one."""
        tracks, seconds = self.associator.tracks, self.associator.seconds
        if self.config.mode != "propagation" or tracks is None:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(tracks.seen_seconds == seconds)

"""Tracking by association: a detector finds objects, motion and overlap link them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec
import numpy as np

from vidtrack.core.class_names import class_kinds
from vidtrack.core.detections import Detections
from vidtrack.core.state_io import PackedFrames, pack_frames, unpack_frames
from vidtrack.core.types import Exchange, Frame, FrameTracks, no_tracks
from vidtrack.tracking.association import Associator, AssociatorState
from vidtrack.tracking.camera_motion import CameraMotion, CameraMotionState
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.cuts import CutDetector, CutDetectorState, thumbnail_gray
from vidtrack.tracking.given_detections import DetectionSource
from vidtrack.tracking.state import TrackedBoxes, TrackQueryOutput
from vidtrack.tracklog.zones import in_regions


@dataclass(frozen=True)
class AssociationTrackerState:
    """What its parts remember, and the last frame with detections, without its objects."""

    associator: AssociatorState
    cuts: CutDetectorState
    camera: CameraMotionState
    last: PackedFrames


class AssociationTracker:
    """A `Tracker` for any detector; only classes in `allowed` (K,) bool are reported."""

    associator_type: ClassVar[type[Associator]] = Associator

    def __init__(self, detector: DetectionSource, config: TrackerConfig, allowed: np.ndarray) -> None:
        self.detector, self.config, self.allowed = detector, config, allowed
        self.associator = self.associator_type(config, detector.num_classes, class_kinds(detector.class_names))
        self.cuts = CutDetector()
        self.camera = CameraMotion()
        self.cut = False
        self.earlier: FrameTracks | None = None
        self.exchange: Exchange | None = None
        self._last: FrameTracks | None = None  # the last frame with detections, without its objects

    def reset(self) -> None:
        """Forget all objects; ids start from 1 again."""
        self.associator.reset()
        self.cuts.reset()
        self.camera.reset()
        self.cut = False
        self.earlier = self.exchange = self._last = None

    def state(self) -> AssociationTrackerState:
        """Everything remembered between two frames; no later step changes it."""
        last = pack_frames([] if self._last is None else [self._last])
        return AssociationTrackerState(self.associator.state(), self.cuts.state(), self.camera.state(), last)

    def restore(self, state: object) -> None:
        """Continue as after the frame at which `state` was taken."""
        saved = msgspec.convert(state, AssociationTrackerState)
        self.associator.restore(saved.associator)
        self.cuts.restore(saved.cuts)
        self.camera.restore(saved.camera)
        self._last = next(iter(unpack_frames(saved.last)), None)

    def step(self, memory: Any, frame: Frame) -> FrameTracks:
        """Find the objects of `frame`, which the detector encoded as `memory`, and link them to earlier frames."""
        height, width = frame.image.shape[:2]
        self._compensate_camera_motion(frame.image)
        return self._track(memory, no_tracks(frame), (width, height), frame.image)

    def step_without_image(self, memory: Any, at: FrameTracks, size: tuple[int, int]) -> FrameTracks:
        """`step` for a frame of `size` (width, height) whose image nobody has: no cuts, camera motion or colours.

        `at` is the frame without objects.
        """
        return self._track(memory, at, size, None)

    def _track(self, memory: Any, at: FrameTracks, size: tuple[int, int], image: np.ndarray | None) -> FrameTracks:
        rows = self._rows_to_carry()
        self.associator.predict(float(at.seconds))
        detections, carried = self._look(memory, size, rows)
        tracked = self.associator.update(*self._within_regions(detections, carried, size), image)
        first_seen = self.associator.first_seen
        self.exchange = self.associator.exchange
        self.earlier = None if self._last is None else _as_frame(first_seen, self._last, size)
        self._last = at
        return _as_frame(tracked, at, size)

    @property
    def is_fresh(self) -> bool:
        """True before the first frame of a clip."""
        return self.associator.seconds is None

    def pass_over(self, frame: Frame) -> FrameTracks:
        """Follow the camera through a frame without detections; returns no objects."""
        self._compensate_camera_motion(frame.image)
        self.earlier = self.exchange = None
        return no_tracks(frame)

    def starts_shot(self, *images: np.ndarray) -> bool:
        """Whether any of these next images (H, W, 3) would begin a new shot; changes nothing."""
        if not self.config.scene_cuts:
            return False
        cuts = copy.copy(self.cuts)
        return any(cuts.is_cut(thumbnail_gray(image)) for image in images)

    def _rows_to_carry(self) -> np.ndarray:
        """Rows of the tracks whose queries are carried into the coming frame: none."""
        return np.zeros(0, dtype=np.int64)

    def _look(self, memory: Any, size: tuple[int, int], rows: np.ndarray) -> tuple[Detections, TrackQueryOutput | None]:
        """Detections of a frame of `size` (width, height), and what carried queries found in it."""
        return self.detector.detect(memory, size, self.config.low_score, self.allowed), None

    def _within_regions(
        self, detections: Detections, carried: TrackQueryOutput | None, size: tuple[int, int]
    ) -> tuple[Detections, TrackQueryOutput | None]:
        """What was found where the config says to look, in an image of `size` (width, height)."""
        config = self.config
        if not (config.regions or config.ignored_regions):
            return detections, carried
        kept = in_regions(detections.boxes_xyxy, config.regions, config.ignored_regions, size)
        if carried is None:
            return detections[kept], None
        followed = in_regions(carried.found.boxes_xyxy, config.regions, config.ignored_regions, size)
        return detections[kept], TrackQueryOutput(carried.rows[followed], carried.found[followed])

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


def _as_frame(tracked: TrackedBoxes, at: FrameTracks, size: tuple[int, int]) -> FrameTracks:
    """The objects in the frame `at`, cut off at the edges of an image of `size` (width, height)."""
    found = replace(
        at,
        ids=tracked.ids,
        classes=tracked.classes.astype(np.int64),
        scores=tracked.scores.astype(np.float32),
        boxes_xyxy=np.clip(tracked.boxes_xyxy, 0, size * 2).astype(np.float32),
        states=tracked.states,
    )
    return found.without_specks()

"""The trackers of roboflow's package `trackers`, for any detector."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np

from vidtrack.core.detections import Detections
from vidtrack.core.errors import OutputError, UsageError
from vidtrack.core.types import Exchange, Frame, FrameTracks, ObjectState, no_tracks
from vidtrack.model.protocol import Detector
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.cuts import CutDetector, thumbnail_gray
from vidtrack.tracking.matching import nms
from vidtrack.tracklog.zones import in_regions

_BUFFER_RATE = 30  # frames per second in which the package counts `lost_track_buffer`, whatever the clip's


class RoboflowTracker:
    """A `Tracker` that hands detections to one of the package's; `name` is its class, without "Tracker".

    It is given one detection per object, and those of `config` that it has: the scores and how long a lost track is
    remembered. It counts frames, so it is made at the second frame with detections, when their rate is known. Ids
    continue across cuts, at which all of its tracks end.
    """

    name = ""
    has_birth_score = True

    exchange: Exchange | None = None

    def __init__(self, detector: Detector, config: TrackerConfig, allowed: np.ndarray) -> None:
        try:
            import trackers
        except ImportError:
            raise UsageError(
                f"--tracker {config.mode} needs the trackers package", "pip install 'vidtrack[trackers]'"
            ) from None
        self._kind = getattr(trackers, f"{self.name}Tracker")
        self.detector, self.config, self.allowed = detector, config, allowed
        self.cuts = CutDetector()
        self._tracker: Any = None
        self._first: tuple[FrameTracks, Detections] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all objects; ids start from 1 again."""
        self.cuts.reset()
        self.cut, self.is_fresh = False, True
        self.earlier: FrameTracks | None = None
        self._last_id = 0
        self._end_all()

    def state(self) -> None:
        """Nothing: the package cannot save what it remembers."""

    def restore(self, state: object) -> None:
        """Raises OutputError."""
        raise OutputError(f"a run with --tracker {self.config.mode} cannot be resumed", "--overwrite starts over")

    def step(self, memory: Any, frame: Frame) -> FrameTracks:
        """Find the objects of `frame`, which the detector encoded as `memory`, and link them to earlier frames."""
        self._notice_cut(frame)
        height, width = frame.image.shape[:2]
        config, size = self.config, (width, height)
        found = nms(self.detector.detect(memory, size, config.low_score, self.allowed), config)
        if config.regions or config.ignored_regions:
            found = found[in_regions(found.boxes_xyxy, config.regions, config.ignored_regions, size)]
        self.earlier = None
        if self._tracker is None:
            if self._first is None:
                self._first = no_tracks(frame), found
                return no_tracks(frame)
            before, held = self._first
            self._tracker = self._make(float(1 / (frame.seconds - before.seconds)))
            self.earlier = self._linked(held, before)
        return self._linked(found, no_tracks(frame))

    def pass_over(self, frame: Frame) -> FrameTracks:
        """Look for a cut in a frame without detections; returns no objects."""
        self._notice_cut(frame)
        self.earlier = None
        return no_tracks(frame)

    def starts_shot(self, *images: np.ndarray) -> bool:
        """Whether any of these next images (H, W, 3) would begin a new shot; changes nothing."""
        if not self.config.scene_cuts:
            return False
        cuts = copy.copy(self.cuts)
        return any(cuts.is_cut(thumbnail_gray(image)) for image in images)

    def _make(self, frames_per_second: float) -> Any:
        config = self.config
        options = {
            "frame_rate": frames_per_second,
            "lost_track_buffer": round(config.max_age_seconds * _BUFFER_RATE),
            "high_conf_det_threshold": config.high_score,
        }
        if self.has_birth_score:
            options["track_activation_threshold"] = config.new_track_threshold
        return self._kind(**options)

    def _notice_cut(self, frame: Frame) -> None:
        self.is_fresh = False
        self.cut = self.config.scene_cuts and self.cuts.is_cut(thumbnail_gray(frame.image))
        if self.cut:
            self._end_all()

    def _end_all(self) -> None:
        self._tracker = self._first = None
        self._before_shot = self._last_id

    def _linked(self, found: Detections, at: FrameTracks) -> FrameTracks:
        """The frame `at` with the objects that the package's tracker has confirmed in it."""
        import supervision

        given = supervision.Detections(
            xyxy=found.boxes_xyxy.astype(np.float32),
            confidence=found.scores.astype(np.float32),
            class_id=found.classes.astype(int),
        )
        tracked = self._tracker.update(given)
        ids = np.full(len(tracked), -1) if tracked.tracker_id is None else np.asarray(tracked.tracker_id)
        rows = np.flatnonzero(ids >= 0)
        numbers = self._before_shot + 1 + ids[rows].astype(np.int64)
        self._last_id = max(self._last_id, int(numbers.max(initial=0)))
        order = np.argsort(numbers, kind="stable")
        rows = rows[order]
        linked = FrameTracks(
            at.index,
            at.pts,
            at.time_base,
            numbers[order],
            tracked.class_id[rows].astype(np.int64),
            tracked.confidence[rows].astype(np.float32),
            tracked.xyxy[rows].astype(np.float32),
            np.full(len(rows), int(ObjectState.DETECTED), dtype=np.int64),
        )
        return linked.without_specks()


class RoboflowByteTrack(RoboflowTracker):
    """ByteTrack (Zhang et al., ECCV 2022)."""

    name = "ByteTrack"


class RoboflowOCSORT(RoboflowTracker):
    """OC-SORT (Cao et al., CVPR 2023)."""

    name = "OCSORT"
    has_birth_score = False

"""What every tracker offers, and how one is made by name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.core.types import Exchange, Frame, FrameTracks
from vidtrack.model.protocol import Detector
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.registry import AUTO, TRACKERS


class Tracker(Protocol):
    """Tracks objects through the frames of one clip at a time; `reset` between clips.

    Every frame goes through `step` or `pass_over`. `cut` tells whether the last one began a new shot; no track
    continues across a cut. `is_fresh` is True before the first frame of a clip. `earlier` holds objects that got their
    id in the last frame, as they were in one before it; None without any. `exchange` tells which two ids the last frame
    has shown to be mixed up; in that frame they are right.
    """

    cut: bool
    is_fresh: bool
    earlier: FrameTracks | None
    exchange: Exchange | None

    def reset(self) -> None:
        """Forget all objects; ids start from 1 again."""

    def state(self) -> object:
        """Everything remembered between two frames: a dataclass of plain values and arrays that no later step changes.

        None if the tracker cannot be saved.
        """

    def restore(self, state: object) -> None:
        """Continue as after the frame at which `state` was taken; a checkpoint restores it as mappings."""

    def step(self, memory: Any, frame: Frame) -> FrameTracks:
        """Find the objects of `frame`, which the detector encoded as `memory`, and link them to earlier frames."""

    def pass_over(self, frame: Frame) -> FrameTracks:
        """Take note of a frame without detections, as of the camera's motion in it; returns no objects."""

    def starts_shot(self, *images: np.ndarray) -> bool:
        """Whether any of these next images (H, W, 3) would begin a new shot; changes nothing."""


def make_tracker(
    detector: Detector, config: TrackerConfig | None = None, class_filter: np.ndarray | None = None
) -> Tracker:
    """The tracker that `config.mode` names, the detector's own for "auto".

    `class_filter` (K,) bool keeps only some of the detector's classes; slots without a name are never reported. Raises
    UsageError if its length is another.
    """
    config, classes = config or TrackerConfig(), detector.num_classes
    allowed = np.ones(classes, dtype=bool) if class_filter is None else np.asarray(class_filter, dtype=bool)
    if allowed.shape != (classes,):
        raise UsageError(f"class_filter has shape {allowed.shape} for a model of {classes} classes")
    if detector.class_names:
        allowed = allowed & np.array([bool(name) for name in detector.class_names])
    mode = detector.default_tracker if config.mode == AUTO else config.mode
    tracker: Tracker = TRACKERS[mode].load()(detector, replace(config, mode=mode), allowed)
    return tracker

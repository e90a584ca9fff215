"""Run configuration; no heavy imports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtrack.core.class_names import class_filter
from vidtrack.core.errors import UsageError
from vidtrack.render.style import Look
from vidtrack.tracking.config import HindsightConfig, TrackerConfig
from vidtrack.tracking.registry import AUTO
from vidtrack.tracklog.zones import Line, Zone
from vidtrack.video.config import EncodeConfig, ReadConfig, check_range
from vidtrack.video.limits import Limits

if TYPE_CHECKING:  # imports torch
    from vidtrack.model.protocol import Detector


@dataclass(frozen=True)
class RunConfig:
    """What to track and how; times are seconds since the start of the stream."""

    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    score: float | None = None  # minimum score to start a track, overrides `tracker`; None is the model's default
    class_scores: tuple[tuple[str, float], ...] = ()  # (class, its own minimum score to start a track)
    classes: tuple[str, ...] | None = None  # None tracks every class of the model
    start_seconds: Fraction | None = None
    end_seconds: Fraction | None = None
    stride: int = 1
    detect_every: int | Fraction | None = None  # frames (int) or seconds (Fraction) between detections; None is auto
    size: int | None = None  # shorter side in pixels for inference; None is the model's default
    framerate: Fraction | None = None  # of an image sequence
    stream: int | None = None  # among the file's video streams; None is the one ffmpeg takes by default
    live: bool = False  # write each frame at once: tracks are not revised by what comes after
    hindsight: HindsightConfig = field(default_factory=HindsightConfig)
    smooth_seconds: float = 0.0  # half-width of the smoothing window; delays frames as long
    gap_seconds: float = 0.0  # longest gap to fill with interpolated boxes; delays frames as long
    lines: tuple[Line, ...] = ()  # log objects that cross them
    zones: tuple[Zone, ...] = ()
    hwaccel: str | None = None
    chunk_seconds: float = 60.0  # longer clips are saved in chunks of this length, to resume from
    resume: bool = False  # continue an interrupted clip
    limits: Limits = field(default_factory=Limits)
    video: EncodeConfig = field(default_factory=EncodeConfig)
    look: Look = field(default_factory=Look)  # of the video

    def __post_init__(self) -> None:
        check_range(self.start_seconds, self.end_seconds, self.stride)
        if self.live and (self.smooth_seconds or self.gap_seconds or self.detect_every not in (None, 1)):
            raise UsageError(
                "a live run cannot smooth, fill gaps or interpolate between detections",
                "drop --live, or what needs it to wait",
            )

    @property
    def read(self) -> ReadConfig:
        """Which frames of the clip to read."""
        return ReadConfig(
            self.start_seconds,
            self.end_seconds,
            self.stride,
            self.hwaccel,
            self.framerate,
            self.limits,
            stream=self.stream,
        )

    def for_detector(self, detector: Detector) -> RunConfig:
        """The same with the detector's own score and tracker if none is set; raises UsageError as `at_score` does."""
        config = self.at_score(detector.default_score, detector.class_names)
        if config.tracker.mode != AUTO:
            return config
        return replace(config, tracker=replace(config.tracker, mode=detector.default_tracker))

    def at_score(self, models_own: float, class_names: Sequence[str]) -> RunConfig:
        """The same with the minimum scores set; no threshold of the tracker stays above the lowest.

        Raises UsageError for a score of a class that the model does not have.
        """
        score = models_own if self.score is None else self.score
        by_class = np.full(len(class_names), score)
        for name, own in self.class_scores:
            by_class[class_filter(class_names, [name])] = own
        lowest = min(score, *(own for _, own in self.class_scores), 1.0)
        tracker = replace(
            self.tracker,
            low_score=min(self.tracker.low_score, lowest),
            high_score=min(self.tracker.high_score, lowest),
            new_track_threshold=score,
            class_thresholds=tuple(by_class.tolist()) if self.class_scores else (),
        )
        return replace(self, score=score, tracker=tracker)

    def parameters(self) -> dict[str, Any]:
        """All parameters that affect the track log, ready for JSON."""
        values = asdict(self)
        for name in ("hwaccel", "video", "look", "limits", "chunk_seconds", "resume"):
            del values[name]
        return {name: str(value) if isinstance(value, Fraction) else value for name, value in values.items()}

"""The choices of a run, light to import."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from typing import Any

from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracklog.zones import Line, Zone
from vidtrack.video.config import EncodeConfig, ReadConfig, check_range
from vidtrack.video.limits import Limits


@dataclass(frozen=True)
class RunConfig:
    """What to track and how; times are seconds since the start of the stream."""

    tracker: TrackerConfig = field(default_factory=TrackerConfig)
    score: float | None = None  # least score of a new track, put into `tracker`; None is the model's own
    classes: tuple[str, ...] | None = None  # None tracks every class of the model
    start_seconds: Fraction | None = None
    end_seconds: Fraction | None = None
    stride: int = 1
    size: int | None = None  # shorter side in pixels for inference; None is the model's own
    framerate: Fraction | None = None  # of an image sequence
    stream: int | None = None  # among the file's video streams; None is the one ffmpeg takes by default
    smooth_seconds: float = 0.0  # how far around a frame its boxes draw on others; frames wait so long
    gap_seconds: float = 0.0  # the longest absence that is filled with interpolated boxes; frames wait so long
    lines: tuple[Line, ...] = ()  # crossings of which are logged
    zones: tuple[Zone, ...] = ()
    hwaccel: str | None = None
    chunk_seconds: float = 60.0  # of a longer clip so much is safe at a time, to be taken up again
    resume: bool = False  # take an interrupted clip up again
    limits: Limits = field(default_factory=Limits)
    video: EncodeConfig = field(default_factory=EncodeConfig)

    def __post_init__(self) -> None:
        check_range(self.start_seconds, self.end_seconds, self.stride)

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

    def at_score(self, models_own: float) -> RunConfig:
        """The same with the least score decided; no threshold of the tracker stays above it."""
        score = models_own if self.score is None else self.score
        low, high = min(self.tracker.low_score, score), min(self.tracker.high_score, score)
        tracker = replace(self.tracker, low_score=low, high_score=high, new_track_threshold=score)
        return replace(self, score=score, tracker=tracker)

    def parameters(self) -> dict[str, Any]:
        """Every choice that shapes the track log, ready for JSON; the others are about other things."""
        values = asdict(self)
        for name in ("hwaccel", "video", "limits", "chunk_seconds", "resume"):
            del values[name]
        return {name: str(value) if isinstance(value, Fraction) else value for name, value in values.items()}

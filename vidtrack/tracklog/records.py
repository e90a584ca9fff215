"""The events, track summaries and footer of a track log as typed values.

Each record keeps the keys that this release does not know in `extra`, so they survive a round trip.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from vidtrack.core.status import Status

Extra = Mapping[str, Any]
NO_EXTRA: Extra = MappingProxyType({})  # one for all: a log may have many thousands of events


def no_extra() -> Extra:
    """Default of `extra`."""
    return NO_EXTRA


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at or before a frame: a decode error, a cut, a crossing.

    `name`, `identity`, `cls` and `direction` are set for crossings: the line or zone, the track and its class.
    """

    kind: str
    message: str
    index: int | None = None  # decoded ordinal
    pts: int | None = None
    name: str | None = None
    identity: int | None = None
    cls: int | None = None
    direction: str | None = None
    extra: Extra = field(default_factory=no_extra)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Event:
        """Parse an object that the schema accepts."""
        own = {field_name: values[key] for field_name, key in _EVENT_KEYS.items() if key in values}
        return cls(**own, extra=unknown_keys(values, ("type", *_EVENT_KEYS.values())))

    def to_dict(self) -> dict[str, Any]:
        """As written."""
        values = {"type": "event"} | {key: getattr(self, name) for name, key in _EVENT_KEYS.items()}
        return without_none(values, ("name", "id", "cls", "direction")) | dict(self.extra)


_EVENT_KEYS = {
    "kind": "kind",
    "index": "i",
    "pts": "pts",
    "message": "message",
    "name": "name",
    "identity": "id",
    "cls": "cls",
    "direction": "direction",
}  # field: key, in the order written


@dataclass(frozen=True, slots=True)
class FramePosition:
    """A frame by decoded ordinal and time."""

    index: int
    pts: int

    def to_dict(self) -> dict[str, int]:
        """As written in a track line."""
        return {"i": self.index, "pts": self.pts}


@dataclass(frozen=True, slots=True)
class BestDetection:
    """Where to crop a track's thumbnail: the detection with the highest score times square root of area."""

    index: int
    pts: int
    box_xyxy: Sequence[float]


@dataclass(frozen=True, slots=True)
class TrackSummary:
    """What a track adds up to."""

    identity: int
    cls: int  # the class with the highest sum of scores
    first: FramePosition
    last: FramePosition
    frames: int  # frames that list the track
    visible: int  # of those, frames in which it was detected
    gaps: int
    mean_score: float
    max_score: float
    best: BestDetection | None
    extra: Extra = field(default_factory=no_extra)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> TrackSummary:
        """Parse an object that the schema accepts."""
        best = values["best"]
        return cls(
            values["id"],
            values["cls"],
            FramePosition(values["first"]["i"], values["first"]["pts"]),
            FramePosition(values["last"]["i"], values["last"]["pts"]),
            **{name: values[name] for name in _COUNTED},
            best=None if best is None else BestDetection(best["i"], best["pts"], best["box"]),
            extra=unknown_keys(values, ("type", "id", "cls", "first", "last", *_COUNTED, "best")),
        )

    def to_dict(self) -> dict[str, Any]:
        """As written."""
        best = self.best
        return {
            "type": "track",
            "id": self.identity,
            "cls": self.cls,
            "first": self.first.to_dict(),
            "last": self.last.to_dict(),
            **{name: getattr(self, name) for name in _COUNTED},
            "best": None if best is None else {"i": best.index, "pts": best.pts, "box": list(best.box_xyxy)},
            **self.extra,
        }


_COUNTED = ("frames", "visible", "gaps", "mean_score", "max_score")


@dataclass(frozen=True, slots=True)
class RunFigures:
    """What a run counted; None if the log does not say."""

    decoded: int | None = None  # frames decoded between start and end, before stride
    expected: int | None = None  # frames the file announced for the same range
    problems: int | None = None  # decode problems, including those without an event of their own
    seconds: float | None = None  # wall-clock time
    fps: float | None = None


NO_FIGURES = RunFigures()


@dataclass(frozen=True, slots=True)
class Footer:
    """The last line of a log: how the run ended and what it counted."""

    status: Status
    frames: int
    tracks: int
    figures: RunFigures = NO_FIGURES
    extra: Extra = field(default_factory=no_extra)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Footer:
        """Parse an object that the schema accepts."""
        figures = RunFigures(**{name: values.get(name) for name in _FIGURES})
        extra = unknown_keys(values, ("type", "status", "frames", "tracks", *_FIGURES))
        return cls(Status(values["status"]), values["frames"], values["tracks"], figures, extra)

    def to_dict(self) -> dict[str, Any]:
        """As written."""
        figures = asdict(self.figures)
        optional = [name for name in _FIGURES if name != "expected" or self.figures.decoded is None]
        own = {"type": "footer", "status": str(self.status), "frames": self.frames, "tracks": self.tracks}
        return own | without_none(figures, optional) | dict(self.extra)


_FIGURES = ("decoded", "expected", "problems", "seconds", "fps")


def unknown_keys(values: Mapping[str, Any], known: Collection[str]) -> Extra:
    """The part of a JSON object that has no field of its own."""
    return {name: value for name, value in values.items() if name not in known} or NO_EXTRA


def without_none(values: dict[str, Any], optional: Collection[str]) -> dict[str, Any]:
    """`values` without the `optional` keys that are None."""
    return {name: value for name, value in values.items() if value is not None or name not in optional}

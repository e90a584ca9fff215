"""The header of a track log as typed values: what was tracked, how and by what.

Each record keeps the keys that this release does not know in `extra`, so they survive a round trip.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any

from vidtrack.core.types import AudioInfo, Colour, FileNumbering
from vidtrack.tracklog.records import Extra, no_extra, unknown_keys, without_none

SCHEMA_NAME = "vidtrack.track-log"
SCHEMA_VERSION = 1
LARGEST = 2**53 - 1  # whole number in a log: every JSON reader holds it exactly
_COORDS = {"origin": "top-left", "unit": "px", "space": "display", "box": "xyxy"}


@dataclass(frozen=True)
class ContentHash:
    """A digest that identifies an input by content, whatever its file is called."""

    method: str
    value: str

    def to_dict(self) -> dict[str, str]:
        """As written in a header."""
        return asdict(self)


@dataclass(frozen=True)
class Source:
    """The tracked clip; sizes are (width, height) in pixels, `size` as displayed after `rotation`.

    None means that the container, or the program that wrote the log, did not say.
    """

    path: str
    bytes: int | None
    hash: ContentHash
    container: str
    codec: str
    coded_size: tuple[int, int]
    size: tuple[int, int]
    rotation: int  # degrees counter-clockwise that turn a decoded frame upright
    sample_aspect_ratio: Fraction
    time_base: Fraction
    start_pts: int
    average_rate: Fraction | None
    frame_count: int | None
    duration_seconds: Fraction | None
    timecode: str | None
    colour: Colour
    pixel_format: str | None = None
    interlaced: bool | None = None
    audio: tuple[AudioInfo, ...] | None = None
    stream: int | None = None  # among the container's video streams
    crop: tuple[int, int, int, int] | None = None  # pixels off left, top, right, bottom of a decoded frame
    mirrored: bool | None = None  # flipped left to right before `rotation`
    container_start_seconds: Fraction | None = None
    numbering: FileNumbering | None = None
    extra: Extra = field(default_factory=no_extra)

    @property
    def first_frame_offset_seconds(self) -> Fraction:
        """Time from the container's start to the first frame: what ffmpeg and players add to a log's times."""
        if self.container_start_seconds is None:
            return Fraction(0)
        return self.start_pts * self.time_base - self.container_start_seconds

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Source:
        """Parse an object that the schema accepts."""
        audio, crop, numbering = (values.get(name) for name in ("audio", "crop", "numbering"))
        plain: dict[str, Any] = {name: values.get(name) for name in _PLAIN}
        return cls(
            **plain,
            hash=ContentHash(values["hash"]["method"], values["hash"]["value"]),
            coded_size=_pair(values["coded_size"]),
            size=_pair(values["size"]),
            sample_aspect_ratio=Fraction(*values["sample_aspect_ratio"]),
            time_base=Fraction(*values["time_base"]),
            average_rate=_fraction(values["average_rate"]),
            duration_seconds=_fraction(values["duration"]),
            colour=Colour(**{name: values["colour"][name] for name in _COLOUR}),
            audio=None if audio is None else tuple(AudioInfo(s["channels"], s["sample_rate"]) for s in audio),
            crop=None if crop is None else (crop[0], crop[1], crop[2], crop[3]),
            container_start_seconds=_fraction(values.get("container_start")),
            numbering=None if numbering is None else FileNumbering(numbering["pattern"], numbering["first"]),
            extra=unknown_keys(values, _SOURCE_KEYS),
        )

    def to_dict(self) -> dict[str, Any]:
        """As written in a header."""
        values: dict[str, Any] = {
            "path": self.path,
            "bytes": self.bytes,
            "hash": self.hash.to_dict(),
            "container": self.container,
            "stream": self.stream,
            "codec": self.codec,
            "pixel_format": self.pixel_format,
            "coded_size": list(self.coded_size),
            "size": list(self.size),
            "crop": None if self.crop is None else list(self.crop),
            "mirrored": self.mirrored,
            "rotation": self.rotation,
            "sample_aspect_ratio": _rational(self.sample_aspect_ratio),
            "time_base": _rational(self.time_base),
            "start_pts": self.start_pts,
            "container_start": _rational(self.container_start_seconds),
            "average_rate": _rational(self.average_rate),
            "frame_count": self.frame_count,
            "duration": _rational(self.duration_seconds),
            "interlaced": self.interlaced,
            "timecode": self.timecode,
            "numbering": None if self.numbering is None else asdict(self.numbering),
            "audio": None if self.audio is None else [asdict(stream) for stream in self.audio],
            "colour": {name: getattr(self.colour, name) for name in _COLOUR},
        }
        optional = {"pixel_format", "interlaced", "audio", "stream", "crop", "mirrored"}
        if self.stream is None:  # a log of an early release, which did not write them
            optional |= {"container_start", "numbering"}
        return without_none(values, optional) | dict(self.extra)


_COLOUR = ("primaries", "transfer", "matrix", "full_range")
_PLAIN = (
    "path", "bytes", "container", "codec", "rotation", "start_pts", "frame_count", "timecode", "pixel_format",
    "interlaced", "stream", "mirrored",
)  # fmt: skip
_SOURCE_KEYS = {
    *_PLAIN, "hash", "coded_size", "size", "sample_aspect_ratio", "time_base", "average_rate", "duration", "colour",
    "audio", "crop", "container_start", "numbering",
}  # fmt: skip


@dataclass(frozen=True)
class Run:
    """How the clip was tracked; `parameters` are all settings that shape the result, as JSON values."""

    parameters: Mapping[str, Any]
    parameters_sha256: str
    device: str
    precision: str
    versions: Mapping[str, str]
    extra: Extra = field(default_factory=no_extra)

    @property
    def start_seconds(self) -> Fraction | None:
        """Start of the tracked range; None is the beginning of the clip."""
        return self._seconds("start_seconds")

    @property
    def end_seconds(self) -> Fraction | None:
        """End of the tracked range; None is the end of the clip."""
        return self._seconds("end_seconds")

    @property
    def stride(self) -> int:
        """Every how many decoded frames one was tracked; 1 if the log has no valid value."""
        stride = self.parameters.get("stride")
        return stride if isinstance(stride, int) and 1 <= stride <= LARGEST else 1

    @property
    def new_track_threshold(self) -> float | None:
        """The score from which a detection started a track; None if the log does not say."""
        tracker = self.parameters.get("tracker")
        score = tracker.get("new_track_threshold") if isinstance(tracker, dict) else None
        return float(score) if isinstance(score, int | float) else None

    def _seconds(self, name: str) -> Fraction | None:
        value = self.parameters.get(name)
        return None if value is None else Fraction(str(value))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Run:
        """Parse an object that the schema accepts."""
        return cls(**{name: values[name] for name in _RUN_KEYS}, extra=unknown_keys(values, _RUN_KEYS))

    def to_dict(self) -> dict[str, Any]:
        """As written in a header."""
        return {name: getattr(self, name) for name in _RUN_KEYS} | dict(self.extra)


_RUN_KEYS = ("parameters", "parameters_sha256", "device", "precision", "versions")


@dataclass(frozen=True)
class ModelInfo:
    """The detector; `classes` are names by class number, an empty name is an unused number."""

    name: str
    sha256: str | None  # of the weights file; None for a model built in memory
    classes: tuple[str, ...]
    extra: Extra = field(default_factory=no_extra)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelInfo:
        """Parse an object that the schema accepts."""
        extra = unknown_keys(values, ("name", "sha256", "classes"))
        return cls(values["name"], values["sha256"], tuple(values["classes"]), extra)

    def to_dict(self) -> dict[str, Any]:
        """As written in a header."""
        return {"name": self.name, "sha256": self.sha256, "classes": list(self.classes)} | dict(self.extra)


@dataclass(frozen=True)
class Edit:
    """A correction made after the run; `details` are the operation's own values, as JSON has them."""

    operation: str
    details: Mapping[str, Any]
    made: str  # UTC
    version: str

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Edit:
        """Parse an object that the schema accepts."""
        return cls(values["op"], unknown_keys(values, ("op", "made", "version")), values["made"], values["version"])

    def to_dict(self) -> dict[str, Any]:
        """As written in a header."""
        return {"op": self.operation, **self.details, "made": self.made, "version": self.version}


@dataclass(frozen=True)
class Header:
    """The first line of a log: what was tracked, how and by what."""

    created: str  # UTC
    run: Run
    model: ModelInfo
    source: Source
    tool_version: str
    tool_name: str = "vidtrack"
    schema: str = f"{SCHEMA_NAME}/{SCHEMA_VERSION}"
    edits: tuple[Edit, ...] = ()
    extra: Extra = field(default_factory=no_extra)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Header:
        """Parse an object that the schema accepts."""
        return cls(
            created=values["created"],
            run=Run.from_dict(values["run"]),
            model=ModelInfo.from_dict(values["model"]),
            source=Source.from_dict(values["source"]),
            tool_version=values["tool"]["version"],
            tool_name=values["tool"]["name"],
            schema=values["schema"],
            edits=tuple(Edit.from_dict(edit) for edit in values.get("edits", ())),
            extra=unknown_keys(values, _HEADER_KEYS),
        )

    def to_dict(self) -> dict[str, Any]:
        """As written."""
        values = {
            "type": "header",
            "schema": self.schema,
            "tool": {"name": self.tool_name, "version": self.tool_version},
            "created": self.created,
            "run": self.run.to_dict(),
            "model": self.model.to_dict(),
            "source": self.source.to_dict(),
            "coords": _COORDS,
            **self.extra,
        }
        return values | ({"edits": [edit.to_dict() for edit in self.edits]} if self.edits else {})


_HEADER_KEYS = ("type", "schema", "tool", "created", "run", "model", "source", "coords", "edits")


def _pair(values: Sequence[int]) -> tuple[int, int]:
    return values[0], values[1]


def _fraction(values: Sequence[int] | None) -> Fraction | None:
    return None if values is None else Fraction(*values)


def _rational(value: Fraction | None) -> list[int] | None:
    return None if value is None else [value.numerator, value.denominator]

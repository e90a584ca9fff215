"""Checks a log line by line: against the schema, and lines against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidtrack.core.status import Status
from vidtrack.core.wording import plural
from vidtrack.tracklog.header import Header
from vidtrack.tracklog.lines import read_values
from vidtrack.tracklog.schema import faults_of, refuse_other_files
from vidtrack.tracklog.summary import Summaries

_KINDS = ("header", "frame", "event", "track", "footer")
_ORDER = {"header": 0, "frame": 1, "event": 1, "track": 2, "footer": 3}
_A = {kind: f"an {kind}" if kind == "event" else f"a {kind}" for kind in _KINDS}
_OUTSIDE = 0.01  # pixels that a box may exceed the image by: the rounding of its edges
_LATE = 1e-5  # seconds that `t` may differ from `pts`
_SCORE = 2e-4  # by which a summary's mean may differ from that of rounded scores


@dataclass(frozen=True)
class Fault:
    """What is wrong, and in which line; lines count from 1, 0 means the log as a whole."""

    line: int
    message: str


@dataclass(frozen=True)
class Checked:
    """What a log holds, and everything that is wrong with it."""

    frames: int
    tracks: int
    events: int
    status: Status
    faults: tuple[Fault, ...]


def validate(path: Path) -> Checked:
    """Check every line of a log, in memory that grows with the number of tracks only.

    Raises LogError if the file is missing, is not a track log, is damaged before its end or is of a newer version.
    """
    check = _Check(path)
    faults = tuple(check.run())
    return Checked(check.frames, len(check.summaries), check.events, check.status, faults)


class _Check:
    """Reads the lines of one log in turn and keeps what later lines must agree with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.summaries = Summaries()
        self.frames = self.events = 0
        self.status = Status.INCOMPLETE
        self.opened = False
        self.all_frames_read = True
        self.stage = 0
        self.size = (0, 0)
        self.classes: int | None = None  # of a header without faults
        self.time_base: Fraction | None = None
        self.last: Mapping[str, Any] | None = None  # frame
        self.tracks: dict[int, tuple[int, Mapping[str, Any]]] = {}  # id: line number, track line

    def run(self) -> Iterator[Fault]:
        for number, value in read_values(self.path):
            if value is None:
                yield Fault(number, "the log ends in the middle of this line")
                break
            yield from (Fault(number, message) for message in self._line(number, value))
        if self.status is Status.INCOMPLETE:
            yield Fault(0, f"no footer: the run that wrote it did not end; the last frame is {self._last_index}")
        elif self.all_frames_read:
            yield from self._summaries()

    @property
    def _last_index(self) -> str:
        return "none" if self.last is None else str(self.last["i"])

    def _line(self, number: int, value: Any) -> Iterator[str]:
        kind = value.get("type") if isinstance(value, dict) else None
        if not self.opened:
            yield from self._header(value)
            return
        if kind not in _KINDS:
            yield f"a line of unknown type {kind!r}"
            return
        faults = list(faults_of(kind, value))
        yield from faults
        if self.stage == 3:
            yield f"{_A[kind]} line after the footer"
        elif kind == "header":
            yield "a second header"
        elif _ORDER[kind] < self.stage:
            yield f"{_A[kind]} line after track lines"
        self.stage = max(self.stage, _ORDER[kind])
        if faults:
            self.frames += kind == "frame"
            self.all_frames_read &= kind != "frame"
        else:
            yield from self._agreement(kind, number, value)

    def _agreement(self, kind: str, number: int, value: Mapping[str, Any]) -> Iterator[str]:
        if kind == "frame":
            yield from self._frame(value)
        elif kind == "event":
            yield from self._event(value)
        elif kind == "track":
            yield from self._track(number, value)
        elif kind == "footer":
            yield from self._footer(value)

    def _header(self, value: Any) -> Iterator[str]:
        refuse_other_files(value, self.path)
        self.opened = True
        faults = list(faults_of("header", value))
        yield from faults
        if not faults:
            header = Header.from_dict(value)
            self.size, self.time_base = header.source.size, header.source.time_base
            self.classes = len(header.model.classes)

    def _frame(self, value: Mapping[str, Any]) -> Iterator[str]:
        last, entries = self.last, value["objs"]
        if last is not None and value["i"] <= last["i"]:
            yield f"frame {value['i']} comes after frame {last['i']}"
        if last is not None and value["pts"] <= last["pts"]:
            yield f"pts {value['pts']} comes after pts {last['pts']}"
        seconds = value["t"] if self.time_base is None else float(value["pts"] * self.time_base)
        if not abs(value["t"] - seconds) <= _LATE:
            yield f"t is {value['t']}, pts says {seconds:.6f}"
        ids = [entry["id"] for entry in entries]
        if len(set(ids)) < len(ids):
            yield f"track {next(n for n in ids if ids.count(n) > 1)} is listed twice in frame {value['i']}"
        elif ids != sorted(ids):
            yield f"the objects of frame {value['i']} are not in order of id"
        for entry in entries:
            yield from self._object(entry)
        self.summaries.add(value["i"], value["pts"], entries)
        self.frames += 1
        self.last = value

    def _object(self, entry: Mapping[str, Any]) -> Iterator[str]:
        name, box = f"track {entry['id']}", entry["box"]
        if self.classes is not None and entry["cls"] >= self.classes:
            yield f"{name}: class {entry['cls']} of a model with {self.classes} classes"
        if not (box[0] < box[2] and box[1] < box[3]):
            yield f"{name}: box {box} has no area"
        elif self.size != (0, 0) and not self._is_inside(box):
            yield f"{name}: box {box} exceeds the image of {self.size[0]}x{self.size[1]}"

    def _is_inside(self, box: Sequence[float]) -> bool:
        width, height = self.size
        return min(box) >= -_OUTSIDE and box[2] <= width + _OUTSIDE and box[3] <= height + _OUTSIDE

    def _event(self, value: Mapping[str, Any]) -> Iterator[str]:
        self.events += 1
        if "cls" in value and self.classes is not None and value["cls"] >= self.classes:
            yield f"class {value['cls']} of a model with {self.classes} classes"

    def _track(self, number: int, value: Mapping[str, Any]) -> Iterator[str]:
        if value["id"] in self.tracks:
            yield f"track {value['id']} has two summaries"
        self.tracks.setdefault(value["id"], (number, value))

    def _footer(self, value: Mapping[str, Any]) -> Iterator[str]:
        self.status = Status(value["status"])
        if value["frames"] != self.frames:
            yield f"the footer counts {plural(value['frames'], 'frame')}, the log has {self.frames}"
        if value["tracks"] != len(self.tracks):
            yield f"the footer counts {plural(value['tracks'], 'track')}, the log has summaries of {len(self.tracks)}"

    def _summaries(self) -> Iterator[Fault]:
        """Where track lines and frames disagree."""
        for own in (record.to_dict() for record in self.summaries.records()):
            number, line = self.tracks.pop(own["id"], (0, None))
            if line is None:
                yield Fault(0, f"track {own['id']} has no summary")
                continue
            for name in own:
                if not _agree(line.get(name), own[name]):
                    yield Fault(number, f"track {own['id']}: {name} is {line.get(name)}, its frames say {own[name]}")
        for identity, (number, _) in self.tracks.items():
            yield Fault(number, f"track {identity} is in no frame")


def _agree(said: Any, counted: Any) -> bool:
    if isinstance(said, float | int) and isinstance(counted, float):
        return abs(said - counted) <= _SCORE
    return bool(said == counted)

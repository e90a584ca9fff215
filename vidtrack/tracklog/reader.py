"""Reading a track log back, whole or cut off."""

from __future__ import annotations

import gzip
import json
import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from vidtrack.core.errors import LogError
from vidtrack.core.types import FrameTracks
from vidtrack.tracklog.checking import misshapen, refuse_columns, refuse_header
from vidtrack.tracklog.schema import STATE_NAMES, check_header

_STATE_CODES = {name: code for code, name in enumerate(STATE_NAMES)}
_LONGEST_LINE = 1 << 26  # characters; a frame of 100 objects takes 10 thousand
_LEAST_UNPACKED = 1 << 28  # characters that any log may unpack to
_MOST_UNPACKED = 200  # times its bytes that a large one may; real logs unpack to some ten times
_CUT_OFF = "cut off"  # stands for a line that a broken end of compression hides; not JSON


@dataclass(frozen=True)
class TrackLog:
    """A track log in memory: F frames, N objects.

    Objects are stored flat, in order of frame and id; those of frame row f are `offsets[f]` to `offsets[f + 1]`.
    `status` is the footer's, or "incomplete" where the log ends without one; `problem` then says where it ends.
    """

    header: dict[str, Any]
    frame_indices: np.ndarray  # (F,) int64, decoded ordinals
    frame_pts: np.ndarray  # (F,) int64
    offsets: np.ndarray  # (F + 1,) int64
    ids: np.ndarray  # (N,) int64
    classes: np.ndarray  # (N,) int64
    scores: np.ndarray  # (N,) float32
    boxes_xyxy: np.ndarray  # (N, 4) float32, pixels in display orientation
    states: np.ndarray  # (N,) int64 of ObjectState
    events: list[dict[str, Any]]
    tracks: list[dict[str, Any]]
    footer: dict[str, Any] | None
    problem: str = ""

    @classmethod
    def load(cls, path: str | Path) -> TrackLog:
        """Read a log of any of the extensions; a log that was cut off is read up to its end.

        Raises LogError where the file is missing, not a track log, damaged before its end or of a newer version, and
        where its header or its objects are not what the schema promises.
        """
        return _Loader(Path(path)).load()

    @property
    def status(self) -> str:
        """How the run ended: one of STATUSES, or "incomplete"."""
        return "incomplete" if self.footer is None else str(self.footer["status"])

    @property
    def class_names(self) -> list[str]:
        """Names by class number."""
        return list(self.header["model"]["classes"])

    @property
    def time_base(self) -> Fraction:
        """Seconds a tick of pts lasts."""
        return Fraction(*self.header["source"]["time_base"])

    @property
    def frame_seconds(self) -> np.ndarray:
        """Time of each frame (F,) float64 since the start of the stream."""
        return self.frame_pts.astype(np.float64) * self.time_base.numerator / self.time_base.denominator

    @property
    def frame_rows(self) -> np.ndarray:
        """Frame row (N,) int64 of each object."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def __len__(self) -> int:
        return len(self.frame_indices)

    def __getitem__(self, row: int) -> FrameTracks:
        """The objects of frame row `row` (negative counts from the end)."""
        row = range(len(self))[row]
        part = slice(int(self.offsets[row]), int(self.offsets[row + 1]))
        return FrameTracks(
            int(self.frame_indices[row]),
            int(self.frame_pts[row]),
            self.time_base,
            self.ids[part],
            self.classes[part],
            self.scores[part],
            self.boxes_xyxy[part],
            self.states[part],
        )

    def __iter__(self) -> Iterator[FrameTracks]:
        return (self[row] for row in range(len(self)))


def read_ends(path: Path) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Header and footer of a log, None where it has no footer, without keeping what lies between.

    Raises LogError as `TrackLog.load` does.
    """
    loader = _Loader(path)
    first = last = None
    for _, line in loader.lines():
        text = line.strip().removesuffix(",")
        if text not in ("", "[", "]"):
            first, last = first or text, text
    header, footer = _json_or_none(first), _json_or_none(last)
    if header is None:
        raise _headless(path, first is None)
    check_header(header, path)
    return header, footer if isinstance(footer, dict) and footer.get("type") == "footer" else None


def read_values(path: Path) -> Iterator[tuple[int, Any]]:
    """(line number, JSON value) of each line, counting members where the file is one array; None where it is cut off.

    Raises LogError where the file is missing or damaged before its end.
    """
    return _Loader(path).values()


def _headless(path: Path, is_empty: bool) -> LogError:
    if is_empty:
        return LogError(f"{path} is empty", "is it a track log?")
    return LogError(f"{path} is not a track log, or is cut off within its header")


def _json_or_none(text: str | None) -> Any:
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError):
        return None


class _Loader:
    """Collects the lines of one file into columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: dict[str, Any] | None = None
        self.indices, self.pts, self.offsets = array("q"), array("q"), array("q", [0])
        self.ids, self.classes, self.states = array("q"), array("q"), array("q")
        self.scores, self.boxes = array("f"), array("f")
        self.events: list[dict[str, Any]] = []
        self.tracks: list[dict[str, Any]] = []
        self.footer: dict[str, Any] | None = None

    def load(self) -> TrackLog:
        problem = ""
        for number, value in self.values():
            if value is None:
                problem = f"{self.path} ends in the middle of line {number}"
                break
            try:
                self._take(value)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
                fault = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
                raise LogError(
                    f"line {number} of {self.path} is not of a track log: {fault}",
                    "`vidtrack schema` prints what a line may hold",
                ) from None
        assert self.header is not None  # the first value is one, or refused
        if self.footer is None and not problem:
            problem = f"{self.path} has no footer: the run that wrote it did not end"
        log = TrackLog(
            self.header,
            np.array(self.indices, np.int64),
            np.array(self.pts, np.int64),
            np.array(self.offsets, np.int64),
            np.array(self.ids, np.int64),
            np.array(self.classes, np.int64),
            np.array(self.scores, np.float32),
            np.array(self.boxes, np.float32).reshape(-1, 4),
            np.array(self.states, np.int64),
            self.events,
            self.tracks,
            self.footer,
            problem,
        )
        refuse_columns(log, self.path)
        return log

    def values(self) -> Iterator[tuple[int, Any]]:
        """(line number, JSON value), or (line number, None) for a line that is cut off at the end of the file.

        Raises LogError where there is no value at all.
        """
        nothing = True
        for number, value in self._values():
            if nothing and value is None:
                raise _headless(self.path, False)
            nothing = False
            yield number, value
        if nothing:
            raise _headless(self.path, True)

    def _values(self) -> Iterator[tuple[int, Any]]:
        if self.path.name.lower().removesuffix(".gz").endswith(".json"):
            whole = self._document()
            if whole is not None:
                yield from self._members(whole)
                return
        broken: tuple[int, str] | None = None
        for number, line in self.lines():
            if broken is not None:
                raise LogError(f"line {broken[0]} of {self.path} is not JSON: {broken[1][:40]!r}", "is it damaged?")
            text = line.strip().removesuffix(",")
            if text in ("", "[", "]"):
                continue
            value = _json_or_none(text)
            if value is None:
                broken = (number, text)  # forgiven where nothing follows: there the log was cut off
            else:
                yield number, value
        if broken is not None:
            yield broken[0], None

    def _members(self, whole: list[Any]) -> Iterator[tuple[int, Any]]:
        for number, value in enumerate(whole, 1):
            if value is None:
                raise LogError(f"member {number} of {self.path} is null", "is it damaged?")
            yield number, value

    def _document(self) -> list[Any] | None:
        """The array a `.json` log is; None where it is cut off, which line by line can still be read."""
        try:
            with self._open() as stream:
                most = self._most_characters()
                text = stream.read(most + 1)
            if len(text) > most:
                raise self._bomb()
            value = json.loads(text)
        except (ValueError, RecursionError, EOFError, zlib.error, OSError):
            return None
        return value if isinstance(value, list) else [value]

    def lines(self) -> Iterator[tuple[int, str]]:
        number = characters = 0
        try:
            with self._open() as stream:
                most = self._most_characters()
                while line := stream.readline(_LONGEST_LINE):
                    number += 1
                    characters += len(line)
                    if len(line) == _LONGEST_LINE:
                        raise LogError(f"line {number} of {self.path} has no end", "is it a track log?")
                    if characters > most:
                        raise self._bomb()
                    yield number, line
        except (EOFError, zlib.error):
            yield number + 1, _CUT_OFF
        except OSError as error:
            raise LogError(f"{self.path} cannot be read: {error.strerror or error}", "check the name") from None

    def _open(self) -> TextIO:
        if self.path.name.lower().endswith(".gz"):
            return gzip.open(self.path, "rt", encoding="utf-8", errors="replace")
        return self.path.open(encoding="utf-8", errors="replace")

    def _most_characters(self) -> int:
        return max(_LEAST_UNPACKED, _MOST_UNPACKED * self.path.stat().st_size)

    def _bomb(self) -> LogError:
        return LogError(f"{self.path} unpacks to more than {_MOST_UNPACKED} times its size", "is it a track log?")

    def _take(self, value: Mapping[str, Any]) -> None:
        if self.header is None:
            check_header(value, self.path)
            refuse_header(value, self.path)
            self.header = dict(value)
            return
        kind = value["type"]
        if kind == "frame":
            self._take_frame(value["i"], value["pts"], value["objs"])
        elif kind in ("event", "track", "footer"):
            for fault in misshapen(kind, value):
                raise ValueError(fault)
            if kind == "footer":
                self.footer = dict(value)
            else:
                (self.events if kind == "event" else self.tracks).append(dict(value))

    def _take_frame(self, index: int, pts: int, entries: Sequence[Mapping[str, Any]]) -> None:
        self.indices.append(index)
        self.pts.append(pts)
        for entry in entries:
            left, top, right, bottom = entry["box"]
            self.ids.append(entry["id"])
            self.classes.append(entry["cls"])
            self.scores.append(entry["score"])
            self.states.append(_STATE_CODES[entry["state"]])
            self.boxes.extend((left, top, right, bottom))
        self.offsets.append(len(self.ids))

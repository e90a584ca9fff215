"""Reads a track log into columns."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.errors import LogError
from vidtrack.core.tables import STATE_NAMES
from vidtrack.tracklog.header import Header
from vidtrack.tracklog.lines import read_values
from vidtrack.tracklog.records import Event, Footer, TrackSummary
from vidtrack.tracklog.schema import HINT, faults_of, parse_header

MOST_RECORDS = 500_000  # events, and tracks, that a log may hold
_STATE_CODES = {name: code for code, name in enumerate(STATE_NAMES)}


class Loader:
    """Collects the lines of one file into columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.header: Header | None = None
        self.events: list[Event] = []
        self.summaries: list[TrackSummary] = []
        self.footer: Footer | None = None
        self.indices, self.pts, self.offsets = array("q"), array("q"), array("q", [0])
        self.ids, self.classes, self.states = array("q"), array("q"), array("q")
        self.scores, self.boxes = array("f"), array("f")

    def load(self) -> dict[str, Any]:
        """The fields of a `TrackLog` by name; raises LogError."""
        problem = ""
        for number, value in read_values(self.path):
            if value is None:
                problem = f"{self.path} ends in the middle of line {number}"
                break
            try:
                self._take(value)
            except (KeyError, TypeError, ValueError, IndexError, AttributeError, ArithmeticError) as error:
                fault = str(error) if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
                raise LogError(f"line {number} of {self.path} is not a valid track log line: {fault}", HINT) from None
        assert self.header is not None  # read_values raises for a file without a value
        if self.footer is None and not problem:
            problem = f"{self.path} has no footer: the run that wrote it did not end"
        return {
            "header": self.header,
            "frame_indices": np.array(self.indices, np.int64),
            "frame_pts": np.array(self.pts, np.int64),
            "offsets": np.array(self.offsets, np.int64),
            "ids": np.array(self.ids, np.int64),
            "classes": np.array(self.classes, np.int64),
            "scores": np.array(self.scores, np.float32),
            "boxes_xyxy": np.array(self.boxes, np.float32).reshape(-1, 4),
            "states": np.array(self.states, np.int64),
            "events": self.events,
            "summaries": self.summaries,
            "footer": self.footer,
            "problem": problem,
            "path": self.path,
        }

    def _take(self, value: Any) -> None:
        if self.header is None:
            self.header = parse_header(value, self.path)
            return
        kind = value["type"]
        if kind == "frame":
            self._take_frame(value["i"], value["pts"], value["objs"])
        elif kind in ("event", "track", "footer"):
            for fault in faults_of(kind, value):
                raise ValueError(fault)
            if kind == "footer":
                self.footer = Footer.from_dict(value)
            elif kind == "event":
                self.events.append(Event.from_dict(value))
            else:
                self.summaries.append(TrackSummary.from_dict(value))
            if max(len(self.events), len(self.summaries)) > MOST_RECORDS:
                raise LogError(f"{self.path} holds more than {MOST_RECORDS} {kind} lines", "is it a track log?")

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

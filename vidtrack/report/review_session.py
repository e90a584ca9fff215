"""A log that is being corrected: its changes, undone and saved, and the page that shows it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.render.inputs import RenderInputs
from vidtrack.report.clip import Clip
from vidtrack.report.html_report import Review, Thumbnail, Views, build_page
from vidtrack.tracklog import TrackLog, editing
from vidtrack.tracklog.header import LARGEST

CLIP = "clip"  # address of the clip, beside the page
_KEPT = 50  # changes that can be undone
_LONGEST_NAME = 100  # characters of a class


class ReviewSession:
    """Corrections of the log of `inputs`, to be saved to `target`; safe to use from several threads."""

    def __init__(self, inputs: RenderInputs, target: Path, clip: Clip, views: Views) -> None:
        self._inputs, self.target, self.clip, self._views = inputs, target, clip, views
        self._logs = [inputs.log]  # the last is the current one
        self._changes = 0
        self._saved: TrackLog | None = None  # what the target holds
        self._lock = threading.RLock()

    @property
    def unsaved(self) -> bool:
        """Whether no file holds the log as it is now."""
        return self._logs[-1] is not (self._saved or self._inputs.log)

    def run(self, command: Mapping[str, Any]) -> None:
        """Carry out what the page asks for; raises UsageError for what cannot be done, OutputError if saving fails.

        `command` has `operation`, and for most of them `tracks` (IDs), `frame` (a decoded index) and `name`.
        """
        with self._lock:
            operation = command.get("operation")
            if operation == "undo":
                self._undo()
            elif operation == "save":
                self.save()
            else:
                self._logs = [*self._logs[-_KEPT:], _edited(self._logs[-1], operation, command)]
                self._changes += 1

    def save(self) -> None:
        """Write the corrected log; a later save of this session replaces it."""
        with self._lock:
            self._logs[-1].save(self.target)
            self._saved = self._logs[-1]

    def page(self) -> str:
        """The page with the log as it is now."""
        with self._lock:
            log = self._logs[-1]
            path = self.target if self._saved is log else self._inputs.log_path
            inputs = replace(self._inputs, log=log, chosen=log, log_path=path)
            views = replace(self._views, thumbnails=_thumbnails(self._inputs.log, log, self._views.thumbnails))
            shown = Review(self._changes, self.unsaved, str(path) if self._saved is log else "")
            return build_page(inputs, self.clip, CLIP, views, shown)

    def _undo(self) -> None:
        if len(self._logs) < 2:
            raise UsageError(f"only the last {_KEPT} changes can be undone" if self._changes else "nothing to undo")
        self._logs.pop()
        self._changes -= 1


def _edited(log: TrackLog, operation: Any, command: Mapping[str, Any]) -> TrackLog:
    tracks = _identities(command.get("tracks"))
    if operation == "merge":
        return editing.merge(log, tracks)
    if operation == "drop":
        return editing.drop(log, tracks)
    if operation == "relabel":
        name = command.get("name")
        if not isinstance(name, str) or not name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
            raise UsageError(f"a class needs a name of 1 to {_LONGEST_NAME} characters")
        return editing.relabel(log, tracks, name, add_class=True)
    if operation in ("split", "flag"):
        if len(tracks) != 1:
            raise UsageError(f"{operation} takes one track", "pick one")
        change = editing.split if operation == "split" else editing.flag
        return change(log, tracks[0], _seconds(log, command.get("frame")))
    raise UsageError(f"unknown operation {str(operation)[:40]!r}")


def _identities(value: Any) -> Sequence[int]:
    """Raises UsageError for anything but IDs."""
    if not isinstance(value, list) or not value or not all(type(one) is int and 0 < one <= LARGEST for one in value):
        raise UsageError("no tracks given", "pick one, or tick several")
    return value


def _seconds(log: TrackLog, frame: Any) -> Fraction:
    """Time of a decoded frame."""
    row = int(np.searchsorted(log.frame_indices, frame)) if type(frame) is int and 0 <= frame <= LARGEST else len(log)
    if row >= len(log) or log.frame_indices[row] != frame:
        raise UsageError("the log has no such frame")
    return int(log.frame_pts[row]) * log.time_base


def _thumbnails(before: TrackLog, now: TrackLog, known: Mapping[int, Thumbnail]) -> dict[int, Thumbnail]:
    """The thumbnails by the identities of now: each belongs to the track that has the box it shows."""
    found: dict[int, Thumbnail] = {}
    for identity, thumbnail in known.items():
        old, new = before[thumbnail.row], now[thumbnail.row]
        box = old.boxes_xyxy[old.ids == identity]
        same = np.flatnonzero((new.boxes_xyxy == box[:1]).all(axis=1))
        if len(box) == 1 and len(same):
            found.setdefault(int(new.ids[same[0]]), thumbnail)
    return found

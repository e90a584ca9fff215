"""Writing a log that is in memory, such as one made from another log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vidtrack.tracklog.reader import TrackLog
from vidtrack.tracklog.schema import STATUSES
from vidtrack.tracklog.writer import LogWriter

_OF_EVENTS = ("type", "kind", "message", "i", "pts", "self", "index")  # what the writer takes by itself, or cannot
_OWN = ("type", "status", "frames", "tracks")  # footer fields that the writer counts itself


def save(log: TrackLog, path: Path) -> None:
    """Write a log under a name that appears when it is whole; its tracks are summed up anew.

    A log that was cut off becomes one of a run that was interrupted. Raises UsageError for another extension and
    OutputError where the file cannot be written.
    """
    status = log.status if log.status in STATUSES else "interrupted"
    figures = {name: value for name, value in (log.footer or {}).items() if name not in _OWN}
    with LogWriter(path, log.header) as writer:
        try:
            _write(log, writer)
            writer.close(status, **figures)
        except BaseException:
            writer.discard()  # a part of a log that exists elsewhere is worth nothing
            raise


def _write(log: TrackLog, writer: LogWriter) -> None:
    """Frames, and each event before the first frame that is not before it."""
    at = 0
    for frame in log:
        while at < len(log.events) and _is_due(log.events[at], frame.index):
            _pass_on(log.events[at], writer)
            at += 1
        writer.frame(frame)
    for event in log.events[at:]:
        _pass_on(event, writer)


def _is_due(event: dict[str, Any], index: int) -> bool:
    return event.get("i") is not None and event["i"] <= index


def _pass_on(event: dict[str, Any], writer: LogWriter) -> None:
    details = {name: value for name, value in event.items() if name not in _OF_EVENTS}
    writer.event(event["kind"], event.get("message", ""), event.get("i"), event.get("pts"), **details)

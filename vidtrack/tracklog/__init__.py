"""The track log: JSON lines written frame by frame, and read back as numpy arrays."""

from vidtrack.core.status import Status
from vidtrack.tracklog.lines import read_ends
from vidtrack.tracklog.records import Event, RunFigures
from vidtrack.tracklog.schema import SUFFIXES, is_log_path, line_schema, stem_of
from vidtrack.tracklog.selection import select, track_classes
from vidtrack.tracklog.track_log import TrackLog
from vidtrack.tracklog.writer import LogWriter

__all__ = [
    "SUFFIXES",
    "Event",
    "LogWriter",
    "RunFigures",
    "Status",
    "TrackLog",
    "is_log_path",
    "line_schema",
    "read_ends",
    "select",
    "stem_of",
    "track_classes",
]

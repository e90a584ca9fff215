"""The track log: JSON lines that stream out frame by frame, and come back as numpy arrays."""

from vidtrack.tracklog.layout import STATUSES, SUFFIXES, is_log_path, schema
from vidtrack.tracklog.reader import TrackLog, read_ends
from vidtrack.tracklog.selecting import select, track_classes
from vidtrack.tracklog.writer import LogWriter

__all__ = [
    "STATUSES",
    "SUFFIXES",
    "LogWriter",
    "TrackLog",
    "is_log_path",
    "read_ends",
    "schema",
    "select",
    "track_classes",
]

"""The track log: JSON lines that stream out frame by frame, and come back as numpy arrays."""

from vidtrack.tracklog.reader import TrackLog, read_ends
from vidtrack.tracklog.saving import save
from vidtrack.tracklog.schema import STATUSES, SUFFIXES, is_log_path, schema, stem_of
from vidtrack.tracklog.selection import select, track_classes
from vidtrack.tracklog.shots import cut_pts, shots_of
from vidtrack.tracklog.writer import LogWriter

__all__ = [
    "STATUSES",
    "SUFFIXES",
    "LogWriter",
    "TrackLog",
    "cut_pts",
    "is_log_path",
    "read_ends",
    "save",
    "schema",
    "select",
    "shots_of",
    "stem_of",
    "track_classes",
]

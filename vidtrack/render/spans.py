"""Which piece of the clip belongs to a track."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.trajectories import Trajectory


def span_of(path: Trajectory, log: TrackLog, handles_seconds: Fraction = Fraction(0)) -> tuple[Fraction, Fraction]:
    """From the track's first frame to the end of its last one, with `handles_seconds` more at either end."""
    pts = log.frame_pts
    frame = int(np.median(np.diff(pts))) if len(pts) > 1 else 1
    first, end = int(pts[path.first_row]), int(pts[path.last_row]) + frame
    start = first * log.time_base - handles_seconds
    return max(start, Fraction(0)), end * log.time_base + handles_seconds

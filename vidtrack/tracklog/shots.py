"""The shots of a clip, as the cuts in its log divide it."""

from __future__ import annotations

import numpy as np

from vidtrack.tracklog.reader import TrackLog

_CUT = "cut"  # kind of the events at the first frame of a new shot


def cut_pts(log: TrackLog) -> np.ndarray:
    """The pts (C,) int64 at which new shots begin, in order."""
    cuts = (event["pts"] for event in log.events if event["kind"] == _CUT and event.get("pts") is not None)
    return np.array(sorted(cuts), np.int64)


def shots_of(log: TrackLog) -> np.ndarray:
    """The ordinal (F,) of the shot each logged frame belongs to."""
    return np.searchsorted(cut_pts(log), log.frame_pts, side="right")

"""Selects tracks of a log by identity, class and length."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from vidtrack.core.class_names import class_filter
from vidtrack.core.errors import UsageError
from vidtrack.tracklog.track_log import TrackLog

_SHOWN = 20  # identities that an error lists


def select(
    log: TrackLog,
    tracks: Collection[int] | None = None,
    classes: Sequence[str] | None = None,
    min_seconds: float | Fraction = 0.0,
    min_frames: int = 0,
) -> TrackLog:
    """The log with only some of its tracks; all frames stay, even those left without objects.

    A track has one class throughout, that of `track_classes`. Its length in seconds runs from its first frame to the
    end of its last one; in frames it is the number of frames that list it. None selects all.

    Raises UsageError for an identity or a class that the log does not have.
    """
    classes_of = track_classes(log)
    kept = set(classes_of)
    if tracks is not None:
        _check_identities(tracks, classes_of)
        kept &= set(tracks)
    if classes is not None:
        wanted = class_filter(log.class_names, classes)
        kept = {identity for identity in kept if classes_of[identity] < len(wanted) and wanted[classes_of[identity]]}
    if min_seconds > 0 or min_frames > 0:
        kept &= _long_enough(log, float(min_seconds), min_frames)
    return _only(log, kept)


def track_classes(log: TrackLog) -> dict[int, int]:
    """The class of each identity, in order of identity: the one with the highest sum of scores."""
    identities, rows = np.unique(log.ids, return_inverse=True)
    votes = np.zeros((len(identities), int(log.classes.max(initial=0)) + 1))  # (T, K)
    np.add.at(votes, (rows, log.classes), log.scores)
    return dict(zip(identities.tolist(), votes.argmax(1).tolist(), strict=True))


def _check_identities(wanted: Collection[int], known: Collection[int]) -> None:
    missing = sorted(set(wanted) - set(known))
    if missing:
        shown = ", ".join(map(str, list(known)[:_SHOWN])) + (", ..." if len(known) > _SHOWN else "")
        plural = "s" if len(missing) > 1 else ""
        raise UsageError(
            f"the log has no track{plural} {', '.join(map(str, missing))}",
            f"it has {shown}" if known else "it has no tracks",
        )


def _long_enough(log: TrackLog, min_seconds: float, min_frames: int) -> set[int]:
    rows = log.frame_rows
    identities, first, counts = np.unique(log.ids, return_index=True, return_counts=True)
    last = len(log.ids) - 1 - np.unique(log.ids[::-1], return_index=True)[1]
    seconds = log.frame_seconds
    frame = float(np.median(np.diff(seconds))) if len(seconds) > 1 else 0.0
    lengths = seconds[rows[last]] - seconds[rows[first]] + frame
    long = (lengths >= min_seconds - 1e-6) & (counts >= min_frames)
    return set(identities[long].tolist())


def _only(log: TrackLog, kept: Collection[int]) -> TrackLog:
    chosen = log.with_objects(np.isin(log.ids, list(kept)))
    return replace(chosen, summaries=[track for track in log.summaries if track.identity in kept])

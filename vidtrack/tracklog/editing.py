"""Corrections by hand: each makes another log of a log, which says in its header what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count

import numpy as np

from vidtrack.core.class_names import class_filter
from vidtrack.core.errors import UsageError
from vidtrack.tracklog.counting import recounted
from vidtrack.tracklog.metadata import noted
from vidtrack.tracklog.reader import TrackLog
from vidtrack.tracklog.schema import LARGEST
from vidtrack.tracklog.selection import select
from vidtrack.tracklog.summary import summarise


def merge(log: TrackLog, identities: Sequence[int]) -> TrackLog:
    """The log with several tracks as one, which bears the identity named first.

    Raises UsageError for an identity the log does not have, for fewer than two, and where two are in one frame.
    """
    wanted = list(dict.fromkeys(identities))
    if len(wanted) < 2:
        raise UsageError("a merge takes two tracks or more", "give their ids, as 3 7")
    together = select(log, wanted)
    _refuse_overlap(together)
    kept, gone = wanted[0], wanted[1:]
    ids = np.where(np.isin(log.ids, gone), kept, log.ids)
    edited = _with_identities(log, ids, lambda identity, pts: kept if identity in gone else identity)
    return noted(edited, "merge", tracks=wanted, into=kept)


def split(log: TrackLog, identity: int, at_seconds: Fraction | float) -> TrackLog:
    """The log with a track as two: from the first frame at or after a time on, it bears an identity not yet used.

    Raises UsageError for an identity the log does not have, and for a time that leaves one part empty.
    """
    own = select(log, [identity])
    times = own.frame_seconds[own.frame_rows]
    at = float(at_seconds)
    later_rows = log.frame_seconds >= at - 1e-9
    if not times[0] < at - 1e-9 < times[-1]:
        raise UsageError(
            f"track {identity} cannot be split at {at:g} s: it lasts from {times[0]:.3f} to {times[-1]:.3f} s",
            "give a time after its first frame, up to its last",
        )
    fresh = _unused(log)
    ids = np.where((log.ids == identity) & later_rows[log.frame_rows], fresh, log.ids)
    pts = int(log.frame_pts[int(later_rows.argmax())])
    edited = _with_identities(
        log, ids, lambda named, when: fresh if named == identity and when is not None and when >= pts else named
    )
    return noted(edited, "split", track=identity, pts=pts, into=[identity, fresh])


def relabel(log: TrackLog, identities: Collection[int], name: str) -> TrackLog:
    """The log with tracks of another of its model's classes, throughout.

    Raises UsageError for an identity or a class the log does not have.
    """
    select(log, identities)
    kind = int(class_filter(log.class_names, [name]).argmax())
    events = [
        event | {"cls": kind} if event.get("id") in identities and "cls" in event else event for event in log.events
    ]
    classes = np.where(np.isin(log.ids, list(identities)), kind, log.classes)
    edited = _summed_up(replace(log, classes=classes, events=events))
    return noted(edited, "relabel", tracks=sorted(set(identities)), cls=kind, name=log.class_names[kind])


def drop(log: TrackLog, identities: Collection[int]) -> TrackLog:
    """The log without some of its tracks; its frames stay. Raises UsageError for an identity it does not have."""
    select(log, identities)
    kept = select(log, set(log.ids.tolist()) - set(identities))
    events = [event for event in log.events if event.get("id") not in identities]
    return noted(_summed_up(replace(kept, events=events)), "drop", tracks=sorted(set(identities)))


def _unused(log: TrackLog) -> int:
    """An identity that the log has not, and had not before its corrections: the one after the highest, if there is."""
    named = [edit.get(key, []) for edit in log.header.get("edits", []) for key in ("tracks", "track", "into")]
    used = set(log.ids.tolist()).union(*(ids if isinstance(ids, list) else [ids] for ids in named))
    if max(used) < LARGEST:
        return max(used) + 1
    return next(identity for identity in count(1) if identity not in used)


def _refuse_overlap(together: TrackLog) -> None:
    crowded = np.flatnonzero(np.diff(together.offsets) > 1)
    if len(crowded):
        frame = together[int(crowded[0])]
        both = " and ".join(map(str, frame.ids.tolist()))
        raise UsageError(
            f"tracks {both} are both in frame {frame.index}, at {float(frame.seconds):.3f} s, "
            f"and in {len(crowded)} frame{'s' if len(crowded) > 1 else ''} in all",
            "one object is once in a frame: split or drop one of them first",
        )


def _with_identities(log: TrackLog, ids: np.ndarray, follow: Callable[[int, int | None], int]) -> TrackLog:
    """The log with other identities (N,); `follow` says which one an event's identity at a pts has become."""
    order = np.lexsort((ids, log.frame_rows))
    events = [event | {"id": follow(event["id"], event.get("pts"))} if "id" in event else event for event in log.events]
    return _summed_up(
        replace(
            log,
            ids=ids[order],
            classes=log.classes[order],
            scores=log.scores[order],
            boxes_xyxy=log.boxes_xyxy[order],
            states=log.states[order],
            events=events,
        )
    )


def _summed_up(log: TrackLog) -> TrackLog:
    """The log whose tracks, and crossings of lines and zones, are those of its frames."""
    return recounted(replace(log, tracks=summarise(log)))

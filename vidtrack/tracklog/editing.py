"""Manual corrections: each returns a new log whose header notes what was done."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count

import numpy as np

from vidtrack.core.class_names import class_filter
from vidtrack.core.errors import UsageError
from vidtrack.tracklog.counting import recounted
from vidtrack.tracklog.header import LARGEST
from vidtrack.tracklog.records import Event
from vidtrack.tracklog.selection import select
from vidtrack.tracklog.summary import summarise
from vidtrack.tracklog.track_log import TrackLog

FLAG = "flag"  # kind of the events that mark a doubtful track


def merge(log: TrackLog, identities: Sequence[int]) -> TrackLog:
    """The log with several tracks merged into the first one named.

    Raises UsageError for an identity the log does not have, for fewer than two, and if two are in the same frame.
    """
    wanted = list(dict.fromkeys(identities))
    if len(wanted) < 2:
        raise UsageError("a merge needs at least two tracks", "give their ids, such as 3 7")
    together = select(log, wanted)
    _refuse_overlap(together)
    kept, gone = wanted[0], wanted[1:]
    ids = np.where(np.isin(log.ids, gone), kept, log.ids)
    edited = _with_identities(log, ids, lambda identity, pts: kept if identity in gone else identity)
    return edited.edited("merge", tracks=wanted, into=kept)


def split(log: TrackLog, identity: int, at_seconds: Fraction | float) -> TrackLog:
    """The log with a track split in two; from the first frame at or after a time it has a new identity.

    Raises UsageError for an identity the log does not have, and for a time that leaves one part empty.
    """
    own = select(log, [identity])
    times = own.frame_seconds[own.frame_rows]
    at = float(at_seconds)
    later_rows = log.frame_seconds >= at - 1e-9
    if not times[0] < at - 1e-9 < times[-1]:
        raise UsageError(
            f"track {identity} cannot be split at {at:g} s: it lasts from {times[0]:.3f} to {times[-1]:.3f} s",
            "give a time after its first frame, no later than its last",
        )
    fresh = _unused(log)
    ids = np.where((log.ids == identity) & later_rows[log.frame_rows], fresh, log.ids)
    pts = int(log.frame_pts[int(later_rows.argmax())])
    edited = _with_identities(
        log, ids, lambda named, when: fresh if named == identity and when is not None and when >= pts else named
    )
    return edited.edited("split", track=identity, pts=pts, into=[identity, fresh])


def relabel(log: TrackLog, identities: Collection[int], name: str, add_class: bool = False) -> TrackLog:
    """The log with another class for some tracks, throughout; `add_class` adds a class that the log lacks.

    Raises UsageError for an identity or, without `add_class`, a class that the log does not have.
    """
    select(log, identities)
    if add_class and name.strip().lower() not in {known.lower() for known in log.class_names}:
        model = replace(log.header.model, classes=(*log.header.model.classes, name.strip()))
        log = replace(log, header=replace(log.header, model=model))
    kind = int(class_filter(log.class_names, [name]).argmax())
    events = [
        replace(event, cls=kind) if event.identity in identities and event.cls is not None else event
        for event in log.events
    ]
    classes = np.where(np.isin(log.ids, list(identities)), kind, log.classes)
    edited = _summarised(replace(log, classes=classes, events=events))
    return edited.edited("relabel", tracks=sorted(set(identities)), cls=kind, name=log.class_names[kind])


def drop(log: TrackLog, identities: Collection[int]) -> TrackLog:
    """The log without some of its tracks; its frames stay. Raises UsageError for an identity it does not have."""
    select(log, identities)
    kept = select(log, set(log.ids.tolist()) - set(identities))
    events = [event for event in log.events if event.identity not in identities]
    return _summarised(replace(kept, events=events)).edited("drop", tracks=sorted(set(identities)))


def flag(log: TrackLog, identity: int, at_seconds: Fraction | float) -> TrackLog:
    """The log with an event that marks a track as doubtful from a time on, for whoever corrects it later.

    Raises UsageError for an identity the log does not have.
    """
    select(log, [identity])
    row = max(0, int(np.searchsorted(log.frame_seconds, float(at_seconds) + 1e-9, side="right")) - 1)
    index, pts = int(log.frame_indices[row]), int(log.frame_pts[row])
    event = Event(FLAG, f"track {identity} may switch to another object", index, pts, identity=identity)
    at = next((n for n, other in enumerate(log.events) if other.index is None or other.index > index), len(log.events))
    flagged = replace(log, events=[*log.events[:at], event, *log.events[at:]])
    return flagged.edited("flag", track=identity, pts=pts)


def _unused(log: TrackLog) -> int:
    """An identity that the log never had, even before its corrections: the highest plus one, if possible."""
    named = [edit.details.get(key, []) for edit in log.header.edits for key in ("tracks", "track", "into")]
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
            f"tracks {both} overlap in frame {frame.index}, at {float(frame.seconds):.3f} s; "
            f"{len(crowded)} such frame{'s' if len(crowded) > 1 else ''} in total",
            "split or drop one of them first",
        )


def _with_identities(log: TrackLog, ids: np.ndarray, follow: Callable[[int, int | None], int]) -> TrackLog:
    """The log with other identities (N,); `follow` maps an event's identity and pts to its new identity."""
    events = [
        event if event.identity is None else replace(event, identity=follow(event.identity, event.pts))
        for event in log.events
    ]
    reordered = log.with_objects(np.lexsort((ids, log.frame_rows)), ids=ids)
    return _summarised(replace(reordered, events=events))


def _summarised(log: TrackLog) -> TrackLog:
    """The log with track summaries and crossings that match its frames."""
    return recounted(replace(log, summaries=summarise(log)))

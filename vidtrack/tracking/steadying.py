"""Tracks as a video shows them: smooth boxes, no short gaps, one class per track; logs keep what was measured."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from vidtrack.core.types import FrameTracks, VideoInfo
from vidtrack.tracking.smoothing import (
    Delays,
    GapFiller,
    GapFillerState,
    Smoother,
    SmootherState,
    fill_gaps,
    smooth,
)
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.selection import track_classes

SMOOTH_SECONDS, GAP_SECONDS = 0.2, 0.4
_MOST_HELD = 512e6  # bytes of images that wait
_OVERRULED_BY = 2.0  # times the votes for the class shown that another needs
_TRACKS_KEPT = 1024


def steady(log: TrackLog) -> TrackLog:
    """The log as a video shows it."""
    classes = track_classes(log)
    one_class = replace(log, classes=np.array([classes[n] for n in log.ids.tolist()], np.int64))
    return fill_gaps(smooth(one_class, SMOOTH_SECONDS), GAP_SECONDS)


@dataclass(frozen=True)
class TrackVotes:
    """The summed scores of a track by class, and the class shown so far."""

    identity: int
    shown: int
    votes: tuple[tuple[int, float], ...]  # (class, sum)


@dataclass(frozen=True)
class SteadierState:
    """What is remembered of the frames before."""

    smoother: SmootherState
    gap_filler: GapFillerState
    votes: tuple[TrackVotes, ...]


class Steadier:
    """Steadies tracks frame by frame, at a fixed delay; large frames wait for less long, to save memory."""

    def __init__(self, info: VideoInfo) -> None:
        wanted = (SMOOTH_SECONDS + GAP_SECONDS) * float(info.average_rate or 25) * info.size[0] * info.size[1] * 3
        share = min(1.0, _MOST_HELD / wanted)
        self._smoother, self._gap_filler = Smoother(SMOOTH_SECONDS * share), GapFiller(GAP_SECONDS * share)
        self._delays = Delays([self._smoother, self._gap_filler])
        self._votes: dict[int, dict[int, float]] = {}
        self._shown: dict[int, int] = {}

    def push(self, tracks: FrameTracks) -> Iterator[FrameTracks]:
        """Take the next frame; yields those before it that are done, in order."""
        self._vote(tracks)
        yield from map(self._with_one_class, self._delays.push(tracks))

    def flush(self) -> Iterator[FrameTracks]:
        """The frames still held, at the end of the clip."""
        yield from map(self._with_one_class, self._delays.flush())

    def state(self) -> SteadierState:
        """What `restore` needs."""
        votes = tuple(TrackVotes(n, self._shown.get(n, -1), tuple(own.items())) for n, own in self._votes.items())
        return SteadierState(self._smoother.state(), self._gap_filler.state(), votes)

    def restore(self, state: SteadierState) -> None:
        """Continue from `state`."""
        self._smoother.restore(state.smoother)
        self._gap_filler.restore(state.gap_filler)
        self._votes = {own.identity: dict(own.votes) for own in state.votes}
        self._shown = {own.identity: own.shown for own in state.votes if own.shown >= 0}

    def _vote(self, tracks: FrameTracks) -> None:
        for identity, kind, score in zip(
            tracks.ids.tolist(), tracks.classes.tolist(), tracks.scores.tolist(), strict=True
        ):
            own = self._votes.pop(identity, {})
            own[kind] = own.get(kind, 0.0) + score
            self._votes[identity] = own
        while len(self._votes) > _TRACKS_KEPT:
            longest_unseen = next(iter(self._votes))
            del self._votes[longest_unseen]
            self._shown.pop(longest_unseen, None)

    def _with_one_class(self, tracks: FrameTracks) -> FrameTracks:
        return replace(tracks, classes=np.array([self._class_of(n) for n in tracks.ids.tolist()], np.int64))

    def _class_of(self, identity: int) -> int:
        """The class with most votes; once shown, it stays unless it is clearly overruled."""
        votes = self._votes[identity]
        best = max(votes, key=votes.__getitem__)
        shown = self._shown.setdefault(identity, best)
        if votes[best] > _OVERRULED_BY * votes.get(shown, 0.0):
            self._shown[identity] = best
        return self._shown[identity]

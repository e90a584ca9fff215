"""Maps the times of a log to the frames of an editing timeline."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from vidtrack.tracklog.header import Source

_BROADCAST = [Fraction(n * 1000, 1001) for n in (24, 30, 48, 60, 120, 240)]
_WHOLE = [Fraction(n) for n in (24, 25, 30, 48, 50, 60, 100, 120, 240)]
_SAME_RATE = Fraction(1, 2000)  # 29.97 is meant to be 30000/1001; 23.976 and 24 are 1/1000 apart
_JITTER = 0.1  # of a frame: what a time may be off its frame
_MOST_JITTER = 0.4
_MOST_LOST = 2  # times the rate of the frames there are: at 1000 a second every time in milliseconds would fit


def meant_rate(rate: Fraction) -> Fraction:
    """The exact rate of one that was rounded for people: 30000/1001 of 29.97."""
    return next(_near(rate))


def constant_rate(source: Source, indices: np.ndarray, pts: np.ndarray) -> Fraction | None:
    """The frame rate at which every logged time falls on a whole frame; None if no rate does.

    `source` is of a log's header; `indices` (F,) are decoded ordinals, `pts` (F,) ticks of its time base. Missing
    frames do not make the rate variable: the frames around them are still in place.
    """
    time_base = source.time_base
    seconds = float((pts[-1] - pts[0]) * time_base) if len(pts) else 0.0
    highest = _MOST_LOST * float(indices[-1] - indices[0]) / seconds if seconds > 0 else np.inf
    for rate in _candidates(source, time_base, indices, pts):
        if rate <= highest and _fits(pts, time_base, rate):
            return rate
    return None


def frames_at(pts: np.ndarray, time_base: Fraction, rate: Fraction) -> np.ndarray:
    """The frame (F,) int64 of a timeline at `rate` that each time is nearest to."""
    return np.rint(_positions(pts, time_base, rate)).astype(np.int64)


def shown_at(pts: np.ndarray, time_base: Fraction, rate: Fraction) -> np.ndarray:
    """For each frame of a timeline at `rate` the row that is on screen at its time (M,) int64.

    `pts` (F,) rises; frames before the first time show no row, -1. The last row stays as long as the one before it. A
    time that a container rounded up, by up to half a tick, still counts as in time.
    """
    if len(pts) == 0:
        return np.zeros(0, np.int64)
    late = 0.05 + float(time_base * rate) / 2
    positions = _positions(pts, time_base, rate)  # in timeline frames
    last_stays = positions[-1] - positions[-2] if len(pts) > 1 else 0.0
    count = max(int(np.ceil(positions[-1] + last_stays - 2 * late)), int(positions[-1] + late) + 1)
    return np.searchsorted(positions - late, np.arange(count), side="right").astype(np.int64) - 1


def spread_of_rates(time_base: Fraction, indices: np.ndarray, pts: np.ndarray) -> tuple[float, float]:
    """The lowest and highest frame rate between neighbouring frames, for a message."""
    rates = np.diff(indices) / (np.diff(pts) * float(time_base))
    return float(rates.min()), float(rates.max())


def _positions(pts: np.ndarray, time_base: Fraction, rate: Fraction) -> np.ndarray:
    step = time_base * rate  # frames a tick
    return pts.astype(np.float64) * step.numerator / step.denominator


def _fits(pts: np.ndarray, time_base: Fraction, rate: Fraction) -> bool:
    positions = _positions(pts, time_base, rate)
    frames = np.rint(positions)
    allowed = min(_JITTER + float(time_base * rate) / 2, _MOST_JITTER)
    return bool((np.abs(positions - frames) <= allowed).all() and (np.diff(frames) > 0).all())


def _candidates(source: Source, time_base: Fraction, indices: np.ndarray, pts: np.ndarray) -> Iterator[Fraction]:
    """Rates worth a try, the most likely one first."""
    if source.average_rate is not None:
        yield from _near(source.average_rate)
    if len(pts) > 1 and pts[-1] > pts[0]:
        yield from _near(Fraction(int(indices[-1] - indices[0]), int(pts[-1] - pts[0])) / time_base)
        ticks = float(np.median(np.diff(pts) / np.maximum(np.diff(indices), 1)))
        yield from _near(1 / (Fraction(ticks).limit_denominator(1000) * time_base))


def _near(rate: Fraction) -> Iterator[Fraction]:
    yield from (known for known in (*_BROADCAST, *_WHOLE) if abs(known - rate) < _SAME_RATE * rate)
    yield rate

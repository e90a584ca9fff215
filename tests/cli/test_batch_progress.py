"""Counts, speed and time left of a batch."""

from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.batch.engine import Outcome
from vidtrack.batch.plan import Job
from vidtrack.cli.batch_progress import BatchProgress
from vidtrack.core.errors import InputError
from vidtrack.core.stages import Progress


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds; a list of one, so that a test can move it."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def of_clips(*sizes: int, done_before: int = 0) -> BatchProgress:
    batch = BatchProgress()
    batch.done_before = done_before
    for number, size in enumerate(sizes):
        batch.queue(source(number), size)
    return batch


def source(number: int) -> Path:
    return Path(f"in/{number}.mp4")


def progress(frames: int) -> Progress:
    return Progress(frames, expected=100, tracks=1, clip_seconds=2.0)


def test_the_time_left_counts_what_is_done_of_clips_under_way(now: list[float]) -> None:
    batch = of_clips(300, 100, done_before=5)
    assert batch.eta_seconds() is None
    batch.advance(source(0), progress(50))
    now[0] += 1
    assert batch.eta_seconds() is None
    now[0] += 29
    assert batch.eta_seconds() == pytest.approx(30 * 250 / 150)
    assert batch.rate() == pytest.approx(50 / 30)
    assert batch.line() == "0/2 clips done, 5 done before, 1.7 fps, 0:50 left: 0.mp4 50/100"
    batch.finish(Outcome(Job(source(0), None, None), "failed", error=InputError("in/0.mp4 is not a video")))
    assert batch.eta_seconds() == pytest.approx(30 * 100 / 300)
    assert batch.line() == "0/2 clips done, 1 failed, 5 done before, 0.0 fps, 0:10 left"


def test_a_line_about_many_workers_names_some_of_their_clips(now: list[float]) -> None:
    batch = of_clips(*[100] * 9)
    for number in range(6):
        batch.clips[source(number)].worker = 5 - number
        batch.advance(source(number), progress(number + 1))
    assert batch.line().endswith(": 5.mp4 6/100, 4.mp4 5/100, 3.mp4 4/100, 2.mp4 3/100 and 2 more")

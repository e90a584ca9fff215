"""What people and programs read while clips are tracked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vidtrack.batch.engine import Outcome
from vidtrack.batch.events import BatchWarning, ClipCrashed, ClipFinished, ClipProgressed, ClipsQueued, ClipStarted
from vidtrack.batch.plan import Job
from vidtrack.cli.options import ProgressStyle
from vidtrack.cli.reporter import Reporter, reporter
from vidtrack.core.errors import InputError
from vidtrack.core.stages import Progress

KILLED = "its worker was killed (SIGSEGV)"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds; a list of one, so that a test can move it."""
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    return now


def of_clips(style: ProgressStyle, *sizes: int, done_before: int = 0) -> Reporter:
    shown = reporter(style)
    shown(ClipsQueued(tuple((job(number), size) for number, size in enumerate(sizes)), done_before))
    return shown


def job(number: int) -> Job:
    return Job(Path(f"in/{number}.mp4"), None, Path(f"out/{number}.jsonl"))


def progress(frames: int) -> Progress:
    return Progress(frames, expected=100, tracks=1, clip_seconds=2.0)


def failed(number: int, message: str) -> ClipFinished:
    return ClipFinished(Outcome(job(number), "failed", error=InputError(message)))


@pytest.mark.parametrize("style", [ProgressStyle.plain, ProgressStyle.none])
def test_a_log_file_gets_a_line_every_ten_seconds(
    style: ProgressStyle, now: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    shown = of_clips(style, 300)
    for frames in range(1, 41):
        shown(ClipProgressed(job(0), 0, progress(frames)))
        now[0] += 0.5
    expected = [f"0.mp4: {frames}/100 frames, 2.0 fps, 0:{left} left" for frames, left in ((21, 40),)]
    assert capsys.readouterr().err.splitlines() == (expected if style is ProgressStyle.plain else [])


def test_programs_read_json_whatever_happens(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    shown = of_clips(ProgressStyle.json, 300, 100, done_before=5)
    shown(ClipStarted(job(0), 3))
    shown(ClipProgressed(job(0), 3, progress(50)))
    shown(ClipProgressed(job(0), 3, progress(51)))  # too soon after the one before
    shown(ClipCrashed(job(0), 3, KILLED))
    shown(BatchWarning("two clips have the same output"))
    shown(failed(1, "not a video"))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    kinds = [event.pop("event") for event in events]
    assert kinds == ["started", "progress", "batch", "crashed", "warning", "outcome"]
    started, progressed, batch, crashed, warning, outcome = events
    assert started == {"source": "in/0.mp4", "worker": 3}
    assert progressed == {
        "source": "in/0.mp4", "worker": 3, "frames": 50, "expected": 100, "tracks": 1, "fps": 0, "eta_seconds": None,
    }  # fmt: skip
    assert batch == {"clips": 2, "done": 0, "failed": 0, "done_before": 5, "fps": 50 / 1e-3, "eta_seconds": None}
    assert crashed["reason"] == KILLED and warning == {"message": "two clips have the same output"}
    assert outcome["error"] == "not a video"


def test_of_one_clip_programs_read_no_totals(now: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    shown = reporter(ProgressStyle.json)
    advance = shown.follow(Path("in/0.mp4"))
    for frames in range(1, 13):
        advance(progress(frames))
        now[0] += 1
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(event["event"], event["frames"]) for event in events] == [("progress", n) for n in range(1, 13)]
    assert (events[5]["fps"], events[5]["eta_seconds"]) == (1.0, 94.0)


@pytest.mark.parametrize("style", [ProgressStyle.plain, ProgressStyle.rich])
def test_people_read_which_clip_it_was(style: ProgressStyle, capsys: pytest.CaptureFixture[str]) -> None:
    with of_clips(style, 300, 100) as shown:
        shown(ClipStarted(job(0), 0))
        shown(ClipProgressed(job(0), 0, progress(1)))
        shown(ClipCrashed(job(0), 0, KILLED))
        shown(failed(0, "in/0.mp4 is not a video"))
        shown(failed(1, "the zone lies outside"))
    said = capsys.readouterr().err
    for line in (
        f"0.mp4: {KILLED}",
        "vidtrack: error: in/0.mp4 is not a video",
        "vidtrack: error: in/1.mp4: the zone lies outside",
    ):
        assert line in said

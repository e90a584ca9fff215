from __future__ import annotations

import json
from pathlib import Path

import pytest

from vidtrack.batch.engine import Crashed, Outcome, Progressed, Started, Task
from vidtrack.batch.plan import Job
from vidtrack.cli import dashboard as module
from vidtrack.cli.dashboard import Dashboard, dashboard
from vidtrack.cli.options import ProgressStyle
from vidtrack.core.errors import InputError
from vidtrack.core.stages import Progress
from vidtrack.pipeline.config import RunConfig


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, in seconds; a list of one, so that a test can move it."""
    now = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def of_two_clips(style: ProgressStyle) -> Dashboard:
    """Clips of 300 and 100 bytes, and five that were done before."""
    shown = dashboard(style, 5)
    for number, size in enumerate((300, 100)):
        shown.add(Task(number, job(number), RunConfig()), size)
    return shown


def job(number: int) -> Job:
    return Job(Path(f"in/{number}.mp4"), None, Path(f"out/{number}.jsonl"))


def half_way(number: int) -> Progressed:
    return Progressed(number, 0, Progress(frames=50, expected=100, tracks=1, clip_seconds=2.0))


def test_the_time_left_counts_what_is_done_of_clips_under_way(clock: list[float]) -> None:
    shown = of_two_clips(ProgressStyle.none)
    assert shown.eta_seconds() is None
    shown.event(Started(0, 0))
    shown.event(half_way(0))
    clock[0] += 1
    assert shown.eta_seconds() is None
    clock[0] += 29
    assert shown.eta_seconds() == pytest.approx(30 * 250 / 150)
    assert shown.rate() == pytest.approx(50 / 30)
    shown.outcome(Outcome(job(0), "failed", error=InputError("in/0.mp4 is no video")))
    assert shown.eta_seconds() == pytest.approx(30 * 100 / 300)
    assert shown.line() == "1/2 clips, 1 failed, 5 done before, 0.0 fps, 0:10 left"


def test_programs_read_json_whatever_happens(clock: list[float], capsys: pytest.CaptureFixture[str]) -> None:
    shown = of_two_clips(ProgressStyle.json)
    shown.event(Started(0, 0))
    shown.event(half_way(0))
    shown.event(Crashed(0, 0, "its worker was killed (SIGSEGV)"))
    shown.warn("two clips of one name")
    shown.outcome(Outcome(job(1), "failed", error=InputError("no video")))
    events = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [event["event"] for event in events] == ["started", "batch", "crashed", "warning", "outcome"]
    assert (events[1]["eta_seconds"], events[1]["done_before"]) == (None, 5)
    assert events[2]["reason"].endswith("(SIGSEGV)")


@pytest.mark.parametrize("style", [ProgressStyle.plain, ProgressStyle.rich])
def test_people_read_which_clip_it_was(style: ProgressStyle, capsys: pytest.CaptureFixture[str]) -> None:
    with of_two_clips(style) as shown:
        shown.event(Started(0, 0))
        shown.event(Crashed(0, 0, "its worker was killed (SIGSEGV)"))
        shown.outcome(Outcome(job(0), "failed", error=InputError("in/0.mp4 is no video")))
        shown.outcome(Outcome(job(1), "failed", error=InputError("the zone lies outside")))
    said = capsys.readouterr().err
    for line in (
        "0.mp4: its worker was killed (SIGSEGV)",
        "vidtrack: error: in/0.mp4 is no video",
        "vidtrack: error: in/1.mp4: the zone lies outside",
    ):
        assert line in said

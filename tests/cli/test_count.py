"""Lines and zones, counted in a log and live."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from tests.tracklog.logs import made_log
from vidtrack import TrackLog
from vidtrack.tracklog import Event

Command = Callable[..., Ended]
LINE, ZONE = "gate=50%,0%,50%,100%", "yard=0,0,100,0,100,272,0,272"


def standing_at(x: float) -> tuple[float, ...]:
    return (x - 10, 100, x + 10, 140)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """1 walks from the right into the yard at the left, 2 drives the other way out of it, 3 stands still."""
    frames = [
        {1: standing_at(600 - 55 * n), 2: standing_at(50 + 55 * n), 3: standing_at(500)} for n in range(11)
    ]  # fmt: skip
    return made_log(tmp_path / "clip.tracks.jsonl", frames, {2: 1})


def crossings(log: Path) -> list[Event]:
    return [event for event in TrackLog.load(log).events if event.direction is not None]


def test_crossings_are_counted_by_class(vidtrack: Command, log: Path) -> None:
    ended = vidtrack("count", log, "--line", LINE, "--zone", ZONE)
    assert (ended.code, ended.err) == (0, "")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["line", "class", "right", "left"],
        ["gate", "person", "1", "0"],
        ["gate", "car", "0", "1"],
        ["gate", "all", "1", "1"],
        [],
        ["zone", "class", "enter", "exit", "appear"],
        ["yard", "person", "1", "0", "0"],
        ["yard", "car", "0", "1", "1"],
        ["yard", "all", "1", "1", "1"],
    ]


def test_only_some_tracks_can_count_and_a_line_nobody_crosses_has_zeros(vidtrack: Command, log: Path) -> None:
    found = json.loads(vidtrack("count", log, "--line", LINE, "--classes", "car", "--json").out)
    assert found["counts"] == [{"kind": "line", "name": "gate", "class": "car", "right": 0, "left": 1}]
    (crossing,) = found["crossings"]
    assert (crossing["id"], crossing["direction"], crossing["t"]) == (2, "left", 0.2)
    far = vidtrack("count", log, "--line", "far=639,0,639,272").out.splitlines()
    assert far[1].split() == ["far", "all", "0", "0"]


def test_counted_crossings_can_be_written_and_read_again(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    counted = tmp_path / "counted.jsonl"
    first = vidtrack("count", log, "--line", LINE, "-o", counted)
    assert vidtrack("count", counted) == first
    assert vidtrack("validate", counted).code == 0
    assert [(event.identity, event.index) for event in crossings(counted)] == [(2, 5), (1, 6)]
    assert vidtrack("drop", counted, 2, "--in-place").code == 0
    assert [event.identity for event in crossings(counted)] == [1]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "has no logged crossings"),
        (["--line", "gate=1,2"], "has 1 point (a line has two"),
        (["--line", LINE, "--zone", "gate=0,0,9,0,9,9"], "called gate"),
        (["--line", "gate=700,0,700,272"], "outside the image of 640x272"),
        (["-o", "x.jsonl"], "-o requires --line or --zone"),
        (["--line", LINE, "-o", "LOG"], "is the input log"),
        (["--line", LINE, "--tracks", "9"], "no track 9"),
    ],
)
def test_what_cannot_be_counted_is_said_in_a_line(
    vidtrack: Command, log: Path, arguments: list[str], said: str
) -> None:
    ended = vidtrack("count", log, *(str(log) if word == "LOG" else word for word in arguments))
    assert (ended.code, ended.out, len(ended.err.splitlines())) == (2, "", 1)
    assert said in ended.err


def test_live_counting_logs_what_counting_afterwards_finds(
    vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=24))
    places = ["--line", "gate=50%,0%,50%,100%", "--zone", "half=0%,0%,100%,0%,100%,60%,0%,60%"]
    live, later = tmp_path / "live.jsonl", tmp_path / "later.jsonl"
    model = ["--model", tiny_checkpoint, "--score", "0.3", "--progress", "none"]
    assert vidtrack("detect", clip, "-o", live, *model, *places).code == 0
    assert vidtrack("validate", live).code == 0
    assert crossings(live)
    assert vidtrack("count", live, *places, "-o", later).code == 0
    assert crossings(live) == crossings(later)
    assert vidtrack("count", live).out == vidtrack("count", later).out
    parameters = TrackLog.load(live).header.run.parameters
    assert parameters["lines"] == [{"name": "gate", "points": [[50.0, 0.0], [50.0, 100.0]], "percent": True}]


def test_detect_refuses_a_bad_line_before_any_work(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=3))
    for line, said in (("gate=1,2,3", "is not a valid line"), ("gate=500,0,500,60", "outside the image of 160x68")):
        ended = vidtrack("detect", clip, "--model", tiny_checkpoint, "--progress", "none", "--line", line)
        assert ended.code == 2
        assert said in ended.err.splitlines()[-1]
        assert list(tmp_path.iterdir()) == [clip]

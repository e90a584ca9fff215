from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.tracklog.logs import made_log
from vidtrack.core.errors import LogError
from vidtrack.tracklog import Status, TrackLog, read_ends
from vidtrack.tracklog.validation import validate

BOX = (10.25, 20.5, 30.75, 60.0)
Lines = list[dict[str, Any]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", [{1: BOX}, {1: BOX, 2: BOX}, {2: BOX}], {2: 1})


def lines_of(path: Path) -> Lines:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def rewrite(path: Path, lines: Lines) -> Path:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


def test_a_log_as_written_is_valid(path: Path) -> None:
    found = validate(path)
    assert found.faults == ()
    assert (found.frames, found.tracks, found.events, found.status) == (3, 2, 2, "complete")


def change(line: int, *keys: str | int, to: Any) -> Callable[[Lines], None]:
    def apply(lines: Lines) -> None:
        place: Any = lines[line]
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = to

    return apply


# lines: 0 header, 1 and 2 frames, 3 event, 4 frame, 5 event, 6 and 7 tracks, 8 footer
@pytest.mark.parametrize(
    ("spoil", "line", "said"),
    [
        (change(1, "objs", 0, "score", to=1.5), 2, "objs/0/score: 1.5 is greater"),
        (change(1, "objs", 0, "state", to="seen"), 2, "objs/0/state"),
        (change(1, "objs", 0, "box", to=[1, 2, 3]), 2, "objs/0/box"),
        (lambda lines: lines[1].pop("t"), 2, '"t" is a required property'),
        (lambda lines: lines[0].pop("coords"), 1, '"coords" is a required property'),
        (change(2, "i", to=0), 3, "frame 0 comes after frame 0"),
        (change(2, "pts", to=0), 3, "pts 0 comes after pts 0"),
        (change(2, "t", to=1.0), 3, "t is 1.0, pts says 0.040000"),
        (change(2, "objs", 1, "id", to=1), 3, "track 1 is listed twice in frame 1"),
        (lambda lines: lines[2]["objs"].reverse(), 3, "not in order of id"),
        (change(2, "objs", 0, "cls", to=3), 3, "class 3 of a model with 3"),
        (change(2, "objs", 0, "score", to=float("nan")), 3, "objs/0/score: null"),
        (change(2, "objs", 0, "box", to=[30, 20, 10, 60]), 3, "has no area"),
        (change(2, "objs", 0, "box", to=[600, 20, 640.5, 60]), 3, "exceeds the image of 640x272"),
        (change(2, "objs", 0, "box", to=[-1, 20, 64, 60]), 3, "exceeds the image"),
        (change(7, "frames", to=9), 8, "track 2: frames is 9, its frames say 2"),
        (change(7, "mean_score", to=0.1), 8, "track 2: mean_score is 0.1"),
        (change(6, "best", to=None), 7, "track 1: best is None"),
        (change(7, "id", to=4), 0, "track 2 has no summary"),
        (change(7, "id", to=4), 8, "track 4 is in no frame"),
        (change(7, "id", to=1), 8, "track 1 has two summaries"),
        (change(8, "frames", to=4), 9, "the footer counts 4 frames, the log has 3"),
        (change(8, "tracks", to=4), 9, "the footer counts 4 tracks, the log has summaries of 2"),
        (change(8, "status", to="fine"), 9, "fine"),
        (lambda lines: lines.insert(7, lines[1]), 8, "a frame line after track lines"),
        (lambda lines: lines.append(lines[5]), 10, "an event line after the footer"),
        (lambda lines: lines.insert(3, lines[0]), 4, "a second header"),
        (change(3, "type", to="note"), 4, "unknown type 'note'"),
        (change(0, "edits", to=[{"op": "merge"}]), 1, '"made" is a required property'),
    ],
)
def test_each_broken_promise_is_named_with_its_line(
    path: Path, spoil: Callable[[Lines], None], line: int, said: str
) -> None:
    lines = lines_of(path)
    spoil(lines)
    found = [fault.message for fault in validate(rewrite(path, lines)).faults if fault.line == line]
    assert any(said in message for message in found), validate(path).faults


HUGE = int("9" * 400)
CROSSING = {"kind": "line", "i": 1, "pts": 512, "message": "", "name": "gate", "id": 1, "cls": 0, "direction": "left"}


@pytest.mark.parametrize(
    "spoil",
    [
        *(
            change(0, "source", *place, to=value)
            for place in (
                ("time_base", 0), ("average_rate", 1), ("size", 0), ("sample_aspect_ratio", 0), ("start_pts",),
                ("frame_count",), ("bytes",),
            )
            for value in (10**30, HUGE)
        ),
        change(0, "source", "duration", to=[HUGE, 1]),
        change(0, "source", "average_rate", to=[25.0, 1]),
        change(0, "source", "duration", to=float("inf")),
        change(0, "source", "size", to=[1_000_001, 2]),
        change(0, "edits", to=[{"op": "merge", "tracks": [HUGE], "made": "2026-01-01T00:00:00Z", "version": "1"}]),
        change(0, "run", "parameters", to={"lines": [{"name": "a", "points": [[0, 0], [1e30, 0]]}]}),
        change(0, "run", "parameters", to={"spot": "top"}),
        change(4, "i", to=2**53),
        change(1, "pts", to=-(2**53)),
        change(1, "pts", to=HUGE),
        change(1, "objs", 0, "id", to=2**53),
        change(1, "objs", 0, "id", to=1.0),
        change(3, "pts", to=10**30),
        change(3, "i", to=HUGE),
        change(3, "pts", to=float("inf")),
        *(lambda lines, gone=gone: lines[3].update(CROSSING) or lines[3].pop(gone) for gone in CROSSING),
        *(lambda lines, gone=gone: lines[3].update(CROSSING | {gone: None}) for gone in ("i", "pts")),
        change(6, "id", to=[1]),
        change(6, "frames", to=HUGE),
        change(8, "fps", to=HUGE),
    ],
)  # fmt: skip
def test_what_has_no_measure_is_a_fault_and_nothing_is_read(path: Path, spoil: Callable[[Lines], None]) -> None:
    lines = lines_of(path)
    spoil(lines)
    assert validate(rewrite(path, lines)).faults
    with pytest.raises(LogError, match=r"track log|(exceeds|outside 1 to) 9007199254740991"):
        TrackLog.load(path)


@pytest.mark.parametrize(
    "add",
    [
        change(0, "annotator", to={"duration": 12.5, "size": 1.5}),
        change(0, "model", "size", to=640.0),
        change(0, "source", "lens", to={"size": 35.5}),
        *(change(line, "duration", to=1.5) for line in (1, 3, 6, 8)),
        change(1, "objs", 0, "frames", to=0.5),
    ],
)
def test_keys_of_ones_own_hold_what_they_like(path: Path, add: Callable[[Lines], None]) -> None:
    lines = lines_of(path)
    add(lines)
    assert validate(rewrite(path, lines)).faults == ()
    assert len(TrackLog.load(path)) == 3


def test_times_past_64_bits_are_times_all_the_same(path: Path) -> None:
    lines = lines_of(path)
    change(0, "source", "time_base", to=[2**50, 1])(lines)
    change(4, "pts", to=2**53 - 1)(lines)
    seconds = TrackLog.load(rewrite(path, lines)).frame_seconds
    assert seconds[-1] == pytest.approx(2.0**103)


def test_an_event_without_a_class_needs_no_classes(tmp_path: Path) -> None:
    path = made_log(tmp_path / "clip.tracks.jsonl", [{}, {}, {}], names=())
    assert validate(path).faults == ()


def test_a_log_cut_off_within_its_header_is_named_alike_everywhere(path: Path) -> None:
    path.write_text(path.read_text("utf-8")[:200], "utf-8")
    for read in (validate, TrackLog.load, read_ends):
        with pytest.raises(LogError, match="is not a track log, or is cut off within its header"):
            read(path)


def test_a_log_cut_off_is_valid_up_to_its_end(path: Path) -> None:
    text = path.read_text("utf-8")
    path.write_text(text[: text.index('"i":2')], "utf-8")
    found = validate(path)
    assert found.status == "incomplete"
    assert found.frames == 2
    assert [fault.line for fault in found.faults] == [4, 0]
    assert "ends in the middle" in found.faults[0].message
    assert "the last frame is 1" in found.faults[1].message


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "is empty"), ("once upon a time\n" * 3, "not JSON"), ('{"type": "frame"}\n', "is not a track log")],
)
def test_other_files_are_no_logs(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "clip.jsonl"
    path.write_text(text)
    with pytest.raises(LogError, match=said):
        validate(path)


def test_a_later_minor_version_is_read(path: Path) -> None:
    lines = lines_of(path)
    lines[0] |= {"schema": "vidtrack.track-log/1.4", "weather": "rain"}
    assert validate(rewrite(path, lines)).faults == ()
    assert len(TrackLog.load(path)) > 0


def test_a_newer_version_is_not_judged(path: Path) -> None:
    lines = lines_of(path)
    lines[0]["schema"] = "vidtrack.track-log/2"
    with pytest.raises(LogError, match="version 2"):
        validate(rewrite(path, lines))


def test_text_that_no_file_can_hold_is_a_fault_and_nothing_is_read(path: Path) -> None:
    lines = lines_of(path)
    lines[0]["model"]["classes"][0] = "\ud800person"
    assert any("lone surrogate" in fault.message for fault in validate(rewrite(path, lines)).faults)
    with pytest.raises(LogError, match="lone surrogate"):
        TrackLog.load(path)


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("name", ["clip.tracks.json", "clip.tracks.jsonl", "clip.tracks.json.gz"])
def test_an_array_is_a_log_however_it_is_laid_out(path: Path, tmp_path: Path, name: str, indent: int | None) -> None:
    text = json.dumps(lines_of(path), indent=indent)
    array = tmp_path / "array" / name
    array.parent.mkdir()
    array.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    found = validate(array)
    assert (found.faults, found.frames, found.status) == ((), 3, Status.COMPLETE)
    assert TrackLog.load(array).events == TrackLog.load(path).events
    header, footer = read_ends(array)
    assert header == TrackLog.load(path).header
    assert footer is not None and footer.frames == 3


@pytest.mark.parametrize("read", [validate, TrackLog.load, read_ends])
def test_a_pipe_is_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "pipe.jsonl")
    with pytest.raises(LogError, match="is not a regular file"):
        read(tmp_path / "pipe.jsonl")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"type":"frame","i":0,"pts":0,"t":0,"objs":[' + "[]," * (1 << 20) + "[]]}", "holds more than 1048576 values"),
        ("[" + "[]," * (1 << 20) + "[]]", "holds more than 1048576 values"),
    ],
)
def test_a_line_of_many_values_does_not_fill_the_memory(path: Path, line: str, said: str) -> None:
    header = path.read_text("utf-8").splitlines()[0]
    path.write_text(f"{header}\n{line}\n", "utf-8")
    with pytest.raises(LogError, match=said):
        TrackLog.load(path)

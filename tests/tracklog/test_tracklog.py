from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from vidtrack.core.errors import LogError, OutputError, UsageError
from vidtrack.core.types import FrameTracks, ObjectState, VideoInfo
from vidtrack.tracklog import SUFFIXES, Event, LogWriter, RunFigures, Status, TrackLog, line_schema, read_ends
from vidtrack.tracklog.header import ContentHash, Header, ModelInfo
from vidtrack.tracklog.provenance import log_header

TIME_BASE = Fraction(1001, 30000)


def header() -> Header:
    info = VideoInfo(
        path=Path("clip.mov"),
        container="mov",
        codec="h264",
        pixel_format="yuv420p",
        coded_size=(640, 360),
        size=(360, 640),
        rotation=90,
        sample_aspect_ratio=Fraction(1),
        time_base=TIME_BASE,
        start_pts=3,
        average_rate=1 / TIME_BASE,
        frame_count=None,
        duration_seconds=Fraction(3, 2),
        timecode="01:00:00:00",
    )
    model = ModelInfo("tiny", None, ("person", "café"))
    return log_header(info, ContentHash("sha256", "0" * 64), {"stride": 1}, model, "cpu", "float32")


def tracks(index: int, *objects: tuple[int, int, float, tuple[float, ...], ObjectState]) -> FrameTracks:
    ids, classes, scores, boxes, states = zip(*objects, strict=True) if objects else ((), (), (), (), ())
    return FrameTracks(
        index,
        index * 2,
        TIME_BASE,
        np.array(ids, np.int64),
        np.array(classes, np.int64),
        np.array(scores, np.float32),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(states, np.int64),
    )


SEEN, SUPPOSED = ObjectState.DETECTED, ObjectState.PREDICTED
FRAMES = [
    tracks(4),
    tracks(6, (2, 1, 0.75, (1.004, 2.006, 30.5, 40.25), SEEN), (1, 0, 1 / 3, (-0.001, 5, 20, 25), SUPPOSED)),
    tracks(8, (2, 0, 0.5, (1, 2, 101, 102), SEEN)),
    tracks(10, (2, 1, 0.25, (1, 2, 31, 41), SEEN), (1, 0, 0.5, (0, 5, 20, 25), SEEN)),
]


def write(path: Path) -> Path:
    with LogWriter(path, header()) as writer:
        fill(writer)
        writer.close(Status.COMPLETE, RunFigures(decoded=4, expected=None, problems=1, seconds=0.5, fps=8.0))
    return path


def fill(writer: LogWriter) -> None:
    for number, frame in enumerate(FRAMES):
        if number == 2:
            writer.event(Event("decode", "a packet cannot be decoded", 8, 16))
        writer.frame(frame)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_written_comes_back_as_arrays(tmp_path: Path, suffix: str) -> None:
    log = TrackLog.load(write(tmp_path / f"clip{suffix}"))
    assert log.status == "complete"
    assert log.problem == ""
    assert log.frame_indices.tolist() == [4, 6, 8, 10]
    assert log.frame_pts.tolist() == [8, 12, 16, 20]
    np.testing.assert_allclose(log.frame_seconds, [p * 1001 / 30000 for p in (8, 12, 16, 20)], rtol=1e-15)
    assert log.offsets.tolist() == [0, 0, 2, 3, 5]
    assert log.ids.tolist() == [1, 2, 2, 1, 2]
    assert log.states.tolist() == [SUPPOSED, SEEN, SEEN, SEEN, SEEN]
    assert log.frame_rows.tolist() == [1, 1, 2, 3, 3]
    np.testing.assert_array_equal(log.boxes_xyxy[1], np.array([1.0, 2.01, 30.5, 40.25], np.float32))
    assert log.class_names == ["person", "café"]
    assert log.time_base == TIME_BASE
    assert [event.message for event in log.events] == ["a packet cannot be decoded"]
    again = list(log)
    assert [len(frame) for frame in again] == [0, 2, 1, 2]
    assert again[-1].seconds == 20 * TIME_BASE
    assert log[-1].ids.tolist() == [1, 2]


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_every_line_satisfies_the_schema(tmp_path: Path, suffix: str) -> None:
    text = write(tmp_path / f"clip{suffix}").read_text("utf-8")
    lines = json.loads(text) if suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    jsonschema.Draft202012Validator.check_schema(line_schema())
    validator = jsonschema.Draft202012Validator(
        line_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert [line["type"] for line in lines] == "header frame frame event frame frame track track footer".split()
    for line in lines:
        validator.validate(line)
    lines[1]["objs"] = [{"id": 0, "cls": 0, "score": 2, "box": [1, 2, 3], "state": "seen"}]
    assert not validator.is_valid(lines[1])


def test_tracks_are_summed_up(tmp_path: Path) -> None:
    first, second = TrackLog.load(write(tmp_path / "clip.jsonl")).summaries
    assert first.to_dict() == {
        "type": "track", "id": 1, "cls": 0, "first": {"i": 6, "pts": 12}, "last": {"i": 10, "pts": 20},
        "frames": 2, "visible": 1, "gaps": 1, "mean_score": 0.4166, "max_score": 0.5,
        "best": {"i": 10, "pts": 20, "box": [0.0, 5.0, 20.0, 25.0]},
    }  # fmt: skip
    assert second.cls == 1  # 0.75 + 0.25 against 0.5
    assert second.gaps == 0
    assert second.best.index == 8  # the largest


def test_numbers_are_rounded_and_never_minus_zero(tmp_path: Path) -> None:
    line = json.loads(write(tmp_path / "clip.jsonl").read_text().splitlines()[2])
    assert line["t"] == 0.4004
    assert line["objs"][0]["score"] == 0.3333
    assert line["objs"][0]["box"] == [0.0, 5.0, 20.0, 25.0]
    assert "-0.0" not in json.dumps(line)


def test_equal_runs_give_equal_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    for suffix in SUFFIXES:
        (tmp_path / "a").mkdir(exist_ok=True)
        (tmp_path / "b").mkdir(exist_ok=True)
        one, two = (write(tmp_path / folder / f"clip{suffix}").read_bytes() for folder in "ab")
        assert one == two
    assert '"created":"2023-11-14T22:13:20Z"' in (tmp_path / "a/clip.jsonl").read_text()


def test_the_name_appears_only_when_all_is_written(tmp_path: Path) -> None:
    path, partial = tmp_path / "clip.jsonl", tmp_path / "clip.jsonl.partial"
    with LogWriter(path, header()) as writer:
        fill(writer)
        assert not path.exists()
        assert len(partial.read_text().splitlines()) == 6  # each line is there as soon as it is written
    assert TrackLog.load(path).status == "complete"
    assert not partial.exists()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_log_that_is_cut_off_is_read_up_to_its_end(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"clip{suffix}")
    whole = TrackLog.load(path)
    if suffix.endswith(".gz"):
        text = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(text, mtime=0)[:-8])  # the check sum is missing, so all lines are there
        log = TrackLog.load(path)
        assert len(log) == len(whole)
        assert log.problem or log.status == "complete"
        return
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b'"i":10') + 3])
    log = TrackLog.load(path)
    assert log.status == "incomplete"
    assert log.footer is None
    assert "ends in the middle of line" in log.problem
    assert log.frame_indices.tolist() == [4, 6, 8]
    np.testing.assert_array_equal(log.boxes_xyxy, whole.boxes_xyxy[:3])


def test_a_compressed_log_whose_end_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "clip.jsonl.gz"
    rng = np.random.default_rng(0)
    with LogWriter(path, header()) as writer:
        for index in range(300):
            writer.frame(tracks(index, (1, 0, float(rng.random()), tuple(np.sort(rng.random(4)) * 100), SEEN)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    log = TrackLog.load(path)
    assert 50 < len(log) < 300
    assert log.status == "incomplete"
    assert log.problem


def without_footer(path: Path) -> Path:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if b'"footer"' not in line))
    return path


def test_without_a_footer_the_log_says_so(tmp_path: Path) -> None:
    log = TrackLog.load(without_footer(write(tmp_path / "clip.jsonl")))
    assert log.status == "incomplete"
    assert "no footer" in log.problem
    assert len(log) == 4


def damage_version(text: str) -> str:
    return text.replace("track-log/1", "track-log/2")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage_version, "version 2, this release reads version 1"),
        (lambda text: text.replace('"type":"header"', '"type":"heading"'), "not a track log"),
        (lambda text: text.replace('"i":6', '"i":}'), "is not JSON"),
        (lambda text: text.replace('"objs"', '"objects"', 1), "KeyError 'objs'"),
        (lambda text: text.replace('"cls":1', '"cls":"one"', 1), "line 3"),
        (lambda text: text.replace('"detected"', '"guessed"', 1), "KeyError 'guessed'"),
        (lambda text: text.replace('"time_base":[1001,30000]', '"time_base":[1,0]'), "source/time_base"),
        (lambda text: "[" * 100_000 + "\n" + text, "is not JSON"),
        (lambda text: text.replace('"status"', '"state"'), '"status" is a required property'),
        (
            lambda text: text.replace('"size":[360,640]', '"size":[0,640]'),
            "invalid track log header: source/size/0",
        ),
        (lambda text: text.replace('"average_rate":[30000,1001]', '"average_rate":[0,0]'), "source/average_rate"),
        (lambda text: text.replace('"duration":[3,2],', ""), "duration"),
        (lambda text: text.replace('"i":6', '"i":4'), "the number of frame 4 does not rise"),
        (lambda text: text.replace('"pts":16,"t"', '"pts":2,"t"'), "the pts of frame 8 does not rise"),
        (lambda text: text.replace('"i":4', '"i":-1'), "frames count from 0"),
        (lambda text: text.replace('"id":2', '"id":1', 1), "track 1 in frame 6 is listed twice"),
        (lambda text: text.replace('"id":1', '"id":0', 1), "track 0 in frame 6 has an id outside"),
        (
            lambda text: text.replace('"cls":1', '"cls":2', 1),
            "track 2 in frame 6 has a class that the log does not name",
        ),
        (lambda text: text.replace('"cls":1', '"cls":-1', 1), "track 2 in frame 6 has a class"),
        (lambda text: text.replace('"score":0.75', '"score":NaN'), "track 2 in frame 6 has a score"),
        (lambda text: text.replace("[1.0,2.01,30.5,40.25]", "[1.0,2.01,30.5,Infinity]"), "has an impossible box"),
        (lambda text: text.replace("[1.0,2.01,30.5,40.25]", "[40.0,2.01,30.5,40.25]"), "has an impossible box"),
        (lambda text: text.replace('{"type":"event"', 'null\n{"type":"event"'), "line 4 of"),
        (lambda text: text.replace('"kind":"decode",', ""), "line 4 of"),
        (lambda text: text.replace('"kind":"decode","i":8', '"kind":"decode","i":"8"'), "line 4 of"),
        (lambda text: "", "is empty"),
        (lambda text: "hello", "not a track log, or is cut off"),
    ],
)
def test_what_is_no_log_of_ours_is_named(tmp_path: Path, change: Callable[[str], str], said: str) -> None:
    path = write(tmp_path / "clip.jsonl")
    path.write_text(change(path.read_text("utf-8")), "utf-8")
    with pytest.raises(LogError) as caught:
        TrackLog.load(path)
    assert said in str(caught.value)
    assert "clip.jsonl" in str(caught.value)


def test_missing_and_binary_files_are_log_errors(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="No such file"):
        TrackLog.load(tmp_path / "absent.jsonl")
    (tmp_path / "binary.jsonl").write_bytes(bytes(range(256)) * 10)
    with pytest.raises(LogError):
        TrackLog.load(tmp_path / "binary.jsonl")
    (tmp_path / "plain.jsonl.gz").write_bytes(b"not gzip")
    with pytest.raises(LogError, match="cannot be read"):
        TrackLog.load(tmp_path / "plain.jsonl.gz")


def test_unknown_keys_and_lines_are_ignored(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.jsonl")
    lines = path.read_text("utf-8").splitlines()
    lines.insert(1, '{"type":"weather","rain":true}')
    lines[2] = lines[2].replace('"pts"', '"mood":"good","pts"')
    path.write_text("\n".join(lines), "utf-8")
    assert len(TrackLog.load(path)) == 4


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_ends_can_be_read_alone(tmp_path: Path, suffix: str) -> None:
    start, footer = read_ends(write(tmp_path / f"clip{suffix}"))
    assert start.source.rotation == 90
    assert footer is not None
    assert footer.status == "complete"
    if not suffix.endswith(".gz"):
        assert read_ends(without_footer(tmp_path / f"clip{suffix}"))[1] is None


def test_an_error_keeps_what_was_done_and_marks_it(tmp_path: Path) -> None:
    path = tmp_path / "clip.jsonl"
    with pytest.raises(RuntimeError), LogWriter(path, header()) as writer:
        writer.frame(FRAMES[1])
        raise RuntimeError("the moon fell down")
    log = TrackLog.load(path)
    assert log.status == "failed"
    assert log.events[0].message == "the moon fell down"
    assert len(log) == 1


def test_an_error_before_the_first_frame_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), LogWriter(tmp_path / "clip.jsonl", header()):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_bad_targets_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no track log extension"):
        LogWriter(tmp_path / "clip.txt", header())
    with pytest.raises(OutputError, match="cannot be written"):
        LogWriter(tmp_path / "absent" / "clip.jsonl", header())


def test_numbers_that_json_lacks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="Out of range"), LogWriter(tmp_path / "clip.jsonl", header()) as writer:
        writer.frame(tracks(0, (1, 0, float("nan"), (0, 0, 1, 1), SEEN)))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"type":"header","schema":"vidtrack.track-log/1","source":{"time_base":[1,0]}}']
)
def test_the_ends_of_a_foreign_file_are_log_errors(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.jsonl").write_text(text + "\n")
    with pytest.raises(LogError, match=r"is not a track log|invalid track log header|is not JSON"):
        read_ends(tmp_path / "x.jsonl")


def test_a_null_in_an_array_is_damage_and_no_end(tmp_path: Path) -> None:
    path = write(tmp_path / "clip.json")
    path.write_text(path.read_text("utf-8").replace('{"type":"event"', 'null,{"type":"event"'), "utf-8")
    with pytest.raises(LogError, match=r"member 4 of .* is null"):
        TrackLog.load(path)


@pytest.mark.parametrize("suffix", [".jsonl.gz", ".json.gz"])
def test_a_log_that_unpacks_to_far_more_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    monkeypatch.setattr("vidtrack.tracklog.lines.LEAST_UNPACKED", 1 << 20)
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(gzip.compress((json.dumps(header().to_dict()) + "\n").encode() + (b" " * 999 + b"\n") * 20_000))
    for read in (TrackLog.load, read_ends):
        with pytest.raises(LogError, match="unpacks to more than 200 times its size"):
            read(path)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidtrack.tracklog.lines.LONGEST_LINE", 1 << 16)
    path = tmp_path / "long.jsonl"
    path.write_text(json.dumps(header().to_dict()) + "\n" + "x" * (1 << 17))
    with pytest.raises(LogError, match=r"line 2 of .*long\.jsonl is too long"):
        TrackLog.load(path)

from __future__ import annotations

import csv
import gzip
import os
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.conftest import Ended, assert_one_line
from tests.export.scenes import BY_HAND, moving, write_log
from vidtrack.export.registry import FORMATS

Command = Callable[..., Ended]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return Path(shutil.copy(BY_HAND, tmp_path / "shot.tracks.jsonl"))


@pytest.fixture
def jumpy(tmp_path: Path) -> Path:
    pts = [0, 33, 67, 100, 150, 200, 250, 300]
    return write_log(tmp_path / "phone.tracks.jsonl", {1: moving(8)}, range(8), Fraction(24), lambda i: pts[i], Fraction(1, 1000))  # fmt: skip  # noqa: E501


def test_several_formats_in_one_call(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    ended = vidtrack("export", log, "--to", "nuke, csv,after-effects", "-o", tmp_path / "out")
    assert (ended.code, ended.err) == (0, "")
    made = [tmp_path / "out" / name for name in ("shot.nk", "shot.tracks.csv", "shot.after-effects")]
    assert ended.out.splitlines() == list(map(str, made))
    assert sorted(os.listdir(tmp_path / "out")) == sorted(path.name for path in made)
    assert len(os.listdir(made[2])) == 4


def test_without_a_folder_files_lie_beside_the_log(vidtrack: Command, log: Path) -> None:
    assert vidtrack("export", log, "--to", "mot", "--tracks", "2").code == 0
    assert len(log.with_name("shot.mot.txt").read_text("utf-8").splitlines()) == 3


@pytest.mark.parametrize("name", ["shot.csv", "shot.otio"])
def test_the_name_of_a_file_does_not_become_a_folder(vidtrack: Command, log: Path, tmp_path: Path, name: str) -> None:
    assert_one_line(vidtrack("export", log, "--to", "csv,otio", "-o", tmp_path / name), 2, name, "-o names a folder")
    assert not (tmp_path / name).exists()


def test_choices(vidtrack: Command, log: Path) -> None:
    target = log.with_name("shot.mot.txt")

    def ids(*choices: str) -> set[str]:
        assert vidtrack("export", log, "--to", "mot", "--overwrite", *choices).code == 0
        return {line.split(",")[1] for line in target.read_text("utf-8").splitlines()}

    assert ids() == {"1", "2"}
    assert ids("--classes", "Traffic-Light") == {"2"}
    assert ids("--min-length", "4f") == {"1"}
    assert ids("--min-length", "0.2") == {"1"}
    assert ids("--smooth", "0.1") == {"1", "2"}


def test_a_folder_of_logs_passes_over_what_is_none(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    deeper = tmp_path / "day 2"
    deeper.mkdir()
    (deeper / "b.tracks.jsonl.gz").write_bytes(gzip.compress(log.read_bytes()))
    (deeper / "c.coco.json").write_text('{"images": []}', "utf-8")
    ended = vidtrack("export", tmp_path, "--to", "coco")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [str(tmp_path / "shot.coco.json"), str(deeper / "b.coco.json")]


def test_a_tree_of_logs_is_repeated_in_the_folder_of_exports(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    days = [tmp_path / "days" / day for day in ("1", "2")]
    for day in days:
        day.mkdir(parents=True)
        shutil.copy(log, day / "a.tracks.jsonl")
    ended = vidtrack("export", tmp_path / "days", "--to", "csv", "-o", tmp_path / "out")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.splitlines() == [str(tmp_path / "out" / day / "a.tracks.csv") for day in ("1", "2")]
    ended = vidtrack("export", *days, "--to", "csv", "-o", tmp_path / "other")
    assert ended.code == 2
    assert "would both become" in ended.err


def test_a_start_frame_without_effect_is_said(vidtrack: Command, log: Path) -> None:
    ended = vidtrack("export", log, "--to", "nuke,csv,mot", "--start-frame", "5")
    assert (ended.code, ended.err) == (0, "vidtrack: note: --start-frame has no effect on csv, mot\n")
    assert vidtrack("export", log, "--to", "nuke", "--start-frame", "5", "--overwrite").err == ""


def test_the_table_of_a_conformed_clip_has_the_frames_of_the_clip_too(vidtrack: Command, log: Path) -> None:
    assert vidtrack("export", log, "--to", "csv", "--conform-fps", "60").code == 0
    rows = list(csv.DictReader(log.with_name("shot.tracks.csv").read_text("utf-8").splitlines()))
    assert [(row["frame"], row["index"]) for row in rows if row["id"] == "2"] == [
        ("0", "0"), ("1", "0"), ("2", "1"), ("3", "1"), ("4", "2"), ("5", "2"),
    ]  # fmt: skip


def test_one_bad_log_does_not_end_the_others(vidtrack: Command, log: Path, jumpy: Path) -> None:
    ended = vidtrack("export", log, jumpy, "--to", "nuke")
    assert ended.code == 1
    assert ended.out == f"{log.with_name('shot.nk')}\n"
    assert ended.err.count("\n") == 1
    assert "varies from 20 to 30.3 fps" in ended.err


def test_a_list_says_what_each_format_is_for_in_two_lines(vidtrack: Command) -> None:
    ended = vidtrack("export", "--list")
    lines = ended.out.splitlines()
    assert ended.code == 0
    assert len(lines) == 2 * len(FORMATS)
    assert [line.split()[0] for line in lines[::2]] == [entry.name for entry in FORMATS]
    assert all(line.startswith("   ") for line in lines[1::2])


def test_a_variable_rate_is_conformed_on_request(vidtrack: Command, jumpy: Path) -> None:
    ended = vidtrack("export", jumpy, "--to", "csv,nuke")
    assert (ended.code, ended.out) == (2, "")
    assert "--conform-fps 30" in ended.err
    assert vidtrack("export", jumpy, "--to", "csv,ass,ffmpeg").code == 0
    assert vidtrack("export", jumpy, "--to", "nuke", "--conform-fps", "29.97").code == 0
    assert "29.97 frames per second" in jumpy.with_name("phone.nk").read_text("utf-8")


def test_a_log_that_was_cut_off_is_exported_up_to_its_end(vidtrack: Command, tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.tracks.jsonl", {1: moving(20)}, range(20), status=None)
    ended = vidtrack("export", log, "--to", "mot")
    assert ended.code == 0
    assert ended.err == f"vidtrack: note: {log} ends in the middle of line 21; exported up to frame 18\n"
    assert len(log.with_name("a.mot.txt").read_text("utf-8").splitlines()) == 19


def test_a_stride_and_a_turned_clip_are_mentioned(vidtrack: Command, tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.tracks.jsonl", {1: moving(7)}, range(0, 7, 3), rotation=90)
    ended = vidtrack("export", log, "--to", "nuke")
    assert "interpolated 4 boxes on frames that the run skipped" in ended.err
    assert "stored rotated by 90 degrees" in ended.err
    laid = {"rotation": 180, "mirrored": True, "crop": (8, 0, 8, 0)}
    log = write_log(tmp_path / "b.tracks.jsonl", {1: moving(7)}, range(7), **laid)
    said = "stored uncropped and mirrored and rotated by 180 degrees"
    assert said in vidtrack("export", log, "--to", "nuke").err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["LOG", "--to", "nuk"], 2, "unknown format 'nuk' (did you mean nuke?)"),
        (["LOG"], 2, "no format given"),
        (["--to", "nuke"], 2, "no track log given"),
        (["LOG", "--to", "nuke", "--tracks", "9"], 2, "the log has no track 9 (it has 1, 2)"),
        (["LOG", "--to", "nuke", "--tracks", "one"], 2, "'one' is not a list of track IDs"),
        (["LOG", "--to", "nuke", "--classes", "persn"], 2, "no class 'persn' (did you mean person?)"),
        (["LOG", "--to", "nuke", "--min-length", "60"], 2, "nothing to export"),
        (["LOG", "--to", "nuke", "--min-length", "long"], 2, "'long' is not a length"),
        (["LOG", "--to", "nuke", "--fps", "0"], 2, "is not a frame rate"),
        (["LOG", "--to", "nuke", "--conform-fps", "100000"], 2, "not a rate to export at"),
        (["LOG", "--to", "nuke", "--fps", "25", "--conform-fps", "25"], 2, "cannot be combined"),
        (["LOG", "--to", "fcpxml", "--conform-fps", "12"], 2, "FCPXML does not support 12 fps"),
        (["missing.jsonl", "--to", "nuke"], 3, "missing.jsonl cannot be read"),
        (["EMPTY", "--to", "nuke"], 3, "contains no track log"),
        (["NEWER", "--to", "nuke"], 3, "is a track log of version 2; this release reads version 1"),
        (["TEXT", "--to", "nuke"], 3, "not a track log"),
        (["LOG", "--to", "nuke", "-o", "TEXT"], 2, "text.jsonl is a file"),
        (["LOG", "--to", "nuke", "-o", "BELOW"], 1, "cannot be written"),
        (["LOG", "COPY", "--to", "nuke", "-o", "OUT"], 2, "would both become"),
        (["LOG", "--to", "csv", "-o", "-"], 2, "exports are files, not a stream"),
        (["-", "--to", "csv"], 3, "- cannot be read"),
    ],
)
def test_bad_input_is_one_line(
    vidtrack: Command, log: Path, tmp_path: Path, arguments: list[str], code: int, message: str
) -> None:
    places = {
        "LOG": log,
        "EMPTY": tmp_path / "empty",
        "NEWER": tmp_path / "newer.jsonl",
        "TEXT": tmp_path / "text.jsonl",
        "BELOW": tmp_path / "text.jsonl" / "below",
    }
    places |= {"OUT": tmp_path / "out", "COPY": tmp_path / "copy" / "shot.tracks.jsonl"}
    places["EMPTY"].mkdir()
    places["COPY"].parent.mkdir()
    shutil.copy(log, places["COPY"])
    places["NEWER"].write_text(log.read_text("utf-8").replace("track-log/1", "track-log/2"), "utf-8")
    places["TEXT"].write_text('{"type": "note"}\n', "utf-8")
    before = sorted(tmp_path.rglob("*"))
    ended = vidtrack("export", *(places.get(word, word) for word in arguments))
    assert ended.code == code, ended.err
    assert message in " ".join(ended.err.split()).replace("│ ", "")
    assert "Traceback" not in ended.err
    assert sorted(tmp_path.rglob("*")) == before


def test_outputs_are_replaced_only_on_request(vidtrack: Command, log: Path) -> None:
    target = log.with_name("shot.after-effects")
    assert vidtrack("export", log, "--to", "after-effects").code == 0
    (target / "mine.txt").touch()
    ended = vidtrack("export", log, "--to", "csv,after-effects")
    assert ended.code == 2
    assert "shot.after-effects already exists (--overwrite replaces it)" in ended.err
    assert not log.with_name("shot.tracks.csv").exists()
    assert vidtrack("export", log, "--to", "after-effects", "--overwrite", "--tracks", "2").code == 0
    assert sorted(os.listdir(target)) == ["traffic light 2 corner pin.txt", "traffic light 2 transform.txt"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(vidtrack: Command, log: Path, tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    ended = vidtrack("export", log, "--to", "csv", "-o", tmp_path / "locked")
    assert ended.code == 1
    assert "cannot be written: Permission denied" in ended.err


def test_what_lies_in_an_exported_folder_survives_the_next_export(vidtrack: Command, log: Path) -> None:
    assert vidtrack("export", log, "--to", "ffmpeg").code == 0
    target = log.with_name("shot.ffmpeg")
    (target / "out.mp4").write_text("drawn")
    (target / "takes").mkdir()
    assert vidtrack("export", log, "--to", "ffmpeg", "--overwrite", "--tracks", "2").code == 0
    assert sorted(os.listdir(target)) == [
        "boxes.cmd", "boxes.graph", "out.mp4", "takes", "traffic_light_2.crop.cmd", "traffic_light_2.crop.graph",
    ]  # fmt: skip
    assert not list(log.parent.glob("*.partial"))


def test_nothing_is_written_where_one_of_the_formats_cannot_be(vidtrack: Command, log: Path) -> None:
    ended = vidtrack("export", log, "--to", "csv,after-effects,fcpxml", "--conform-fps", "12")
    assert (ended.code, ended.out) == (2, "")
    assert list(log.parent.iterdir()) == [log]


def test_a_clip_that_is_not_found_is_mentioned_where_a_format_links_to_it(vidtrack: Command, log: Path) -> None:
    ended = vidtrack("export", log, "--to", "mlt,csv,fcpxml")
    said = "cannot find 'footage/shot 12.mov' from here or beside the log; mlt, fcpxml link to that name"
    assert ended.err == f"vidtrack: note: {said}\n"
    log.with_name("shot 12.mov").touch()
    said = f"{log.with_name('shot 12.mov')} differs from the log's clip; mlt, fcpxml link to it anyway"
    assert vidtrack("export", log, "--to", "mlt,csv,fcpxml", "--overwrite").err == f"vidtrack: note: {said}\n"
    assert str(log.with_name("shot 12.mov")) in log.with_name("shot.mlt").read_text("utf-8")


def test_a_damaged_archive_in_a_folder_is_no_log(vidtrack: Command, log: Path) -> None:
    packed = gzip.compress(log.read_bytes() * 20)
    log.with_name("bad.jsonl.gz").write_bytes(packed[:12] + b"\xff" * 40 + packed[52:])
    ended = vidtrack("export", log.parent, "--to", "csv")
    assert (ended.code, ended.err) == (0, "")
    log.with_name("cut.jsonl.gz").write_bytes(gzip.compress(log.read_bytes())[:-60])
    ended = vidtrack("export", log.parent, "--to", "csv", "--overwrite")
    assert (ended.code, len(ended.out.splitlines())) == (0, 2)
    assert "cut off" in ended.err or "ends in the middle" in ended.err


def test_the_error_of_one_of_several_logs_names_it_once(vidtrack: Command, log: Path, jumpy: Path) -> None:
    ended = vidtrack("export", log, jumpy, "--to", "nuke")
    assert ended.err.count(str(jumpy)) == 1
    jumpy.write_text("x", "utf-8")
    ended = vidtrack("export", log, jumpy, "--to", "nuke", "--tracks", "9", "--overwrite")
    assert ended.code == 1
    assert [ended.err.count(str(path)) for path in (log, jumpy)] == [1, 1]

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from tests.report.pages import BOXES, part
from tests.tracklog.logs import made_log


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", Clip(frames=8))


@pytest.fixture
def log(tmp_path: Path, clip: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", BOXES, {3: 1}, clip)


def test_a_page_beside_its_clip(vidtrack: Any, log: Path, tmp_path: Path) -> None:
    page = tmp_path / "clip.report.html"
    assert vidtrack("report", log, "--progress", "none") == (0, f"{page}\n", "")
    data = json.loads(part(page, "data"))
    assert data["clip"]["href"] == "clip.mp4"
    assert [(track["id"], track["cls"], track["count"], track["best"]) for track in data["tracks"]] == [
        (1, 0, 3, 0), (3, 1, 2, 2)
    ]  # fmt: skip
    for track in data["tracks"]:
        assert base64.b64decode(track["thumbnail"]).startswith(b"\xff\xd8")
    assert [event["t"] for event in data["events"]] == [0.08]
    assert part(page, "clip") == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "clip.report.html", "clip.tracks.jsonl"]


def test_commands_name_a_clip_that_the_log_alone_does_not_lead_to(
    vidtrack: Any, log: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "clip.report.html"

    def argument(*words: object) -> str:
        assert vidtrack("report", log, *words, "--overwrite", "--progress", "none").code == 0
        return str(json.loads(part(page, "data"))["clip"]["argument"])

    assert argument() == ""
    renamed = tmp_path / "another name.mp4"
    renamed.write_bytes((tmp_path / "clip.mp4").read_bytes())
    assert argument(renamed) == f"'{renamed}'"
    lines = log.read_text().splitlines()
    header = json.loads(lines[0])
    header["source"]["path"] = "footage/clip.mp4"  # as seen from the folder where it was tracked
    log.write_text("\n".join([json.dumps(header), *lines[1:]]) + "\n")
    (tmp_path / "footage").mkdir()
    (tmp_path / "clip.mp4").rename(tmp_path / "footage" / "clip.mp4")
    renamed.unlink()
    monkeypatch.chdir(tmp_path)
    assert argument() == str(tmp_path / "footage" / "clip.mp4")


def test_the_best_frame_of_a_track_is_that_of_its_picture(vidtrack: Any, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=12))
    large_but_cut_off, whole = (0.0, 0.0, 110.0, 68.0), (20.0, 10.0, 90.0, 60.0)
    log = made_log(tmp_path / "clip.tracks.jsonl", [{1: large_but_cut_off}] * 6 + [{1: whole}] * 6, {}, clip)
    assert vidtrack("report", log, "--progress", "none").code == 0
    (track,) = json.loads(part(tmp_path / "clip.report.html", "data"))["tracks"]
    assert track["best"] >= 6


def test_a_page_elsewhere_still_finds_its_clip(vidtrack: Any, log: Path, tmp_path: Path) -> None:
    page = tmp_path / "a folder" / "p#1.html"
    assert vidtrack("report", log, "-o", page, "--progress", "none").code == 0
    assert json.loads(part(page, "data"))["clip"]["href"] == "../clip.mp4"


def test_a_log_cut_off_makes_a_page_that_says_so(vidtrack: Any, log: Path, tmp_path: Path) -> None:
    text = log.read_text("utf-8")
    log.write_text(text[: text.index('"i":3')], "utf-8")
    ended = vidtrack("report", log, "--progress", "none")
    assert ended.code == 0
    assert "ends in the middle of line 6" in ended.err
    page = (tmp_path / "clip.report.html").read_text("utf-8")
    assert "The log ends at 0.08 s (incomplete)" in page


def test_a_log_without_tracks_makes_a_page(vidtrack: Any, clip: Path, tmp_path: Path) -> None:
    log = made_log(tmp_path / "clip.tracks.jsonl", [{}, {}, {}], {}, clip)
    assert vidtrack("report", log, "--progress", "none").code == 0
    assert json.loads(part(tmp_path / "clip.report.html", "data"))["tracks"] == []


def test_bad_input_is_one_line_and_leaves_nothing(vidtrack: Any, log: Path, clip: Path, tmp_path: Path) -> None:
    def refused(code: int, said: str, *arguments: object) -> None:
        ended: Ended = vidtrack("report", *arguments, "--progress", "none")
        assert (ended.code, len(ended.err.splitlines())) == (code, 1), ended.err
        assert said in ended.err

    other = write_clip(tmp_path / "other.mp4", Clip(frames=3))
    before = sorted(tmp_path.iterdir())
    refused(3, "is not the clip of the log", log, other)
    refused(3, "cannot be read", tmp_path / "missing.jsonl")
    refused(2, "no track 9", log, "--tracks", "9")
    refused(2, "no class 'cow'", log, "--classes", "cow")
    refused(2, "no track of the log matches", log, "--min-length", "60")
    refused(2, "no track of the log matches", log, "--min-length", "999f")
    refused(2, "is not an .html file", log, "-o", tmp_path / "page.pdf")
    refused(2, "already exists", log, "--proxy", "-o", _taken(tmp_path / "taken.html"))
    refused(2, "is the input log or clip", log, "--proxy", "-o", tmp_path / "clip.html")
    (tmp_path / "taken.html").unlink()
    assert sorted(tmp_path.iterdir()) == before
    clip.unlink()
    refused(3, "cannot find", log)


def _taken(path: Path) -> Path:
    path.write_text("precious")
    return path

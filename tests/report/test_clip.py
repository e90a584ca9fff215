"""Which clips a page plays itself, and copies of the others."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip, write_clip
from tests.report.pages import BOXES, part
from tests.tracklog.logs import made_log
from vidtrack.report.clip import obstacle
from vidtrack.video import VideoReader, probe


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", Clip(frames=8))


@pytest.fixture
def log(tmp_path: Path, clip: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", BOXES, {3: 1}, clip)


def test_an_embedded_clip_is_the_clip(vidtrack: Any, log: Path, clip: Path, tmp_path: Path) -> None:
    page = tmp_path / "clip.report.html"
    assert vidtrack("report", log, "--embed", "--progress", "none").code == 0
    assert base64.b64decode(part(page, "clip")) == clip.read_bytes()
    assert json.loads(part(page, "data"))["clip"]["href"] is None


@pytest.mark.parametrize(
    ("name", "made"),
    [("clip.mkv", Clip()), ("clip.mov", Clip(encoder="prores_ks", pixel_format="yuv422p10le", options={}))],
)
def test_what_browsers_do_not_play_is_copied(vidtrack: Any, tmp_path: Path, name: str, made: Clip) -> None:
    clip = write_clip(tmp_path / name, made)
    log = made_log(tmp_path / "clip.tracks.jsonl", BOXES, {}, clip)
    ended = vidtrack("report", log, "--progress", "none")
    copy = tmp_path / "clip.report.mp4"
    assert ended.out.splitlines() == [str(tmp_path / "clip.report.html"), str(copy)]
    assert "does not play in every browser" in ended.err or "do not play in every browser" in ended.err
    assert obstacle(probe(copy)) == ""
    with VideoReader(clip) as original, VideoReader(copy) as copied:
        assert [frame.seconds for frame in copied] == [frame.seconds for frame in original]
    embedded = vidtrack("report", log, "--embed", "--overwrite", "--progress", "none", "-o", tmp_path / "one.html")
    assert embedded.code == 0
    assert not list(tmp_path.glob("*.partial")) + list(tmp_path.glob(".*"))
    assert len(base64.b64decode(part(tmp_path / "one.html", "clip"))) == copy.stat().st_size


def test_a_large_picture_is_made_smaller_where_a_copy_is_asked_for(vidtrack: Any, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "wide.mp4", Clip(frames=3, size=(1602, 90)))
    log = made_log(tmp_path / "wide.tracks.jsonl", BOXES[:3], {}, clip)
    assert vidtrack("report", log, "--proxy", "--progress", "none").code == 0
    assert probe(tmp_path / "wide.report.mp4").size == (1280, 72)
    assert json.loads(part(tmp_path / "wide.report.html", "data"))["size"] == [1602, 90]


def test_a_log_of_a_part_of_a_clip_keeps_its_time_in_a_copy(vidtrack: Any, log: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    lines[0]["run"]["parameters"]["start_seconds"] = "2/25"
    kept = [line for line in lines if line["type"] != "frame" or line["i"] >= 2]
    log.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")
    assert vidtrack("report", log, "--proxy", "--progress", "none").code == 0
    assert json.loads(part(tmp_path / "clip.report.html", "data"))["clip"]["origin"] == pytest.approx(0.08)
    with VideoReader(tmp_path / "clip.report.mp4") as copied:
        assert len(list(copied)) == 6


@pytest.mark.parametrize(
    ("suffix", "codec", "pixels", "said"),
    [
        (".mp4", "h264", "yuv420p", ""),
        (".mov", "h264", "yuvj420p", ""),
        (".webm", "vp9", "yuv420p10le", ""),
        (".mp4", "av1", "yuv420p10le", ""),
        (".mp4", "h264", "yuv422p10le", "h264 yuv422p10le does not play"),
        (".mp4", "hevc", "yuv420p", "hevc"),
        (".mov", "prores", "yuv422p10le", "prores"),
        (".mkv", "h264", "yuv420p", "mkv files"),
        (".avi", "mpeg4", "yuv420p", "avi files"),
    ],
)
def test_which_files_browsers_play(clip: Path, suffix: str, codec: str, pixels: str, said: str) -> None:

    info = replace(probe(clip), path=Path(f"clip{suffix}"), codec=codec, pixel_format=pixels)
    assert (said in obstacle(info)) if said else obstacle(info) == ""


def test_files_that_browsers_lay_out_in_their_own_way_are_copied(clip: Path) -> None:

    info = probe(clip)
    for layout in ({"crop": (8, 0, 8, 0)}, {"mirrored": True}, {"stream": 1}):
        assert "browser" in obstacle(replace(info, **layout))

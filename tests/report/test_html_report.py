from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from tests.tracklog.logs import made_log
from vidtrack.report.clip import obstacle
from vidtrack.report.columns import pack
from vidtrack.report.template import join_page
from vidtrack.tracklog import TrackLog
from vidtrack.video import VideoReader, probe

BOXES = [
    {1: (8, 8, 40, 60)},
    {1: (10, 8, 42, 60), 3: (90.25, 4.5, 150, 66)},
    {3: (92, 4, 152, 66)},
    {},
    {1: (2, 2, 9, 9)},
]
EVIL = '</script><script>alert(1)</script><!-- {{data}} "'


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", Clip(frames=8))


@pytest.fixture
def log(tmp_path: Path, clip: Path) -> Path:
    return made_log(tmp_path / "clip.tracks.jsonl", BOXES, {3: 1}, clip)


def unpacked(meta: dict[str, Any], text: str) -> dict[str, np.ndarray]:
    """The columns as the page's script reads them."""
    raw, at, columns = gzip.decompress(base64.b64decode(text)), 0, {}
    for column in meta["columns"]:
        kind = np.dtype(f"<{column['type']}")
        values = np.frombuffer(raw, kind, column["length"], at)
        at += values.nbytes
        absolute = column["name"] in ("scores", "states")
        columns[column["name"]] = values if absolute else np.cumsum(values, dtype=kind)
    assert at == len(raw)
    return columns


def part(page: Path, name: str) -> str:
    found = re.search(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def test_columns_give_the_log_back(log: Path) -> None:
    read = TrackLog.load(log)
    packed = pack(read)
    columns = unpacked({"columns": packed.columns}, packed.text)
    assert columns["rows"].tolist() == [0, 1, 4, 1, 2]  # of track 1, then of 3
    assert columns["indices"].tolist() == [0, 1, 2, 3, 4]
    assert columns["microseconds"].tolist() == [0, 40_000, 80_000, 120_000, 160_000]
    edges = np.stack([columns[name] for name in ("left", "top", "right", "bottom")], 1) / packed.box_scale
    order = np.argsort(read.ids, kind="stable")
    np.testing.assert_allclose(edges, read.boxes_xyxy[order], atol=0.5 / packed.box_scale)
    np.testing.assert_allclose(columns["scores"] / 255, read.scores[order], atol=0.002)


def test_boxes_of_huge_pictures_still_fit(log: Path) -> None:
    read = TrackLog.load(log)
    read.boxes_xyxy[0] = [0, 0, 16000, 9000]
    packed = pack(read)
    columns = unpacked({"columns": packed.columns}, packed.text)
    assert columns["right"][0] / packed.box_scale == 16000


def test_times_far_into_a_clip_still_fit(log: Path) -> None:
    read = TrackLog.load(log)
    read = replace(read, frame_pts=read.frame_pts + read.frame_pts * 10**8 + int(7200 / read.time_base))
    packed = pack(read)
    columns = unpacked({"columns": packed.columns}, packed.text)
    np.testing.assert_allclose(columns["microseconds"] / 1e6, read.frame_seconds)


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


def test_nothing_a_log_says_becomes_markup_or_script() -> None:
    page = join_page(EVIL, [EVIL], [EVIL], "", {"classes": [EVIL]}, "", "")
    assert page.count("<script") == page.count("</script>") == 4
    assert "<!--" not in page
    assert "alert(1)" in page
    (title,) = re.findall(r"<title>(.*)</title>", page)
    assert title.startswith("&lt;/script&gt;")
    data = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert data is not None
    assert json.loads(data[1])["classes"] == [EVIL]


def test_the_policy_lets_the_own_script_and_style_through_and_no_address() -> None:
    page = join_page("a", [], [], "", {}, "", "")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert "default-src 'none'" in policy[1]
    assert "http" not in policy[1]
    for kind, pattern in (("script", r'<script type="module">(.*?)</script>'), ("style", r"<style>(.*?)</style>")):
        text = re.search(pattern, page, re.DOTALL)
        assert text is not None
        digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy[1]
    assert not re.findall(r"https?://(?!www\.w3\.org)", page)


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
    from dataclasses import replace

    info = replace(probe(clip), path=Path(f"clip{suffix}"), codec=codec, pixel_format=pixels)
    assert (said in obstacle(info)) if said else obstacle(info) == ""


def test_files_that_browsers_lay_out_in_their_own_way_are_copied(clip: Path) -> None:
    from dataclasses import replace

    info = probe(clip)
    for layout in ({"crop": (8, 0, 8, 0)}, {"mirrored": True}, {"stream": 1}):
        assert "browser" in obstacle(replace(info, **layout))


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


def test_doubtful_moments_are_shown_with_an_image_each(vidtrack: Any, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=40, size=(320, 136)))
    boxes = {i: (100.0 + i, 20.0, 140.0 + i, 100.0) for i in [*range(5, 15), *range(20, 30)]}
    log = made_log(tmp_path / "clip.tracks.jsonl", [{1: boxes[i]} if i in boxes else {} for i in range(40)], clip=clip)
    assert vidtrack("report", log).code == 0
    page = (tmp_path / "clip.report.html").read_text("utf-8")
    doubts = re.search(r'<details class="doubts">.*?</details>', page, re.S)
    assert doubts is not None
    assert "3 doubtful moments" in doubts[0]
    for reason in ("appears inside the image", "not seen", "vanishes inside the image"):
        assert f"person 1 {reason}" in doubts[0]
    images = re.findall(r'data:image/jpeg;base64,([^"]+)"', doubts[0])
    sizes = [cv2.imdecode(np.frombuffer(base64.b64decode(own), np.uint8), cv2.IMREAD_COLOR).shape for own in images]
    assert len(sizes) == 3 and all(min(size[:2]) > 30 for size in sizes)
    assert [float(s) for s in re.findall(r'data-seconds="([\d.]+)"', doubts[0])] == pytest.approx([0.16, 0.68, 1.2])

"""The page in a real browser: what is drawn is of the image on screen, at any moment."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from tests.tracklog.logs import made_log, tracks_at
from vidtrack.render.style import colour_of
from vidtrack.tracklog import LogWriter, RunFigures, Status
from vidtrack.tracklog.header import ModelInfo
from vidtrack.tracklog.provenance import hash_content, log_header
from vidtrack.video import VideoReader, probe

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.report.browsing import CLASSES, FRAMES, Page, boxes


def test_it_plays_with_its_tracks_in_step(open_page: Callable[..., Page]) -> None:
    page = open_page("--embed")
    page.press(Keys.END)
    page.at_frame(FRAMES - 1)
    page.press(Keys.HOME)
    page.at_frame(0)
    page.press(" ")
    page.until(lambda: float(page.text(".now").split(":")[1]) > 0.5, "half a second has passed")
    page.press("k")
    assert page.js("return document.querySelector('video').paused")
    index = int(page.text(".frame-number").split()[1])
    assert page.grey() == pytest.approx(8 * index % 256, abs=5)  # the image shown is that of the frame named
    assert page.complaints() == []


def test_it_jumps_and_steps_to_the_exact_frame(open_page: Callable[..., Page]) -> None:
    page = open_page("--embed")
    page.click(".list li button", 1)
    page.at_frame(20)
    page.until(lambda: abs(page.grey() - 8 * 20) <= 5, "the image of frame 20")
    page.until(lambda: page.colour(80, 40)[:3] == list(colour_of(2)), "the box of track 2")
    page.press(Keys.ARROW_LEFT)
    page.at_frame(19)
    page.until(lambda: page.colour(80, 40)[3] == 0, "no box of track 2 before its first frame")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.at_frame(21)
    page.press(Keys.ARROW_DOWN)
    page.at_frame(50)
    page.until(lambda: abs(page.grey() - (8 * 50 % 256)) <= 5, "the image of frame 50")
    lanes = page.browser.find_element("css selector", ".lanes canvas")
    along = lanes.size["width"] * (30 / FRAMES - 0.5)
    ActionChains(page.browser).move_to_element_with_offset(
        lanes, along, 31 - lanes.size["height"] / 2
    ).click().perform()
    page.at_frame(30)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("late.mp4", Clip(frames=12, numbered=True, pts=list(range(10, 22)))),
        ("sound.mp4", Clip(frames=12, numbered=True, rate=Fraction(30000, 1001), audio="aac")),
        ("clip.webm", Clip(frames=12, numbered=True, encoder="libvpx-vp9", options={"crf": "10", "b": "0"})),
    ],
)
def test_the_picture_is_that_of_the_frame_named(
    open_page: Callable[..., Page], tmp_path: Path, name: str, made: Clip
) -> None:
    clip = write_clip(tmp_path / name, made)
    page = open_page("--embed", log=made_log(tmp_path / "odd.tracks.jsonl", [boxes(n) for n in range(12)], {}, clip))
    for index in (1, 2, 3):
        page.press(Keys.ARROW_RIGHT)
        page.at_frame(index)
        page.until(lambda index=index: abs(page.grey() - 8 * index) <= 4, f"the image of frame {index}")


@pytest.mark.parametrize(
    ("gaps", "stride"),
    [((1,), 1), ((1,), 5), ((1,), 30), ((2, 4, 4, 1, 12, 4, 5), 1)],
    ids=["every frame", "every fifth", "every thirtieth", "variable rate"],
)
def test_the_box_is_that_of_the_frame_on_screen(
    open_page: Callable[..., Page], tmp_path: Path, gaps: tuple[int, ...], stride: int
) -> None:
    ticks = list(itertools.accumulate(itertools.islice(itertools.cycle(gaps), FRAMES - 1), initial=0))
    clip = write_clip(tmp_path / "moves.mp4", Clip(frames=FRAMES, numbered=True, pts=ticks, time_base=Fraction(1, 100)))
    page = open_page("--embed", log=moving_log(tmp_path / "moves.tracks.jsonl", clip, stride))
    for _ in range(8):
        page.press(Keys.ARROW_RIGHT)
    page.at_frame(8)
    page.until(lambda: agree(page.seen("video")), "the box of frame 8")
    ruler = page.browser.find_element("css selector", ".ruler")
    for share in (0.3, 0.71, 0.105):
        before = page.text(".frame-number")
        offset = ruler.size["width"] * (share - 0.5)
        ActionChains(page.browser).move_to_element_with_offset(ruler, int(offset), 0).click().perform()
        page.until(lambda before=before: page.text(".frame-number") != before, "another frame")
        page.until(lambda: agree(page.seen("video")), f"the box of the frame at {share} of the clip")
    page.press(Keys.HOME)
    page.at_frame(0)
    page.press(" ")
    played = [page.seen(".still") for _ in range(16)]
    page.press("k")
    assert len({frame for _, frame, _ in played}) > 1
    assert sum(map(agree, played)) > 8  # a busy browser may tell of an image when the next one is there
    page.until(lambda: agree(page.seen("video")), "the box of the frame at which it stopped")


def test_a_frame_it_was_not_told_of_has_its_box_once_it_stops(open_page: Callable[..., Page], tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "moves.mp4", Clip(frames=FRAMES, numbered=True))
    page = open_page("--embed", log=moving_log(tmp_path / "moves.tracks.jsonl", clip, 1))
    page.js(
        "const video = document.querySelector('video');"
        "const real = video.requestVideoFrameCallback.bind(video);"
        "const hear = (take) => real((...of) => (window.deaf ? hear(take) : take(...of)));"
        "video.requestVideoFrameCallback = hear;"
        "video.addEventListener('pause', () => { window.deaf = false });"
        "video.addEventListener('play', () => { video.playbackRate = 1 / 16 });"  # or it may end before it is paused
    )
    page.press(" ")
    page.until(lambda: page.seen("video")[1] > 0, "it plays")
    page.js("window.deaf = true")
    page.until(lambda: not agree(page.seen("video")), "the image is of a later frame than the box")
    page.press("k")
    page.until(lambda: agree(page.seen("video")), "the box of the frame at which it stopped")


def moving_log(path: Path, clip: Path, stride: int) -> Path:
    """A box that begins one pixel further right in each frame; every so manyth is logged, and the last."""
    model = ModelInfo("tiny", None, ("car"))
    header = log_header(probe(clip), hash_content([clip]), {"stride": stride}, model, "cpu", "float32")
    with VideoReader(clip) as frames, LogWriter(path, header) as writer:
        for frame in frames:
            if frame.index % stride == 0 or frame.index == FRAMES - 1:
                box = {1: (20 + frame.index, 20, 150, 60)}
                writer.frame(replace(tracks_at(frame.index, box), pts=frame.pts, time_base=frame.time_base))
        writer.close(Status.COMPLETE, RunFigures(decoded=FRAMES, expected=FRAMES, problems=0, seconds=1.0, fps=1.0))
    return path


def agree(seen: tuple[float, int, float]) -> bool:
    """Whether the image, the number said and the box drawn are those of one frame."""
    grey, frame, left = seen
    return abs(grey - 8 * frame % 256) <= 4 and abs(left - 20 - frame) < 0.6


def test_it_stays_within_the_frames_of_the_log(open_page: Callable[..., Page], clip: Path, tmp_path: Path) -> None:
    log = made_log(tmp_path / "part.tracks.jsonl", [boxes(index) for index in range(40)], CLASSES, clip)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    lines[0]["run"]["parameters"]["start_seconds"] = "4/5"
    kept = [line for line in lines if line["type"] != "frame" or line["i"] >= 20]
    log.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")
    page = open_page(log=log)
    page.at_frame(20)
    page.press(Keys.ARROW_LEFT)
    page.at_frame(20)
    page.press(" ")
    page.until(lambda: page.js("return document.querySelector('video').paused"), "it stops where the log ends")
    page.at_frame(39)
    page.press(" ")
    page.until(lambda: 20 <= int(page.text(".frame-number").split()[1]) < 39, "it plays again from the first frame")

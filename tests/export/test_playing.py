"""FFmpeg, ASS and WebVTT: boxes really drawn on frames, and cues read back by libraries."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.export.scenes import by_hand, exported, moving, program, scene_of, write_log
from tests.export.test_compositing import boxes_by_frame, same
from tests.media import Clip, write_clip
from vidtrack.export import subtitles
from vidtrack.render.style import colour_of

SIZE = (160, 96)
BACKGROUND = 30
JUMPY = [0, 33, 67, 100, 150, 200, 250, 300, 333, 367]  # milliseconds, a variable rate


def filtered(graph: Path, pts: list[int], time_base: Fraction, monkeypatch: pytest.MonkeyPatch) -> Iterator[np.ndarray]:
    """Grey images through a filter graph, run inside its folder as its commands are named without one."""
    monkeypatch.chdir(graph.parent)
    chain = av.filter.Graph()
    nodes = [chain.add_buffer(width=SIZE[0], height=SIZE[1], format=av.VideoFormat("rgb24"), time_base=time_base)]
    for part in graph.read_text("utf-8").split(",\n"):
        name, _, arguments = part.strip().partition("=")
        nodes.append(chain.add(name.partition("@")[0], arguments, name=name))
    nodes += [chain.add("format", "rgb24"), chain.add("buffersink")]
    chain.link_nodes(*nodes).configure()
    for moment in pts:
        frame = av.VideoFrame.from_ndarray(np.full((SIZE[1], SIZE[0], 3), BACKGROUND, np.uint8), "rgb24")
        frame.pts, frame.time_base = moment, time_base
        chain.vpush(frame)
        yield chain.vpull().to_ndarray(format="rgb24")


def edges_of(painted: np.ndarray) -> list[int]:
    rows, columns = np.flatnonzero(painted.any(1)), np.flatnonzero(painted.any(0))
    return [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1] if len(rows) else []


@pytest.mark.parametrize("variable", [False, True], ids=["ntsc", "variable"])
def test_ffmpeg_draws_each_box_on_its_own_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: bool
) -> None:
    boxes = {1: moving(3, 1) | moving(2, 6), 2: {i: (90, 5, 120, 15) for i in range(4, 9)}}
    pts, base = (JUMPY, Fraction(1, 1000)) if variable else (list(range(10)), Fraction(1001, 30000))
    log = write_log(tmp_path / "a.tracks.jsonl", boxes, range(10), Fraction(30), lambda i: pts[i], base)
    scene = scene_of(log)
    assert (scene.rate is None) == variable
    folder = exported(log, "ffmpeg", tmp_path)
    for number, picture in enumerate(filtered(folder / "boxes.graph", pts, base, monkeypatch)):
        for place, identity in enumerate((1, 2)):
            found = edges_of(np.abs(picture.astype(int) - colour_of(identity)).max(2) < 40)
            expected = boxes_by_frame(scene, place).get(number, [])
            assert found == [round(edge) for edge in expected], f"frame {number}, track {identity}"


def test_ffmpeg_cuts_one_object_out_and_is_black_while_it_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = {1: {i: (60 + 4 * i, 20, 90 + 4 * i, 50) for i in (0, 1, 2, 5, 6)}}
    log = write_log(tmp_path / "a.tracks.jsonl", boxes, range(8))
    folder = exported(log, "ffmpeg", tmp_path)
    graph = (folder / "person_1.crop.graph").read_text("utf-8")
    assert "crop@c=w=38:h=38:x=56:y=16" in graph
    pictures = list(filtered(folder / "person_1.crop.graph", list(range(8)), Fraction(1, 25), monkeypatch))
    assert {picture.shape for picture in pictures} == {(38, 38, 3)}
    assert [bool((picture > 20).all()) for picture in pictures] == [True, True, True, False, False, True, True, False]
    assert [line for line in (folder / "person_1.crop.cmd").read_text("utf-8").splitlines() if "@c x 60" in line] == [
        "0.03 crop@c x 60, crop@c y 16;"  # frame 1, a quarter of a frame early
    ]


def test_a_crop_at_the_edge_stays_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = write_log(tmp_path / "a.tracks.jsonl", {1: {0: (-5, -5, 30, 100), 1: (140, 80, 165, 99)}}, range(2))
    folder = exported(log, "ffmpeg", tmp_path)
    shapes = {p.shape for p in filtered(folder / "person_1.crop.graph", [0, 1], Fraction(1, 25), monkeypatch)}
    assert shapes == {(96, 44, 3)}


def hundredths(seconds: Fraction) -> int:
    return int(seconds * 100)


def test_pysubs2_reads_boxes_and_times_from_ass() -> None:
    library = pytest.importorskip("pysubs2", reason="reads the subtitles")
    scene = by_hand()
    script = library.SSAFile.from_string(subtitles.write_ass(scene))
    assert (script.info["PlayResX"], script.info["PlayResY"]) == ("320", "180")
    frame_of = {hundredths(scene.clock.seconds(frame)) * 10: frame for frame in range(10)}
    found = {}
    for event in script:
        if event.style == "Box" and event.name == "person 1":
            frame = frame_of[event.start]
            assert event.end == hundredths(scene.clock.seconds(frame + 1)) * 10
            place, shape = event.text.removeprefix("{\\pos(").split(")", 1)
            left, top = map(float, place.split(","))
            numbers = [int(word) for word in shape.partition("}")[2].split() if word.isdigit()]
            found[frame] = [left, top, left + numbers[2] / 128, top + numbers[5] / 128]
    same(found, boxes_by_frame(scene))
    names = [event for event in script if event.style == "Name"]
    assert {event.text.partition("}")[2] for event in names} == {"person 1", "traffic light 2"}


def test_names_of_boxes_at_the_top_edge_stand_inside() -> None:
    scene = by_hand()
    boxes = scene.tracks[0].boxes_xyxy
    boxes[0, 1] = 4  # less than the ten pixels of the font
    names = [line for line in subtitles.write_ass(scene).splitlines() if ",Name,person 1," in line]
    assert ["\\an7" in line for line in names] == [top < 10 for top in boxes[:, 1]]
    assert sum("\\an7" in line for line in names) == 1


def test_libass_draws_the_boxes(tmp_path: Path) -> None:
    melt = program("melt")  # Debian's has libass; PyAV has not
    rate = Fraction(30000, 1001)
    size = (640, 384)
    clip = write_clip(
        tmp_path / "a.mkv", Clip(frames=12, rate=rate, size=size, numbered=True, encoder="ffv1", options={})
    )
    there = {i: (100 + 20 * i, 100, 200 + 20 * i, 300) for i in (3, 4, 5, 8)}
    log = write_log(tmp_path / "a.tracks.jsonl", {1: there}, range(12), rate, size=size)
    script = exported(log, "ass", tmp_path)
    target = tmp_path / "drawn.mkv"
    done = subprocess.run(
        [
            *(melt, "-silent", str(clip), "-attach", "avfilter.subtitles", f"av.filename={script}"),
            *("-consumer", f"avformat:{target}", "vcodec=ffv1", "pix_fmt=yuv444p", "an=1", "real_time=-1"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert target.exists(), done.stderr
    with av.open(str(target)) as container:
        pictures = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    if all(edges_of(blue_or_so(picture)) == [] for picture in pictures):
        pytest.skip("this FFmpeg has no libass")
    for number, picture in enumerate(pictures):
        found = edges_of(blue_or_so(picture))
        if number in there:
            np.testing.assert_allclose(found, there[number], atol=3, err_msg=f"frame {number}")  # a line of 1 px around
        else:
            assert found == [], f"frame {number} has no object"


def blue_or_so(picture: np.ndarray) -> np.ndarray:
    """Pixels of the colour of track 1, at least by half."""
    colour = np.array(colour_of(1)) - np.mean(colour_of(1))
    values = picture - picture.mean(2, keepdims=True)
    return values @ colour / (colour @ colour) > 0.5


def test_webvtt_carries_the_boxes() -> None:
    library = pytest.importorskip("webvtt", reason="reads the cues")
    scene = by_hand()
    cues = library.from_string(subtitles.write_webvtt(scene))
    found = {}
    for cue in cues:
        content = json.loads(cue.text)
        assert content["size"] == [320, 180]
        assert cue.start_in_seconds * 1000 + cue.start_time.milliseconds == int(
            1000 * scene.clock.seconds(content["frame"])
        )
        for entry in content["objects"]:
            if entry["id"] == 1:
                found[content["frame"]] = entry["box"]
    same(found, boxes_by_frame(scene))
    assert [len(json.loads(cue.text)["objects"]) for cue in cues] == [1, 2, 2, 1, 1, 1]


def test_webvtt_of_odd_names_stays_one_cue(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(1)}, range(1))
    log.write_text(log.read_text("utf-8").replace('"person"', '"a --> b & <c>"'), "utf-8")
    text = subtitles.write_webvtt(scene_of(log))
    cue = text.split("\n\n")[2]
    assert cue.count("-->") == 1
    assert "<" not in cue and "&" not in cue
    assert json.loads(cue.split("\n")[1])["objects"][0]["class"] == "a --> b & <c>"

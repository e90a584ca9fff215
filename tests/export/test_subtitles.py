"""ASS and WebVTT, read by pysubs2 and webvtt-py and drawn by libass."""

from __future__ import annotations

import json
import os
import subprocess
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.export.readers import boxes_by_frame, edges_of, same
from tests.export.scenes import by_hand, exported, moving, program, scene_of, write_log
from tests.media import Clip, write_clip
from vidtrack.export import subtitles
from vidtrack.render.style import colour_of


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

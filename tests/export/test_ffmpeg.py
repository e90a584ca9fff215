"""Filters, run by ffmpeg."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.export.readers import boxes_by_frame, edges_of
from tests.export.scenes import exported, moving, scene_of, write_log
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

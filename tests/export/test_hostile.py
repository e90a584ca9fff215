"""Logs from strangers: names that mean something to other programs, numbers past all measure."""

from __future__ import annotations

import csv
import json
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest

from tests.conftest import Ended
from tests.export.scenes import moving, program, write_log
from vidtrack.export.registry import FORMATS

Command = Callable[..., Ended]
ALL = ",".join(entry.name for entry in FORMATS if entry.name != "parquet")
NAMES = [
    "a'b\"c",
    "</script><b>&amp;]]>",
    "first\nsecond\r\tthird\x00\x01\x1b",
    "日本 🚲\u200d\u2028",
    "../../etc/passwd",
    "; rm -rf; $HOME [exec ls] {x} }{",
    "%s %(clip)s %d",
    "{\\pos(1,1)}\\N\\",
    "--> <!--",
    '"""\\',
    "\udcff",
    "",
]


def edited(path: Path, edit: Callable[[list[dict[str, Any]]], object]) -> Path:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    edit(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return path


@pytest.fixture
def log(tmp_path: Path) -> Path:
    gap = {frame: box for frame, box in moving(12).items() if frame not in (4, 5)}
    return write_log(tmp_path / "clip.tracks.jsonl", {1: gap, 2: moving(6, 3)}, range(12))


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_a_name_in_every_format(vidtrack: Command, log: Path, tmp_path: Path, name: str) -> None:
    def rename(lines: list[dict[str, Any]]) -> None:
        lines[0]["model"]["classes"] = [name, f"{name}2"]
        lines[0]["source"]["path"] = name

    out = tmp_path / "deep" / "out"
    ended = vidtrack("export", edited(log, rename), "--to", ALL, "-o", out)
    assert ended.code == 0, ended.err
    assert ended.err.count("\n") <= 1
    assert {path.name for path in tmp_path.iterdir()} == {"clip.tracks.jsonl", "deep"}
    assert len(list(out.iterdir())) == len(FORMATS) - 1
    texts = {path: path.read_text("utf-8") for path in out.rglob("*") if path.is_file()}
    yolo = [path for path in texts if "clip.yolo" in path.parts]
    assert (len(texts) - len(yolo), len(yolo)) == (15 + 4 + 6, 13)

    for suffix in (".fcpxml", ".mlt", ".cvat.xml"):
        Xml.fromstring(texts[out / f"clip{suffix}"])
    for suffix in (".otio", ".coco.json", ".label-studio.json"):
        json.loads(texts[out / f"clip{suffix}"])
    compile(texts[out / "clip.blender.py"], "clip.blender.py", "exec")
    assert len(list(csv.reader(texts[out / "clip.tracks.csv"].splitlines()))) == 1 + 10 + 6
    assert len(texts[out / "clip.3de.txt"].splitlines()) == 1 + 3 + 10 + 3 + 6
    nuke = texts[out / "clip.nk"]
    assert nuke.count("{") == nuke.count("}")
    assert not set("\\[$") & set(nuke)
    assert all(line.count('"') in (0, 2) for line in nuke.splitlines()[1:])
    events = texts[out / "clip.ass"].split("[Events]\n")[1].splitlines()
    assert len(events) == 1 + 2 * (10 + 6)
    assert all(line.count("{") == line.count("}") == 1 for line in events[1:])


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_the_script_for_after_effects_stays_a_script(vidtrack: Command, log: Path, name: str) -> None:
    node = program("node")
    edited(log, lambda lines: lines[0]["model"].update(classes=[name, name]))
    assert vidtrack("export", log, "--to", "after-effects-script").code == 0
    script = log.with_name("clip.after-effects.jsx").read_text("utf-8")
    code = "new Function(require('fs').readFileSync(0, 'utf8'))"
    checked = subprocess.run([node, "-e", code], input=script, text=True, capture_output=True)
    assert checked.returncode == 0, checked.stderr


def to(*keys: str, value: Any) -> Callable[[list[dict[str, Any]]], None]:
    def apply(lines: list[dict[str, Any]]) -> None:
        lines[0]["source"][keys[0]] = value

    return apply


def last_frame(**values: int) -> Callable[[list[dict[str, Any]]], None]:
    return lambda lines: next(line for line in reversed(lines) if line["type"] == "frame").update(values)


@pytest.mark.parametrize(
    ("edit", "code", "said"),
    [
        (last_frame(i=10**12), 2, "goes up to frame 1000000000000"),
        (last_frame(pts=10**15), 2, "wrong?|rate varies"),
        (to("time_base", value=[10**9, 1]), 2, "wrong?|support 1e-09"),
        (to("size", value=[0, 0]), 3, "source/size/0"),
        (to("sample_aspect_ratio", value=[1, 0]), 3, "source/sample_aspect_ratio"),
        (to("sample_aspect_ratio", value=[-1, 1]), 3, "source/sample_aspect_ratio"),
        (to("average_rate", value=[0, 0]), 3, "source/average_rate"),
        (to("path", value="half \ud800"), 3, "lone surrogate"),
    ],
)
def test_numbers_past_all_measure_are_one_line(
    vidtrack: Command, log: Path, tmp_path: Path, edit: Callable[[list[dict[str, Any]]], None], code: int, said: str
) -> None:
    edited(log, edit)
    for rate in ([], ["--conform-fps", "25"]):
        ended = vidtrack("export", log, "--to", ALL, *rate)
        assert (ended.code, ended.out) == (code, "")
        assert ended.err.count("\n") == 1
        assert any(part in ended.err for part in said.split("|"))
    assert list(tmp_path.iterdir()) == [log]


def test_a_mistaken_length_of_the_clip_is_not_believed(vidtrack: Command, log: Path) -> None:
    edited(log, to("duration", value=[10**15, 1]))
    edited(log, to("frame_count", value=10**12))
    assert vidtrack("export", log, "--to", ALL).code == 0
    assert len(json.loads(log.with_name("clip.coco.json").read_text("utf-8"))["images"]) == 12


def test_a_log_of_one_frame_is_exported_whole(vidtrack: Command, tmp_path: Path) -> None:
    log = write_log(tmp_path / "one.jsonl", {1: moving(1)}, range(1))
    assert vidtrack("export", log, "--to", ALL).code == 0
    log = write_log(tmp_path / "none.jsonl", {}, range(0))
    ended = vidtrack("export", log, "--to", ALL)
    assert (ended.code, ended.out) == (2, "")
    assert "the log has no frames" in ended.err


def test_boxes_beyond_the_picture_and_many_tracks(vidtrack: Command, tmp_path: Path) -> None:
    boxes = {n: {0: (-50.0 * n, -20.0, 400.0, 900.0), 1: (150.0, 90.0, 150.0, 90.0)} for n in range(1, 201)}
    log = write_log(tmp_path / "many.jsonl", boxes, range(2), Fraction(24000, 1001))
    assert vidtrack("export", log, "--to", ALL).code == 0
    for name in ("coco", "label-studio"):
        json.loads(tmp_path.joinpath(f"many.{name}.json").read_text("utf-8"), parse_constant=pytest.fail)


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "+1", "-2", "@sum"])
def test_a_name_is_no_formula_in_a_spreadsheet(vidtrack: Command, log: Path, name: str) -> None:
    edited(log, lambda lines: lines[0]["model"].update(classes=[name, "car"]))
    assert vidtrack("export", log, "--to", "csv").code == 0
    rows = list(csv.DictReader(log.with_name("clip.tracks.csv").read_text("utf-8").splitlines()))
    assert {row["class"] for row in rows} == {f"'{name}", "car"}

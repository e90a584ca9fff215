"""`vidtrack eval detections` as people call it."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.conftest import Ended, assert_one_line
from tests.evaluation.coco_cases import PERSON, box, coco, found, written

Command = Callable[..., Ended]


def test_detections_from_a_file(vidtrack: Command, tmp_path: Path) -> None:
    truth = coco(tmp_path / "t.json", [box("p0", PERSON, 50)])
    results = written(tmp_path / "r.json", [found("p0", PERSON, 50), found("p7", PERSON, 50)])
    ended = vidtrack("eval", "detections", truth, results, "--json", tmp_path / "d.json", "--csv", tmp_path / "d.csv")
    assert ended.code == 0
    assert ended.out.splitlines()[0].split() == "class AP AP50 AP75 small medium large AR boxes images".split()
    assert ended.out.splitlines()[2].split() == "person 100.00 100.00 100.00 - 100.00 - 100.00 1 2".split()
    assert ended.err.startswith("vidtrack: note: left out 1 result in")
    values = json.loads((tmp_path / "d.json").read_text())
    assert values["mean"]["ap"] == pytest.approx(1) and values["mean"]["ap_small"] is None
    assert next(csv.DictReader(io.StringIO((tmp_path / "d.csv").read_text())))["ap_large"] == ""


def test_a_class_name_commands_no_terminal(vidtrack: Command, tmp_path: Path) -> None:
    truth = coco(tmp_path / "t.json", [box("p0", PERSON, 50)])
    truth.write_text(truth.read_text().replace('"person"', r'"[red]per\u001b[2Json"'))
    ended = vidtrack("eval", "detections", truth, written(tmp_path / "r.json", [found("p0", PERSON, 50)]))
    assert r"[red]per\u001b[2Json" in ended.out and "\x1b" not in ended.out


def test_detections_by_a_model(vidtrack: Command, tiny_checkpoint: Path, tmp_path: Path) -> None:
    truth = coco(tmp_path / "t.json", [box("p0", PERSON, 150), box("p1", PERSON, 90, at=60)])
    values = json.loads(truth.read_text())
    values["categories"].append({"id": 9, "name": "dragon"})
    written(truth, values)
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.random.default_rng(number).integers(0, 255, (150, 150, 3)))
    saved = tmp_path / "saved.json"
    ended = vidtrack("eval", "detections", truth, "--model", tiny_checkpoint, "--save", saved)
    assert ended.code == 0 and "the model has no class dragon: not scored" in ended.err
    results = json.loads(saved.read_text())
    assert {one["image_id"] for one in results} == {"p0", "p1"} and {one["category_id"] for one in results} == {1, 3}
    assert max(one["bbox"][0] + one["bbox"][2] for one in results) > 150  # in the annotation's pixels, not the file's
    annotations = [{**one, "category_id": PERSON} for one in results[::5]]
    written(truth, json.loads(truth.read_text()) | {"annotations": annotations})
    direct = vidtrack("eval", "detections", truth, "--model", tiny_checkpoint, "--classes", "person", "--json", "-")
    by_file = vidtrack("eval", "detections", truth, saved, "--classes", "person", "--json", "-")
    first, second = (json.loads(one.out)["mean"] for one in (direct, by_file))
    assert 0 < first["ap"] < 1
    assert first == pytest.approx(second, abs=0.02, nan_ok=True)  # the file has hundredths of a pixel


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("t.json",), "give either RESULTS or --model"),
        (("t.json", "r.json", "--model", "default"), "give either RESULTS or --model"),
        (("t.json", "r.json", "--save", "s.json"), "require --model"),
        (("t.json", "--model", "{tiny}", "--save", "-"), "--save cannot write to stdout"),
        (("absent.json", "r.json"), "cannot read absent.json: No such file"),
        (("t.json", "absent.json"), "cannot read absent.json: No such file"),
        (("notes.txt", "r.json"), "notes.txt is not JSON"),
        (("r.json", "r.json"), "r.json: Expected `object`, got `array`"),
        (("t.json", "t.json"), "missing required field `score` - at `$[0]`"),
        (("t.json", "r.json", "--classes", "unicorn"), "t.json has no class 'unicorn'"),
        (("t.json", "r.json", "--classes", "car"), "no boxes that count of car"),
        (("t.json", "r.json", "--json", "t.json"), "t.json would replace"),
        (("t.json", "--model", "absent.safetensors"), "absent.safetensors"),
        (
            ("t.json", "--model", "{tiny}", "--images", "away"),
            "image away/0.png does not exist (give the f",
        ),
        (("dragons.json", "--model", "{tiny}"), "the model has no class of dragons.json (it has person, car"),
    ],
)
def test_detections_that_do_not_fit(
    vidtrack: Command,
    tiny_checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    values = json.loads(coco(Path("t.json"), [box("p0", PERSON, 50)]).read_text())
    written(Path("dragons.json"), values | {"categories": [{"id": PERSON, "name": "dragon"}]})
    written(Path("r.json"), [found("p0", PERSON, 50)])
    Path("notes.txt").write_text("dear diary")
    for number in range(2):
        cv2.imwrite(f"{number}.png", np.zeros((30, 30, 3), np.uint8))
    given = [argument.format(tiny=tiny_checkpoint) for argument in arguments]
    assert_one_line(vidtrack("eval", "detections", *given), 2, said)

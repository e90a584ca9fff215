from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from vidtrack.cli.app import app
from vidtrack.errors import OutputError
from vidtrack.training.check import check_sets, contact_sheet
from vidtrack.training.config import TrainConfig
from vidtrack.training.plot import COLOURS, HEIGHT, MARGIN, WIDTH, plot_metrics


def test_good_data_has_no_problems(recipe: TrainConfig) -> None:
    (report,) = check_sets(recipe)
    assert report.problems == ()
    assert report.per_class == (4, 4, 0)
    assert report.labelled == (4, 4, 4)
    assert report.boxes == 8


def spoil(recipe: TrainConfig) -> None:
    path = Path(recipe.data.train[0].path)
    values = json.loads(path.read_text())
    values["annotations"][2]["bbox"] = [200, 10, 20, 20]
    values["annotations"][4]["bbox"] = [5, 5, 0.5, 20]
    values["annotations"].append({**values["annotations"][0], "id": 99})
    values["images"][1]["labelled_classes"] = ["dog"]
    values["images"][2]["width"] = 200
    path.write_text(json.dumps(values))
    (path.parent / "003.png").unlink()


def test_problems_are_found_and_name_their_pictures(recipe: TrainConfig) -> None:
    spoil(recipe)
    (report,) = check_sets(recipe)
    said = "\n".join(report.problems)
    for problem, picture in (
        ("missing pictures", "003.png"),
        ("boxes far outside", "001.png"),
        ("boxes under one pixel", "002.png"),
        ("the same box twice", "000.png"),
        ("do not list as labelled", "001.png"),
        ("shape is not the annotation's", "002.png"),
    ):
        assert any(problem in line and picture in line for line in report.problems), (problem, said)


def test_a_set_that_cannot_be_read_is_a_report(recipe: TrainConfig) -> None:
    Path(recipe.data.train[0].path).write_text("nonsense")
    (report,) = check_sets(recipe)
    assert "not JSON" in report.problems[0]


def test_contact_sheet_shows_boxes(recipe: TrainConfig, tmp_path: Path) -> None:
    contact_sheet(replace(recipe, tracks=replace(recipe.tracks, share=0.5)), tmp_path / "sheet.png", 4)
    sheet = cv2.imread(str(tmp_path / "sheet.png"))
    assert sheet.shape[1] == 8 * 240
    assert (sheet == np.array([60, 200, 60])).all(-1).any()
    with pytest.raises(OutputError, match="contact sheet"):
        contact_sheet(recipe, tmp_path / "no" / "sheet.png", 1)


def test_command(recipe: TrainConfig, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe.to_dict()))
    good = CliRunner().invoke(app, ["data", "check", str(path), "--sheet", str(tmp_path / "sheet.jpg")])
    assert good.exit_code == 0, good.output
    assert "person" in good.output
    assert (tmp_path / "sheet.jpg").exists()
    path.write_text(json.dumps(recipe.to_dict()).replace('"dog"', '"dgo"'))
    misspelt = CliRunner().invoke(app, ["data", "check", str(path)])
    assert misspelt.exit_code == 2
    assert "no training set labels dgo" in misspelt.output
    path.write_text(json.dumps(recipe.to_dict()))
    spoil(recipe)
    bad = CliRunner().invoke(app, ["data", "check", str(path)])
    assert bad.exit_code == 2
    assert "003.png" in bad.output


def test_plot(tmp_path: Path) -> None:
    lines = [{"step": step, "losses": {"total": 10 / step}} for step in range(1, 50)]
    lines += [{"step": 40, "evaluation": {"set": {"ap50": 0.4}}}, {"step": 49, "evaluation": {"set": {"ap50": 0.5}}}]
    plot_metrics(lines, tmp_path / "plot.png")
    picture = cv2.imread(str(tmp_path / "plot.png"))
    assert (picture < 200).all(-1).sum() > 500
    plot_metrics([*lines[:49], lines[-1]], tmp_path / "one.png")
    blue = (cv2.imread(str(tmp_path / "one.png")) == COLOURS[0]).all(-1)
    rows, columns = np.nonzero(blue[HEIGHT : HEIGHT + HEIGHT - MARGIN])
    assert len(rows)  # a single evaluation is a point, at the last step
    assert abs(columns.mean() - (WIDTH - MARGIN)) < 2
    assert abs(rows.mean() - (HEIGHT - MARGIN + MARGIN // 2) / 2) < 2  # AP50 of 0.5, half way up
    plot_metrics([], tmp_path / "empty.png")
    assert (tmp_path / "empty.png").exists()

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from msgspec.structs import replace

from tests.conftest import Ended
from tests.training.conftest import edit
from vidtrack.core.errors import OutputError
from vidtrack.training.dataset_report import check_sets, contact_sheet
from vidtrack.training.plot import COLOURS, HEIGHT, MARGIN, WIDTH, plot_metrics
from vidtrack.training.recipe import TrainConfig

Command = Callable[..., Ended]


@pytest.fixture
def path(recipe: TrainConfig, tmp_path: Path) -> Path:
    """The recipe as a file."""
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe.to_dict()))
    return path


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
        ("missing images", "003.png"),
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


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v.update(annotations=[]), "no box that counts in any image"),
        (lambda v: [row.update(iscrowd=1) for row in v["annotations"]], "no box that counts in any image"),
        (lambda v: v.update(annotations=[], images=[]), "no images"),
    ],
)
def test_a_set_with_nothing_to_learn(recipe: TrainConfig, change: object, said: str) -> None:
    edit(Path(recipe.data.train[0].path), change)
    (report,) = check_sets(recipe)
    assert report.problems == (said,)


def test_contact_sheet_shows_boxes(recipe: TrainConfig, tmp_path: Path) -> None:
    sheets = replace(recipe, tracks=replace(recipe.tracks, share=0.5))
    contact_sheet(sheets, check_sets(sheets), tmp_path / "new" / "sheet.png", 4)
    sheet = cv2.imread(str(tmp_path / "new" / "sheet.png"))
    assert sheet.shape[1] == 8 * 240
    assert (sheet == np.array([60, 200, 60])).all(-1).any()
    with pytest.raises(OutputError, match="cannot be written"):
        contact_sheet(recipe, check_sets(recipe), tmp_path / "pictures" / "000.png" / "sheet.png", 1)


def test_contact_sheet_leaves_out_pictures_that_cannot_be_read(vidtrack: Command, path: Path, tmp_path: Path) -> None:
    pictures = sorted((tmp_path / "pictures").glob("*.png"))
    pictures[0].unlink()
    pictures[1].write_bytes(b"damaged")
    pictures[2].unlink()
    os.mkfifo(pictures[2])
    sheet = tmp_path / "sheet.png"
    ended = vidtrack("data", "check", path, "--sheet", sheet)
    assert ended.code == 2
    assert "2 missing images: 000.png, 002.png" in ended.out
    assert "1 unreadable images: 001.png" in ended.out
    assert (cv2.imread(str(sheet)) == np.array([60, 200, 60])).all(-1).any()
    pictures[3].unlink()
    ended = vidtrack("data", "check", path, "--sheet", sheet, "--overwrite")
    assert ended.code == 2
    assert "no image of the training sets can be drawn" in ended.err


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("there.png", (), "already exists (--overwrite replaces it)"),
        ("pictures/000.png", ("--overwrite",), "is an image of the recipe's sets"),
        ("pictures/train.jpg", ("--overwrite",), "would replace another file of this command"),
        ("recipe.json", ("--overwrite",), "is not an image file name"),
    ],
)
def test_contact_sheet_replaces_no_input(
    vidtrack: Command, path: Path, tmp_path: Path, name: str, options: tuple[str, ...], said: str
) -> None:
    (tmp_path / "there.png").touch()
    (tmp_path / "pictures" / "train.json").rename(tmp_path / "pictures" / "train.jpg")
    edit(path, lambda values: values["data"]["train"][0].update(path=str(tmp_path / "pictures" / "train.jpg")))
    before = (tmp_path / name).read_bytes()
    ended = vidtrack("data", "check", path, "--sheet", tmp_path / name, *options)
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert said in ended.err
    assert (tmp_path / name).read_bytes() == before


def test_names_are_shown_as_they_are(vidtrack: Command, path: Path, tmp_path: Path) -> None:
    edit(tmp_path / "pictures" / "train.json", lambda values: values["categories"][0].update(name="[b]a\x1b[2Jb"))
    edit(path, lambda values: values["model"].update(classes=["[b]a\x1b[2Jb", "car", "dog"]))
    ended = vidtrack("data", "check", path)
    assert "[b]a\\u001b[2Jb" in ended.out


def test_command(vidtrack: Command, recipe: TrainConfig, path: Path, tmp_path: Path) -> None:
    missed = vidtrack("data", "check", path)
    assert missed.code == 2
    assert "no training set has a box of dog" in missed.out
    edit(tmp_path / "pictures" / "train.json", lambda values: values["annotations"][0].update(category_id=18))
    good = vidtrack("data", "check", path, "--sheet", tmp_path / "sheet.jpg")
    assert good.code == 0, good.err
    assert "person" in good.out
    assert (tmp_path / "sheet.jpg").exists()
    path.write_text(json.dumps(recipe.to_dict()).replace('"dog"', '"dgo"'))
    misspelt = vidtrack("data", "check", path)
    assert misspelt.code == 2
    assert "no training set labels dgo" in misspelt.out


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

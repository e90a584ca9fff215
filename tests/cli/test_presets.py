"""Options from files and presets, scores by class, and regions."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Ended, assert_one_line
from tests.media import Clip, write_clip
from tests.networks import TINY
from vidtrack import RunConfig, TrackLog, load_model
from vidtrack.cli.presets import PRESETS
from vidtrack.core.class_names import class_filter
from vidtrack.core.detections import Detections
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracklog.zones import in_regions, parse_region

Command = Callable[..., Ended]
DOCUMENT = Path(__file__).parents[2] / "docs" / "presets.md"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "clip.mp4", Clip(frames=6))


@pytest.fixture
def detect(vidtrack: Command, tiny_checkpoint: Path, clip: Path) -> Command:
    return lambda *arguments: vidtrack("detect", clip, "--model", tiny_checkpoint, "--no-video", *arguments)


def config(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "shoot.toml"
    path.write_text(text, "utf-8")
    return path


def test_the_command_line_wins_over_a_file_and_that_over_a_preset(detect: Command, clip: Path, tmp_path: Path) -> None:
    first, second = [name for name in TINY.classes if name][:2]
    file = config(
        tmp_path,
        f"""
        preset = "quick"
        [detect]
        classes = ["{first}", "{second}"]
        score = {{{first} = 0.2, "{second}" = 0.6}}
        region = ["0%,0%,100%,100%"]
        detect-every = 2
        smooth = 0.5
        max_tracks = 7
        [render]
        blur = true
        """,
    )
    ended = detect("--config", file, "--smooth", "0.1")
    assert ended.code == 0, ended.err
    run = TrackLog.load(clip.with_name("clip.tracks.jsonl")).header.run.parameters
    assert run["classes"] == [first, second]
    assert (run["smooth_seconds"], run["detect_every"], run["tracker"]["max_tracks"]) == (0.1, 2, 7)
    thresholds = dict(zip(TINY.classes, run["tracker"]["class_thresholds"], strict=True))
    assert (thresholds[first], thresholds[second]) == (0.2, 0.6)
    assert run["tracker"]["regions"][0]["points"] == [[0, 0], [100, 0], [100, 100], [0, 100]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clases = ['person']", "'clases' is not an option of vidtrack detect (did you mean classes?)"),
        ("no-video = 1", "no-video = 1 is not valid (it takes true or false)"),
        ("smooth = true", "smooth = True is not valid (it takes a value)"),
        ("smooth = 99", "'--smooth': Input should be less than or equal to 10"),
        ("score = 'high'", "'high' is not a score from 0 to 1"),
        ("preset = 'fancy'", "unknown preset 'fancy' (choose one of privacy, sports, traffic, quick)"),
        ("config = 'other.toml'", "'config' is not an option"),
        ("classes = [", "is not valid TOML"),
        ("detect = 3", "[detect] is not a table"),
    ],
)
def test_what_is_wrong_in_a_file_is_said_in_a_line(detect: Command, tmp_path: Path, text: str, said: str) -> None:
    assert_one_line(detect("--config", config(tmp_path, text)), 2, said)


def test_a_file_that_cannot_be_read_is_said(detect: Command, tmp_path: Path) -> None:
    assert_one_line(detect("--config", tmp_path / "missing.toml"), 2, "cannot be read: No such file")
    assert_one_line(detect("--config", tmp_path), 2, "cannot be read")


def test_an_encoders_preset_and_one_for_another_command_are_explained(vidtrack: Command, tmp_path: Path) -> None:
    assert_one_line(vidtrack("detect", "a.mp4", "--preset", "veryslow"), 2, "use --encoder-preset veryslow")
    assert_one_line(vidtrack("render", "a.jsonl", "--preset", "quick"), 2, "sets nothing for vidtrack render")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_is_documented_and_its_options_exist(vidtrack: Command, name: str) -> None:
    row = next(line for line in DOCUMENT.read_text("utf-8").splitlines() if line.startswith(f"| `{name}`"))
    for command, values in PRESETS[name].items():
        words = [f"--{key}" if value is True else f"--{key} {value}" for key, value in values.items()]
        if command == "detect" and values.get("no-cuts"):
            assert row.count(" ".join(words)) == 1
        assert all(word in row for word in words)
        ended = vidtrack(command, "missing.input", "--preset", name)
        assert "missing.input" in ended.err  # the options were taken


def test_the_included_model_has_the_classes_of_every_preset() -> None:
    names = load_model("default", "cpu").class_names
    for own in PRESETS.values():
        if "classes" in own["detect"]:
            assert class_filter(names, own["detect"]["classes"].split(",")).any()


def test_the_files_of_the_document_are_taken(vidtrack: Command, tmp_path: Path) -> None:
    for text in re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S):
        assert tomllib.loads(text)
        for command in ("detect", "render"):
            ended = vidtrack(command, "missing.input", "--config", config(tmp_path, text.replace("sports", "privacy")))
            assert "missing.input" in ended.err


def test_a_class_with_a_score_of_its_own_starts_tracks_from_it() -> None:
    run = RunConfig(class_scores=(("car", 0.2),)).at_score(0.5, ["person", "car"])
    assert (run.tracker.low_score, run.tracker.high_score, run.tracker.new_track_threshold) == (0.15, 0.2, 0.5)
    associator = Associator(run.tracker, 2)
    boxes = np.array([[0, 0, 50, 50], [100, 0, 150, 50], [200, 0, 250, 50]], np.float64)
    found = Detections.of(boxes, np.array([0.3, 0.3, 0.6]), np.array([0, 1, 0]))
    for seconds in (0.0, 0.1):
        associator.predict(seconds)
        shown = associator.update(found)
    assert sorted(zip(shown.classes.tolist(), shown.boxes_xyxy[:, 0].round().tolist(), strict=True)) == [
        (0, 200.0), (1, 100.0),
    ]  # fmt: skip


def test_a_score_of_a_class_that_the_model_lacks_is_said(detect: Command) -> None:
    assert_one_line(detect("--score", "unicorn=0.4"), 2, "no class 'unicorn'")


def test_centres_outside_the_regions_or_inside_an_ignored_one_do_not_count() -> None:
    boxes = np.array([[0, 0, 20, 20], [40, 40, 60, 60], [80, 80, 100, 100]], np.float64)
    left, middle = parse_region("0%,0%,55%,100%"), parse_region("45,45,55,45,55,55,45,55")
    assert in_regions(boxes, (left,), (), (100, 100)).tolist() == [True, True, False]
    assert in_regions(boxes, (left,), (middle,), (100, 100)).tolist() == [True, False, False]
    assert in_regions(boxes, (), (middle,), (100, 100)).tolist() == [True, False, True]
    assert in_regions(boxes, (), (), (100, 100)).all()
    assert TrackerConfig().regions == ()


@pytest.mark.parametrize("text", ["", "1,2,3", "a,b,c,d", "1,2,3%,4", "5,5,5,9", "1,1"])
def test_a_region_that_is_none_is_said(detect: Command, text: str) -> None:
    assert detect("--region", text).code == 2


def test_nothing_is_found_outside_a_region(detect: Command, clip: Path) -> None:
    assert detect("--region", "0%,0%,50%,100%", "--score", "0.3").code == 0
    log = TrackLog.load(clip.with_name("clip.tracks.jsonl"))
    width = log.header.source.size[0]
    assert len(log.ids) and (log.boxes_xyxy[:, [0, 2]].mean(1) <= width / 2 + 4).all()
    assert_one_line(detect("--region", "900,900,990,990", "--overwrite"), 2, "lies outside the image")

"""What is said of a clip and a log that do not cover each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.render.scenes import any_clip, object_clip, write_log

Command = Callable[..., Ended]
FRAMES = 40


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return object_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", FRAMES)


@pytest.mark.parametrize(
    ("logged", "lacking", "said"),
    [
        (range(FRAMES), 0, ""),
        (range(0, FRAMES, 3), 0, ""),
        (range(30), 10, "the log lacks 10 frames from 1.20 s on: objects that appear or move there may show"),
        (range(5, FRAMES), 5, "the log lacks 5 frames from 0.00 s on"),
        ([*range(10), *range(19, FRAMES)], 9, "the log lacks 9 frames from 0.40 s on"),
        ([0], 39, "the log lacks 39 frames from 0.04 s on"),
        (range(FRAMES + 7), 0, "the clip ends at 1.56 s, 7 frames before the log does"),
    ],
    ids=["whole", "a stride", "its end", "its beginning", "its middle", "all but one", "more"],
)
def test_frames_that_clip_or_log_lack_are_told(
    vidtrack: Command, clip: Path, tmp_path: Path, logged: Sequence[int], lacking: int, said: str
) -> None:
    log = write_log(tmp_path / "log.jsonl", clip, {1: {i: (100, 40, 140, 90) for i in logged}}, logged)
    report = tmp_path / "report.json"
    ended = vidtrack("render", log, clip, "--blur", "-o", tmp_path / "out.mp4", "--report", report)
    assert ended.code == 0, ended.err
    assert (f"warning: {said}" if said else "no doubtful frames") in ended.err
    assert ended.err.count("warning: ") == bool(said)
    (made,) = json.loads(report.read_text())["made"]
    assert (made["frames"], made["frames_unlogged"], len(made["warnings"])) == (FRAMES, lacking, bool(said))


@pytest.mark.parametrize(
    ("name", "rate", "own_rate", "logged", "said"),
    [
        ("proxy.mp4", Fraction(25), Fraction(50), range(24), ""),
        ("short.mp4", Fraction(25), Fraction(50), range(26), "the clip ends at 0.44 s, 2 frames before the log does"),
        ("remuxed.mkv", Fraction(30000, 1001), Fraction(30000, 1001), range(3, 12), ""),  # from 0.1001 s, there 0.100 s
        ("longer.mkv", Fraction(30000, 1001), Fraction(30000, 1001), range(3, 11), "the log lacks 1 frame from 0.37 s"),
    ],
)
def test_another_version_is_in_no_doubt_for_its_rate_or_rounded_times(
    vidtrack: Command, tmp_path: Path, name: str, rate: Fraction, own_rate: Fraction, logged: range, said: str
) -> None:
    original = any_clip(tmp_path / "clip.mp4", frames=26, rate=own_rate)
    version = any_clip(tmp_path / name, frames=12, rate=rate)
    began = {"start_seconds": "0.1" if logged.start else None}
    log = write_log(
        tmp_path / "log.jsonl", original, {1: dict.fromkeys(logged, (100, 40, 140, 90))}, logged, parameters=began
    )
    ended = vidtrack("render", log, version, "--force", "--blur", "-o", tmp_path / "out.mp4")
    assert ended.code == 0, ended.err
    assert ended.err.count("warning: ") == bool(said)
    assert said in ended.err

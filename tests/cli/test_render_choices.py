"""Bad choices of `vidtrack render`: one clear line each, and nothing replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_render import Command, made_by
from tests.conftest import assert_one_line
from tests.render.scenes import any_clip, frames_of


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--tracks", 7), 2, "no track 7"),
        (("--crop-track", 7), 2, "no track 7"),
        (("--min-length", "31f"), 2, "no track of the log matches"),
        (("--crop-track", "1,2"), 2, "takes one track"),
        (("--classes", "persn"), 2, "did you mean person?"),
        (("--crop-track", 1, "--aspect", "1:200"), 2, "a window of 1:200"),
        (("--crop-track", 1, "--size", "101x100"), 2, "even numbers"),
        (("--crop-track", 1, "--size", "100x100", "--aspect", "9:16"), 2, "is not 9:16"),
        (("--aspect", "9:16"), 2, "--aspect has no effect on its own"),
        (("--blur", "--solid"), 2, "cannot be combined"),
        (("--blur", "--stills"), 2, "hiding cannot be combined with"),
        (("--blur", "--smooth", 0.3), 2, "--smooth has no effect with --blur"),
        (("--matte", "alpha", "--codec", "h264"), 2, "h264 cannot store an alpha channel"),
        (("--blur", "--line-width", 3), 2, "--line-width has no effect with"),
        (("--stills", "--crf", 20), 2, "--crf has no effect with --stills"),
        (("--crop-track", 1, "--handles", 2), 2, "--handles has no effect with --crop-track ID"),
        (("--crop-track", "all", "--end", 1), 2, "--end has no effect with --crop-track all"),
        (("--crop-track", 1, "--tracks", 2), 2, "--tracks has no effect with --crop-track ID"),
        (("--crop-track", 1, "--except", 2), 2, "--except has no effect with --crop-track ID"),
        (("--clips", "--smooth", 1), 2, "--smooth has no effect with --clips"),
        (("-o", ""), 2, "the output name is empty"),
        (("-o", "-"), 2, "cannot go to a stream"),
        (("--clips", "-o", "-"), 2, "cannot go to a stream"),
        (("--report", "report.txt"), 2, "--report cannot write to report.txt"),
        (("--parts", "boxes,noses"), 2, "noses"),
        (("--clips", "-o", "x.mp4"), 2, "several may be made"),
        (("--codec", "h265x"), 2, "unknown video codec"),
        (("--matte", "alpha", "-o", "x.mp4"), 2, "cannot hold prores4444"),
        (("-o", "x.xyz"), 2, "no known video extension"),
        (("-o", "no/such/place/"), 0, ""),
        (("--start", 99), 3, "no frame of"),
    ],
)
def test_choices_that_cannot_be(
    vidtrack: Command, log: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[object, ...], code: int, said: str
) -> None:
    monkeypatch.chdir(log.parent)
    ended = vidtrack("render", log, *options)
    if code == 0:
        assert ended.code == 0
        return
    assert_one_line(ended, code, said)
    assert made_by(log) == set()


UNREADABLE = (
    *("--tracks one", "--min-length long", "--smooth inf", "--fill-gaps inf", "--colour sky --solid"),
    *("--aspect wide --crop-track 1", "--size big --crop-track 1", "--max-speed inf --crop-track 1"),
    *("--max-acceleration nan --crop-track 1", "--margin -1 --blur", "--hold-before inf --blur"),
    "--hold-after nan --blur",
)


@pytest.mark.parametrize("options", UNREADABLE)
def test_unreadable_choices(vidtrack: Command, log: Path, options: str) -> None:
    assert_one_line(vidtrack("render", log, *options.split()), 2, options.split()[0])


def test_inputs_that_cannot_be_used(vidtrack: Command, log: Path) -> None:
    other = any_clip(log.parent / "other.mp4", frames=30)
    assert_one_line(vidtrack("render", log, other), 3, "other.mp4 is not the clip of the log", "--force")
    assert_one_line(vidtrack("render", log.parent / "none.jsonl"), 3, "none.jsonl cannot be read")
    assert_one_line(vidtrack("render", other), 3, "other.mp4")
    newer = log.parent / "newer.jsonl"
    newer.write_text(log.read_text().replace("track-log/1", "track-log/2", 1))
    assert_one_line(vidtrack("render", newer), 3, "version 2", "upgrade")
    (log.parent / "shot.mov").unlink()
    assert_one_line(vidtrack("render", log), 3, "cannot find", "give the clip after the log")


def test_nothing_is_replaced_unasked(vidtrack: Command, log: Path) -> None:
    target = log.parent / "shot.drawn.mp4"
    target.symlink_to("away.mp4")
    assert_one_line(vidtrack("render", log), 2, "shot.drawn.mp4 already exists", "--overwrite")
    target.unlink()
    target.write_text("mine")
    assert_one_line(vidtrack("render", log), 2, "shot.drawn.mp4 already exists", "--overwrite")
    assert target.read_text() == "mine"
    assert vidtrack("render", log, "--overwrite").code == 0
    assert len(frames_of(target)) == 30
    clip = log.parent / "shot.mov"
    assert_one_line(vidtrack("render", log, "-o", clip, "--overwrite"), 2, "is the input log or clip")
    assert_one_line(vidtrack("render", log, "--overwrite", "--report", log), 2, "is the input log or clip")
    assert_one_line(vidtrack("render", log, "--overwrite", "--report", target), 2, "give a .json file")
    report = log.parent / "mine.json"
    report.write_text("mine")
    target.unlink()
    assert_one_line(vidtrack("render", log, "--report", report), 2, "mine.json already exists")
    assert report.read_text() == "mine" and not target.exists()

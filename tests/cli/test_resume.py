from __future__ import annotations

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip
from vidtrack.core.errors import OutputError
from vidtrack.pipeline.outputs import Outputs, Tracked

Command = Callable[..., Ended]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """More than a minute in few frames."""
    return write_clip(tmp_path / "slow.mp4", Clip(frames=40, rate=Fraction(1, 2)))


@pytest.fixture
def detect(vidtrack: Command, tiny_checkpoint: Path) -> Command:
    def run(*arguments: object) -> Ended:
        return vidtrack("detect", "--model", tiny_checkpoint, "--device", "cpu", "--progress", "plain", *arguments)

    return run


def fail(detect: Command, clip: Path) -> None:
    """A run that ends at frame 36, after the edge at frame 32."""
    write = Outputs.write

    def write_some(self: Outputs, item: Tracked) -> int:
        if item.frame.index == 36:
            raise OutputError("No space left on device")
        return write(self, item)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Outputs, "write", write_some)
        assert detect(clip).code == 1


def test_a_clip_that_failed_is_taken_up(detect: Command, clip: Path) -> None:
    fail(detect, clip)
    assert (clip.parent / "slow.tracked.mp4.resume").is_dir()
    ended = detect(clip, "--resume")
    assert ended.code == 0
    resumed = re.search(r"slow\.mp4: resumed after (\d+) frames, at (\d+)\.000 s", ended.err)
    assert resumed is not None
    frames, seconds = map(int, resumed.groups())
    assert 20 <= frames <= 29  # of the 30 written, those before the last chunk
    assert seconds == 2 * (frames - 1)
    assert {path.name for path in clip.parent.iterdir()} == {"slow.mp4", "slow.tracked.mp4", "slow.tracks.jsonl"}


def test_without_the_option_a_hint_names_both_ways(detect: Command, clip: Path) -> None:
    fail(detect, clip)
    (clip.parent / "slow.tracks.jsonl").unlink()
    ended = detect(clip)
    assert ended.code == 1
    assert "--resume continues it, --overwrite starts over" in ended.err
    assert detect(clip, "--overwrite").code == 0
    assert not (clip.parent / "slow.tracked.mp4.resume").exists()


def test_a_changed_choice_is_named(detect: Command, clip: Path) -> None:
    fail(detect, clip)
    ended = detect(clip, "--resume", "--crf", "30")
    assert ended.code == 1
    assert "video.crf was not given, now 30.0" in ended.err


def test_nothing_to_resume_is_said_to_people_and_programs(detect: Command, clip: Path) -> None:
    ended = detect(clip, "--resume", "--progress", "json")
    assert ended.code == 0
    first = json.loads(ended.err.splitlines()[0])
    assert (first["event"], first["message"]) == ("note", "nothing to resume; starting from the beginning")

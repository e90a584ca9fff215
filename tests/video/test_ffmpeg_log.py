from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.media import EXAMPLE_CLIP, damaged, faststart
from tests.video.reading import read
from vidtrack.video import VideoReader
from vidtrack.video.ffmpeg_log import FFmpegMessages


def test_closing_a_damaged_file_in_the_middle_does_not_hang(tmp_path: Path) -> None:
    path = damaged(faststart(EXAMPLE_CLIP, tmp_path / "whole.mp4"), tmp_path / "a.mp4", 0.05, 400_000)
    for count in range(1, 60, 3):
        with VideoReader(path) as reader:
            for _ in zip(range(count), reader, strict=False):
                pass


def test_ffmpeg_is_quiet_again_after_reading(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = damaged(faststart(EXAMPLE_CLIP, tmp_path / "whole.mp4"), tmp_path / "a.mp4", 0.4, 20_000)
    read(path)
    assert av.logging.get_level() is None
    assert FFmpegMessages._users == 0
    assert capfd.readouterr() == ("", "")

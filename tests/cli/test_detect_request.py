"""Options of `vidtrack detect` that exclude each other are refused before any work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended, assert_one_line


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--address", "127.0.0.1:1"], "--address requires --engine ray"),
        (["-o", "-", "--timeout", "5"], "standard output cannot be used with --engine ray or --timeout"),
        (["--stdout", "video", "--no-video"], "--stdout video cannot be used with --no-video or --resume"),
        (["--watch", "--limit", "3"], "--limit cannot be used with --watch"),
        (["--watch", "-o", "-"], "--watch needs folders"),
        (["--overwrite", "--skip-existing"], "--overwrite and --skip-existing cannot be combined"),
        (["--profile"], "--profile works with a single clip only"),
        (["--show"], "--show works with a single clip only"),
    ],
)
def test_options_that_exclude_each_other(
    vidtrack: Callable[..., Ended], tmp_path: Path, options: list[str], said: str
) -> None:
    (tmp_path / "a.mp4").touch()
    assert_one_line(vidtrack("detect", tmp_path, *options, "--progress", "none"), 2, said)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]

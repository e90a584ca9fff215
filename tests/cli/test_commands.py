from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ended, assert_one_line

Command = Callable[..., Ended]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["detect", "clip.mp4", "-o", "a.mp4", "--output", "b.mp4"], "--output is given more than once"),
        (["detect", "clip.mp4", "--classes", "person", "--classes=car"], "with commas: --classes A,B"),
        (["weights", "export", "default", "--to", "onnx", "--to", "openvino"], "--to is given more than once"),
    ],
)
def test_an_option_given_twice_is_refused_if_one_value_would_be_lost(
    vidtrack: Command, arguments: list[str], told: str
) -> None:
    assert_one_line(vidtrack(*arguments), 2, told)


def test_other_options_override_and_repeatable_ones_add(vidtrack: Command, tmp_path: Path) -> None:
    lines = ["--line", "a=0,0,1,1", "--line", "b=0,0,2,2", "--size", "64", "--size", "96"]
    assert_one_line(vidtrack("detect", tmp_path / "clip.mp4", *lines), 3, "does not exist")

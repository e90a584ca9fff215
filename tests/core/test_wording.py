"""Numbers of things in messages."""

from __future__ import annotations

import pytest

from vidtrack.core.wording import plural


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ((0, "frame"), "0 frames"),
        ((1, "frame"), "1 frame"),
        ((2, "frame"), "2 frames"),
        ((1, "box", "boxes"), "1 box"),
        ((3, "box", "boxes"), "3 boxes"),
        ((12345, "clip", None, ","), "12,345 clips"),
    ],
)
def test_the_noun_agrees_with_the_number(arguments: tuple[int, str], text: str) -> None:
    assert plural(*arguments) == text

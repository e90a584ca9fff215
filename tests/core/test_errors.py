"""Errors are one line that a terminal can show."""

from __future__ import annotations

import pytest

from vidtrack.core import errors
from vidtrack.core.errors import InputError, UsageError, VidtrackError, printable


def test_the_hint_follows_the_message() -> None:
    assert str(UsageError("unknown codec 'x'", "choose h264")) == "unknown codec 'x' (choose h264)"
    assert str(UsageError("unknown codec 'x'")) == "unknown codec 'x'"


def test_names_with_line_breaks_and_control_characters_stay_on_one_line() -> None:
    assert str(InputError("a\nb\x1b[2J.mp4 cannot be read")) == "a b\\u001b[2J.mp4 cannot be read"
    assert printable("caf\u00e9\u2028\x7f") == "caf\u00e9\\u2028\\u007f"


def test_a_very_long_value_is_cut_in_its_middle() -> None:
    said = str(InputError("start" + "x" * 100_000 + "end"))
    assert said.startswith("start") and said.endswith("end") and " ... " in said and len(said) < 2100


@pytest.mark.parametrize(("name", "code"), [
    ("UsageError", 2), ("ExistsError", 2), ("MisfitError", 2), ("WeightsError", 2), ("DataError", 2),
    ("InputError", 3), ("LogError", 3), ("OutputError", 1), ("ResourceError", 1),
])  # fmt: skip
def test_exit_codes(name: str, code: int) -> None:
    kind: type[VidtrackError] = getattr(errors, name)
    assert kind("message").exit_code == code

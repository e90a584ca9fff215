from __future__ import annotations

import pytest

from vidtrack.core.template import fill


def test_marks_are_filled_and_values_are_not_searched_for_marks() -> None:
    assert fill("<{{a}}|{{b}}|{{a}}>", {"a": "{{b}}", "b": r"\1"}) == r"<{{b}}|\1|{{b}}>"


def test_a_mark_without_a_value_is_an_error() -> None:
    with pytest.raises(KeyError, match="missing"):
        fill("{{missing}}", {})

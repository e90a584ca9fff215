from __future__ import annotations

import pytest

from vidtrack.cli.drawing import PARTS, ColourBy, look_of
from vidtrack.core.errors import UsageError
from vidtrack.render.style import Look, Part, Style


def test_without_a_choice_the_look_is_the_default() -> None:
    assert look_of(PARTS, Style.QUIET, None, None, None, ColourBy.track, False) == Look()


def test_choices_become_a_look_and_a_trail_length_asks_for_trails() -> None:
    look = look_of(" speeds, boxes,", Style.BOLD, 4, 20, 2.5, ColourBy.klass, True)
    assert look == Look(Style.BOLD, (Part.BOXES, Part.SPEEDS, Part.TRAILS), 2.5, True, 4, 20, steady=False)


@pytest.mark.parametrize(("parts", "said"), [("boxes,box", "box"), (" , ", "nothing")])
def test_unknown_parts_are_named(parts: str, said: str) -> None:
    with pytest.raises(UsageError, match=rf"unknown --parts {said} \(choose from boxes, labels"):
        look_of(parts, Style.QUIET, None, None, None, ColourBy.track, False)

from __future__ import annotations

import pytest

from vidtrack.core.errors import UsageError
from vidtrack.tracklog.zones import Line, Zone, parse_line, parse_zone


def test_lines_and_zones_are_read_from_text() -> None:
    assert parse_line(" gate = 1, 2.5,3,-4") == Line("gate", ((1.0, 2.5), (3.0, -4.0)))
    assert parse_zone("a=0%,0%,50%,0%,50%,50%") == Zone("a", ((0.0, 0.0), (50.0, 0.0), (50.0, 50.0)), True)


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("line", "gate", "is not a valid line"),
        ("line", "=1,2,3,4", "is not a valid line"),
        ("line", "gate=1,2,3", "is not a valid line"),
        ("line", "gate=1,2,x,4", "is not a valid line"),
        ("line", "gate=1,2,3,4,5,6", "has 3 points"),
        ("line", "gate=1,2,1,2", "has no length"),
        ("line", "gate=1%,2,3,4", "mixes pixels and percent"),
        ("zone", "yard=1,2,3,4", "has 2 points"),
        ("zone", "yard=0,0,1,1,2,2", "has no area"),
        ("zone", "yard=1e3,0,1,1,2,2", "is not a valid zone"),
    ],
)
def test_invalid_lines_and_zones_are_refused(kind: str, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        (parse_line if kind == "line" else parse_zone)(text)

from __future__ import annotations

import pytest

from vidtrack.cli.columns import print_columns


def test_numbers_stand_to_the_right_and_names_to_the_left(capsys: pytest.CaptureFixture[str]) -> None:
    print_columns(("id", "class", "score"), [("1", "person", "0.50"), ("12", "a\x1b[2J", "1.00")], left=(1,))
    assert capsys.readouterr().out.splitlines() == [
        "id  class       score",
        " 1  person       0.50",
        "12  a\\u001b[2J   1.00",
    ]

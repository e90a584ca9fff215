from __future__ import annotations

from pathlib import Path

import pytest

from tests.export.test_golden import contents
from vidtrack.core.errors import UsageError
from vidtrack.export.registry import FORMATS, Format, find_formats
from vidtrack.export.scene import Anchor

DOCS = Path(__file__).parents[2] / "docs" / "formats.md"


def test_names_and_files_are_of_one_format_each() -> None:
    assert len({entry.name for entry in FORMATS}) == len({entry.suffix for entry in FORMATS}) == len(FORMATS)


def test_every_format_has_its_rows_in_the_documentation() -> None:
    text = DOCS.read_text("utf-8")
    for entry in FORMATS:
        assert f"NAME{entry.suffix}" in text, entry.name
        assert text.count(f"`{entry.name}`") >= 2, entry.name


def test_formats_come_once_and_in_the_order_named() -> None:
    assert [entry.name for entry in find_formats(["csv", "nuke", "csv"])] == ["csv", "nuke"]
    with pytest.raises(UsageError, match="known: after-effects, "):
        find_formats(["avid"])


def test_formats_are_found_by_what_people_call_them() -> None:
    names = ["premiere", "DaVinci", "final-cut", "AE", "ultralytics", "Shotcut"]
    assert [entry.name for entry in find_formats(names)] == ["otio", "fcpxml", "after-effects", "yolo", "mlt"]
    assert find_formats(["all"]) == list(FORMATS)


def test_the_option_knows_every_anchor() -> None:
    from vidtrack.cli.export import AnchorName

    assert list(AnchorName) == list(Anchor)


@pytest.mark.parametrize("entry", [entry for entry in FORMATS if entry.name != "parquet"], ids=lambda entry: entry.name)
def test_a_start_frame_is_heeded_where_it_is_promised(entry: Format) -> None:
    assert (contents(entry) != contents(entry, start_frame=77)) == entry.numbered

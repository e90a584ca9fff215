"""Every text format byte by byte, from a small log by hand.

After a change that is meant: `python -m tests.export.test_golden` writes the files anew; look at each difference.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.export.scenes import BY_HAND, GOLDEN
from vidtrack.export.build import ExportConfig, build_scene
from vidtrack.export.registry import FORMATS, Format
from vidtrack.tracklog import TrackLog

TEXTS = [entry for entry in FORMATS if entry.name != "parquet"]


def contents(entry: Format, **choices: Any) -> dict[str, str]:
    """Text by the path it has below the golden folder."""
    made = entry.write(build_scene(TrackLog.load(BY_HAND), ExportConfig(**choices)))
    assert not isinstance(made, bytes)
    name = f"shot-12{entry.suffix}"
    if isinstance(made, dict):
        return {f"{name}{inner.replace(' ', '-')}": text for inner, text in made.items()}
    return {name: "".join(made)}


@pytest.mark.parametrize("entry", TEXTS, ids=lambda entry: entry.name)
def test_what_is_written_is_as_it_was(entry: Format) -> None:
    found = contents(entry)
    folder = GOLDEN / f"shot-12{entry.suffix}"
    golden = folder.iterdir() if folder.is_dir() else [folder]
    assert sorted(found) == sorted(str(path.relative_to(GOLDEN)) for path in golden)
    for name, text in found.items():
        assert text == (GOLDEN / name).read_text("utf-8"), name


def write_golden() -> None:
    shutil.rmtree(GOLDEN, ignore_errors=True)
    for entry in TEXTS:
        for name, text in contents(entry).items():
            path = Path(GOLDEN, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    write_golden()

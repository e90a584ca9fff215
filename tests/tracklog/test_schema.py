"""The schema of logs."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from tests.tracklog.written import write
from vidtrack.tracklog import line_schema


@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_every_line_satisfies_the_schema(tmp_path: Path, suffix: str) -> None:
    text = write(tmp_path / f"clip{suffix}").read_text("utf-8")
    lines = json.loads(text) if suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    jsonschema.Draft202012Validator.check_schema(line_schema())
    validator = jsonschema.Draft202012Validator(
        line_schema(), format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    )
    assert [line["type"] for line in lines] == "header frame frame event frame frame track track footer".split()
    for line in lines:
        validator.validate(line)
    lines[1]["objs"] = [{"id": 0, "cls": 0, "score": 2, "box": [1, 2, 3], "state": "seen"}]
    assert not validator.is_valid(lines[1])

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from vidtrack.core.errors import UsageError
from vidtrack.tracking.config import HindsightConfig, TrackerConfig

DOCS = Path(__file__).parents[2] / "docs" / "tracking.md"


def test_every_parameter_is_documented_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\w.]+) \|", DOCS.read_text("utf-8"), re.MULTILINE))
    configs = (TrackerConfig(), HindsightConfig())
    values = {field.name: getattr(config, field.name) for config in configs for field in fields(config)}
    words = {True: "true", False: "false", (): "none"}
    assert rows == {
        name: words[value] if isinstance(value, bool | tuple) else str(value) for name, value in values.items()
    }


@pytest.mark.parametrize(
    "wrong", [{"mode": "magic"}, {"low_score": 0.9}, {"new_track_threshold": 1.5}, {"max_tracks": 0}], ids=str
)
def test_config_refuses_nonsense(wrong):
    with pytest.raises(UsageError):
        TrackerConfig(**wrong)

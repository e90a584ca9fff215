"""Frames read with times as a person writes them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from vidtrack.video import ReadConfig, VideoReader


def read(path: Path, **options) -> list:
    with VideoReader(path, config(**options)) as reader:
        return list(reader)


def config(**options) -> ReadConfig:
    """Times as written: 0.1 is one tenth, not its nearest binary fraction."""
    exact = {name: Fraction(str(v)) for name, v in options.items() if name.endswith("_seconds") and v is not None}
    return ReadConfig(**{**options, **exact})

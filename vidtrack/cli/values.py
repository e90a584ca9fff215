"""Option values that are more than a number or a word."""

from __future__ import annotations

import re
from fractions import Fraction

import typer

_CLOCK = re.compile(r"(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,9}(?:\.\d{0,18})?|\.\d{1,18})")
_RATE = re.compile(r"\d{1,9}(?:\.\d{0,9}|/\d{1,9})?|\.\d{1,9}")


def parse_seconds(text: str) -> Fraction:
    """Exact seconds of `12.5`, `2:30` or `1:02:03.4`."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no time: give seconds or [hours:]minutes:seconds")
    hours, minutes, seconds = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def parse_rate(text: str) -> Fraction:
    """Frames a second as written: `25`, `29.97` or `30000/1001`."""
    try:
        rate = Fraction(text) if _RATE.fullmatch(text.strip()) else Fraction(0)
    except ZeroDivisionError:
        rate = Fraction(0)
    if rate <= 0:
        raise typer.BadParameter(f"{text!r} is no frame rate: give a number such as 25 or 30000/1001")
    return rate


def parse_classes(text: str | None) -> tuple[str, ...] | None:
    """Class names from a list separated by commas."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise typer.BadParameter("no class is named: give names such as person,car", param_hint="--classes")
    return names

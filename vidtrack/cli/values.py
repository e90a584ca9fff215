"""Parsers for option values that are more than a number or a word."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from vidtrack.video import Limits

_CLOCK = re.compile(r"(?:(?:(\d{1,9}):)?(\d{1,9}):)?(\d{1,9}(?:\.\d{0,18})?|\.\d{1,18})")
_SHAPE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)(?:[:/]([0-9]{1,6}(?:\.[0-9]{1,6})?))?")
_COLOURS = {"black": "000000", "white": "ffffff", "grey": "808080", "green": "00ff00"}
_HIGHEST_RATE, _FINEST_RATE = 100_000, 10_000  # whose product fits the 31 bits of a container's ratio
_RATE = re.compile(r"\d{1,9}(?:\.\d{0,9}|/\d{1,9})?|\.\d{1,9}")


def parse_seconds(text: str) -> Fraction:
    """Exact seconds of `12.5`, `2:30` or `1:02:03.4`."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a time: use seconds or [hours:]minutes:seconds")
    hours, minutes, seconds = match.groups(default="0")
    return int(hours) * 3600 + int(minutes) * 60 + Fraction(seconds)


def parse_duration(text: str) -> Fraction:
    """Exact seconds, more than 0."""
    seconds = parse_seconds(text)
    if seconds <= 0:
        raise typer.BadParameter(f"{text!r} is not a valid duration: it must be more than 0 seconds")
    return seconds


def parse_interval(text: str) -> int | Fraction | None:
    """Frames `3`, seconds `0.1s`, or None for `auto`."""
    text = text.strip()
    if text == "auto":
        return None
    if re.fullmatch(r"[0-9]{1,4}", text) and int(text) > 0:
        return int(text)
    if text.endswith("s") and _CLOCK.fullmatch(text[:-1]):
        return parse_duration(text[:-1])
    raise typer.BadParameter(f"{text!r} is not an interval: use auto, a number of frames, or seconds such as 0.1s")


def parse_rate(text: str) -> Fraction:
    """Frames per second: `25`, `29.97`, `30000/1001`; `23.976023976` becomes 24000/1001, as containers store it."""
    try:
        rate = Fraction(text) if _RATE.fullmatch(text.strip()) else Fraction(0)
    except ZeroDivisionError:
        rate = Fraction(0)
    rate = rate.limit_denominator(_FINEST_RATE)
    if not 0 < rate <= _HIGHEST_RATE:
        raise typer.BadParameter(
            f"{text!r} is not a frame rate: use a number such as 25 or 30000/1001, up to {_HIGHEST_RATE}"
        )
    return rate


def parse_classes(text: str | None) -> tuple[str, ...] | None:
    """Class names from a comma-separated list."""
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise typer.BadParameter("no class given: use names such as person,car", param_hint="--classes")
    return names


def parse_prompt(text: str | None) -> tuple[str, ...] | None:
    """Different phrases from a comma-separated list."""
    if text is None:
        return None
    phrases = tuple(dict.fromkeys(" ".join(phrase.split()) for phrase in text.split(",") if phrase.strip()))
    if not phrases:
        raise typer.BadParameter('no phrase given: use e.g. "red car, bicycle helmet"', param_hint="--prompt")
    return phrases


def parse_scores(text: str) -> tuple[float | None, tuple[tuple[str, float], ...]]:
    """The minimum score for all classes, and those of single ones: `0.5`, `person=0.3,car=0.5` or `0.5,person=0.3`."""
    common, by_class = None, {}
    for part in text.split(","):
        name, equals, number = part.rpartition("=")
        if not re.fullmatch(r"\s*(0?\.\d{1,9}|0|1|[01]\.\d{0,9})\s*", number) or float(number) > 1:
            raise typer.BadParameter(f"{part.strip()!r} is not a score from 0 to 1: use 0.5, or person=0.3,car=0.5")
        if equals and name.strip():
            by_class[name.strip()] = float(number)
        elif equals or common is not None:
            raise typer.BadParameter(f"{text!r} is not a list of scores: use 0.5, or person=0.3,car=0.5")
        else:
            common = float(number)
    return common, tuple(by_class.items())


def parse_identities(text: str | None, option: str = "--tracks") -> tuple[int, ...] | None:
    """Track IDs from a comma-separated list."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(re.fullmatch(r"[0-9]{1,9}", part) for part in parts):
        raise typer.BadParameter(f"{text!r} is not a list of track IDs: use numbers such as 1,4", param_hint=option)
    return tuple(dict.fromkeys(map(int, parts)))


def parse_length(text: str | None, option: str = "--min-length") -> tuple[Fraction, int]:
    """Minimum length in seconds and in frames: `1.5` or `0:30`, or `12f` for frames."""
    if text is None:
        return Fraction(0), 0
    if re.fullmatch(r"[0-9]{1,9} *f(rames)?", text.strip()):
        return Fraction(0), int(text.strip().rstrip("frames "))
    try:
        return parse_seconds(text), 0
    except typer.BadParameter:
        raise typer.BadParameter(
            f"{text!r} is not a length: use seconds such as 1.5, or frames such as 12f", param_hint=option
        ) from None


def parse_shape(text: str) -> Fraction:
    """Aspect ratio, width to height: `9:16`, `9/16` or `0.5625`."""
    match = _SHAPE.fullmatch(text.strip())
    width, height = (Fraction(match[1]), Fraction(match[2] or 1)) if match else (Fraction(0), Fraction(1))
    if not width or not height:
        raise typer.BadParameter(f"{text!r} is not an aspect ratio: use one such as 9:16")
    return width / height


def parse_size(text: str | None, option: str = "--size") -> tuple[int, int] | None:
    """Width and height of `1080x1920`."""
    if text is None:
        return None
    match = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", text.strip().lower())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a size: use WIDTHxHEIGHT, e.g. 1080x1920", param_hint=option)
    return int(match[1]), int(match[2])


def parse_score_range(text: str | None, option: str = "--score-range") -> tuple[float, float] | None:
    """Lowest and highest score of `0,100`."""
    if text is None:
        return None
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        low = high = 0.0
    if not -1e9 <= low < high <= 1e9:
        raise typer.BadParameter(f"{text!r} is not a range: use LOW,HIGH, e.g. 0,100", param_hint=option)
    return low, high


def parse_colour(text: str, option: str = "--colour") -> tuple[int, int, int]:
    """RGB of a name such as `grey` or of `#rrggbb`."""
    digits = _COLOURS.get(text.strip().lower(), text.strip().removeprefix("#"))
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        known = ", ".join(_COLOURS)
        raise typer.BadParameter(f"{text!r} is not a colour: use {known} or #rrggbb", param_hint=option)
    return int(digits[:2], 16), int(digits[2:4], 16), int(digits[4:], 16)


def limits_of(pixels: int | None, seconds: Fraction | None) -> Limits:
    """The largest clip accepted; None means the default limit."""
    from vidtrack.video import Limits

    usual = Limits()
    return Limits(usual.pixels if pixels is None else pixels, usual.seconds if seconds is None else seconds)

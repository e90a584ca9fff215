"""What the options of `vidtrack render` mean together: which can be combined, and the configurations they make."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

import typer

from vidtrack.cli import drawing
from vidtrack.cli.values import parse_colour, parse_identities, parse_size
from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.render.crop import CropConfig
    from vidtrack.render.masks import MaskConfig
    from vidtrack.render.redact import RedactionConfig

_HIDING, _CUTTING = ("blur", "pixelate", "solid"), ("crop_track", "clips", "stills", "matte")
_NEEDS = {  # options that do nothing without one of others
    "colour": ("solid",),
    "blocks": ("blur", "pixelate"),
    **dict.fromkeys(("hold_before", "hold_after", "weak_score"), _HIDING),
    **dict.fromkeys(("outline", "feather"), (*_HIDING, "matte")),
    "margin": (*_HIDING, "matte", "stills"),
    **dict.fromkeys(("aspect", "size", "zoom", "max_speed", "max_acceleration"), ("crop_track",)),
    "handles": ("clips", "crop_track"),
    "whole_frame": ("stills",),
    "invert": ("matte",),
}
_USELESS = {  # hiding fills every gap by itself, and smoothed boxes might let something through
    "stills": {"start", "end", "codec", "crf", "encoder_preset"},
    "clips": {"start", "end", "smooth", "fill_gaps"},
    **{name: {"smooth", "fill_gaps"} for name in _HIDING},
}
_CHOOSING = {"tracks", "without", "classes", "min_length"}
_CHOSEN = ("COMMANDLINE", "DEFAULT_MAP")  # the latter is a --config file or --preset
_SPELLINGS = {"without": "--except"}
ALL = "all"  # for --crop-track: each over its own time


def check_combination(ctx: typer.Context) -> None:
    """Raise UsageError for options that cannot be combined or would have no effect."""
    sources = {name: ctx.get_parameter_source(name) for name in ctx.params}
    given = {name for name, source in sources.items() if source is not None and source.name in _CHOSEN}
    for modes in (_HIDING, _CUTTING):
        both = [name for name in modes if name in given]
        if len(both) > 1:
            raise UsageError(f"{_spelt(both[0])} and {_spelt(both[1])} cannot be combined", "run them one at a time")
    for mode, useless in _USELESS.items():
        if mode in given and given & useless:
            raise UsageError(f"{_spelt(min(given & useless))} has no effect with {_spelt(mode)}", "drop it")
    if "crop_track" in given:
        every = followed_by(ctx.params["crop_track"]) is None
        hiding = given & set(_HIDING)
        useless = given & ({"start", "end"} if every else {"handles"} | (set() if hiding else _CHOOSING))
        if useless:
            what = f"--crop-track {ALL}" if every else "--crop-track ID"
            raise UsageError(f"{_spelt(min(useless))} has no effect with {what}", "drop it")
    if given & set(_HIDING) and given & {"stills", "matte"}:
        raise UsageError("hiding cannot be combined with --stills or --matte", "drop one of them")
    for name in sorted(given & set(_NEEDS)):
        if not given & set(_NEEDS[name]):
            raise UsageError(f"{_spelt(name)} has no effect on its own", f"use it with {_or(_NEEDS[name])}")
    drawn = sorted(given & set(drawing.NAMES))
    if drawn and given & {*_HIDING, *_CUTTING}:
        other = next(name for name in (*_HIDING, *_CUTTING) if name in given)
        raise UsageError(f"{_spelt(drawn[0])} has no effect with {_spelt(other)}", "drop one of them")


def hiding_of(
    blur: bool, pixelate: bool, solid: bool, colour: str, blocks: int, mask: MaskConfig
) -> RedactionConfig | None:
    """How to hide tracks; None if nothing is hidden."""
    from vidtrack.render.redact import Method, RedactionConfig

    if not (blur or pixelate or solid):
        return None
    method = Method.BLUR if blur else Method.PIXELATE if pixelate else Method.SOLID
    return RedactionConfig(method, blocks, parse_colour(colour), mask)


def followed_by(crop_track: str | None) -> int | None:
    """The track to follow; None if there is none or every one is. Raises UsageError for several."""
    if crop_track is None or crop_track.strip().lower() == ALL:
        return None
    identities = parse_identities(crop_track, "--crop-track") or ()
    if len(identities) != 1:
        raise UsageError(f"--crop-track takes one track, got {crop_track}", f"give one ID, or {ALL} with --tracks")
    return identities[0]


def crop_of(
    aspect: Fraction | None, size: str | None, zoom: float, max_speed: float, max_acceleration: float
) -> CropConfig:
    """The window that follows a track, with the aspect ratio of `size` if only that is given."""
    from vidtrack.render.crop import CropConfig

    result = parse_size(size)
    if aspect is None:
        aspect = Fraction(9, 16) if result is None or 0 in result else Fraction(*result)
    return CropConfig(aspect, result, zoom, max_speed, max_acceleration)


def _spelt(name: str) -> str:
    return _SPELLINGS.get(name, f"--{name.replace('_', '-')}")


def _or(names: Sequence[str]) -> str:
    return " or ".join(map(_spelt, names))

"""`vidtrack probe`: what vidtrack reads from a video file."""

from __future__ import annotations

import json
from dataclasses import asdict
from enum import Enum
from fractions import Fraction
from typing import Annotated, Any

import typer

from vidtrack.cli import options
from vidtrack.cli.values import limits_of
from vidtrack.core.errors import printable


def probe(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Video or image sequence.")],
    framerate: options.Framerate = None,
    stream: options.Stream = None,
    max_pixels: options.MaxPixels = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; rates and times are [n, d].")] = False,
) -> None:
    """Show how vidtrack reads a clip: size, rate, rotation, codec, sound, colour."""
    from vidtrack.video import probe as probe_video

    info = probe_video(file, framerate, limits_of(max_pixels, None), stream)
    values = {name: value for name, value in asdict(info).items() if name != "path"}
    if as_json:
        typer.echo(json.dumps({"path": file, **values}, default=_plain, ensure_ascii=False))
        return
    width = max(len(name) for name in values)
    typer.echo(printable(file))
    for name, value in values.items():
        typer.echo(f"  {name.replace('_', ' '):{width}}  {printable(_readable(value))}")


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return [value.numerator, value.denominator]
    return value.value if isinstance(value, Enum) else str(value)


def _readable(value: Any) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Fraction):
        return str(value) if value.denominator == 1 else f"{value} ({float(value):.6g})"
    if isinstance(value, tuple):
        mark = "x" if len(value) == 2 and all(isinstance(part, int) for part in value) else "; "
        return mark.join(map(_readable, value)) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_readable(part)}" for name, part in value.items())
    return str(value)

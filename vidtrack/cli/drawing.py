"""The options for what is drawn on videos, shared by `vidtrack detect` and `vidtrack render`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from vidtrack.core.errors import UsageError
from vidtrack.render.style import Look, Part, Style

_DRAW = "Drawing"
PARTS = ",".join(Look().parts)
NAMES = ("parts", "style", "line_width", "text_size", "trail", "colour_by", "raw_boxes")  # parameters of the commands


class ColourBy(StrEnum):
    """What gives a track its colour."""

    track = "track"
    klass = "class"


Parts = Annotated[
    str,
    typer.Option(metavar="PARTS", help=f"What to draw, e.g. boxes,trails: {', '.join(Part)}.", rich_help_panel=_DRAW),
]
StyleOption = Annotated[
    Style,
    typer.Option("--style", help="quiet: thin lines, dark labels; bold: thick lines, bright labels.",
                 rich_help_panel=_DRAW),
]  # fmt: skip
LineWidth = Annotated[
    int | None,
    typer.Option(
        "--line-width",
        min=1,
        max=100,
        metavar="PIXELS",
        help="Line width. Default: fits the image.",
        rich_help_panel=_DRAW,
    ),
]
TextSize = Annotated[
    int | None,
    typer.Option(
        "--text-size",
        min=6,
        max=400,
        metavar="PIXELS",
        help="Text height. Default: fits the image.",
        rich_help_panel=_DRAW,
    ),
]
Trail = Annotated[
    float | None,
    typer.Option(
        min=0.1, max=60, metavar="SECONDS", help="Draw trails of this length. Default: none.", rich_help_panel=_DRAW
    ),
]
ColourByOption = Annotated[ColourBy, typer.Option("--colour-by", help="One colour per ...", rich_help_panel=_DRAW)]
RawBoxes = Annotated[
    bool,
    typer.Option(
        "--raw-boxes",
        help="Draw boxes as they are in the log. Default: smoothed, with short gaps filled, one class per track.",
        rich_help_panel=_DRAW,
    ),
]


def look_of(
    parts: str,
    style: Style,
    line_width: int | None,
    text_size: int | None,
    trail: float | None,
    colour_by: ColourBy,
    raw_boxes: bool,
) -> Look:
    """How tracks are drawn; raises UsageError for unknown parts."""
    wanted = {part.strip() for part in parts.split(",") if part.strip()}
    if not wanted or wanted - set(Part):
        odd = ", ".join(sorted(wanted - set(Part))) or "nothing"
        raise UsageError(f"unknown --parts {odd}", f"choose from {', '.join(Part)}")
    if trail is not None:
        wanted.add(Part.TRAILS)
    return Look(
        style,
        tuple(part for part in Part if part in wanted),
        Look.trail_seconds if trail is None else trail,
        colour_by is ColourBy.klass,
        line_width,
        text_size,
        not raw_boxes,
    )

"""The options of `vidtrack render`; their defaults stand with the command."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from vidtrack.cli.values import parse_seconds, parse_shape

_HIDE = "Hide"
_CROP, _CUT, _OUTPUT = "Crop", "Clips, stills and mattes", "Output"
_DAY = 86400  # seconds


class Outline(StrEnum):
    """`vidtrack.render.masks.Shape` as an option."""

    box = "box"
    ellipse = "ellipse"


class MatteKind(StrEnum):
    """What a matte is."""

    alpha = "alpha"
    luma = "luma"


Blur = Annotated[
    bool,
    typer.Option("--blur", help="Blur every track, from before it appears until after it ends.", rich_help_panel=_HIDE),
]
Pixelate = Annotated[bool, typer.Option("--pixelate", help="Pixelate instead of blurring.", rich_help_panel=_HIDE)]
Solid = Annotated[bool, typer.Option("--solid", help="Cover with a solid colour instead.", rich_help_panel=_HIDE)]
Colour = Annotated[
    str, typer.Option(help="Colour for --solid: black, white, grey, green or #rrggbb.", rich_help_panel=_HIDE)
]
Blocks = Annotated[int, typer.Option(min=1, max=32, help="Blocks along the box's longer side.", rich_help_panel=_HIDE)]
Margin = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=10,
        metavar="FRACTION",
        help="Margin around the box, as a fraction of its size. Default: 0.1; 0 for mattes.",
        rich_help_panel=_HIDE,
    ),
]
HoldBefore = Annotated[
    float,
    typer.Option(
        min=0, max=_DAY, metavar="SECONDS", help="Start hiding this long before a track begins.", rich_help_panel=_HIDE
    ),
]
HoldAfter = Annotated[
    float,
    typer.Option(
        min=0, max=_DAY, metavar="SECONDS", help="Keep hiding this long after a track ends.", rich_help_panel=_HIDE
    ),
]
OutlineOption = Annotated[
    Outline,
    typer.Option("--outline", help="Shape to hide; the ellipse encloses the whole box.", rich_help_panel=_HIDE),
]
Feather = Annotated[
    float,
    typer.Option(
        min=0,
        max=10,
        metavar="FRACTION",
        help="Soft edge outside the shape, as a fraction of the box side.",
        rich_help_panel=_HIDE,
    ),
]
WeakScore = Annotated[
    float | None,
    typer.Option(
        min=0,
        max=1,
        help="Report detections below this score as doubtful. Default: the run's --score.",
        rich_help_panel=_HIDE,
    ),
]

CropTrack = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="Follow this track through the clip; all: one file per track, over its own time.",
        rich_help_panel=_CROP,
    ),
]
Aspect = Annotated[
    Fraction | None,
    typer.Option(
        parser=parse_shape,
        metavar="W:H",
        help="Aspect ratio of the crop. Default: 9:16, or that of --size.",
        rich_help_panel=_CROP,
    ),
]
Size = Annotated[
    str | None,
    typer.Option(metavar="WxH", help="Scale the crop to this size, e.g. 1080x1920.", rich_help_panel=_CROP),
]
Zoom = Annotated[
    float,
    typer.Option(min=1, max=100, help="Zoom in; 1 crops as little as possible.", rich_help_panel=_CROP),
]
MaxSpeed = Annotated[
    float,
    typer.Option(
        min=0.001,
        max=1000,
        help="Maximum speed of the crop window, in image widths per second.",
        rich_help_panel=_CROP,
    ),
]
MaxAcceleration = Annotated[
    float,
    typer.Option(
        min=0.001,
        max=1000,
        help="Maximum acceleration of the window, in image widths per second squared.",
        rich_help_panel=_CROP,
    ),
]

Clips = Annotated[
    bool, typer.Option("--clips", help="Write one video per track, over its own time.", rich_help_panel=_CUT)
]
Handles = Annotated[
    Fraction,
    typer.Option(parser=parse_seconds, metavar="TIME", help="Extra time at both ends.", rich_help_panel=_CUT),
]
Stills = Annotated[bool, typer.Option("--stills", help="Write the best image of each track.", rich_help_panel=_CUT)]
WholeFrame = Annotated[
    bool, typer.Option("--whole-frame", help="Stills show the whole frame, not the box.", rich_help_panel=_CUT)
]
Matte = Annotated[
    MatteKind | None,
    typer.Option(
        help="alpha: the clip with only the tracks opaque (ProRes 4444); luma: white tracks on black.",
        rich_help_panel=_CUT,
    ),
]
Invert = Annotated[bool, typer.Option("--invert", help="Invert the matte.", rich_help_panel=_CUT)]

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="Output video or folder. Default: beside the log, as NAME.drawn.mp4, .hidden.mp4, .crop-ID.mp4, "
        ".track-ID.mp4, .track-ID.png or .matte.mov.",
        rich_help_panel=_OUTPUT,
    ),
]
Report = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write the results as JSON, with the frames in which hidden tracks are doubtful.",
        rich_help_panel=_OUTPUT,
    ),
]

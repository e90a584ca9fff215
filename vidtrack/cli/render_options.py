"""The options of `vidtrack render`, as types; their defaults stand with the command."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from vidtrack.cli.values import parse_seconds, parse_shape

_WHICH, _DRAW, _HIDE = "Which tracks", "Draw (the default)", "Hide"
_CROP, _CUT, _OUTPUT = "Crop", "Clips, stills and mattes", "Outputs"
_DAY = 86400  # seconds


class ColourBy(StrEnum):
    """What gives a track its colour."""

    track = "track"
    klass = "class"


class Outline(StrEnum):
    """`vidtrack.render.masks.Shape` as an option."""

    box = "box"
    ellipse = "ellipse"


class MatteKind(StrEnum):
    """What a matte is."""

    alpha = "alpha"
    luma = "luma"


Log = Annotated[Path, typer.Argument(metavar="LOG", help="A track log.")]
Video = Annotated[
    Path | None, typer.Argument(metavar="VIDEO", help="Its clip. Default: where the log says, or beside the log.")
]

Tracks = Annotated[
    str | None, typer.Option(metavar="IDS", help="Only these, as 1,4. Default: all.", rich_help_panel=_WHICH)
]
Except = Annotated[str | None, typer.Option("--except", metavar="IDS", help="But these.", rich_help_panel=_WHICH)]
Classes = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Only these, as person,car.", rich_help_panel=_WHICH)
]
MinLength = Annotated[
    str | None,
    typer.Option(metavar="TIME", help="Only tracks this long: 1.5 seconds, or 12f frames.", rich_help_panel=_WHICH),
]
Smooth = Annotated[
    float, typer.Option(min=0, max=10, metavar="SECONDS", help="Steady the boxes over so long.", rich_help_panel=_WHICH)
]
FillGaps = Annotated[
    float,
    typer.Option(
        min=0, max=10, metavar="SECONDS", help="Interpolate where a track is away for no longer.",
        rich_help_panel=_WHICH,
    ),
]  # fmt: skip

Parts = Annotated[
    str,
    typer.Option(metavar="PARTS", help="Of boxes, labels, ids, trails: which are drawn.", rich_help_panel=_DRAW),
]
Line = Annotated[int | None, typer.Option(min=1, max=100, metavar="PIXELS", help="Line width.", rich_help_panel=_DRAW)]
Text = Annotated[
    int | None, typer.Option(min=6, max=400, metavar="PIXELS", help="Height of text.", rich_help_panel=_DRAW)
]
Trail = Annotated[float, typer.Option(min=0.1, max=60, metavar="SECONDS", help="Length.", rich_help_panel=_DRAW)]
ColourByOption = Annotated[ColourBy, typer.Option("--colour-by", help="A colour for each.", rich_help_panel=_DRAW)]

Blur = Annotated[bool, typer.Option("--blur", help="Blur every track, from before its first sight to after its last.",
    rich_help_panel=_HIDE)]  # fmt: skip
Pixelate = Annotated[bool, typer.Option("--pixelate", help="A mosaic instead.", rich_help_panel=_HIDE)]
Solid = Annotated[bool, typer.Option("--solid", help="One colour instead.", rich_help_panel=_HIDE)]
Colour = Annotated[str, typer.Option(help="For --solid: black, grey, #rrggbb.", rich_help_panel=_HIDE)]
Blocks = Annotated[
    int, typer.Option(min=1, max=32, help="Detail left along a box's longer side.", rich_help_panel=_HIDE)
]
Margin = Annotated[
    float | None,
    typer.Option(
        min=0, max=10, metavar="SHARE", help="Reach beyond the box, of its size. Default: 0.1; mattes 0.",
        rich_help_panel=_HIDE,
    ),
]  # fmt: skip
HoldBefore = Annotated[
    float,
    typer.Option(min=0, max=_DAY, metavar="SECONDS", help="Hide before the first sight.", rich_help_panel=_HIDE),
]
HoldAfter = Annotated[
    float, typer.Option(min=0, max=_DAY, metavar="SECONDS", help="Hide after the last.", rich_help_panel=_HIDE)
]
OutlineOption = Annotated[
    Outline, typer.Option("--outline", help="The ellipse holds the whole box too.", rich_help_panel=_HIDE)
]
Feather = Annotated[
    float,
    typer.Option(min=0, max=10, metavar="SHARE", help="Soft edge beyond that, of a box's side.", rich_help_panel=_HIDE),
]
WeakScore = Annotated[
    float | None,
    typer.Option(
        min=0, max=1, help="Report sights below this score. Default: that from which the run began tracks.",
        rich_help_panel=_HIDE,
    ),
]  # fmt: skip

CropTrack = Annotated[
    str | None,
    typer.Option(
        metavar="ID", help="Follow this track through the clip; all: each over its own time, a file a track.",
        rich_help_panel=_CROP,
    ),
]  # fmt: skip
Aspect = Annotated[
    Fraction | None,
    typer.Option(parser=parse_shape, metavar="W:H", help="Default: 9:16, or that of --size.", rich_help_panel=_CROP),
]

Size = Annotated[
    str | None, typer.Option(metavar="WxH", help="Scale the result, to 1080x1920 say.", rich_help_panel=_CROP)
]
Zoom = Annotated[float, typer.Option(min=1, max=100, help="1 is the largest window.", rich_help_panel=_CROP)]
MaxSpeed = Annotated[
    float,
    typer.Option(min=0.001, max=1000, help="Of the window, in picture widths a second.", rich_help_panel=_CROP),
]
MaxAcceleration = Annotated[
    float, typer.Option(min=0.001, max=1000, help="How fast that may change, a second.", rich_help_panel=_CROP)
]

Clips = Annotated[bool, typer.Option("--clips", help="A video a track, its own time.", rich_help_panel=_CUT)]
Handles = Annotated[
    Fraction,
    typer.Option(parser=parse_seconds, metavar="TIME", help="More at both ends of each.", rich_help_panel=_CUT),
]
Stills = Annotated[bool, typer.Option("--stills", help="The best picture of each track.", rich_help_panel=_CUT)]
WholeFrame = Annotated[bool, typer.Option("--whole-frame", help="Stills of all the picture.", rich_help_panel=_CUT)]
Matte = Annotated[
    MatteKind | None,
    typer.Option(
        help="alpha: the clip with the tracks opaque, as ProRes 4444; luma: white on black.", rich_help_panel=_CUT
    ),
]
Invert = Annotated[bool, typer.Option("--invert", help="A matte of all but the tracks.", rich_help_panel=_CUT)]

Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="OUT",
        help="A video's name, or a folder. Default: beside the log, as NAME.drawn.mp4, .hidden.mp4, .crop-ID.mp4, "
        ".track-ID.mp4, .track-ID.png or .matte.mov.",
        rich_help_panel=_OUTPUT,
    ),
]  # fmt: skip
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="What was made, and where hidden tracks are uncertain, as JSON.",
                 rich_help_panel=_OUTPUT),
]  # fmt: skip
Force = Annotated[
    bool,
    typer.Option(
        "--force", help="Take another version of the clip: boxes are scaled to its size.", rich_help_panel=_OUTPUT
    ),
]

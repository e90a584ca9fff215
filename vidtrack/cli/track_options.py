"""Options of `vidtrack track` about the detections; those it shares with `detect` are in `options`."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from vidtrack.cli.values import parse_rate

_FILE = "The detections"

DetectionFile = Annotated[
    Path, typer.Argument(metavar="DETECTIONS", help="COCO JSON (annotations or results), or MOT rows (det.txt).")
]
DetectedClip = Annotated[
    str | None,
    typer.Argument(
        metavar="VIDEO", help="The clip they belong to: adds exact times, camera motion, cuts and an annotated video."
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="COCO file that lists the images and categories of COCO results.", rich_help_panel=_FILE
    ),
]
ScoreRange = Annotated[
    str | None,
    typer.Option(metavar="LOW,HIGH", help="Scores that count as 0 and as 1. Default: 0,1.", rich_help_panel=_FILE),
]
ImageSize = Annotated[
    str | None,
    typer.Option(
        "--image-size",
        metavar="WIDTHxHEIGHT",
        help="Size of the images, if neither the file nor a clip gives it.",
        rich_help_panel=_FILE,
    ),
]
DetectionRate = Annotated[
    Fraction | None,
    typer.Option(
        "--framerate",
        parser=parse_rate,
        metavar="RATE",
        help="Frame rate without a clip: 24 or 30000/1001. Default: what the file says, or 25.",
        rich_help_panel=_FILE,
    ),
]

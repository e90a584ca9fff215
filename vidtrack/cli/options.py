"""Options that several commands share; their defaults stand with the commands."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from vidtrack.cli.values import parse_rate, parse_seconds

# Panels of the help
TRACKING, RANGE, COUNTING, BOXES = "What to track", "Which frames", "Lines and zones", "Boxes"
OUTPUT, RUN = "Output", "Performance and messages"
_SELECTION = "Which tracks"


class ProgressStyle(StrEnum):
    """How progress is shown on stderr."""

    auto = "auto"
    rich = "rich"
    plain = "plain"
    json = "json"
    none = "none"


# Shared

LogFile = Annotated[Path, typer.Argument(metavar="LOG", help="Track log.")]
LogOrFolder = Annotated[Path, typer.Argument(metavar="LOG", help="Track log, or a folder of track logs.")]
SourceVideo = Annotated[
    Path | None,
    typer.Argument(metavar="VIDEO", help="The log's clip. Default: the path in the log, or a file beside it."),
]
Tracks = Annotated[
    str | None, typer.Option(metavar="IDS", help="Only these tracks, e.g. 1,4.", rich_help_panel=_SELECTION)
]
ExceptTracks = Annotated[
    str | None, typer.Option("--except", metavar="IDS", help="Exclude these tracks.", rich_help_panel=_SELECTION)
]
TrackClasses = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Only these classes, e.g. person,car.", rich_help_panel=_SELECTION)
]
MinLength = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Only tracks at least this long: 1.5 (s) or 12f (frames).",
        rich_help_panel=_SELECTION,
    ),
]
Force = Annotated[
    bool,
    typer.Option("--force", help="Use the clip even if it differs from the one tracked; boxes are scaled to fit."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing output files.", rich_help_panel=OUTPUT)]
ProgressOption = Annotated[
    ProgressStyle, typer.Option("--progress", help="Progress display on stderr.", rich_help_panel=RUN)
]

# What to track

Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        min=32,
        max=8192,
        metavar="PIXELS",
        help="Shorter side of the image for inference. Default: the model's.",
        rich_help_panel=TRACKING,
    ),
]
Smooth = Annotated[
    float,
    typer.Option(
        min=0,
        max=10,
        metavar="SECONDS",
        help="Smooth boxes over this window, e.g. 0.5. 0 turns it off.",
        rich_help_panel=BOXES,
    ),
]
FillGaps = Annotated[
    float,
    typer.Option(
        min=0,
        max=10,
        metavar="SECONDS",
        help="Interpolate gaps in a track up to this long. 0 turns it off.",
        rich_help_panel=BOXES,
    ),
]

# Which frames

Start = Annotated[
    Fraction | None,
    typer.Option(parser=parse_seconds, metavar="TIME", help="Start here: 12.5 or 1:02:03.4.", rich_help_panel=RANGE),
]
End = Annotated[
    Fraction | None,
    typer.Option(parser=parse_seconds, metavar="TIME", help="Stop before this time.", rich_help_panel=RANGE),
]
Stream = Annotated[
    int | None,
    typer.Option(
        "--stream",
        min=0,
        help="Which of the file's video streams to track, from 0. Default: as ffmpeg chooses, the largest.",
        rich_help_panel=RANGE,
    ),
]
Framerate = Annotated[
    Fraction | None,
    typer.Option(
        parser=parse_rate,
        metavar="RATE",
        help="Frame rate of an image sequence: 24 or 30000/1001. Default: 25.",
        rich_help_panel=RANGE,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="PIXELS", help="Refuse frames larger than this. Default: 100000000.", rich_help_panel=RANGE
    ),
]

# Lines and zones

Lines = Annotated[
    list[str] | None,
    typer.Option(
        "--line",
        metavar="NAME=X,Y,X,Y",
        help="Log objects that cross this line, in pixels or percent. Repeatable.",
        rich_help_panel=COUNTING,
    ),
]
Zones = Annotated[
    list[str] | None,
    typer.Option(
        "--zone",
        metavar="NAME=X,Y,X,Y,...",
        help="Log objects that enter or leave this polygon. Repeatable.",
        rich_help_panel=COUNTING,
    ),
]

# Output

Codec = Annotated[
    str | None,
    typer.Option(help="Video codec: h264, hevc, av1, vp9, prores, ffv1, ... Default: h264.", rich_help_panel=OUTPUT),
]
Crf = Annotated[
    float | None,
    typer.Option(help="Constant rate factor: lower means better quality, larger files.", rich_help_panel=OUTPUT),
]
EncoderPreset = Annotated[
    str | None,
    typer.Option(
        "--encoder-preset",
        metavar="NAME",
        help="Encoder preset, e.g. slow or veryfast; a number for av1 and vp9.",
        rich_help_panel=OUTPUT,
    ),
]

# Performance and messages

Device = Annotated[
    str,
    typer.Option(metavar="DEVICE", help="auto, cpu, mps, cuda or a GPU number, e.g. 0.", rich_help_panel=RUN),
]
Prompt = Annotated[
    str | None,
    typer.Option(
        metavar="PHRASES",
        help='What to find, e.g. "red car, bicycle helmet", for models that read text.',
        rich_help_panel=TRACKING,
    ),
]
Precision = Annotated[
    str,
    typer.Option(
        help="auto, float32, float16 or bfloat16. auto: float16 on CUDA, bfloat16 on a CPU made for it.",
        rich_help_panel=RUN,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        metavar="N",
        help="CPU threads for inference. Default: all cores, shared between jobs.",
        rich_help_panel=RUN,
    ),
]

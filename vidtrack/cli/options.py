"""Options that several commands share, and those of `vidtrack detect`; defaults stand with the commands."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from vidtrack.cli.values import parse_duration, parse_interval, parse_rate, parse_seconds
from vidtrack.tracking.registry import TRACKERS

_TRACKING, _RANGE, _COUNTING, _BOXES = "What to track", "Which frames", "Lines and zones", "Boxes"
_OUTPUT, _BATCH, _RUN = "Output", "Batch", "Performance and messages"
_SELECTION = "Which tracks"


TrackerMode = StrEnum("TrackerMode", {name: name for name in TRACKERS})  # type: ignore[misc]


class Order(StrEnum):
    """`vidtrack.batch.pending.ORDERS` as an option."""

    name = "name"
    size = "size"
    newest = "newest"


class EngineKind(StrEnum):
    """Where the clips of a batch are tracked."""

    local = "local"
    ray = "ray"


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
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace existing output files.", rich_help_panel=_OUTPUT)]
ProgressOption = Annotated[
    ProgressStyle, typer.Option("--progress", help="Progress display on stderr.", rich_help_panel=_RUN)
]

# What to track

Inputs = Annotated[
    list[str],
    typer.Argument(metavar="INPUT...", help="Videos, folders, glob patterns or image sequences (img_%04d.png)."),
]
Model = Annotated[
    str,
    typer.Option("--model", "-m", help="Model name (see `vidtrack weights list`), hf:owner/name or checkpoint.",
                 rich_help_panel=_TRACKING),
]  # fmt: skip
Prompt = Annotated[
    str | None,
    typer.Option(
        metavar="PHRASES",
        help='What to find, e.g. "red car, bicycle helmet", for models that read text.',
        rich_help_panel=_TRACKING,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Only these classes, e.g. person,car. Default: all.", rich_help_panel=_TRACKING),
]
Score = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Minimum score to start a track. Default: the model's.", rich_help_panel=_TRACKING),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        min=32,
        max=8192,
        metavar="PIXELS",
        help="Shorter side of the image for inference. Default: the model's.",
        rich_help_panel=_TRACKING,
    ),
]
TrackerOption = Annotated[
    TrackerMode,
    typer.Option("--tracker", help="How objects keep their identity between frames.", rich_help_panel=_TRACKING),
]
MaxTracks = Annotated[int, typer.Option(min=1, help="Maximum simultaneous tracks.", rich_help_panel=_TRACKING)]
NoCuts = Annotated[bool, typer.Option("--no-cuts", help="Do not end tracks at scene cuts.", rich_help_panel=_TRACKING)]
Smooth = Annotated[
    float,
    typer.Option(
        min=0,
        max=10,
        metavar="SECONDS",
        help="Smooth boxes over this window, e.g. 0.5. 0 turns it off.",
        rich_help_panel=_BOXES,
    ),
]
FillGaps = Annotated[
    float,
    typer.Option(
        min=0,
        max=10,
        metavar="SECONDS",
        help="Interpolate gaps in a track up to this long. 0 turns it off.",
        rich_help_panel=_BOXES,
    ),
]

# Which frames

Start = Annotated[
    Fraction | None,
    typer.Option(parser=parse_seconds, metavar="TIME", help="Start here: 12.5 or 1:02:03.4.", rich_help_panel=_RANGE),
]
End = Annotated[
    Fraction | None,
    typer.Option(parser=parse_seconds, metavar="TIME", help="Stop before this time.", rich_help_panel=_RANGE),
]
Stride = Annotated[
    int,
    typer.Option(
        min=1,
        max=10**9,
        metavar="N",
        help="Use every Nth frame; frame numbers and times stay those of the clip.",
        rich_help_panel=_RANGE,
    ),
]
Stream = Annotated[
    int | None,
    typer.Option(
        "--stream",
        min=0,
        help="Which of the file's video streams to track, from 0. Default: as ffmpeg chooses, the largest.",
        rich_help_panel=_RANGE,
    ),
]
DetectEvery = Annotated[
    Any,
    typer.Option(
        "--detect-every",
        parser=parse_interval,
        metavar="N|TIMEs",
        help="Detect in every Nth frame, or every 0.1s, and interpolate the tracks between. auto: about 10 per second, "
        "at most 3 frames apart; 1: every frame.",
        rich_help_panel=_RANGE,
    ),
]
Framerate = Annotated[
    Fraction | None,
    typer.Option(
        parser=parse_rate,
        metavar="RATE",
        help="Frame rate of an image sequence: 24 or 30000/1001. Default: 25.",
        rich_help_panel=_RANGE,
    ),
]
MaxPixels = Annotated[
    int | None,
    typer.Option(
        min=1, metavar="PIXELS", help="Refuse frames larger than this. Default: 100000000.", rich_help_panel=_RANGE
    ),
]
MaxDuration = Annotated[
    Fraction | None,
    typer.Option(
        parser=parse_duration,
        metavar="TIME",
        help="Refuse clips longer than this. Default: 168:00:00.",
        rich_help_panel=_RANGE,
    ),
]

# Lines and zones

Lines = Annotated[
    list[str] | None,
    typer.Option(
        "--line",
        metavar="NAME=X,Y,X,Y",
        help="Log objects that cross this line, in pixels or percent. Repeatable.",
        rich_help_panel=_COUNTING,
    ),
]
Zones = Annotated[
    list[str] | None,
    typer.Option(
        "--zone",
        metavar="NAME=X,Y,X,Y,...",
        help="Log objects that enter or leave this polygon. Repeatable.",
        rich_help_panel=_COUNTING,
    ),
]

# Output

Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="Output folder; for a single clip also a video (.mp4 .mov .mkv .webm; the log goes beside it) or a log "
        "(.jsonl .json, or either with .gz); - streams the log to stdout. Default: NAME.tracked.mp4 and "
        "NAME.tracks.jsonl beside the clip.",
        rich_help_panel=_OUTPUT,
    ),
]
NoVideo = Annotated[bool, typer.Option("--no-video", help="Write only the track log.", rich_help_panel=_OUTPUT)]
Codec = Annotated[
    str | None,
    typer.Option(help="Video codec: h264, hevc, av1, vp9, prores, ffv1, ... Default: h264.", rich_help_panel=_OUTPUT),
]
Crf = Annotated[
    float | None,
    typer.Option(help="Constant rate factor: lower means better quality, larger files.", rich_help_panel=_OUTPUT),
]
Preset = Annotated[
    str | None,
    typer.Option(help="Encoder preset, e.g. slow or veryfast; a number for av1 and vp9.", rich_help_panel=_OUTPUT),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Skip clips already finished with the same content, model and settings.",
        rich_help_panel=_OUTPUT,
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Continue an interrupted clip from its last saved chunk.", rich_help_panel=_OUTPUT),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the result of every clip as JSON.", rich_help_panel=_OUTPUT),
]

# Batch

Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        max=1024,
        metavar="N",
        help="Clips to track in parallel. Default: 1, or one per GPU.",
        rich_help_panel=_BATCH,
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Only clips whose path inside the folder matches, e.g. 'cam1/*'. Repeatable.",
        rich_help_panel=_BATCH,
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="Skip clips whose path inside the folder matches, e.g. '*/proxies/*'. Repeatable.",
        rich_help_panel=_BATCH,
    ),
]
OrderOption = Annotated[Order, typer.Option("--order", help="Order of the clips.", rich_help_panel=_BATCH)]
Limit = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Track at most this many clips.", rich_help_panel=_BATCH)
]
Timeout = Annotated[
    Fraction | None,
    typer.Option(parser=parse_duration, metavar="TIME", help="Abandon a clip after this long.", rich_help_panel=_BATCH),
]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="Stop at the first clip that fails.", rich_help_panel=_BATCH)
]
RetryQuarantined = Annotated[
    bool,
    typer.Option(
        "--retry-quarantined",
        help="Retry quarantined clips: those that crashed a worker twice.",
        rich_help_panel=_BATCH,
    ),
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Keep processing new clips in the folder until Ctrl-C.", rich_help_panel=_BATCH),
]
EngineOption = Annotated[
    EngineKind,
    typer.Option("--engine", help="Run on this machine or on a Ray cluster.", rich_help_panel=_BATCH),
]
ClusterAddress = Annotated[
    str | None,
    typer.Option(
        "--address",
        metavar="HOST:PORT",
        help="Ray cluster address. Default: start a local one.",
        rich_help_panel=_BATCH,
    ),
]

# Performance and messages

Device = Annotated[
    str,
    typer.Option(metavar="DEVICE", help="auto, cpu, mps, cuda or a GPU number, e.g. 0.", rich_help_panel=_RUN),
]
Precision = Annotated[
    str,
    typer.Option(
        help="auto, float32, float16 or bfloat16. auto: float16 on CUDA, bfloat16 on a CPU made for it.",
        rich_help_panel=_RUN,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=1024,
        metavar="N",
        help="CPU threads for inference. Default: all cores, shared between jobs.",
        rich_help_panel=_RUN,
    ),
]
Hwaccel = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Hardware decoder: auto, cuda, vaapi, ...", rich_help_panel=_RUN),
]
RequireCompiled = Annotated[
    bool,
    typer.Option("--require-compiled", help="Fail if the compiled sampler is not available.", rich_help_panel=_RUN),
]
Profile = Annotated[
    bool, typer.Option("--profile", help="Print a timing breakdown (single clip).", rich_help_panel=_RUN)
]

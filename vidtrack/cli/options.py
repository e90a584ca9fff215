"""The options of `vidtrack detect`, as types; their defaults stand with the command."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from vidtrack.cli.values import parse_duration, parse_rate, parse_seconds

_WHAT, _WHICH, _OUTPUT, _RUN = "What to track", "Which pictures", "Outputs", "Machine and messages"
_BATCH = "Many clips"


class TrackerMode(StrEnum):
    """`vidtrack.tracking.config.MODES` as an option."""

    propagation = "propagation"
    association = "association"


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


Inputs = Annotated[
    list[str],
    typer.Argument(metavar="INPUT", help="Videos, folders, patterns, image sequences (img_%04d.png)."),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output",
        "-o",
        metavar="OUT",
        help="Folder; or for one clip a video (.mp4 .mov .mkv .webm) with its log beside it, or a log alone (.jsonl "
        ".json, also .gz); - streams the log to stdout. Default: NAME.tracked.mp4 and NAME.tracks.jsonl "
        "beside the clip.",
        rich_help_panel=_OUTPUT,
    ),
]

Model = Annotated[str, typer.Option(help="A name of `vidtrack weights list`, or a checkpoint.", rich_help_panel=_WHAT)]
Classes = Annotated[
    str | None, typer.Option(metavar="NAMES", help="Only these, as person,car. Default: all.", rich_help_panel=_WHAT)
]
Score = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Least score of a track; the model's own if left out.", rich_help_panel=_WHAT),
]
MaxTracks = Annotated[int, typer.Option(min=1, help="Most objects at a time.", rich_help_panel=_WHAT)]
TrackerOption = Annotated[
    TrackerMode, typer.Option("--tracker", help="What keeps identities from frame to frame.", rich_help_panel=_WHAT)
]

Smooth = Annotated[
    float,
    typer.Option(
        min=0, max=10, metavar="SECONDS", help="Steady the boxes over so long, as 0.5.", rich_help_panel=_WHAT
    ),
]
FillGaps = Annotated[
    float,
    typer.Option(
        min=0, max=10, metavar="SECONDS", help="Interpolate where a track is away for no longer.", rich_help_panel=_WHAT
    ),
]
NoCuts = Annotated[bool, typer.Option("--no-cuts", help="Let tracks go on across scene cuts.", rich_help_panel=_WHAT)]

Lines = Annotated[
    list[str] | None,
    typer.Option(
        "--line", metavar="NAME=X,Y,X,Y", help="Log who crosses it; pixels or percent.", rich_help_panel=_WHAT
    ),
]
Zones = Annotated[
    list[str] | None,
    typer.Option(
        "--zone", metavar="NAME=X,Y,X,Y,...", help="Log who enters and leaves this polygon.", rich_help_panel=_WHAT
    ),
]

Start = Annotated[
    Fraction | None,
    typer.Option(parser=parse_seconds, metavar="TIME", help="From here: 12.5 or 1:02:03.4", rich_help_panel=_WHICH),
]
End = Annotated[
    Fraction | None,
    typer.Option(parser=parse_seconds, metavar="TIME", help="Up to here, itself left out.", rich_help_panel=_WHICH),
]
Stride = Annotated[
    int,
    typer.Option(
        min=1, max=10**9, help="Every n-th frame; numbers and times stay the clip's own.", rich_help_panel=_WHICH
    ),
]
Size = Annotated[
    int | None,
    typer.Option(
        "--size",
        "--resize",
        min=32,
        max=8192,
        help="Shorter side in pixels for inference. Default: the model's own.",
        rich_help_panel=_WHICH,
    ),
]
Framerate = Annotated[
    Fraction | None,
    typer.Option(
        parser=parse_rate, metavar="RATE", help="Of an image sequence: 24, 30000/1001. Default: 25.",
        rich_help_panel=_WHICH,
    ),
]  # fmt: skip

MaxPixels = Annotated[
    int | None,
    typer.Option(min=1, metavar="NUMBER", help="Refuse larger frames. Default: 100000000.", rich_help_panel=_WHICH),
]
MaxDuration = Annotated[
    Fraction | None,
    typer.Option(
        parser=parse_duration, metavar="TIME", help="Refuse longer clips. Default: 168:00:00.", rich_help_panel=_WHICH
    ),
]

NoVideo = Annotated[bool, typer.Option("--no-video", help="Only the track log.", rich_help_panel=_OUTPUT)]
Codec = Annotated[
    str | None,
    typer.Option(help="h264, hevc, av1, vp9, prores, ffv1, ... Default: h264.", rich_help_panel=_OUTPUT),
]
Crf = Annotated[float | None, typer.Option(help="Quality: lower is better and larger.", rich_help_panel=_OUTPUT)]
Preset = Annotated[
    str | None,
    typer.Option(
        help="Speed of the encoder, such as slow or veryfast; av1 and vp9 take numbers.", rich_help_panel=_OUTPUT
    ),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist.", rich_help_panel=_OUTPUT)]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Pass over clips done before with this content, model and choices; do interrupted ones again.",
        rich_help_panel=_OUTPUT,
    ),
]
Resume = Annotated[
    bool,
    typer.Option(
        "--resume", help="Go on with a long clip that was interrupted, from its last minute.", rich_help_panel=_OUTPUT
    ),
]
Include = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN", help="Only clips whose path in the folder is like this, as 'cam1/*'.", rich_help_panel=_BATCH
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        metavar="PATTERN",
        help="No clips whose path in the folder is like this, as '*/proxies/*'.",
        rich_help_panel=_BATCH,
    ),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        max=1024,
        help="Clips at a time: a process each, or on one GPU sharing its batches. Default: 1, or one a GPU.",
        rich_help_panel=_BATCH,
    ),
]
OrderOption = Annotated[Order, typer.Option("--order", help="Which clips come first.", rich_help_panel=_BATCH)]
EngineOption = Annotated[
    EngineKind, typer.Option("--engine", help="This machine's processes, or a Ray cluster.", rich_help_panel=_BATCH)
]
ClusterAddress = Annotated[
    str | None,
    typer.Option("--address", metavar="HOST:PORT", help="Of a Ray cluster. Default: a new one of this machine.",
                 rich_help_panel=_BATCH),
]  # fmt: skip
Limit = Annotated[int | None, typer.Option(min=1, help="Do no more clips than this.", rich_help_panel=_BATCH)]
Timeout = Annotated[
    Fraction | None,
    typer.Option(parser=parse_duration, metavar="TIME", help="Give a clip up after so long.", rich_help_panel=_BATCH),
]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", help="End with the first clip that fails.", rich_help_panel=_BATCH)
]
RetryAside = Annotated[
    bool,
    typer.Option("--retry-aside", help="Try clips again that crashed their worker twice.", rich_help_panel=_BATCH),
]
Watch = Annotated[
    bool,
    typer.Option("--watch", help="Go on with clips that come into the folder, until Ctrl-C.", rich_help_panel=_BATCH),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write what became of each clip as JSON.", rich_help_panel=_OUTPUT),
]

Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=_RUN)]
Precision = Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16.", rich_help_panel=_RUN)]
Threads = Annotated[
    int | None,
    typer.Option(
        min=1, max=1024, help="CPU threads for inference. Default: all cores, shared by the jobs.", rich_help_panel=_RUN
    ),
]
Hwaccel = Annotated[
    str | None, typer.Option(metavar="NAME", help="Decode on hardware: auto, cuda, vaapi, ...", rich_help_panel=_RUN)
]
RequireCompiled = Annotated[
    bool, typer.Option("--require-compiled", help="Stop where the compiled sampler is missing.", rich_help_panel=_RUN)
]
ProgressOption = Annotated[
    ProgressStyle, typer.Option("--progress", help="How progress is shown, on stderr.", rich_help_panel=_RUN)
]
Profile = Annotated[
    bool, typer.Option("--profile", help="Say where the time of a single clip went.", rich_help_panel=_RUN)
]

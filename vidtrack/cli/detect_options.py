"""The options of `vidtrack detect` alone; their defaults stand with the command."""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer

from vidtrack.cli.options import OUTPUT, RANGE, RUN, TRACKING
from vidtrack.cli.values import parse_duration, parse_interval, parse_scores
from vidtrack.tracking.registry import AUTO, TRACKERS

_BATCH = "Batch"


TrackerMode = StrEnum("TrackerMode", {name: name for name in (AUTO, *TRACKERS)})  # type: ignore[misc]


class Order(StrEnum):
    """`vidtrack.batch.pending.ORDERS` as an option."""

    name = "name"
    size = "size"
    newest = "newest"


class EngineKind(StrEnum):
    """Where the clips of a batch are tracked."""

    local = "local"
    ray = "ray"


class StdoutKind(StrEnum):
    """What goes to standard output."""

    log = "log"
    video = "video"


# What to track

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT...",
        help="Videos, photos, folders of either, glob patterns, image sequences (img_%04d.png), http(s) or rtsp "
        "addresses, a camera (0 or /dev/video0), or - for standard input.",
    ),
]
Model = Annotated[
    str,
    typer.Option("--model", "-m", help="Model name (see `vidtrack weights list`), hf:owner/name or checkpoint.",
                 rich_help_panel=TRACKING),
]  # fmt: skip
Classes = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help="Only these classes, e.g. person,car. Default: all.", rich_help_panel=TRACKING),
]
Score = Annotated[
    Any,
    typer.Option(
        parser=parse_scores,
        metavar="SCORE",
        help="Minimum score to start a track, also by class: 0.5 or person=0.3,car=0.5. Default: the model's.",
        rich_help_panel=TRACKING,
    ),
]
Regions = Annotated[
    list[str] | None,
    typer.Option(
        "--region",
        metavar="X,Y,X,Y,...",
        help="Look only inside this rectangle or polygon, in pixels or percent. Repeatable.",
        rich_help_panel=TRACKING,
    ),
]
IgnoredRegions = Annotated[
    list[str] | None,
    typer.Option(
        "--ignore-region",
        metavar="X,Y,X,Y,...",
        help="Ignore objects whose centre lies inside this rectangle or polygon. Repeatable.",
        rich_help_panel=TRACKING,
    ),
]
TrackerOption = Annotated[
    TrackerMode,
    typer.Option(
        "--tracker",
        help="How objects keep their identity between frames; auto is what suits the model.",
        rich_help_panel=TRACKING,
    ),
]
MaxTracks = Annotated[int, typer.Option(min=1, help="Maximum simultaneous tracks.", rich_help_panel=TRACKING)]
NoCuts = Annotated[bool, typer.Option("--no-cuts", help="Do not end tracks at scene cuts.", rich_help_panel=TRACKING)]
Live = Annotated[
    bool,
    typer.Option(
        "--live",
        help="Write each frame at once: detect in every frame and never revise a track.",
        rich_help_panel=TRACKING,
    ),
]

# Which frames

Stride = Annotated[
    int,
    typer.Option(
        min=1,
        max=10**9,
        metavar="N",
        help="Use every Nth frame; frame numbers and times stay those of the clip.",
        rich_help_panel=RANGE,
    ),
]
DetectEvery = Annotated[
    Any,
    typer.Option(
        "--detect-every",
        parser=parse_interval,
        metavar="N|TIMEs",
        help="Detect in every Nth frame, or every 0.1s, and interpolate the tracks between. auto: at least 8 per "
        "second, at most 3 frames apart; 1: every frame.",
        rich_help_panel=RANGE,
    ),
]
MaxDuration = Annotated[
    Fraction | None,
    typer.Option(
        parser=parse_duration,
        metavar="TIME",
        help="Refuse clips longer than this. Default: 168:00:00.",
        rich_help_panel=RANGE,
    ),
]

Photos = Annotated[
    bool,
    typer.Option(
        "--photos",
        help="Detect in each image separately, without tracks, even if they are numbered like the frames of a clip.",
        rich_help_panel=RANGE,
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
        "NAME.tracks.jsonl beside the clip; for photos, NAME.detected.jpg and detections.json.",
        rich_help_panel=OUTPUT,
    ),
]
Stdout = Annotated[
    StdoutKind,
    typer.Option(
        "--stdout",
        help="What to write to standard output with -o -: the log, or raw video (NUT) for ffplay, mpv or ffmpeg. With "
        "another -o, video also writes the log there.",
        rich_help_panel=OUTPUT,
    ),
]
NoVideo = Annotated[
    bool,
    typer.Option(
        "--no-video", help="Write only the track log; for photos, only the detections.", rich_help_panel=OUTPUT
    ),
]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing",
        help="Skip clips already finished with the same content, model and settings.",
        rich_help_panel=OUTPUT,
    ),
]
Resume = Annotated[
    bool,
    typer.Option("--resume", help="Continue an interrupted clip from its last saved chunk.", rich_help_panel=OUTPUT),
]
Report = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Write the result of every clip as JSON.", rich_help_panel=OUTPUT),
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

Hwaccel = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Hardware decoder: auto, cuda, vaapi, ...", rich_help_panel=RUN),
]
Reconnect = Annotated[
    float,
    typer.Option(
        "--reconnect",
        min=0,
        max=86400,
        metavar="SECONDS",
        help="How long to wait for a camera or stream that stopped sending.",
        rich_help_panel=RUN,
    ),
]
Show = Annotated[
    bool,
    typer.Option(
        "--show", help="Show the annotated video in a window during the run; Q stops it.", rich_help_panel=RUN
    ),
]
RequireCompiled = Annotated[
    bool,
    typer.Option("--require-compiled", help="Fail if the compiled sampler is not available.", rich_help_panel=RUN),
]
Profile = Annotated[
    bool, typer.Option("--profile", help="Print a timing breakdown (single clip).", rich_help_panel=RUN)
]

"""A log, the tracks chosen from it and its clip: what every effect starts from."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from vidtrack.core.class_names import class_filter
from vidtrack.core.errors import LogError, UsageError
from vidtrack.tracking.smoothing import fill_gaps, smooth
from vidtrack.tracklog import TrackLog, select
from vidtrack.tracklog.source_video import Footage, find_footage
from vidtrack.video.limits import DEFAULT_LIMITS, Limits


@dataclass(frozen=True)
class Wanted:
    """Which tracks, and what is done to their boxes; None and 0 leave them as they are.

    If `doubtful`, a track is of every class it was ever taken for, not only of the one it was taken for most.
    """

    tracks: tuple[int, ...] | None = None
    without: tuple[int, ...] = ()
    classes: tuple[str, ...] | None = None
    min_seconds: float | Fraction = 0.0
    min_frames: int = 0
    gap_seconds: float = 0.0
    smooth_seconds: float = 0.0
    doubtful: bool = False


@dataclass(frozen=True)
class Scene:
    """`log` holds every track of the file `log_path`, `chosen` those that are wanted."""

    log_path: Path
    log: TrackLog
    chosen: TrackLog
    footage: Footage


def open_scene(
    log_path: Path,
    video: Path | None,
    wanted: Wanted,
    another_version: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> Scene:
    """Read a log, choose tracks and find the clip.

    Raises LogError for a log that cannot be used, UsageError for tracks it does not have, and InputError for a clip
    that is missing or another one.
    """
    log = TrackLog.load(log_path)
    if not len(log):
        raise LogError(f"{log_path} holds no frames", log.problem or "the run that wrote it ended at once")
    select(log, wanted.without)  # an identity the log does not have is a mistake here too
    chosen = select(log, wanted.tracks, None if wanted.doubtful else wanted.classes)
    chosen = select(chosen, min_seconds=wanted.min_seconds, min_frames=wanted.min_frames)
    if wanted.doubtful and wanted.classes is not None:
        of_class = class_filter(log.class_names, wanted.classes)[chosen.classes]
        chosen = select(chosen, set(chosen.ids[of_class].tolist()))
    if wanted.without:
        chosen = select(chosen, set(chosen.ids.tolist()) - set(wanted.without))
    if len(log.ids) and not len(chosen.ids):
        raise UsageError("no track of the log is left by these choices", "`vidtrack show LOG` lists what it has")
    return Scene(
        log_path,
        _steadied(log, wanted),
        _steadied(chosen, wanted),
        find_footage(log, log_path, video, another_version, limits),
    )


def _steadied(log: TrackLog, wanted: Wanted) -> TrackLog:
    """First smooth, then without gaps, as `detect` does it."""
    steady = smooth(log, wanted.smooth_seconds) if wanted.smooth_seconds > 0 else log
    return fill_gaps(steady, wanted.gap_seconds) if wanted.gap_seconds > 0 else steady

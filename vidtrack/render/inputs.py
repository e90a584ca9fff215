"""A log, the tracks selected from it and its clip: the inputs of every effect."""

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
class TrackSelection:
    """Which tracks, and how their boxes are processed; None and 0 leave them unchanged.

    If `doubtful`, a track belongs to every class it was ever detected as, not only to its main one.
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
class RenderInputs:
    """`log` has every track of the file `log_path`, `chosen` the selected ones."""

    log_path: Path
    log: TrackLog
    chosen: TrackLog
    footage: Footage


def open_inputs(
    log_path: Path,
    video: Path | None,
    wanted: TrackSelection,
    another_version: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> RenderInputs:
    """Read a log, select tracks and find the clip.

    Raises LogError for a log that cannot be used, UsageError for tracks it does not have, and InputError for a clip
    that is missing or does not match.
    """
    log = TrackLog.load(log_path)
    if not len(log):
        raise LogError(f"{log_path} has no frames", log.problem or "its run ended before the first frame")
    select(log, wanted.without)  # raises for an identity that the log does not have
    chosen = select(log, wanted.tracks, None if wanted.doubtful else wanted.classes)
    chosen = select(chosen, min_seconds=wanted.min_seconds, min_frames=wanted.min_frames)
    if wanted.doubtful and wanted.classes is not None:
        of_class = class_filter(log.class_names, wanted.classes)[chosen.classes]
        chosen = select(chosen, set(chosen.ids[of_class].tolist()))
    if wanted.without:
        chosen = select(chosen, set(chosen.ids.tolist()) - set(wanted.without))
    if len(log.ids) and not len(chosen.ids):
        raise UsageError("no track of the log matches this selection", "`vidtrack show LOG` lists its tracks")
    return RenderInputs(
        log_path,
        _steadied(log, wanted),
        _steadied(chosen, wanted),
        find_footage(log, log_path, video, another_version, limits),
    )


def _steadied(log: TrackLog, wanted: TrackSelection) -> TrackLog:
    """First smooth, then without gaps, as `detect` does it."""
    steady = smooth(log, wanted.smooth_seconds) if wanted.smooth_seconds > 0 else log
    return fill_gaps(steady, wanted.gap_seconds) if wanted.gap_seconds > 0 else steady

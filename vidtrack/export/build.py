"""Builds a scene from a track log: the selected tracks, smoothed, on the frames of a timeline."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from vidtrack.core.boxes import interpolate_at
from vidtrack.core.errors import UsageError
from vidtrack.core.types import ObjectState
from vidtrack.export.scene import Anchor, FrameClock, Numbering, Scene, Track
from vidtrack.export.timing import constant_rate, frames_at, meant_rate, shown_at
from vidtrack.tracking.smoothing import smooth
from vidtrack.tracklog import TrackLog, select, track_classes
from vidtrack.tracklog.header import Source
from vidtrack.tracklog.trajectories import trajectories_of
from vidtrack.video.timecode import at_rate

_MOST_FRAMES = 5_000_000  # of a timeline: two days at 25 fps
_LONGEST_STRIDE = 1000  # frames between two boxes of a track that others are interpolated between
_ROUNDING_SECONDS = 1e-3  # that containers round times by
_MOST_FILLED = 1_000_000  # boxes of a track, unless it has a hundredth as many of its own


@dataclass(frozen=True)
class ExportConfig:
    """What to export, and onto which timeline.

    `rate` treats every decoded frame as one frame at that rate, whatever its time; `conform_rate` resamples to that
    rate by what is on screen at each time. `smooth_seconds` 0 leaves the boxes unchanged.
    """

    tracks: tuple[int, ...] | None = None
    classes: tuple[str, ...] | None = None
    min_seconds: Fraction = Fraction(0)
    min_frames: int = 0
    anchor: Anchor = Anchor.CENTER
    rate: Fraction | None = None
    conform_rate: Fraction | None = None
    start_frame: int | None = None
    smooth_seconds: float = 0.0

    def __post_init__(self) -> None:
        if self.rate is not None and self.conform_rate is not None:
            raise UsageError("an assumed frame rate and one to conform to cannot be combined", "give only one")
        for name in ("rate", "conform_rate"):
            rate = getattr(self, name)
            if rate is None:
                continue
            if not 1 <= rate <= 1000:
                raise UsageError(f"{float(rate):g} fps is not a rate to export at", "give a rate from 1 to 1000")
            object.__setattr__(self, name, meant_rate(rate))  # 29.97 is 30000/1001


def build_scene(log: TrackLog, config: ExportConfig) -> Scene:
    """The selected tracks of a log on their timeline; raises UsageError for unknown ones and for none."""
    chosen = select(log, config.tracks, config.classes, config.min_seconds, config.min_frames)
    if len(log) == 0:
        raise UsageError("there is nothing to export", "the log has no frames")
    if len(chosen.ids) == 0 and len(log.ids) > 0:
        raise UsageError("there is nothing to export", _available(log))
    source = log.header.source
    own_rate = constant_rate(source, log.frame_indices, log.frame_pts)
    clock = FrameClock(config.rate or config.conform_rate or own_rate, log.time_base, log.frame_indices, log.frame_pts)
    media_rate = config.rate or own_rate
    _refuse_endless(log, clock)
    if config.smooth_seconds > 0:
        chosen = smooth(chosen, config.smooth_seconds)
    tracks = _tracks(chosen, clock, config)
    frame_count = _frames_of_clip(log, config, clock)
    return Scene(
        path=source.path,
        size=source.size,
        pixel_aspect=source.sample_aspect_ratio,
        clock=clock,
        frame_count=frame_count,
        decoded_count=frame_count if config.conform_rate is not None else _decoded_count(log),
        timecode=_timecode_at(clock.rate, source, own_rate),
        media=None if media_rate is None else Numbering(media_rate, _timecode_at(media_rate, source, own_rate)),
        audio=source.audio or (),
        class_names=tuple(log.label_of(number) for number, name in enumerate(log.class_names) if name),
        tracks=tracks,
        anchor=config.anchor,
        start_frame=config.start_frame,
        clock_offset=source.first_frame_offset_seconds,
    )


def _available(log: TrackLog) -> str:
    names = sorted({log.label_of(number) for number in track_classes(log).values()})
    return f"the log has tracks of {', '.join(names)}"


def _timecode_at(rate: Fraction | None, source: Source, own_rate: Fraction | None) -> str | None:
    """The clip's timecode converted from its own rate to another one."""
    timecode, own_rate = source.timecode, own_rate or source.average_rate
    if timecode is None or rate is None or own_rate is None or rate == own_rate:
        return timecode
    return at_rate(timecode, own_rate, rate)


def _refuse_endless(log: TrackLog, clock: FrameClock) -> None:
    """Raise UsageError before one wrong number or time makes a timeline that fills the memory."""
    end = int(log.frame_indices[-1])
    if clock.rate is not None:
        end = max(end, int(int(log.frame_pts[-1]) * log.time_base * clock.rate))
    if end >= _MOST_FRAMES:
        raise UsageError(
            f"the log goes up to frame {end}, exports are limited to frame {_MOST_FRAMES - 1}",
            "is a frame number or time wrong?",
        )


def _frames_of_clip(log: TrackLog, config: ExportConfig, clock: FrameClock) -> int:
    """Frames the whole clip has on the timeline: what its container says, and no less than the log has."""
    source = log.header.source
    said, end = source.frame_count or 0, int(log.frame_indices[-1]) + 1
    if config.rate is None and clock.rate is not None:
        if config.conform_rate is not None:
            end = len(_on_screen(log, clock.rate))
        else:
            end = int(frames_at(log.frame_pts[-1:], log.time_base, clock.rate)[0]) + 1
        if source.duration_seconds is not None:
            said = round(source.duration_seconds * clock.rate)
    return max(said if said <= _MOST_FRAMES else 0, end)


def _decoded_count(log: TrackLog) -> int:
    """Frames that a decoder finds in the whole clip, and no fewer than the log has."""
    run, footer, end = log.header.run, log.footer, int(log.frame_indices[-1]) + 1
    said = log.header.source.frame_count or 0  # which for some containers is an estimate
    if footer is not None and footer.status.is_finished and run.start_seconds is None and run.end_seconds is None:
        said = footer.figures.decoded or said
    return max(said if said <= _MOST_FRAMES else 0, end)


def _tracks(log: TrackLog, clock: FrameClock, config: ExportConfig) -> tuple[Track, ...]:
    frames_of_rows = log.frame_indices
    if config.rate is None and config.conform_rate is None and clock.rate is not None:
        frames_of_rows = frames_at(log.frame_pts, log.time_base, clock.rate)
    tracks = []
    is_shown = (frames_of_rows >= 0) & (log.frame_pts * float(log.time_base) > -_ROUNDING_SECONDS)
    for own in trajectories_of(log):
        kept = is_shown[own.rows]  # frames before the start of the timeline are in no program
        if not kept.any():
            continue
        rows = own.rows[kept]
        track = Track(
            id=own.identity,
            label=log.label_of(own.cls),
            frames=frames_of_rows[rows],
            indices=log.frame_indices[rows],
            shown=log.frame_indices[rows],
            boxes_xyxy=np.round(own.boxes_xyxy[kept], 3),
            scores=np.round(own.scores[kept], 4),
            states=own.states[kept],
            logged=np.ones(len(rows), bool),
        )
        tracks.append(_filled(track, rows))
    if config.conform_rate is not None:
        return _conformed(tracks, log, config.conform_rate)
    return tuple(tracks)


def _filled(track: Track, rows: np.ndarray) -> Track:
    """The track with boxes on the frames between neighbouring rows of the log.

    Frames that a stride left out get interpolated boxes. While the same decoded frame stays on screen, as in a screen
    recording, its box stays too. A row that the track is not in ends a run: there it was looked for and not found.
    """
    ends_run = (np.diff(rows) != 1) | (np.diff(track.indices) > _LONGEST_STRIDE)
    runs = np.split(np.arange(len(rows)), np.flatnonzero(ends_run) + 1)
    length = sum(int(track.frames[run[-1]] - track.frames[run[0]]) + 1 for run in runs)
    if length > max(_MOST_FILLED, 100 * len(rows)):
        raise UsageError(f"track {track.id} would get {length} boxes from {len(rows)}", "is a frame number wrong?")
    frames = np.concatenate([np.arange(track.frames[run[0]], track.frames[run[-1]] + 1) for run in runs])
    logged = np.isin(frames, track.frames)
    if logged.all():
        return track
    before = np.searchsorted(track.frames, frames, side="right") - 1
    after = np.minimum(before + 1, len(rows) - 1)
    stays = track.indices[after] - track.indices[before] <= 1  # no frame was decoded in between
    at = np.where(stays, track.frames[before], frames)

    def between(values: np.ndarray) -> np.ndarray:
        return np.interp(at, track.frames, values)

    return replace(
        track,
        frames=frames,
        indices=np.rint(between(track.indices)).astype(np.int64),
        shown=np.rint(between(track.shown)).astype(np.int64),
        boxes_xyxy=np.round(interpolate_at(at, track.frames, track.boxes_xyxy), 3),
        scores=np.round(between(track.scores), 4),
        states=np.where(logged | stays, track.states[before], ObjectState.INTERPOLATED),
        logged=logged,
    )


def _conformed(tracks: list[Track], log: TrackLog, rate: Fraction) -> tuple[Track, ...]:
    """Tracks on decoded frames, resampled: each frame at `rate` has what is on screen at its time."""
    shown = _on_screen(log, rate)
    resampled = []
    for track in tracks:
        frames = np.flatnonzero(np.isin(shown, track.frames))
        own = np.searchsorted(track.frames, shown[frames])
        if len(frames):
            resampled.append(
                replace(
                    track,
                    frames=frames,
                    indices=frames,
                    shown=shown[frames],
                    boxes_xyxy=track.boxes_xyxy[own],
                    scores=track.scores[own],
                    states=track.states[own],
                    logged=track.logged[own],
                )
            )
    if tracks and not resampled:
        raise UsageError(f"at {float(rate):g} fps nothing is left to export", "give a higher rate")
    return tuple(resampled)


def _on_screen(log: TrackLog, rate: Fraction) -> np.ndarray:
    """The decoded frame (M,) int64 that is on screen at each frame of a timeline at `rate`, -1 before the first one."""
    ordinals = np.arange(log.frame_indices[0], log.frame_indices[-1] + 1)
    rows = shown_at(np.interp(ordinals, log.frame_indices, log.frame_pts), log.time_base, rate)
    return np.where(rows >= 0, ordinals[rows], -1)

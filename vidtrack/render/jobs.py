"""The videos and stills to make from a clip and its log, and where they go."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.core.wording import plural
from vidtrack.render.annotator import Annotator
from vidtrack.render.coverage import CoverageConfig, cover
from vidtrack.render.crop import CropConfig, CropPlan, plan_crop
from vidtrack.render.encode import Effect, RenderedFrame, RenderJob
from vidtrack.render.inputs import RenderInputs
from vidtrack.render.matte import Matte
from vidtrack.render.redact import RedactionConfig, Redactor
from vidtrack.render.style import Look
from vidtrack.tracking.steadying import steady
from vidtrack.tracklog import TrackLog, select, stem_of
from vidtrack.tracklog.counting import watched
from vidtrack.tracklog.crossings import crossings_of
from vidtrack.tracklog.source_video import Footage
from vidtrack.tracklog.trajectories import Trajectory, continuous_trajectories
from vidtrack.tracklog.zones import Line, Zone, scaled
from vidtrack.video.codecs import suffix_for
from vidtrack.video.colour import graphics_white


@dataclass(frozen=True)
class Layer:
    """What is done to the whole image before it is cropped; `log` and `generous` as in `RenderJob`."""

    log: TrackLog
    effect: Effect
    generous: bool = False


def plain_layer(log: TrackLog) -> Layer:
    """The unchanged clip."""
    return Layer(log, lambda frame, tracks: RenderedFrame(frame))


def drawn_layer(footage: Footage, log: TrackLog, look: Look, counted: TrackLog) -> Layer:
    """The tracks of `log` drawn, with the lines, zones and crossings of `counted`."""
    lines, zones, _ = watched(counted)
    watched_places: list[Line | Zone] = [*lines, *zones]
    places = [scaled(place, footage.scale) for place in watched_places]
    annotator = Annotator(footage.info.size, log.class_names, look, graphics_white(footage.info.colour), places)
    crossings = sorted(crossings_of(counted.events), key=lambda event: event.pts or 0)
    cuts, counts = deque(log.cut_pts.tolist()), deque(crossings)

    def draw(frame: Frame, tracks: FrameTracks) -> Frame:
        while cuts and frame.seconds >= cuts[0] * log.time_base:
            cuts.popleft()
            annotator.new_shot()
        while counts and frame.seconds >= (counts[0].pts or 0) * log.time_base:
            annotator.count(counts.popleft())
        return annotator.paint(frame, tracks)

    return Layer(steady(log) if look.steady else log, _on_frames(draw))


def hidden_layer(log: TrackLog, hiding: RedactionConfig, reach: CoverageConfig) -> Layer:
    """The tracks of `log` hidden."""
    return Layer(cover(log, reach), _on_frames(Redactor(hiding).paint), generous=True)


def matte_layer(log: TrackLog, matte: Matte, with_picture: bool) -> Layer:
    """The clip with opacity, or the opacity alone, white on black."""
    if with_picture:
        return Layer(
            log, lambda frame, tracks: RenderedFrame(frame, _as_deep(matte.opacity(frame, tracks), frame.image))
        )
    return Layer(log, _on_frames(matte.paint))


def whole_job(
    footage: Footage, layer: Layer, path: Path, start: Fraction | None = None, end: Fraction | None = None
) -> RenderJob:
    """The whole image, over the time that the log covers or a part of it."""
    return RenderJob(path, layer.log, layer.effect, footage.info, start, end, layer.generous)


def clip_jobs(
    footage: Footage, layer: Layer, paths: Iterable[Trajectory], target: Callable[[int], Path], handles: Fraction
) -> list[RenderJob]:
    """One job per track, over its own time."""
    return [whole_job(footage, layer, target(path.identity), *_span_of(path, layer.log, handles)) for path in paths]


def crop_job(
    footage: Footage,
    layer: Layer,
    plan: CropPlan,
    path: Path,
    span: tuple[Fraction | None, Fraction | None] = (None, None),
) -> RenderJob:
    """What a planned crop window shows."""

    def cut(frame: Frame, tracks: FrameTracks) -> RenderedFrame:
        return RenderedFrame(plan.cut(layer.effect(frame, tracks).frame))

    return RenderJob(path, layer.log, cut, plan.info(footage.info), *span, layer.generous)


def _as_deep(opacity: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Opacity (H, W) uint8 in the type of the image."""
    return opacity.astype(image.dtype) * image.dtype.type(np.iinfo(image.dtype).max // 255)


def _on_frames(paint: Callable[[Frame, FrameTracks], Frame]) -> Effect:
    return lambda frame, tracks: RenderedFrame(paint(frame, tracks))


@dataclass(frozen=True)
class Item:
    """A video to make, a note about its tracks, and the same as values."""

    job: RenderJob
    note: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """Where the files go and which part of the clip they show.

    `output` is a file or a folder, None is beside the log; `start` and `end`, in seconds, apply to videos that do not
    follow a track's own time. Raises UsageError if a file is named where several may be made.
    """

    inputs: RenderInputs
    output: str | None
    codec: str | None
    start: Fraction | None
    end: Fraction | None

    def stills(self) -> dict[int, Path]:
        """A still per chosen track."""
        return self._targets("track", ".png")

    def whole(self, layer: Layer, mark: str) -> Item:
        """One video of the whole image."""
        identities = self._identities
        job = whole_job(self.inputs.footage, layer, self._target(mark), self.start, self.end)
        return Item(job, plural(len(identities), "track"), {"ids": identities})

    def clips(self, layer: Layer, handles: Fraction) -> list[Item]:
        """One video per track, of the whole image."""
        targets = self._targets("track", suffix_for(self.codec))
        jobs = clip_jobs(
            self.inputs.footage, layer, continuous_trajectories(self.inputs.chosen), targets.__getitem__, handles
        )
        return [Item(job, f"track {n}", {"id": n}) for job, n in zip(jobs, targets, strict=True)]

    def crops(self, layer: Layer, config: CropConfig, handles: Fraction) -> list[Item]:
        """A crop window per track that follows it over its own time."""
        footage, chosen = self.inputs.footage, self.inputs.chosen
        targets = self._targets("crop", suffix_for(self.codec))
        items = []
        for path in continuous_trajectories(chosen):
            crop = plan_crop(path, chosen, footage.info, config, footage.scale, whole_clip=False)
            job = crop_job(footage, layer, crop, targets[path.identity], _span_of(path, chosen, handles))
            items.append(Item(job, *_notes(path.identity, crop)))
        return items

    def crop(self, layer: Layer, config: CropConfig, identity: int) -> Item:
        """A crop window that follows one track of the log through the clip."""
        followed = select(self.inputs.log, [identity])
        (path,) = continuous_trajectories(followed)
        footage, target = self.inputs.footage, self._target(f"crop-{identity}")
        crop = plan_crop(path, followed, footage.info, config, footage.scale)
        return Item(crop_job(footage, layer, crop, target, (self.start, self.end)), *_notes(identity, crop))

    @property
    def _identities(self) -> list[int]:
        return sorted(set(self.inputs.chosen.ids.tolist()))

    def _targets(self, mark: str, suffix: str) -> dict[int, Path]:
        return {n: target_in(self.inputs.log_path, self.output, f"{mark}-{n}", suffix) for n in self._identities}

    def _target(self, mark: str) -> Path:
        return target_of(self.inputs.log_path, self.output, mark, suffix_for(self.codec))


def _notes(identity: int, crop: CropPlan) -> tuple[str, dict[str, int]]:
    """What to report about a crop, as text and as values."""
    missed = f", cut off in {crop.frames_cut} of {plural(crop.frames_followed, 'frame')}" if crop.frames_cut else ""
    values = {"id": identity, "frames_cut": crop.frames_cut, "frames_followed": crop.frames_followed}
    return f"track {identity}{missed}", values


def target_of(log_path: Path, output: str | None, mark: str, suffix: str) -> Path:
    """The one file to make: `output` itself, or NAME.MARK.SUFFIX in that folder; beside the log if None.

    Raises UsageError if `output` is empty or a stream.
    """
    if output is None or is_folder(output):
        return target_in(log_path, output, mark, suffix)
    return Path(output)


def target_in(log_path: Path, output: str | None, mark: str, suffix: str) -> Path:
    """One of several files: NAME.MARK.SUFFIX in the folder `output`, beside the log if None.

    Raises UsageError if `output` is a file name, empty or a stream.
    """
    if output is not None and not output.strip():
        raise UsageError("the output name is empty", "give a file or folder name")
    if output == "-":
        raise UsageError("rendered files cannot go to a stream", "give a file or folder name")
    if output is not None and not is_folder(output):
        raise UsageError(f"{output} is a single file, but several may be made", "give a folder; end its name with /")
    folder = log_path.parent if output is None else Path(output)
    return folder / f"{stem_of(log_path)}.{mark}{suffix}"


def is_folder(output: str) -> bool:
    """True for the name of a folder, existing or not."""
    return os.path.isdir(output) or output.endswith(("/", os.sep)) or not Path(output).suffix


def _span_of(path: Trajectory, log: TrackLog, handles_seconds: Fraction = Fraction(0)) -> tuple[Fraction, Fraction]:
    """From the track's first frame to the end of its last one, plus `handles_seconds` at either end."""
    pts = log.frame_pts
    frame = int(np.median(np.diff(pts))) if len(pts) > 1 else 1
    first, end = int(pts[path.first_row]), int(pts[path.last_row]) + frame
    start = first * log.time_base - handles_seconds
    return max(start, Fraction(0)), end * log.time_base + handles_seconds

"""What to make of a clip and its log, as takes ready for `vidtrack.render.encode`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.annotator import Annotator, Look
from vidtrack.render.coverage import CoverConfig, cover
from vidtrack.render.crop import CropPlan
from vidtrack.render.encode import Effect, Picture, Take
from vidtrack.render.matte import Matte
from vidtrack.render.redact import RedactionConfig, Redactor
from vidtrack.render.spans import span_of
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.source_video import Footage
from vidtrack.tracklog.trajectories import Trajectory
from vidtrack.video.colour import graphics_white


@dataclass(frozen=True)
class Layer:
    """What is done to the whole picture before any part of it is cut out; `log` and `generous` as in `Take`."""

    log: TrackLog
    effect: Effect
    generous: bool = False


def plain_layer(log: TrackLog) -> Layer:
    """The clip as it is."""
    return Layer(log, lambda frame, tracks: Picture(frame))


def drawn_layer(footage: Footage, log: TrackLog, look: Look) -> Layer:
    """The tracks of `log` drawn; no trail goes on over a cut."""
    annotator = Annotator(footage.info.size, log.class_names, look, graphics_white(footage.info.colour))
    cuts = deque(int(pts) * log.time_base for pts in log.cut_pts)

    def draw(frame: Frame, tracks: FrameTracks) -> Frame:
        while cuts and frame.seconds >= cuts[0]:
            cuts.popleft()
            annotator.new_shot()
        return annotator.paint(frame, tracks)

    return Layer(log, _on_frames(draw))


def hidden_layer(log: TrackLog, hiding: RedactionConfig, reach: CoverConfig) -> Layer:
    """The tracks of `log` hidden."""
    return Layer(cover(log, reach), _on_frames(Redactor(hiding).paint), generous=True)


def matte_layer(log: TrackLog, matte: Matte, with_picture: bool) -> Layer:
    """The clip with opacity, or the opacity alone in white on black."""
    if with_picture:
        return Layer(log, lambda frame, tracks: Picture(frame, _as_deep(matte.opacity(frame, tracks), frame.image)))
    return Layer(log, _on_frames(matte.paint))


def whole_take(
    footage: Footage, layer: Layer, path: Path, start: Fraction | None = None, end: Fraction | None = None
) -> Take:
    """All of the picture, all of the time the log speaks of or a part of it."""
    return Take(path, layer.log, layer.effect, footage.info, start, end, layer.generous)


def clip_takes(
    footage: Footage, layer: Layer, paths: Iterable[Trajectory], target: Callable[[int], Path], handles: Fraction
) -> list[Take]:
    """A take a track, over its own time."""
    return [whole_take(footage, layer, target(path.identity), *span_of(path, layer.log, handles)) for path in paths]


def crop_take(
    footage: Footage,
    layer: Layer,
    plan: CropPlan,
    path: Path,
    span: tuple[Fraction | None, Fraction | None] = (None, None),
) -> Take:
    """What a planned window shows."""

    def cut(frame: Frame, tracks: FrameTracks) -> Picture:
        return Picture(plan.cut(layer.effect(frame, tracks).frame))

    return Take(path, layer.log, cut, plan.info(footage.info), *span, layer.generous)


def _as_deep(opacity: np.ndarray, image: np.ndarray) -> np.ndarray:
    """Opacity (H, W) uint8 in the type of the picture."""
    return opacity.astype(image.dtype) * image.dtype.type(np.iinfo(image.dtype).max // 255)


def _on_frames(paint: Callable[[Frame, FrameTracks], Frame]) -> Effect:
    return lambda frame, tracks: Picture(paint(frame, tracks))

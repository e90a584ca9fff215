"""Tracks frame by frame, as they are found: frames in, `FrameTracks` out, no files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np

from vidtrack.core.class_names import class_filter
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.model.detectors import load_model
from vidtrack.model.device import device_errors
from vidtrack.model.inference import FrameEncoder
from vidtrack.model.protocol import Detector
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.tracker import make_tracker
from vidtrack.video import VideoReader

_FINEST = 10_000  # denominator of a frame rate


class TrackStream:
    """An iterator over the tracks of each frame; `class_names` are those that `FrameTracks.classes` counts."""

    def __init__(self, frames: Iterator[Frame], encoder: FrameEncoder, config: RunConfig) -> None:
        self.class_names = encoder.detector.class_names
        self._frames, self._encoder = frames, encoder
        wanted = class_filter(self.class_names, config.classes)
        self._tracker = make_tracker(encoder.detector, config.tracker, wanted)

    def __iter__(self) -> TrackStream:
        return self

    def __next__(self) -> FrameTracks:
        frame = next(self._frames)
        with device_errors(self._encoder.device, "use a smaller size or another device"):
            memory = self._encoder.encode(*self._encoder.batch(frame.image))
            return self._tracker.step(memory, frame)


def stream(
    source: str | Path | Iterable[np.ndarray],
    detector: Detector | str | Path = "default",
    tracker: TrackerConfig | str | None = None,
    *,
    frames_per_second: float | Fraction = 25,
    classes: Sequence[str] | None = None,
    score: float | None = None,
    size: int | None = None,
) -> TrackStream:
    """Track a clip, a camera or any frames: `for tracks in vidtrack.stream(frames): ...`.

    `source` is a clip's path, or RGB images, uint8 (H, W, 3), `frames_per_second` apart (of a clip, its own times
    count). Every frame is detected as it comes, so that its tracks are there before the next one; boxes are not
    interpolated or smoothed afterwards, which `track_video` does. `tracker` is a name or a `TrackerConfig`; `classes`,
    `score` and `size` are as in `RunConfig`.

    Raises UsageError, WeightsError, ResourceError, and InputError for a clip.
    """
    chosen = load_model(detector) if isinstance(detector, str | Path) else detector
    settings = replace(TrackerConfig(), mode=tracker) if isinstance(tracker, str) else tracker or TrackerConfig()
    config = RunConfig(
        tracker=settings, score=score, classes=None if classes is None else tuple(classes), size=size
    ).for_detector(chosen)
    frames = _of_clip(source) if isinstance(source, str | Path) else _of_images(source, frames_per_second)
    return TrackStream(frames, FrameEncoder(chosen, size), config)


def _of_clip(path: str | Path) -> Iterator[Frame]:
    with VideoReader(path) as reader:
        yield from reader


def _of_images(images: Iterable[np.ndarray], frames_per_second: float | Fraction) -> Iterator[Frame]:
    rate = Fraction(frames_per_second).limit_denominator(_FINEST) if frames_per_second > 0 else Fraction(0)
    if rate <= 0:
        raise UsageError(f"frames_per_second is {frames_per_second}", "give the rate of the frames, above 0")
    shape = None
    for index, image in enumerate(images):
        given = np.asarray(image)
        if given.dtype != np.uint8 or given.ndim != 3 or given.shape[2] != 3:
            raise UsageError(
                f"frame {index} is {given.dtype} {given.shape}", "frames are RGB images: uint8, (height, width, 3)"
            )
        if shape is not None and given.shape != shape:
            raise UsageError(f"frame {index} is {given.shape}, those before {shape}", "start another stream")
        shape = given.shape
        yield Frame(index, index, 1 / rate, np.ascontiguousarray(given))

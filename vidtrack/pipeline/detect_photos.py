"""Detect objects in photos: each at its own size, without tracks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.class_names import class_filter
from vidtrack.core.detections import Detections
from vidtrack.core.errors import InputError, ResourceError, VidtrackError
from vidtrack.core.stages import Stages, Stopwatch
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.model.detectors import load_model
from vidtrack.model.device import device_errors
from vidtrack.model.inference import FrameEncoder
from vidtrack.model.protocol import Detector
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracking.tracker import make_tracker
from vidtrack.video import VideoReader


@dataclass(frozen=True)
class Photo:
    """A photo and its objects, best first; `frame` is upright, ids only number the objects."""

    path: Path
    frame: Frame
    objects: FrameTracks
    warnings: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the upright image."""
        height, width = self.frame.image.shape[:2]
        return width, height

    @property
    def detections(self) -> Detections:
        """The objects, boxes in pixels of the upright image."""
        return Detections.of(self.objects.boxes_xyxy, self.objects.scores, self.objects.classes)


@dataclass(frozen=True)
class FailedPhoto:
    """A photo that could not be read, or in which detection failed."""

    path: Path
    error: VidtrackError


def detect_photos(
    paths: Iterable[str | Path], model: Detector | str | Path = "default", config: RunConfig | None = None
) -> Iterator[Photo | FailedPhoto]:
    """Detect the objects of each photo, in the order given; one that fails does not stop the others.

    Settings of `config` about time are ignored. `Photo.objects.classes` index the model's `class_names`. Raises
    UsageError or WeightsError.
    """
    detector = load_model(model) if isinstance(model, (str, Path)) else model
    config = (config or RunConfig()).for_detector(detector)
    still = replace(config.tracker, mode="association", confirm_score=0.0, scene_cuts=False, camera_motion=False)
    finder = make_tracker(detector, still, class_filter(detector.class_names, config.classes))
    encoder = FrameEncoder(detector, config.size)

    def encode(photo: _Read | FailedPhoto) -> tuple[_Read, Any] | FailedPhoto:
        if isinstance(photo, FailedPhoto):
            return photo
        try:
            with device_errors(encoder.device, "use a smaller --size or another device"):
                return photo, encoder.encode(*encoder.batch(photo.frame.image))
        except ResourceError as error:
            return FailedPhoto(photo.path, error)

    def find(encoded: Iterator[tuple[_Read, Any] | FailedPhoto]) -> Iterator[Photo | FailedPhoto]:
        encoder.use_threads()
        for item in encoded:
            if isinstance(item, FailedPhoto):
                yield item
                continue
            photo, memory = item
            finder.reset()
            yield Photo(photo.path, photo.frame, _best_first(finder.step(memory, photo.frame)), photo.warnings)

    with Stages(Stopwatch()) as stages:
        read = stages.first("decode", (_read(Path(path), config) for path in paths))
        encoded = stages.parallel("infer", encode, read, encoder.workers, encoder.use_threads)
        yield from stages.then("find", find(encoded))


@dataclass(frozen=True)
class _Read:
    path: Path
    frame: Frame
    warnings: tuple[str, ...]


def _read(path: Path, config: RunConfig) -> _Read | FailedPhoto:
    try:
        if path.is_dir():
            os.listdir(path)  # raises for a folder that may not be read
            raise InputError(f"{path} is a folder", "give a photo")
        with VideoReader(path, replace(config.read, start_seconds=None, end_seconds=None, stride=1)) as reader:
            frame = next(iter(reader))
            return _Read(path, frame, tuple(problem.message for problem in reader.problems))
    except VidtrackError as error:
        return FailedPhoto(path, error)
    except OSError as error:
        return FailedPhoto(path, InputError(f"{path} cannot be read: {error.strerror or error}"))


def _best_first(objects: FrameTracks) -> FrameTracks:
    """The objects by score, with numbers in that order."""
    return replace(objects[np.argsort(-objects.scores, kind="stable")], ids=np.arange(1, len(objects) + 1))

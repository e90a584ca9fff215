"""A crop window that follows a track through the image."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction

import cv2
import numpy as np

from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.render.virtual_camera import follow
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.trajectories import Trajectory

_LEAST, _MOST = 16, 16384  # pixels per side; encoders accept no less and few accept more
_UNSEEN_WEIGHT = 0.2  # of a frame without a detection when the camera is placed
_WHOLE = 1 / 32  # pixels; closer than this to a whole pixel, the image is not resampled
_TAPS = 8  # pixels that are combined into one between them


@dataclass(frozen=True)
class CropConfig:
    """Shape and motion of the window; speed and acceleration are in image widths per second (squared)."""

    aspect: Fraction = Fraction(9, 16)  # width to height, as displayed
    size: tuple[int, int] | None = None  # of the output; None keeps the image's own pixels
    zoom: float = 1.0
    max_speed: float = 0.5
    max_acceleration: float = 1.0

    def __post_init__(self) -> None:
        if self.aspect <= 0:
            raise UsageError(f"the aspect is {self.aspect}", "give a shape such as 9:16")
        if not 1 <= self.zoom <= 100:
            raise UsageError(f"the zoom is {self.zoom:g}", "give a number from 1 (the largest window) to 100")
        for name in ("max_speed", "max_acceleration"):
            if not 0 < getattr(self, name) < math.inf:
                raise UsageError(f"{name.replace('_', ' ')} is {getattr(self, name):g}", "give a finite number above 0")
        if self.size is not None:
            _check_size(self.size, self.aspect)


@dataclass(frozen=True)
class CropPlan:
    """Window centres `middles` (P, 2) in pixels at `seconds` (P,); `window` and `size` are (width, height)."""

    window: tuple[int, int]
    size: tuple[int, int]
    sample_aspect_ratio: Fraction
    seconds: np.ndarray
    shots: np.ndarray  # (P,) ordinals; the window jumps where they change
    middles: np.ndarray
    frames_cut: int  # in which the object exceeds the window although it could have fit
    frames_followed: int

    def info(self, info: VideoInfo) -> VideoInfo:
        """The clip's description with the output's size and pixel aspect."""
        return replace(info, size=self.size, sample_aspect_ratio=self.sample_aspect_ratio)

    def cut(self, frame: Frame) -> Frame:
        """The part of a frame inside the window."""
        now = float(frame.seconds)
        row = max(0, int(np.searchsorted(self.seconds, now, side="right")) - 1)
        here = slice(row, row + 2) if self.shots[row : row + 2].min() == self.shots[row : row + 2].max() else [row]
        middle_x, middle_y = (np.interp(now, self.seconds[here], self.middles[here, axis]) for axis in (0, 1))
        corner = float(middle_x) - self.window[0] / 2, float(middle_y) - self.window[1] / 2
        return replace(frame, image=_window(frame.image, corner, self.window, self.size))


def plan_crop(
    path: Trajectory,
    log: TrackLog,
    info: VideoInfo,
    config: CropConfig,
    scale: tuple[float, float] = (1.0, 1.0),
    whole_clip: bool = True,
) -> CropPlan:
    """Plan a window that follows a track through the whole clip, or only while the track lasts.

    Within a shot it waits before the track starts and after it ends; in a shot without the track it stays centred.

    Raises UsageError for a shape that leaves too few pixels of this image.
    """
    window = window_size(info, config)
    planned = np.arange(len(log)) if whole_clip else path.rows
    seconds, shots = log.frame_seconds[planned], log.shots[planned]
    there = path.rows - planned[0]  # places of the track's own frames among those planned
    boxes = path.boxes_xyxy * np.tile(scale, 2)
    weights = np.full(len(planned), _UNSEEN_WEIGHT)
    weights[there[path.detected]] = 1
    limits = config.max_speed * info.size[0], config.max_acceleration * info.size[0]
    middles = np.tile(np.array(info.size) / 2, (len(planned), 1))
    for shot in np.unique(shots[there]):
        here, inside = np.flatnonzero(shots == shot), shots[there] == shot
        for axis in (0, 1):
            target = np.interp(here, there[inside], (boxes[inside, axis] + boxes[inside, axis + 2]) / 2)
            half = window[axis] / 2
            bounds = (half, info.size[axis] - half)
            middles[here, axis] = follow(target, weights[here], seconds[here], bounds, *limits)
    return CropPlan(
        window,
        config.size or window,
        Fraction(1) if config.size else info.sample_aspect_ratio,
        seconds,
        shots,
        middles,
        _count_cut(boxes[path.detected], middles[there[path.detected]], window, info.size),
        int(path.detected.sum()),
    )


def window_size(info: VideoInfo, config: CropConfig) -> tuple[int, int]:
    """The largest window (width, height) of the requested shape, divided by `zoom`, in even numbers of pixels."""
    width, height = info.size
    shape = float(config.aspect / info.sample_aspect_ratio)  # in stored pixels
    across = min(width, height * shape) / config.zoom
    window = int(across + 1e-6) // 2 * 2, int(across / shape + 1e-6) // 2 * 2
    if min(window) < _LEAST:
        raise UsageError(
            f"a window of {_words(config.aspect)} at zoom {config.zoom:g} is {window[0]}x{window[1]} pixels of a "
            f"{width}x{height} image",
            "choose an aspect closer to the image's, or a lower zoom",
        )
    return window


def _check_size(size: tuple[int, int], aspect: Fraction) -> None:
    width, height = size
    if width % 2 or height % 2 or not _LEAST <= min(size) <= max(size) <= _MOST:
        raise UsageError(f"the size is {width}x{height}", f"give even numbers from {_LEAST} to {_MOST}")
    if abs(Fraction(width, height) / aspect - 1) > Fraction(1, 100):
        raise UsageError(f"{width}x{height} is not {_words(aspect)}", "give only one of them")


def _words(aspect: Fraction) -> str:
    return f"{aspect.numerator}:{aspect.denominator}"


def _count_cut(boxes: np.ndarray, middles: np.ndarray, window: tuple[int, int], size: tuple[int, int]) -> int:
    """Frames in which less of the object is inside the window than would fit."""
    half = np.array(window) / 2
    low = np.maximum(np.clip(boxes[:, :2], 0, size), middles - half)
    high = np.minimum(np.clip(boxes[:, 2:], 0, size), middles + half)
    shown = np.clip(high - low, 0, None)
    could = np.minimum(np.clip(boxes[:, 2:], 0, size) - np.clip(boxes[:, :2], 0, size), window)
    return int((shown < could - 1).any(axis=1).sum())


def _window(
    image: np.ndarray, corner: tuple[float, float], window: tuple[int, int], size: tuple[int, int]
) -> np.ndarray:
    """The window at `corner` (x, y), which may lie between pixels, at `size`."""
    height, width = image.shape[:2]
    x, y = math.floor(corner[0] + _WHOLE), math.floor(corner[1] + _WHOLE)
    rows, columns = (
        slice(max(0, y + 1 - _TAPS // 2), min(height, y + window[1] + _TAPS // 2)),
        slice(max(0, x + 1 - _TAPS // 2), min(width, x + window[0] + _TAPS // 2)),
    )
    part = image[rows, columns]
    share_x, share_y = corner[0] - x, corner[1] - y
    if max(abs(share_x), abs(share_y)) > _WHOLE:
        anchor = (_TAPS // 2 - 1, _TAPS // 2 - 1)
        part = cv2.sepFilter2D(
            part, -1, _lanczos(share_x), _lanczos(share_y), anchor=anchor, borderType=cv2.BORDER_REPLICATE
        )
    part = part[y - rows.start :, x - columns.start :][: window[1], : window[0]]
    if size == window:
        return np.ascontiguousarray(part)
    return cv2.resize(part, size, interpolation=cv2.INTER_AREA if size[0] < window[0] else cv2.INTER_CUBIC)


def _lanczos(share: float) -> np.ndarray:
    """Weights (8,) of the pixels around a point that lies `share` of a pixel after the fourth of them (Duchon 1979)."""
    away = np.arange(1 - _TAPS // 2, _TAPS // 2 + 1) - share
    weights = np.sinc(away) * np.sinc(away / (_TAPS // 2))
    return weights / weights.sum()

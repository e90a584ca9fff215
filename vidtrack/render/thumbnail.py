"""A small still of a clip."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from vidtrack.core.errors import VidtrackError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.video import ReadConfig, VideoReader, probe

_WIDTH = 160  # pixels
_QUALITY = 70


def thumbnail(clip: Path | VideoInfo) -> bytes:
    """The frame in the middle of a clip as a JPEG 160 pixels wide; empty if it cannot be decoded."""
    try:
        info = clip if isinstance(clip, VideoInfo) else probe(clip)
        duration = info.duration_seconds
        frame = _first(info, ReadConfig(start_seconds=duration / 2 if duration else None))
    except VidtrackError:
        return b""
    height, width = frame.image.shape[:2]
    size = (_WIDTH, max(1, round(height * _WIDTH / width)))
    small: np.ndarray = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
    return cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1].tobytes()


def _first(info: VideoInfo, config: ReadConfig) -> Frame:
    with VideoReader(info, config) as reader:
        return next(iter(reader))

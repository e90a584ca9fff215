"""From a decoded frame to the image a player shows: crop, mirroring and rotation, the only place that knows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np

from vidtrack.core.types import VideoInfo
from vidtrack.video.side_data import display_matrix

_EXACT_DEGREES = 1.0  # FFmpeg takes a rotation this near a right angle for one
Crop = tuple[int, int, int, int]  # left, top, right, bottom
Size = tuple[int, int]  # width, height


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a frame: `mirrored` left to right, then rotated counter-clockwise by `rotation`.

    `remainder` is what the display matrix has beyond that, in degrees.
    """

    mirrored: bool = False
    rotation: int = 0
    remainder: float = 0.0

    @classmethod
    def of(cls, frame: av.VideoFrame) -> Orientation:
        """The orientation of a frame by its display matrix, into which FFmpeg puts EXIF orientations too."""
        matrix = display_matrix(frame)
        return cls() if matrix is None else cls.from_display_matrix(matrix)

    @classmethod
    def from_display_matrix(cls, matrix: tuple[int, ...]) -> Orientation:
        """The orientation of FFmpeg's 3x3 matrix: x' = a x + c y, y' = b x + d y with y down, rows (a b u), (c d v)."""
        a, b, c, d = matrix[0], matrix[1], matrix[3], matrix[4]
        if not (a or b) or not (c or d):
            return cls()
        mirrored = a * d - b * c < 0
        degrees = math.degrees(math.atan2(b, -a) if mirrored else math.atan2(-b, a))
        rotation = round(degrees / 90) * 90
        remainder = degrees - rotation
        return cls(mirrored, rotation % 360, remainder if abs(remainder) > _EXACT_DEGREES else 0.0)

    @property
    def swaps_sides(self) -> bool:
        """True if width and height change places."""
        return self.rotation in (90, 270)

    def apply(self, image: np.ndarray) -> np.ndarray:
        """The image (H, W, C) as it is shown, contiguous."""
        flipped = image[:, ::-1] if self.mirrored else image
        return np.ascontiguousarray(np.rot90(flipped, self.rotation // 90))


def display_size(coded_size: Size, crop: Crop, orientation: Orientation) -> Size:
    """Size as shown."""
    width, height = coded_size[0] - crop[0] - crop[2], coded_size[1] - crop[1] - crop[3]
    return (height, width) if orientation.swaps_sides else (width, height)


def display_aspect(sample_aspect_ratio: Fraction, orientation: Orientation) -> Fraction:
    """Pixel aspect as shown."""
    return 1 / sample_aspect_ratio if orientation.swaps_sides else sample_aspect_ratio


def valid_crop(crop: Crop, coded_size: Size) -> Crop:
    """The crop, or none if it leaves no pixel."""
    fits = crop[0] + crop[2] < coded_size[0] and crop[1] + crop[3] < coded_size[1]
    return crop if fits else (0, 0, 0, 0)


def upright(image: np.ndarray, info: VideoInfo) -> np.ndarray:
    """A decoded image (H, W, C) of `info.coded_size` as it is shown, contiguous."""
    left, top, right, bottom = info.crop
    height, width = image.shape[:2]
    cropped = image[top : height - bottom, left : width - right]
    return Orientation(info.mirrored, info.rotation).apply(cropped)

"""Where a reader was, told so that it can be found again and recognised."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from vidtrack.core.types import Frame


@dataclass(frozen=True)
class Place:
    """A frame that a reader gave.

    `frames` counts those given up to and with it, `problems` what had gone wrong by then; `picture` names its pixels.
    """

    frames: int
    index: int
    pts: int
    problems: int
    picture: str

    @classmethod
    def of(cls, frame: Frame, frames: int, problems: int) -> Place:
        """The place of `frame`."""
        return cls(frames, frame.index, frame.pts, problems, fingerprint(frame.image))


def fingerprint(image: np.ndarray) -> str:
    """sha256 of the pixels and their layout."""
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()

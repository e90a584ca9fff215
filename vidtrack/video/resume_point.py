"""A position in a clip from which a later run can continue, and how to find it again."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import av
import numpy as np

from vidtrack.core.errors import InputError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.video.deinterlace import deinterlaced
from vidtrack.video.ffmpeg_log import ProblemLog
from vidtrack.video.hardware import HardwareDecodeError
from vidtrack.video.source import ContainerSource
from vidtrack.video.timing import without_presentation_times

_SEEK_EARLIER_SECONDS = (
    0,
    2,
    20,
)  # tried in turn: an index may overshoot, a keyframe may need leading frames


@dataclass(frozen=True)
class ResumePoint:
    """The last frame that an earlier reader gave.

    `frames` counts the frames given up to and including it, `problems` the problems by then; `image_sha256` covers the
    pixels and their shape.
    """

    frames: int
    index: int
    pts: int
    problems: int
    image_sha256: str

    @classmethod
    def at(cls, frame: Frame, frames: int, problems: int) -> ResumePoint:
        """The resume point at `frame`."""
        return cls(frames, frame.index, frame.pts, problems, fingerprint(frame.image))

    def verify(self, frame: Frame, info: VideoInfo, after_damage: bool) -> None:
        """Raise InputError unless `frame` is the one this point was taken at.

        After damage FFmpeg's threads conceal what is missing, not always alike: then the image may differ.
        """
        same = after_damage or fingerprint(frame.image) == self.image_sha256
        if not same or (frame.index, frame.pts) != (self.index, self.pts):
            raise InputError(
                f"frame {self.index} of {info.path} decodes differently than before", "--overwrite starts over"
            )


def frames_from(
    point: ResumePoint,
    info: VideoInfo,
    source: ContainerSource,
    problems: ProblemLog,
    to_image: Callable[[av.VideoFrame], np.ndarray],
) -> Iterator[av.VideoFrame] | None:
    """Decoded frames from `point` on, found by a seek; None if only decoding from the start is exact.

    `to_image` converts a decoded frame as the reader does.
    """
    if info.interlaced or without_presentation_times(info) or source.has_pauses:
        return None
    noted = problems.count
    for earlier in _SEEK_EARLIER_SECONDS:
        with contextlib.suppress(av.FFmpegError, OSError, HardwareDecodeError):
            wanted = info.start_pts + point.pts
            source.seek(wanted - math.ceil(earlier / info.time_base))
            frames = deinterlaced(source.frames(), info.time_base)
            first = next((frame for frame in frames if frame.pts is None or frame.pts >= wanted), None)
            found = first is not None and first.pts == wanted and problems.count == noted
            if found and first is not None and fingerprint(to_image(first)) == point.image_sha256:
                return itertools.chain([first], frames)
        problems.forget_after(noted)
        source.reopen()
    return None


def fingerprint(image: np.ndarray) -> str:
    """sha256 of the pixels and their layout."""
    digest = hashlib.sha256(str(image.shape).encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()

"""Start, rate and duration of a video stream, whatever its container makes of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import av

from vidtrack.core.types import VideoInfo

_TS_DISCONT = 0x0200  # FFmpeg's AVFMT_TS_DISCONT: times may jump where recordings were joined
# Containers whose packets carry no times, so that `average_rate` is FFmpeg's default of 25 or counts something else.
_RATE_FROM_CODEC = frozenset({"avi", "cavsvideo", "dv", "evc", "h261", "h263", "h264", "hevc", "ivf", "m4v", "mpegvideo", "obu", "vc1", "vvc"})  # fmt: skip  # noqa: E501
_MATROSKA_DURATION = re.compile(r"(\d+):(\d+):(\d+(?:\.\d+)?)")
_LEAST_BITS_PER_SECOND = 8000  # of a file; fewer mean that its clock jumps
_MICROSECOND = Fraction(1, 1_000_000)


def fraction(value: Any) -> Fraction | None:
    """A rational of PyAV as a Fraction; None if it is unset (None, 0 or 0/1, by PyAV version)."""
    return Fraction(value.numerator, value.denominator) if value else None


def ticks(time_base: Any) -> Fraction:
    """The time base of a packet, frame or stream that always has one."""
    value = fraction(time_base)
    assert value is not None
    return value


def may_jump(container: av.container.InputContainer) -> bool:
    """True for formats whose clock may be reset in the middle, such as MPEG-TS."""
    return bool(int(container.format.flags) & _TS_DISCONT)


def without_presentation_times(info: VideoInfo) -> bool:
    """True for AVI, which stores frames in decoding order and no times; FFmpeg's guess is wrong with B-frames."""
    return info.container == "avi"


def frame_rate(container: av.container.InputContainer, stream: Any) -> Fraction | None:
    """Frames per second: the average over the stream, or the codec's if the container has no times of its own."""
    average, guessed = fraction(stream.average_rate), fraction(stream.guessed_rate)
    if container.format.name in _RATE_FROM_CODEC:
        return guessed or average
    return average or guessed


def start_pts(
    stream: Any, rate: Fraction | None, first_pts: Sequence[int | None], by_decoding_time: bool = False
) -> int:
    """The stream's time zero: its own start, or the first frame if that is earlier or the times are `by_decoding_time`.

    `first_pts` are of the first decoded frames up to one with a time; those before it are `rate` apart.
    """
    timed = next((pts for pts in first_pts if pts is not None), None)
    if timed is None:
        return stream.start_time or 0
    step = 1 / ((rate or 25) * ticks(stream.time_base))
    first = timed - round((len(first_pts) - 1) * step)
    return first if stream.start_time is None or by_decoding_time else min(first, stream.start_time)


def container_start(container: av.container.InputContainer, stream: Any) -> Fraction | None:
    """Seconds at which the earliest stream starts, exact if that is the video stream: FFmpeg has whole microseconds."""
    if container.start_time is None:
        return None
    start = Fraction(container.start_time, 1_000_000)
    own = (stream.start_time or 0) * ticks(stream.time_base)
    return own if abs(own - start) <= _MICROSECOND else start


def stream_duration(container: av.container.InputContainer, stream: Any, start_pts: int) -> Fraction | None:
    """Seconds of the video stream itself from `start_pts` on; None if the file only knows that of the container."""
    if container.format.name == "avi" and stream.frames:  # each chunk is a tick; FFmpeg's own is of what is left
        return stream.frames * ticks(stream.time_base)
    if stream.duration:
        start = 0 if stream.start_time is None else stream.start_time
        return _plausible(container, (start - start_pts + stream.duration) * ticks(stream.time_base))
    tag = _MATROSKA_DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    if tag:
        end = int(tag[1]) * 3600 + int(tag[2]) * 60 + Fraction(tag[3])
        return _from_start(container, stream, start_pts, end)
    return container_duration(container, stream, start_pts) if len(container.streams) == 1 else None


def container_duration(container: av.container.InputContainer, stream: Any, start_pts: int) -> Fraction | None:
    """Seconds of the longest stream, from `start_pts` of `stream` on."""
    if not container.duration:
        return None
    return _from_start(container, stream, start_pts, Fraction(container.duration, 1_000_000))


def frame_count(container: av.container.InputContainer, stream: Any) -> int | None:
    """Frames by the container; None if it does not say, or counts empty chunks as AVI does for dropped frames."""
    average, guessed = fraction(stream.average_rate), fraction(stream.guessed_rate)
    return None if container.format.name == "avi" and average != guessed else stream.frames or None


def _from_start(
    container: av.container.InputContainer, stream: Any, start_pts: int, stored: Fraction
) -> Fraction | None:
    """A stored duration counted from the start: FFmpeg's Matroska muxer stores the end time, mkvmerge the length."""
    start = start_pts * ticks(stream.time_base)
    stores_end = "matroska" in container.format.name and "_STATISTICS_WRITING_APP" not in stream.metadata
    if stores_end and start < stored:
        return stored - start
    return _plausible(container, stored)


def _plausible(container: av.container.InputContainer, duration: Fraction) -> Fraction | None:
    """The duration unless it comes from a clock that jumps, which the file is then far too small for."""
    endless = may_jump(container) and container.size > 0 and container.size * 8 < duration * _LEAST_BITS_PER_SECOND
    return None if endless else duration

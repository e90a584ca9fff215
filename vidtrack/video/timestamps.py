"""Frame and packet times, corrected until they can be relied on."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av

from vidtrack.core.types import VideoInfo
from vidtrack.video.ffmpeg_log import ProblemLog
from vidtrack.video.timing import may_jump, ticks, without_presentation_times

_JUMP_SECONDS = 10  # as in ffmpeg (-dts_delta_threshold): a larger step is a reset of the clock, not a pause


class PresentationClock:
    """Frame times counted from the stream's start, strictly increasing whatever the file says.

    Times that increase are kept as they are; every change is in `problems`.
    """

    def __init__(self, info: VideoInfo, problems: ProblemLog) -> None:
        self._problems = problems
        self._offset = -info.start_pts
        self._step = max(1, round(1 / ((info.average_rate or 25) * info.time_base)))
        self._last: int | None = None
        self._by_decoding_time = without_presentation_times(info)
        self._said_untimed = False

    def normalised(self, frame: av.VideoFrame) -> int:
        """The pts of the next frame in presentation order."""
        raw = frame.dts if self._by_decoding_time else frame.pts
        if raw is None:
            pts = 0 if self._last is None else self._last + self._step
            if not self._by_decoding_time and not self._said_untimed:
                self._problems.add("frames without a time are placed by the frame rate", pts=pts)
                self._said_untimed = True
        else:
            if self._by_decoding_time and self._last is None:
                self._offset = -raw
            pts = raw + self._offset
        if self._last is not None and pts <= self._last:
            pts = self._last + 1
            self._problems.add("a frame's time is not after that of the previous frame; moved by one tick", pts=pts)
        self._last = pts
        return pts


class ContinuousTimes:
    """Keeps packet times continuous across resets of a container's clock, such as where broadcasts were joined."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self._may_jump = may_jump(container)
        self._last_dts: dict[int, int] = {}
        self._next_dts: dict[int, int] = {}
        self._shown_until: dict[int, int] = {}
        self._offset: dict[int, int] = {}
        self.resets = 0

    def place(self, packet: Any) -> bool:
        """Move the packet's times to follow those before it in its stream; True if the clock was reset.

        FFmpeg makes a fall of more than a minute a jump of 26 hours forward, the length of an MPEG clock.
        """
        if packet.dts is None or not self._may_jump:
            return False
        stream = packet.stream_index
        offset, last = self._offset.get(stream, 0), self._last_dts.get(stream)
        reset = last is not None and (
            packet.dts + offset < last or packet.dts + offset - self._next_dts[stream] > jump_ticks(packet.time_base)
        )
        if reset:
            self.resets += 1
            offset = self._next_dts[stream] - packet.dts
            if packet.pts is not None:
                offset = max(offset, self._shown_until[stream] - packet.pts)
            self._offset[stream] = offset
        packet.dts += offset
        packet.pts = None if packet.pts is None else packet.pts + offset
        self._last_dts[stream], self._next_dts[stream] = packet.dts, packet.dts + (packet.duration or 1)
        end = (packet.dts if packet.pts is None else packet.pts) + (packet.duration or 1)
        self._shown_until[stream] = max(end, self._shown_until.get(stream, end))
        return reset


def jump_ticks(time_base: Any) -> Fraction:
    """The step forward, in ticks, from which on a clock that may be reset has been."""
    return _JUMP_SECONDS / ticks(time_base)

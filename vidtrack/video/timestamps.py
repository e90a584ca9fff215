"""Frame times, made fit to rely on."""

from __future__ import annotations

from typing import Any

import av

from vidtrack.core.types import VideoInfo
from vidtrack.video.ffmpeg_log import ProblemLog

_TS_DISCONT = 0x0200  # FFmpeg's AVFMT_TS_DISCONT


class PresentationClock:
    """Frame times counted from the stream's start, strictly increasing whatever the file says.

    Times are taken as they are wherever they rise; every change is in `problems`.
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
            self._problems.add("a frame's time is not after that of the frame before; moved one tick on", pts=pts)
        self._last = pts
        return pts


class ContinuousTimes:
    """Keeps packet times going on where a container's clock starts anew, as where broadcasts were joined."""

    def __init__(self, container: av.container.InputContainer) -> None:
        self._may_reset = bool(int(container.format.flags) & _TS_DISCONT)
        self._last_dts: dict[int, int] = {}
        self._offset: dict[int, int] = {}

    def place(self, packet: Any) -> bool:
        """Move the packet's times to after those before it in its stream; True where the clock was reset."""
        if packet.dts is None or not self._may_reset:
            return False
        stream = packet.stream_index
        offset, last = self._offset.get(stream, 0), self._last_dts.get(stream)
        reset = False
        if last is not None and packet.dts + offset < last:
            reset = True
            offset = self._offset[stream] = last + (packet.duration or 1) - packet.dts
        self._last_dts[stream] = packet.dts = packet.dts + offset
        packet.pts = None if packet.pts is None else packet.pts + offset
        return reset


def without_presentation_times(info: VideoInfo) -> bool:
    """True for AVI, which stores frames in decoding order and no times; FFmpeg's guess is wrong with B-frames."""
    return info.container == "avi"

"""Frame times, made fit to rely on."""

from __future__ import annotations

import av

from vidtrack.types import VideoInfo
from vidtrack.video.messages import ProblemLog


class Clock:
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


def without_presentation_times(info: VideoInfo) -> bool:
    """True for AVI, which stores frames in decoding order and no times; FFmpeg's guess is wrong with B-frames."""
    return info.container == "avi"

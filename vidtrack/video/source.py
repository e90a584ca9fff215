"""Decoded frames of one container, as many as can be had from it, from the start or from a seek."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av

from vidtrack.core.types import VideoInfo
from vidtrack.video.ffmpeg_log import FFmpegMessages, ProblemLog, reason, summary
from vidtrack.video.hardware import HardwareDecodeError, open_hardware
from vidtrack.video.limits import DEFAULT_LIMITS, Limits
from vidtrack.video.probe import open_container, stream_duration, ticks, video_stream
from vidtrack.video.timestamps import ContinuousTimes

_READ_ERRORS_IN_A_ROW = 20
_END_TOLERANCE_SECONDS = 1  # the last frame's length is not always known
_PREMATURE_END = ("ended prematurely", "partial file", "Truncat")


class ContainerSource:
    """The decoder of a file: errors become problems, and one bad packet does not end the clip."""

    def __init__(
        self, info: VideoInfo, problems: ProblemLog, hwaccel: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._path = info.path
        self._limits = limits
        self._problems = problems
        self._hwaccel = hwaccel
        self._begin(hwaccel)

    def _begin(self, hwaccel: str | None) -> None:
        self._messages = FFmpegMessages()
        self._sought = False
        self.truncated = False
        try:
            self._container = self._open(hwaccel)
        except BaseException:
            self._messages.close()
            raise
        self._continuous = ContinuousTimes(self._container)
        self._take()  # opening decodes a little; decoding in earnest will say the same again

    def reopen(self, in_software: bool = False) -> None:
        """Start over at the beginning of the file."""
        self.close()
        self._begin(None if in_software else self._hwaccel)

    def _open(self, hwaccel: str | None) -> av.container.InputContainer:
        container = open_hardware(self._path, hwaccel, self._problems) if hwaccel else None
        self.on_hardware = container is not None
        container = container or open_container(self._path, limits=self._limits)
        self._stream = video_stream(container, self._path)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.options = self._limits.decoder_options
        return container

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield every frame the decoder gives, in presentation order, to the end of the file."""
        end, packets = Fraction(0), 0
        for packet in self._packets():
            packets += packet.size > 0
            try:
                yield from packet.decode()
            except (av.FFmpegError, ValueError) as error:
                self._take()
                if self.on_hardware:
                    raise HardwareDecodeError(str(error)) from error
                self._problems.add(f"a packet cannot be decoded: {reason(error)}", pts=self._relative(packet.pts))
            said = self._take()
            if said:
                self.truncated |= _tells_of_truncation(said)
                self._problems.add(summary(said), pts=self._relative(packet.pts))
            if packet.pts is not None:
                shown = packet.pts - (self._stream.start_time or 0) + (packet.duration or 0)
                end = max(end, shown * ticks(packet.time_base))
        self._check_end(end, packets)

    def seek(self, pts: int) -> None:
        """Go to the keyframe at or before absolute `pts`."""
        self._sought = True
        self._container.seek(pts, stream=self._stream)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        self._stream.codec_context.flush_buffers()  # parks the worker threads, see FFmpegMessages
        self._container.close()
        self._messages.close()

    def _take(self) -> list[str]:
        return self._messages.take({self._container.format.name, self._stream.codec_context.name})  # not an encoder's

    def _packets(self) -> Iterator[av.Packet]:
        errors = 0
        while True:
            try:
                for packet in self._container.demux(self._stream):
                    errors = 0 if packet.size else errors
                    if self._continuous.place(packet):
                        self._problems.add("the time jumps back; counted on from there", pts=self._relative(packet.pts))
                    yield packet
                return
            except (av.FFmpegError, OSError) as error:
                errors += 1
                said = self._take()
                self._problems.add(f"the file cannot be read on: {summary(said) if said else reason(error)}")
                if errors >= _READ_ERRORS_IN_A_ROW:
                    self.truncated = True
                    yield self._flush_packet()
                    return

    def _flush_packet(self) -> av.Packet:
        packet = av.Packet()
        packet.stream = self._stream
        packet.time_base = self._stream.time_base
        return packet

    def _relative(self, pts: int | None) -> int | None:
        return None if pts is None else pts - (self._stream.start_time or 0)

    def _check_end(self, end_seconds: Fraction, packets: int) -> None:
        self.truncated |= _tells_of_truncation(self._take())
        # MP4 counts frames that an edit list hides; there the duration tells.
        counted = self._stream.frames if "mp4" not in self._container.format.name and not self._sought else 0
        self.truncated |= packets < counted
        duration = stream_duration(self._container, self._stream)
        if duration is not None and end_seconds + _END_TOLERANCE_SECONDS < duration:
            self.truncated = True
        if self.truncated:
            whole = f" of {float(duration):.2f} s" if duration else ""
            self._problems.add(f"the file is cut off: it ends after {float(end_seconds):.2f} s{whole}")


def _tells_of_truncation(messages: list[str]) -> bool:
    return any(sign in message for message in messages for sign in _PREMATURE_END)

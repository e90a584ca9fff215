"""Decoded frames of one container, as many as it has, from the start or from a seek."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from fractions import Fraction

import av

from vidtrack.core.types import VideoInfo
from vidtrack.video.container import open_container, video_stream
from vidtrack.video.edit_list import PauseFilter, stream_pauses
from vidtrack.video.ffmpeg_log import FFmpegMessages, ProblemLog, reason, summary
from vidtrack.video.hardware import HardwareDecodeError, open_hardware
from vidtrack.video.limits import DEFAULT_LIMITS, Limits
from vidtrack.video.timestamps import ContinuousTimes
from vidtrack.video.timing import stream_duration, ticks, without_presentation_times

_READ_ERRORS_IN_A_ROW = 20
_TAIL_PACKETS = 64  # more than a decoder holds in its threads and for reordering
_END_TOLERANCE_FRAMES = 3
_END_TOLERANCE_SECONDS = Fraction(1)  # the last frame's length is not always known
_PREMATURE_END = ("ended prematurely", "partial file", "Truncat")


class ContainerSource:
    """Decoder of a file: errors become problems, and one bad packet does not end the clip."""

    def __init__(
        self, info: VideoInfo, problems: ProblemLog, hwaccel: str | None = None, limits: Limits = DEFAULT_LIMITS
    ) -> None:
        self._path, self._number, self._start_pts = info.path, info.stream, info.start_pts
        self._end_tolerance: Fraction = _END_TOLERANCE_SECONDS
        self._has_times = not without_presentation_times(info)
        if not self._has_times:  # counted by frames
            self._end_tolerance = _END_TOLERANCE_FRAMES / (info.average_rate or Fraction(25))
        self._limits = limits
        self._problems = problems
        self._hwaccel = hwaccel
        self._begin(hwaccel)

    def _begin(self, hwaccel: str | None) -> None:
        self._messages = FFmpegMessages()
        self.truncated = False
        try:
            self._container = self._open(hwaccel)
        except BaseException:
            self._messages.close()
            raise
        self._continuous = ContinuousTimes(self._container)
        self._take()  # opening decodes a little; real decoding will report the same again

    def reopen(self, in_software: bool = False) -> None:
        """Start over at the beginning of the file."""
        self.close()
        self._begin(None if in_software else self._hwaccel)

    def _open(self, hwaccel: str | None) -> av.container.InputContainer:
        container = open_hardware(self._path, hwaccel, self._number, self._problems) if hwaccel else None
        self.on_hardware = container is not None
        container = container or open_container(self._path, limits=self._limits)
        self._stream = video_stream(container, self._path, self._number)
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.options = self._limits.decoder_options
        self._pauses = PauseFilter(stream_pauses(self._path, self._stream))
        return container

    @property
    def has_pauses(self) -> bool:
        """Whether an edit list has pauses; then only frames that are read from the beginning are right."""
        return bool(self._pauses)

    def frames(self) -> Iterator[av.VideoFrame]:
        """Yield every frame the decoder gives, in presentation order, to the end of the file."""
        end, last_pts, since_error = Fraction(0), None, _TAIL_PACKETS
        for packet in self._packets():
            known, since_error = self._problems.count, since_error + 1
            self._pauses.note(packet)
            for frame in self._decode(packet):
                last_pts = frame.pts
                if not self._pauses.hides(frame):
                    yield frame
            if said := self._take():
                self.truncated |= _tells_of_truncation(said)
                self._problems.add(summary(said), pts=self._relative(packet.pts))
            if self._problems.count > known:
                since_error = 0
            if packet.pts is not None:
                shown = packet.pts - self._start_pts + (packet.duration or 0)
                end = max(end, shown * ticks(packet.time_base))
        if last_pts is not None and since_error < _TAIL_PACKETS:
            yield from self._tail(last_pts)
        self._check_end(end)

    def _decode(self, packet: av.Packet) -> list[av.VideoFrame]:
        try:
            return packet.decode()
        except (av.FFmpegError, ValueError) as error:
            self._take()
            if self.on_hardware:
                raise HardwareDecodeError(str(error)) from error
            self._problems.add(f"a packet cannot be decoded: {reason(error)}", pts=self._relative(packet.pts))
            return []

    def _tail(self, last_pts: int) -> list[av.VideoFrame]:
        """Frames after `last_pts`, decoded once more in one thread: after damage near the end, FFmpeg drops the good
        frames that its other threads still hold.
        """
        if self._continuous.resets or self.on_hardware or not self._has_times or self.has_pauses:
            return []
        frames: list[av.VideoFrame] = []
        with contextlib.suppress(av.FFmpegError, OSError), open_container(self._path, limits=self._limits) as container:
            stream = video_stream(container, self._path, self._number)
            stream.thread_type = "NONE"
            stream.codec_context.options = self._limits.decoder_options
            container.seek(last_pts, stream=stream)
            for packet in container.demux(stream):
                with contextlib.suppress(av.FFmpegError, ValueError):
                    later = [f for f in packet.decode() if f.pts is not None and f.pts > last_pts]
                    frames += later[: _TAIL_PACKETS - len(frames)]
        self._take()  # the same messages again
        return frames

    def seek(self, pts: int) -> None:
        """Go to the keyframe at or before absolute `pts`."""
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
                        self._problems.add(
                            "the clock is reset: times continue from there", pts=self._relative(packet.pts)
                        )
                    yield packet
                return
            except (av.FFmpegError, OSError) as error:
                errors += 1
                said = self._take()
                self._problems.add(f"the file cannot be read further: {summary(said) if said else reason(error)}")
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
        return None if pts is None else pts - self._start_pts

    def _check_end(self, end_seconds: Fraction) -> None:
        self.truncated |= _tells_of_truncation(self._take())
        # Frames are not compared: AVI counts empty chunks, MP4 those hidden by an edit list. After a clock reset,
        # FFmpeg's duration is that of one part, or of the jump.
        duration = None if self._continuous.resets else stream_duration(self._container, self._stream, self._start_pts)
        if duration is not None and end_seconds + self._end_tolerance < duration:
            self.truncated = True
        if self.truncated:
            whole = f" of {float(duration):.2f} s" if duration else ""
            self._problems.add(f"the file is cut off: it ends after {float(end_seconds):.2f} s{whole}")


def _tells_of_truncation(messages: list[str]) -> bool:
    return any(sign in message for message in messages for sign in _PREMATURE_END)

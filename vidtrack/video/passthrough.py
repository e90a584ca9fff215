"""Audio and subtitles carried from the source to the output as they are."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vidtrack.video.ffmpeg_log import ProblemLog, reason
from vidtrack.video.probe import open_container, ticks
from vidtrack.video.timestamps import ContinuousTimes

_APART_SECONDS = 10  # what belongs together in time may lie this far apart in a file
# Location stays out: footage is often passed on.
_KEPT_METADATA = ("title", "creation_time", "date", "artist", "copyright", "comment", "description")


class StreamCopier:
    """Copies packets in step with the video, so that neither file nor memory runs ahead.

    Streams the output's container cannot hold are left out, and named in `problems`.
    """

    def __init__(self, source: Path, output: av.container.OutputContainer, problems: ProblemLog) -> None:
        self._problems = problems
        self._input = open_container(source)
        self._outputs: dict[int, Any] = {}
        for stream in (*self._input.streams.audio, *self._input.streams.subtitles):
            self._add(stream, output)
        output.metadata.update({k: v for k, v in self._input.metadata.items() if k in _KEPT_METADATA})
        self._output = output
        self._packets: Generator[Any] = self._demuxed()
        self._waiting: Any = None
        self._origin = Fraction(0)
        self._trimmed = False
        self._complained: set[int] = set()

    def start(self, origin_seconds: Fraction, trimmed: bool) -> None:
        """Say which source time is the output's zero; `trimmed` leaves out what lies before it."""
        self._origin = origin_seconds
        self._trimmed = trimmed

    def advance(self, until_seconds: Fraction) -> None:
        """Write packets up to the first that starts at or after that output time."""
        while (packet := self._waiting or next(self._packets, None)) is not None:
            self._waiting = None
            if self._output_seconds(packet) >= until_seconds:
                self._waiting = packet
                return
            self._write(packet)

    def finish(self, until_seconds: Fraction | None) -> None:
        """Write all packets left that start before that output time; None writes all there are."""
        while (packet := self._waiting or next(self._packets, None)) is not None:
            self._waiting = None
            if until_seconds is None or self._output_seconds(packet) < until_seconds:
                self._write(packet)
            elif self._output_seconds(packet) >= until_seconds + _APART_SECONDS:
                return

    def close(self) -> None:
        """Close the source; safe to call twice."""
        self._packets.close()
        self._input.close()

    def _add(self, stream: Any, output: av.container.OutputContainer) -> None:
        name = stream.codec_context.codec.canonical_name if stream.codec_context is not None else "unknown"
        try:
            if stream.codec_context is None:
                raise ValueError("no codec")
            copy = output.add_stream_from_template(stream)
        except (av.FFmpegError, ValueError):
            self._problems.add(f"the output cannot hold the {stream.type} stream ({name}): left out; .mkv holds most")
            return
        copy.metadata.update({k: v for k, v in stream.metadata.items() if k in ("language", "title")})
        copy.disposition = stream.disposition
        self._outputs[stream.index] = copy

    def _demuxed(self) -> Generator[Any]:
        streams = [s for s in self._input.streams if s.index in self._outputs]
        if not streams:
            return
        continuous = ContinuousTimes(self._input)
        try:
            for packet in self._input.demux(streams):
                if packet.size and packet.pts is not None:
                    continuous.place(packet)
                    yield packet
        except (av.FFmpegError, OSError) as error:
            self._problems.add(f"audio and subtitles end early: {reason(error)}")

    def _output_pts(self, packet: Any) -> int:
        return packet.pts - round(self._origin / ticks(packet.time_base))

    def _output_seconds(self, packet: Any) -> Fraction:
        return self._output_pts(packet) * ticks(packet.time_base)

    def _write(self, packet: Any) -> None:
        pts = self._output_pts(packet)
        shift = pts - packet.pts
        if self._trimmed and pts < 0:
            end = pts + (packet.duration or 0)
            if packet.stream.type != "subtitle" or end <= 0:
                return
            pts, packet.duration, packet.dts = 0, end, None  # a caption already showing at the cut
        packet.dts = pts if packet.dts is None else packet.dts + shift
        packet.pts = pts
        packet.stream = self._outputs[packet.stream.index]
        try:
            self._output.mux(packet)
        except ValueError as error:  # such as packet times that run backwards; a full disk is an OSError
            if packet.stream.index not in self._complained:
                self._complained.add(packet.stream.index)
                self._problems.add(f"packets of the {packet.stream.type} stream are left out: {reason(error)}")

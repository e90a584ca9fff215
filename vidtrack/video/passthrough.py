"""Sound, subtitles, chapters and cover art carried from the source to the output as they are."""

from __future__ import annotations

from collections.abc import Generator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from vidtrack.video.container import open_container
from vidtrack.video.ffmpeg_log import ProblemLog, reason
from vidtrack.video.timestamps import ContinuousTimes
from vidtrack.video.timing import ticks

_APART_SECONDS = 10  # streams may be interleaved this coarsely in a file
_COVER_TYPES = {"mjpeg": "jpeg", "png": "png"}  # by codec
# Location stays out: footage is often passed on.
_KEPT_METADATA = ("title", "creation_time", "date", "artist", "copyright", "comment", "description")


class StreamCopier:
    """Copies packets in step with the video, so that neither file nor memory runs ahead.

    Streams the output's container cannot hold are left out, and named in `problems`; without `with_images`, images are
    too, because they may show what the video hides.
    """

    def __init__(
        self, source: Path, output: av.container.OutputContainer, problems: ProblemLog, with_images: bool = True
    ) -> None:
        self._problems = problems
        self._input = open_container(source)
        self._output = output
        self._outputs: dict[int, Any] = {}
        self._covers: set[int] = set()
        for stream in self._input.streams:
            if not with_images and _is_image(stream):
                self._problems.add("cover art is left out: it may show what is hidden")
            elif stream.disposition & av.stream.Disposition.attached_pic:
                self._add_cover(stream)
            elif stream.type in ("audio", "subtitle"):
                self._add(stream, f"{stream.type} stream")
            elif stream.type == "data" and not self._is_rewritten(stream):
                self._problems.add(f"data stream {stream.index} ({_name(stream)}) is not carried over")
            elif stream.type == "attachment":
                self._add_attachment(stream)
        output.metadata.update({k: v for k, v in self._input.metadata.items() if k in _KEPT_METADATA})
        self._packets: Generator[Any] = self._demuxed()
        self._waiting: Any = None
        self._origin = Fraction(0)
        self._trimmed = False
        self._end: Fraction | None = None
        self._complained: set[int] = set()

    @property
    def carries_sound(self) -> bool:
        """True if an audio stream is copied."""
        return any(stream.index in self._outputs for stream in self._input.streams.audio)

    def start(self, origin_seconds: Fraction, trimmed: bool, end_seconds: Fraction | None = None) -> None:
        """Set the source time of the output's zero and, in output time, its end; `trimmed` drops what lies before."""
        self._origin, self._trimmed, self._end = origin_seconds, trimmed, end_seconds
        self._copy_chapters()

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

    def _add(self, stream: Any, what: str) -> None:
        try:
            if stream.codec_context is None:
                raise ValueError("no codec")
            copy = self._output.add_stream_from_template(stream, opaque=True)
        except (av.FFmpegError, ValueError):
            self._leave_out(f"{what} ({_name(stream)})")
            return
        copy.metadata.update({k: v for k, v in stream.metadata.items() if k in ("language", "title")})
        copy.disposition = stream.disposition
        self._outputs[stream.index] = copy

    def _add_cover(self, stream: Any) -> None:
        """MP4 has cover art as a stream, Matroska as an attached file."""
        if self._output.format.name == "mp4":
            self._covers.add(stream.index)
            self._add(stream, "cover art")
            return
        kind = _COVER_TYPES.get(_name(stream))
        if self._output.format.name != "matroska" or kind is None:
            self._leave_out(f"cover art ({_name(stream)})")
            return
        with open_container(Path(self._input.name.removeprefix("file:"))) as source:
            data = next((bytes(packet) for packet in source.demux(source.streams[stream.index]) if packet.size), b"")
        self._output.add_attachment(f"cover.{kind}", f"image/{kind}", data)

    def _add_attachment(self, stream: Any) -> None:
        if self._output.format.name == "matroska":
            self._output.add_stream_from_template(stream)
        else:
            self._leave_out(f"attachment {_name(stream)}")

    def _leave_out(self, what: str) -> None:
        hint = "" if self._output.format.name == "matroska" else "; .mkv holds most"
        self._problems.add(f"the output cannot hold the {what}: left out{hint}")

    def _is_rewritten(self, stream: Any) -> bool:
        """True for a data stream of which the output gets its own: timecode, and MP4's chapters as text."""
        is_timecode = "timecode" in stream.metadata or stream.metadata.get("handler_name", "").startswith("TimeCode")
        return is_timecode or bool(self._input.chapters())

    def _copy_chapters(self) -> None:
        chapters: list[Any] = []
        for chapter in self._input.chapters():
            unit = ticks(chapter["time_base"])
            start, end = (chapter[edge] * unit - self._origin for edge in ("start", "end"))
            if end <= 0 or (self._end is not None and start >= self._end):
                continue
            end = end if self._end is None else min(end, self._end)
            chapters.append({**chapter, "start": round(max(start, Fraction(0)) / unit), "end": round(end / unit)})
        if not chapters:
            return
        if self._output.format.name == "webm":
            self._leave_out("chapters")
        else:
            self._output.set_chapters(chapters)

    def _demuxed(self) -> Generator[Any]:
        streams = [s for s in self._input.streams if s.index in self._outputs]
        if not streams:
            return
        continuous = ContinuousTimes(self._input)
        try:
            for packet in self._input.demux(streams):
                if packet.size and (packet.pts is not None or packet.stream_index in self._covers):
                    continuous.place(packet)
                    yield packet
        except (av.FFmpegError, OSError) as error:
            self._problems.add(f"audio and subtitles end early: {reason(error)}")

    def _output_pts(self, packet: Any) -> int:
        if packet.stream_index in self._covers:
            return 0
        return packet.pts - round(self._origin / ticks(packet.time_base))

    def _output_seconds(self, packet: Any) -> Fraction:
        return self._output_pts(packet) * ticks(packet.time_base)

    def _write(self, packet: Any) -> None:
        pts = self._output_pts(packet)
        is_cover = packet.stream_index in self._covers
        shift = 0 if is_cover else pts - packet.pts
        if self._trimmed and pts < 0:
            end = pts + (packet.duration or 0)
            if packet.stream.type != "subtitle" or end <= 0:
                return
            pts, packet.duration, packet.dts = 0, end, None  # a caption already showing at the cut
        if self._end is not None and packet.stream.type == "subtitle" and packet.duration:
            packet.duration = min(packet.duration, max(1, round(self._end / ticks(packet.time_base)) - pts))
        packet.dts = pts if packet.dts is None or is_cover else packet.dts + shift
        packet.pts = pts
        packet.stream = self._outputs[packet.stream.index]
        try:
            self._output.mux(packet)
        except ValueError as error:  # such as packet times that run backwards; a full disk is an OSError
            if packet.stream.index not in self._complained:
                self._complained.add(packet.stream.index)
                self._problems.add(f"packets of the {packet.stream.type} stream are left out: {reason(error)}")


def _is_image(stream: Any) -> bool:
    is_cover = bool(stream.disposition & av.stream.Disposition.attached_pic)
    return is_cover or stream.metadata.get("mimetype", "").startswith("image/")


def _name(stream: Any) -> str:
    context = stream.codec_context
    if context is not None:
        return context.codec.canonical_name
    return stream.metadata.get("filename") or stream.metadata.get("handler_name") or "unknown"

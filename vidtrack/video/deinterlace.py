"""Deinterlacing, one progressive frame per interlaced frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction

import av
from av.filter import Graph

from vidtrack.video.timing import ticks


def deinterlaced(frames: Iterable[av.VideoFrame], time_base: Fraction) -> Iterator[av.VideoFrame]:
    """Pass frames on with unchanged pts; those flagged as interlaced are deinterlaced by bwdif."""
    graph: _Graph | None = None
    for frame in frames:
        if graph is not None and not graph.fits(frame):
            yield from graph.flush()
            graph = None
        if graph is None and frame.interlaced_frame:
            graph = _Graph(frame, time_base)
        if graph is None:
            yield frame
        else:
            yield from graph.push(frame)
    if graph is not None:
        yield from graph.flush()


class _Graph:
    """A bwdif filter graph for one frame shape; it runs one frame behind, because it needs the next one."""

    def __init__(self, frame: av.VideoFrame, time_base: Fraction) -> None:
        self._time_base = time_base
        self._shape = (frame.width, frame.height, frame.format.name)
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=time_base
        )
        bwdif = self._graph.add("bwdif", "mode=send_frame:parity=auto:deint=interlaced")
        sink = self._graph.add("buffersink")
        self._graph.link_nodes(source, bwdif, sink).configure()

    def fits(self, frame: av.VideoFrame) -> bool:
        return self._shape == (frame.width, frame.height, frame.format.name)

    def push(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        self._graph.vpush(frame)
        yield from self._finished()

    def flush(self) -> Iterator[av.VideoFrame]:
        self._graph.vpush(None)
        yield from self._finished()

    def _finished(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                frame = self._graph.vpull()
            except (BlockingIOError, EOFError):
                return
            if frame.pts is not None:  # bwdif counts in half ticks
                frame.pts = round(frame.pts * ticks(frame.time_base) / self._time_base)
                frame.time_base = self._time_base
            yield frame

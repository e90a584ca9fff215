"""Video encoders, and encoding in chunks, each by its own encoder, that decode as one stream."""

from __future__ import annotations

import contextlib
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import av

from vidtrack.core.errors import OutputError
from vidtrack.core.types import VideoInfo
from vidtrack.video.codecs import VideoCodec
from vidtrack.video.colour import LIMITED_RANGE, known_matrix
from vidtrack.video.ffmpeg_log import reason
from vidtrack.video.padding import padded_size

MOST_REORDERED = 32  # frames an encoder may hold back for B-frames; real ones hold back fewer


@contextlib.contextmanager
def kept_scheduling() -> Iterator[None]:
    """Restore the scheduling of the calling thread, and of threads started meanwhile, afterwards.

    SVT-AV1 makes its caller and all its own threads real-time (SCHED_FIFO 99) if permitted, such as for root, and their
    children inherit that; a machine with few cores then does nothing else.
    """
    if not hasattr(os, "sched_setscheduler"):  # Linux only, like what SVT-AV1 does
        yield
        return
    policy, parameters, others = os.sched_getscheduler(0), os.sched_getparam(0), _threads()
    try:
        yield
    finally:
        for thread in _threads() - others | {threading.get_native_id()}:
            with contextlib.suppress(ProcessLookupError):  # it has ended
                os.sched_setscheduler(thread, policy, parameters)


def _threads() -> set[int]:
    try:
        return {int(name) for name in os.listdir("/proc/self/task")}
    except OSError:
        return set()


def open_encoder(context: Any, codec: VideoCodec, info: VideoInfo, options: dict[str, str]) -> None:
    """Set up a codec context for the frames of a clip and open it; raises OutputError if the encoder refuses."""
    width, height = padded_size(info.size, codec.pixel_format)
    context.width, context.height = width, height
    context.pix_fmt = codec.pixel_format
    context.time_base = info.time_base
    context.sample_aspect_ratio = info.sample_aspect_ratio
    context.thread_count = 0  # all cores
    context.color_primaries, context.color_trc = info.colour.primaries, info.colour.transfer
    if codec.pixel_format.startswith("yuv"):
        context.colorspace = known_matrix(info.colour.matrix, info.size)
        context.color_range = LIMITED_RANGE
    os.environ.setdefault("SVT_LOG", "1")  # the AV1 encoder prints its settings to stderr unless told otherwise
    try:
        with kept_scheduling():
            context.open()
    except (av.FFmpegError, ValueError) as error:
        raise OutputError(  # not a UsageError: the settings may suit the other clips of a batch
            f"the {codec.encoder} encoder does not take {width}x{height} {codec.pixel_format} with {options}",
            reason(error),
        ) from None


class ChunkedEncoder:
    """An encoder that can end a chunk: what follows starts with a keyframe and depends on nothing before.

    It starts with the context of the output's own stream; `another` opens more like it. Decoding times continue across
    chunks as if the first encoder had made them all: each packet takes the presentation time of the oldest frame that
    has not lent its own. All chunks but the last should have more frames than an encoder reorders.
    """

    def __init__(self, another: Callable[[], Any]) -> None:
        self._another = another
        self._context: Any = None
        self._shown: deque[int] = deque(maxlen=MOST_REORDERED)  # pts of the last frames
        self._to_lend: deque[int] | None = None  # from the second chunk on
        self._last_dts: int | None = None

    def begin(self, context: Any) -> None:
        """Encode the first chunk with this open context."""
        self._context = context

    def encode(self, frame: av.VideoFrame) -> Iterator[Any]:
        """Packets that are complete once this frame is known."""
        if self._context is None:
            self._context = self._another()
        assert frame.pts is not None
        self._shown.append(frame.pts)
        if self._to_lend is not None:
            self._to_lend.append(frame.pts)
        yield from self._timed(self._context.encode(frame))

    def end_chunk(self) -> Iterator[Any]:
        """The packets still held back."""
        if self._context is None:
            return
        yield from self._timed(self._context.encode(None))
        self._close_chunk()

    def continue_after(self, packets: Iterable[tuple[int, int]]) -> None:
        """Continue after an encoder whose last chunk ended with these packets (pts, dts)."""
        for pts, dts in packets:
            self._shown.append(pts)
            self._last_dts = dts
        self.abandon()
        self._close_chunk()

    def abandon(self) -> None:
        """End without the packets held back: SVT-AV1 complains if it is freed before it is flushed."""
        if self._context is not None:
            with contextlib.suppress(av.FFmpegError):
                self._context.encode(None)

    def _close_chunk(self) -> None:
        self._context = None
        self._to_lend = deque(sorted(pts for pts in self._shown if self._last_dts is None or pts > self._last_dts))

    def _timed(self, packets: Iterable[Any]) -> Iterator[Any]:
        for packet in packets:
            if self._to_lend is not None:
                packet.dts = self._to_lend.popleft()
            self._last_dts = packet.dts
            yield packet

"""Frames of a camera or stream, as they come: the newest one, however long the last one took."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from vidtrack.core.errors import InputError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.video.colour import swscale_matrix
from vidtrack.video.config import ReadConfig
from vidtrack.video.container import video_stream
from vidtrack.video.ffmpeg_log import Problem, ProblemLog, reason
from vidtrack.video.geometry import upright
from vidtrack.video.live_source import LiveSource
from vidtrack.video.pipe import ReplayedPipe
from vidtrack.video.probe import describe

TIME_BASE = Fraction(1, 90000)
_OPEN_SECONDS, _READ_SECONDS = 10.0, 10.0  # without an answer
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 5.0  # seconds between two attempts to connect
_CLOCK_DRIFT = 2.0  # seconds between the stream's clock and ours from which the stream's is set again
_POLL_SECONDS = 0.1
_JOIN_SECONDS = 1.0  # a thread that waits for a dead source ends later, by itself

_Opened = tuple[av.container.InputContainer, av.VideoStream]


class LiveReader:
    """Iterate once over the frames of a live source; those that come while the caller is busy are dropped, except from
    a pipe, which waits.

    `Frame.index` counts every frame received, `Frame.pts` the time since the first. A broken connection is made again
    for up to `reconnect_seconds`; then, or at `config.end_seconds`, the iteration ends.

    Raises InputError if the source cannot be opened.
    """

    truncated = False
    expected: int | None = None

    def __init__(self, source: LiveSource, config: ReadConfig | None = None, reconnect_seconds: float = 30.0) -> None:
        self._source, self._config, self._patience = source, config or ReadConfig(), reconnect_seconds
        self._log = ProblemLog()
        self._reformatter = VideoReformatter()
        self._news = threading.Condition()
        self._newest: tuple[int, int, av.VideoFrame] | None = None  # index, pts
        self._over = threading.Event()
        self._ended = False  # by the source, not by `stop`
        self._received = self.decoded = self._last_pts = 0
        self._offset: float | None = None  # seconds from the stream's clock to ours
        self._pipe = ReplayedPipe(source.descriptor) if source.descriptor is not None else None
        container, stream = self._connect()
        with container:
            try:
                described = describe(container, stream, Path(source.name), self._config.limits)
            except InputError as error:
                raise InputError(error.message, _hint(source, error)) from None
        if self._pipe is not None:
            self._pipe.rewind()
        rate = described.average_rate if described.average_rate and described.average_rate < 1000 else None
        self.info: VideoInfo = replace(
            described,
            time_base=TIME_BASE,
            start_pts=0,
            average_rate=rate,
            frame_count=None,
            duration_seconds=None,
            container_start_seconds=None,
        )
        self._began = self._heard = time.monotonic()
        self._thread = threading.Thread(target=self._receive, name="vidtrack-live", daemon=True)

    @property
    def problems(self) -> list[Problem]:
        """What went wrong so far; the first thousand, `problem_count` counts all."""
        return self._log.items

    @property
    def problem_count(self) -> int:
        """Number of problems so far."""
        return self._log.count

    @property
    def expected_seconds(self) -> Fraction | None:
        """How long it will go on; None if nothing says."""
        return self._config.end_seconds

    def __iter__(self) -> Iterator[Frame]:
        self._thread.start()
        taken = 0
        while (received := self._next()) is not None:
            index, pts, decoded = received
            if self._config.end_seconds is not None and pts * TIME_BASE >= self._config.end_seconds:
                break
            taken += 1
            self.decoded = index + 1
            yield Frame(index, pts, TIME_BASE, self._upright_rgb(decoded))
        was_stopped = self._over.is_set() and not self._ended
        self._over.set()
        if not taken and not was_stopped:
            raise InputError(f"{self._source.name} sent no frame", "check that it is sending")
        if dropped := self.decoded - taken:
            self._log.add(f"{dropped} of {self.decoded} frames were dropped to keep up")

    def stop(self) -> None:
        """End the iteration, from any thread."""
        self._over.set()

    def close(self) -> None:
        """Stop receiving; safe to call twice."""
        self.stop()
        if self._thread.is_alive():
            self._thread.join(_JOIN_SECONDS)

    def __enter__(self) -> LiveReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _next(self) -> tuple[int, int, av.VideoFrame] | None:
        """The newest frame not taken yet; waits for it. None at the end."""
        with self._news:
            while self._newest is None:
                if self._over.is_set():
                    return None
                self._news.wait(_POLL_SECONDS)
            received, self._newest = self._newest, None
            self._news.notify()
            return received

    def _receive(self) -> None:
        """Decode everything that comes and keep the newest frame; runs in its own thread."""
        pause, why = _FIRST_PAUSE, ""
        self._heard = time.monotonic()
        while not self._over.is_set():
            try:
                container, stream = self._connect()
                with container:
                    self._offset = None
                    for frame in self._decoded(container, stream):
                        if why:
                            self._log.add(f"{why}: connected again after {time.monotonic() - self._heard:.1f} s")
                        self._put(frame)
                        pause, why = _FIRST_PAUSE, ""
                        if self._over.is_set():
                            return
                why = "the stream ended"
            except InputError as error:
                why = error.message
            except (av.FFmpegError, OSError, ValueError) as error:
                why = reason(error)
            if self._pipe is not None:
                self._ended = not self._over.is_set()
                break
            waited = time.monotonic() - self._heard
            if waited + pause > self._patience or self._over.wait(pause):
                break
            pause = min(2 * pause, _LONGEST_PAUSE)
        if self._pipe is None and not self._over.is_set():
            self._ended = True
            self._log.add(f"{why}; no frame for {self._patience:g} s")
        self._over.set()

    def _decoded(self, container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
        """The frames of a connection; a damaged packet does not end it."""
        for packet in container.demux(stream):
            try:
                yield from packet.decode()
            except av.InvalidDataError as error:
                self._log.add(f"a packet cannot be decoded: {reason(error)}")

    def _put(self, frame: av.VideoFrame) -> None:
        self._heard = time.monotonic()
        if not self._received:
            self._began = self._heard
        now = self._heard - self._began
        clock = now if frame.time is None else frame.time
        drift = 0.0 if self._offset is None or self._pipe is not None else abs(clock + self._offset - now)
        if self._offset is None or drift > _CLOCK_DRIFT:
            self._offset = now - clock
        pts = max(round((clock + self._offset) / float(TIME_BASE)), self._last_pts + 1 if self._received else 0)
        with self._news:
            while self._pipe is not None and self._newest is not None and not self._over.is_set():
                self._news.wait(_POLL_SECONDS)
            self._newest = self._received, pts, frame
            self._received, self._last_pts = self._received + 1, pts
            self._news.notify()

    def _connect(self) -> _Opened:
        source, path = self._source, Path(self._source.name)
        try:
            container = av.open(
                source.address if self._pipe is None else self._pipe,
                "r",
                format=source.format,
                options={**self._config.limits.decoder_options, **source.options},
                timeout=(_OPEN_SECONDS, _READ_SECONDS),
                metadata_errors="replace",
            )
        except (av.FFmpegError, OSError, ValueError) as error:
            raise InputError(f"{source.name} cannot be opened: {reason(error)}", _hint(source, error)) from None
        try:
            stream = video_stream(container, path, self._config.stream)
        except BaseException:
            container.close()
            raise
        stream.codec_context.options = self._config.limits.decoder_options
        stream.thread_type = "SLICE"  # frame threads would hold frames back
        return container, stream

    def _upright_rgb(self, decoded: av.VideoFrame) -> np.ndarray:
        width, height = self.info.coded_size
        rgb = self._reformatter.reformat(
            decoded,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=swscale_matrix(int(decoded.colorspace), self.info.coded_size),
            threads=1,
        )
        return upright(rgb.to_ndarray(), self.info)


def _hint(source: LiveSource, error: Exception) -> str:
    if source.descriptor is not None:
        return "an MP4 without its index at the start cannot be read live: drop --live"
    if source.format is not None:
        return "is a camera connected, and is it free?"
    if isinstance(error, av.HTTPUnauthorizedError):
        return f"it wants a user and a password: {source.address.partition('://')[0]}://USER:PASSWORD@HOST/..."
    return "check the address and that the source is sending"

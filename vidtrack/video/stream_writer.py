"""Raw video for another program: NUT on a pipe, frame by frame."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from types import TracebackType
from typing import IO, Any

import av
import numpy as np

from vidtrack.core.errors import OutputError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.video.ffmpeg_log import Problem, reason

_PIXEL_FORMAT = "rgb24"  # NUT has no field for the matrix that YUV needs


class VideoStreamWriter:
    """Writes upright RGB frames to a binary stream at their exact times, uncompressed rgb24 in NUT, without sound.

    NUT needs no seeking and keeps uneven times; FFmpeg's programs and mpv read it. The stream is left open. Raises
    OutputError once its reader is gone.
    """

    problems: tuple[Problem, ...] = ()

    def __init__(self, target: IO[bytes], info: VideoInfo) -> None:
        self._target = target
        self._container = av.open(_Pipe(target), "w", format="nut")
        rate = info.average_rate if info.average_rate and info.average_rate <= 1000 else Fraction(25)
        self._stream: Any = self._container.add_stream("rawvideo", rate=rate)
        context = self._stream.codec_context
        (context.width, context.height), context.pix_fmt = info.size, _PIXEL_FORMAT
        context.time_base = info.time_base
        self._closed = False

    def write(self, frame: Frame) -> None:
        """Write a frame and flush it."""
        image = frame.image if frame.image.dtype == np.uint8 else (frame.image >> 8).astype(np.uint8)
        encodable = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), _PIXEL_FORMAT)
        encodable.pts, encodable.time_base = frame.pts, frame.time_base
        try:
            self._container.mux(self._stream.encode(encodable))
            self._target.flush()
        except (av.FFmpegError, OSError) as error:
            self._closed = True
            gone = isinstance(error, BrokenPipeError)
            said = "was closed by its reader" if gone else f"cannot be written: {reason(error)}"
            raise OutputError(f"standard output {said}") from error

    def end_chunk(self) -> None:
        """Do nothing: a stream cannot be resumed."""

    def close(self) -> None:
        """Finish the file; safe to call twice."""
        if not self._closed:
            self._closed = True
            with contextlib.suppress(av.FFmpegError, OSError):  # the reader has all frames
                self._container.close()
                self._target.flush()

    def abort(self, keep: bool) -> None:
        """Stop early; `keep` does not matter, as what was written is gone."""
        self.close()

    def __enter__(self) -> VideoStreamWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class _Pipe:
    """Hides the stream's `seek`, so that FFmpeg never calls it."""

    def __init__(self, target: IO[bytes]) -> None:
        self.write = target.write

"""Video files written frame by frame, which appear under their name only when complete."""

from __future__ import annotations

import contextlib
import errno
import os
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from vidtrack.core.atomic_files import AtomicFile
from vidtrack.core.errors import OutputError, UsageError
from vidtrack.core.journal import Journal
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.video.captions import Captions
from vidtrack.video.codecs import codec_for, container_format
from vidtrack.video.colour import LIMITED_RANGE, swscale_matrix
from vidtrack.video.config import EncodeConfig
from vidtrack.video.container import file_url
from vidtrack.video.encoder import MOST_REORDERED, ChunkedEncoder, open_encoder
from vidtrack.video.ffmpeg_log import Problem, ProblemLog, reason
from vidtrack.video.packets import PacketRecord
from vidtrack.video.padding import padded_size, with_margin
from vidtrack.video.passthrough import StreamCopier
from vidtrack.video.timecode import advanced

_CONVERSION_THREADS = 1
_STORED = {(1, 3): "rgb24", (1, 4): "rgba", (2, 3): "rgb48le", (2, 4): "rgba64le"}  # bytes a sample, channels


class VideoWriter:
    """Encode upright RGB frames of a clip, at their exact times, with the clip's colours, audio and timecode.

    Writes to a partial file, renamed by `close`. Sound, subtitles, chapters and cover art come from `source`; with
    `start_seconds` the first frame written becomes time zero and what sounds earlier is cut, with `end_seconds` what
    sounds from then on. Odd sizes are padded by a pixel if the pixel format needs even ones. With a `journal` all
    packets are kept there too, those already in it are written first, and `end_chunk` marks a point to resume from.
    `deep` keeps more than 8 bits per sample, if the codec can. Without `with_images`, cover art is left out. Use from
    one thread at a time.

    Raises UsageError for settings that do not go together and OutputError if the file cannot be written or the
    encoder does not take frames of this size.
    """

    def __init__(
        self,
        path: str | Path | AtomicFile,
        info: VideoInfo,
        config: EncodeConfig | None = None,
        source: Path | None = None,
        start_seconds: Fraction | None = None,
        end_seconds: Fraction | None = None,
        journal: Journal | None = None,
        deep: bool = False,
        with_images: bool = True,
    ) -> None:
        config = config or EncodeConfig()
        self.path = path.path if isinstance(path, AtomicFile) else Path(path)
        self._info = info
        self._trimmed = start_seconds is not None
        self._end = end_seconds
        self._codec = codec_for(config.codec, self.path, deep)
        options = self._codec.encoder_options(config.crf, config.preset)
        self._problems = ProblemLog()
        self._reformatter = VideoReformatter()
        self._file = self._claim(path, source)
        self._copier: StreamCopier | None = None
        self._captions = Captions(self._codec, self._problems)
        self._encoder = ChunkedEncoder(lambda: self._another_context(options))
        self._origin_pts: int | None = None
        self._lead = 0  # ticks from the output's start to the clip's: sound may come before the first frame
        self._last_pts = 0
        self._first: tuple[int, int] | None = None  # pts and dts of the first packet
        self._record = None if journal is None else PacketRecord(journal)
        self._closed = False
        self.written = 0
        try:
            self._container = av.open(
                file_url(self._file.partial),
                "w",
                format=container_format(self.path),
                container_options={"movflags": "+faststart"} if container_format(self.path) in ("mp4", "mov") else {},
            )
        except BaseException:
            self._file.discard()
            raise
        try:
            self._stream = self._add_stream(options)
            self._encoder.begin(self._stream.codec_context)
            if source is not None and Path(source).is_file():
                self._copier = StreamCopier(Path(source), self._container, self._problems, with_images)
            self._replay()
        except BaseException:
            self.abort(keep=False)
            raise

    @property
    def problems(self) -> list[Problem]:
        """What could not be carried over to the output."""
        return self._problems.items

    def write(self, frame: Frame, alpha: np.ndarray | None = None) -> None:
        """Encode a frame; pts must rise from call to call.

        `alpha` (H, W), of the image's type, is its opacity, for a codec with an alpha channel (prores4444).
        """
        if frame.image.shape[1::-1] != self._info.size:
            raise ValueError(f"frame {frame.index} is {frame.image.shape[1::-1]}, the clip {self._info.size} (w, h)")
        if self._origin_pts is None:
            self._begin(frame.index, frame.pts)
            if self._record is not None:
                self._record.begin(frame.index, frame.pts)
        encodable = self._encodable(frame.image if alpha is None else np.dstack([frame.image, alpha]))
        encodable.pts = frame.pts - (self._origin_pts or 0) + self._lead
        encodable.time_base = frame.time_base
        encodable.color_primaries, encodable.color_trc = (
            self._info.colour.primaries,
            self._info.colour.transfer,
        )  # ProRes
        self._captions.keep(encodable.pts, frame.captions)
        with self._failing_cleanly():
            if self._copier is not None:
                self._copier.advance(encodable.pts * frame.time_base)
            self._last_pts = encodable.pts
            self.written += 1
            self._mux(self._encoder.encode(encodable))

    def end_chunk(self) -> None:
        """Make what follows independent of what came before, all of which is then in the journal."""
        with self._failing_cleanly():
            self._mux(self._encoder.end_chunk())

    def close(self) -> None:
        """Finish the file and give it its name; safe to call twice. Raises OutputError if no frame was written."""
        if self._closed:
            return
        if self.written == 0:
            self.abort(keep=False)
            raise OutputError(f"no frame was written to {self.path}")
        self._finish(self._end_in_output)

    def abort(self, keep: bool) -> None:
        """Stop early: `keep` finishes the file with the frames so far, otherwise nothing remains."""
        if self._closed:
            return
        if keep and self.written:
            self._finish(until_seconds=(self._last_pts + self._step) * self._info.time_base)
        else:
            self._discard()

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if error is None:
            self.close()
        else:
            self.abort(keep=isinstance(error, KeyboardInterrupt))

    @property
    def lead_seconds(self) -> Fraction:
        """Output time of the clip's start, or of the first frame of a trimmed clip; set once a frame was written."""
        return self._lead * self._info.time_base

    @property
    def _end_in_output(self) -> Fraction | None:
        if self._end is None:
            return None
        return self._end + (self._lead - (self._origin_pts or 0)) * self._info.time_base

    @property
    def _step(self) -> int:
        """Average frame duration in ticks."""
        return max(1, round(1 / (self._rate * self._info.time_base)))

    @property
    def _rate(self) -> Fraction:
        rate = self._info.average_rate
        return rate if rate is not None and 0 < rate <= 1000 else Fraction(25)

    def _claim(self, target: str | Path | AtomicFile, source: Path | None) -> AtomicFile:
        if source is not None and os.path.exists(source) and os.path.exists(self.path) and self.path.samefile(source):
            raise OutputError(f"{self.path} is the input itself", "give another output name")
        if os.path.isdir(self.path):
            raise OutputError(f"{self.path} is a folder", "give a file name")
        if not self.path.parent.exists():
            raise OutputError(f"the folder of {self.path} does not exist", "create it first")
        return target if isinstance(target, AtomicFile) else AtomicFile(self.path)

    def _add_stream(self, options: dict[str, str]) -> Any:
        codec = self._codec
        try:
            stream = self._container.add_stream(codec.encoder, rate=self._rate, options=options)
        except ValueError:  # not one of VideoCodec's own, of which the containers are known
            raise UsageError(f"a {self.path.suffix} file cannot hold {codec.name}", "choose another codec") from None
        context: Any = stream.codec_context
        if codec.tag is not None and container_format(self.path) in ("mp4", "mov"):
            context.codec_tag = codec.tag
        open_encoder(context, codec, self._info, options)
        return stream

    def _another_context(self, options: dict[str, str]) -> Any:
        """An encoder like the stream's own."""
        own: Any = self._stream.codec_context
        context: Any = av.CodecContext.create(self._codec.encoder, "w")
        context.options = options
        context.framerate, context.bit_rate, context.flags = self._rate, own.bit_rate or 0, own.flags
        open_encoder(context, self._codec, self._info, options)
        return context

    def _begin(self, index: int, pts: int) -> None:
        """Start with the ordinal and time of the first frame."""
        self._origin_pts = pts if self._trimmed else 0
        if self._info.timecode is not None:
            timecode = advanced(self._info.timecode, index, self._rate)
            if timecode is None:
                self._problems.add(f"timecode {self._info.timecode!r} cannot be parsed: left out")
            else:
                self._stream.metadata["timecode"] = timecode
        if self._copier is not None:
            offset = self._info.first_frame_offset_seconds
            if not self._trimmed and self._copier.carries_sound and offset >= self._step * self._info.time_base:
                self._lead = round(offset / self._info.time_base)
            origin = (self._info.start_pts + self._origin_pts - self._lead) * self._info.time_base
            self._copier.start(origin, self._trimmed, self._end_in_output)

    def _mux(self, packets: Iterable[Any]) -> None:
        for encoded in packets:
            packet = self._captions.added_to(encoded)
            packet.stream = self._stream
            self._first = self._first or (packet.pts, packet.dts)
            if self._record is not None:
                self._record.add(packet, self._last_pts, self.written)
            self._container.mux(packet)

    def _replay(self) -> None:
        """Write what the journal holds, in step with the sound as before."""
        first = None if self._record is None else self._record.first()
        if self._record is None or first is None:
            return
        self._begin(*first)
        last: deque[tuple[int, int]] = deque(maxlen=MOST_REORDERED)
        with self._failing_cleanly():
            for packet, last_pts, written in self._record.packets(self._info.time_base):
                self._last_pts, self.written = last_pts, written
                if self._copier is not None:
                    self._copier.advance(self._last_pts * self._info.time_base)
                packet.stream = self._stream
                self._first = self._first or (packet.pts, packet.dts)
                last.append((packet.pts, packet.dts))
                self._container.mux(packet)
        self._encoder.continue_after(last)

    def _encodable(self, image: np.ndarray) -> av.VideoFrame:
        pixel_format = self._codec.pixel_format
        padded = with_margin(image, padded_size(self._info.size, pixel_format))
        return self._reformatter.reformat(
            av.VideoFrame.from_numpy_buffer(padded, _STORED[image.dtype.itemsize, image.shape[2]]),
            format=pixel_format,
            dst_colorspace=swscale_matrix(self._info.colour.matrix, self._info.size),
            dst_color_range=LIMITED_RANGE if pixel_format.startswith("yuv") else None,
            threads=_CONVERSION_THREADS,
        )

    def _finish(self, until_seconds: Fraction | None) -> None:
        with self._failing_cleanly():
            self._mux(self._lasting(list(self._encoder.end_chunk())))
            if self._copier is not None:
                self._copier.finish(until_seconds)
                self._copier.close()
            self._container.close()
            self._file.commit()
        self._closed = True

    def _lasting(self, packets: list[Any]) -> list[Any]:
        """The last packets of the file, the very last long enough.

        MP4 adds up the steps between decoding times, which lag behind uneven times: the file would end too early.
        """
        if packets and container_format(self.path) in ("mp4", "mov"):
            first_pts, first_dts = self._first or (packets[0].pts, packets[0].dts)
            missing = self._last_pts + self._step - first_pts - (packets[-1].dts - first_dts)
            packets[-1].duration = max(packets[-1].duration or 0, missing)
        return packets

    def _discard(self) -> None:
        self._closed = True
        if self._copier is not None:
            self._copier.close()
        self._encoder.abandon()
        with contextlib.suppress(av.FFmpegError, OSError):
            self._container.close()
        self._file.discard()

    @contextlib.contextmanager
    def _failing_cleanly(self) -> Iterator[None]:
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            self._discard()
            full = getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            hint = "free some space or choose another disk" if full else ""
            raise OutputError(f"{self.path} cannot be written: {reason(error)}", hint) from error

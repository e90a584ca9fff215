"""Frames of a clip: upright, RGB, each with its exact time and its ordinal."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from vidtrack.core.errors import InputError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.video.captions import captions_of
from vidtrack.video.colour import hdr_name, swscale_matrix
from vidtrack.video.config import ReadConfig
from vidtrack.video.deinterlace import deinterlaced
from vidtrack.video.ffmpeg_log import Problem, ProblemLog
from vidtrack.video.geometry import Orientation, upright
from vidtrack.video.hardware import HardwareDecodeError
from vidtrack.video.image_sequence import image_files, sequence_frames
from vidtrack.video.images import DecodedImage
from vidtrack.video.probe import are_images, probe, probe_images
from vidtrack.video.resume_point import ResumePoint, frames_from
from vidtrack.video.seek import locate_start
from vidtrack.video.source import ContainerSource
from vidtrack.video.timestamps import PresentationClock

_CONVERSION_THREADS = 1


class VideoReader:
    """Iterate once over the frames of a video file or image sequence, in constant memory.

    `source` is a path, or the VideoInfo of one that was probed before. Frames that `config` leaves out are decoded all
    the same, so `Frame.index` stays the ordinal in the whole stream. Frames may be taken in another thread than the one
    that made the reader, one thread at a time.

    Raises InputError for anything that is not a video or exceeds the limits, and while iterating if there are no frames
    in range.
    """

    def __init__(self, source: str | Path | VideoInfo, config: ReadConfig | None = None) -> None:
        self._config = config = config or ReadConfig()
        self._images_decoded: dict[Path, DecodedImage] = {}  # by probing, so that no photo is decoded twice
        if isinstance(source, VideoInfo):
            self.info = source
        elif are_images(Path(source)):
            probed = probe_images(Path(source), config.framerate, config.limits)
            self.info, self._images_decoded[probed.first] = probed.info, probed.decoded
        else:
            self.info = probe(source, config.framerate, config.limits, config.stream)
        config.limits.refuse_length(self.info, config.start_seconds, config.end_seconds)
        self._deep = config.deep and self.info.bit_depth > 8
        self._problems = ProblemLog()
        self._reformatter = VideoReformatter()
        self._source: ContainerSource | None = None
        if self.info.container != "image2":
            self._source = ContainerSource(self.info, self._problems, config.hwaccel, config.limits)
        self._iterated = False
        self._captions_lost = False
        self._sizes: set[tuple[int, int]] = set()  # other than the usual one
        self.decoded = 0
        self._note_traits()
        self._resume_point: ResumePoint | None = None
        self._noted = self._problems.count

    @property
    def problems(self) -> list[Problem]:
        """What went wrong so far; the first thousand, `problem_count` counts all."""
        return self._problems.items

    @property
    def problem_count(self) -> int:
        """Number of problems so far."""
        return self._problems.count

    @property
    def truncated(self) -> bool:
        """True once the end was reached and the file turned out shorter than it claims."""
        return self._source is not None and self._source.truncated

    @property
    def expected_seconds(self) -> Fraction | None:
        """Time between start and end; None if the file does not say."""
        duration, start, end = self.info.duration_seconds, self._config.start_seconds, self._config.end_seconds
        if duration is None:
            return None if end is None else end - (start or 0)
        return (duration if end is None else min(end, duration)) - (start or 0)

    @property
    def expected(self) -> int | None:
        """Estimated frames between start and end, before stride; None if the file does not say."""
        info, start, end = self.info, self._config.start_seconds, self._config.end_seconds
        if info.duration_seconds is None or info.average_rate is None:
            return info.frame_count if start is None and end is None else None
        until = info.duration_seconds if end is None else min(end, info.duration_seconds)
        frames = math.ceil((until - (start or 0)) * info.average_rate)
        return max(0, min(frames, info.frame_count or frames))

    def resume_after(self, point: ResumePoint) -> None:
        """Leave out the frames up to `point`, taken from a reader of the same clip with the same config.

        Frames, times and problems are as if all had been given. If nothing had gone wrong by then, the reader seeks to
        the point, provided that the very same image is found there; otherwise everything before is decoded again.
        """
        self._resume_point = point

    def __iter__(self) -> Iterator[Frame]:
        if self._iterated:
            raise RuntimeError("a VideoReader gives its frames once; open another")
        self._iterated = True
        start, end, stride = self._config.start_seconds, self._config.end_seconds, self._config.stride
        point = self._resume_point
        last = -1 if point is None else (point.frames - 1) * stride  # of the kept frames, not given again
        sought = self._resumed(point)
        kept = 0 if sought is None else last
        self.decoded = kept
        clock = PresentationClock(self.info, self._problems)
        for index, decoded in sought or self._ordinals():
            self._problems.next_index = index
            pts = clock.normalised(decoded)
            seconds = pts * self.info.time_base
            if start is not None and seconds < start:
                continue
            if end is not None and seconds >= end:
                break
            if self._config.limits.is_past(seconds - (start or 0)):
                raise self._config.limits.too_long(self.info.path)
            self.decoded += 1
            if kept % stride == 0 and kept >= last:
                frame = Frame(index, pts, self.info.time_base, self._upright_rgb(decoded, pts), self._captions(decoded))
                if point is not None and kept == last:
                    point.verify(frame, self.info, after_damage=point.problems > self._noted)
                else:
                    yield frame
            kept += 1
        if kept == 0:
            raise self._no_frames()

    def close(self) -> None:
        """Close the file; safe to call twice, and from another thread once iteration has stopped."""
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _ordinals(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decoded frames with their ordinal in the stream, from at or before the start time on."""
        if self._source is None:
            return self._images(math.ceil((self._config.start_seconds or 0) / self.info.time_base))
        return self._or_in_software(self._source, self._from_start(self._source))

    def _resumed(self, point: ResumePoint | None) -> Iterator[tuple[int, av.VideoFrame]] | None:
        """Frames with their ordinals from `point` on; None if only decoding from the start is exact."""
        if point is None or point.problems > self._noted:
            return None
        if self._source is None:
            return self._images(point.index)
        frames = frames_from(
            point, self.info, self._source, self._problems, lambda frame: self._upright_rgb(frame, point.pts)
        )
        return None if frames is None else self._or_in_software(self._source, enumerate(frames, start=point.index))

    def _images(self, first: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """The images of a sequence from ordinal `first` on."""
        limits = self._config.limits
        paths = image_files(self.info.path).paths
        decoded, self._images_decoded = self._images_decoded, {}
        for frame in sequence_frames(paths, self._problems, 1 / self.info.time_base, first, limits, decoded):
            assert frame.pts is not None
            yield frame.pts, frame

    def _or_in_software(
        self, source: ContainerSource, frames: Iterator[tuple[int, av.VideoFrame]]
    ) -> Iterator[tuple[int, av.VideoFrame]]:
        """The frames; if the hardware decoder gives up, the rest of them decoded from the start in software."""
        upcoming = 0
        try:
            for index, frame in frames:
                upcoming = index + 1
                yield index, frame
        except HardwareDecodeError as error:
            self._problems.add(f"hardware decoding stopped ({error}); decoding again in software")
            source.reopen(in_software=True)
            for index, frame in enumerate(deinterlaced(source.frames(), self.info.time_base)):
                if index >= upcoming:
                    yield index, frame

    def _from_start(self, source: ContainerSource) -> Iterator[tuple[int, av.VideoFrame]]:
        start = self._config.start_seconds
        if start:
            start_pts = self.info.start_pts + math.ceil(start / self.info.time_base)
            located = locate_start(self.info, start_pts)
            if located is not None:
                keyframe_pts, index, first_pts = located
                source.seek(keyframe_pts)
                frames = source.frames()
                first = next((f for f in frames if f.pts is not None and f.pts >= start_pts), None)
                if first is not None and first.pts == first_pts:
                    yield from enumerate(itertools.chain([first], frames), start=index)
                    return
                source.reopen(in_software=True)
        yield from enumerate(deinterlaced(source.frames(), self.info.time_base))

    def _upright_rgb(self, decoded: av.VideoFrame, pts: int) -> np.ndarray:
        width, height = self.info.coded_size
        orientation = None  # the clip's
        if self._source is None:  # each image of a sequence has its own
            orientation = Orientation.of(decoded)
            width, height = self.info.size[::-1] if orientation.swaps_sides else self.info.size
        size = (decoded.width, decoded.height)
        if size != (width, height) and size not in self._sizes:
            self._sizes.add(size)
            self._problems.add(f"the frame size changes to {size[0]}x{size[1]}: scaled to {width}x{height}", pts=pts)
        rgb = self._reformatter.reformat(
            decoded,
            width=width,
            height=height,
            format="rgb48le" if self._deep else "rgb24",
            src_colorspace=swscale_matrix(int(decoded.colorspace), self.info.coded_size),
            threads=_CONVERSION_THREADS,
        )
        image = rgb.to_ndarray()  # (H, W, 3)
        return upright(image, self.info) if orientation is None else orientation.apply(image)

    def _captions(self, decoded: av.VideoFrame) -> bytes:
        captions = captions_of(decoded)
        if captions and self._config.stride > 1:  # pieces of captions are garbled
            if not self._captions_lost:
                self._problems.add("closed captions (CEA-608/708) are left out, as only some frames are read")
            self._captions_lost = True
            return b""
        return captions

    def _note_traits(self) -> None:
        for note in self.info.notes:
            self._problems.add(note)
        colour = self.info.colour
        if colour.is_hdr and not self._deep:
            self._problems.add(f"the video is HDR, {hdr_name(colour)}: its frames are read in 8 bits")

    def _no_frames(self) -> InputError:
        path, duration = self.info.path, self.info.duration_seconds
        start, end = self._config.start_seconds, self._config.end_seconds
        if start is None and end is None:
            return InputError(f"no frame of {path} can be decoded", "the file is damaged")
        bounds = [f"{name} {float(t):g} s" for name, t in (("start", start), ("end", end)) if t is not None]
        hint = f"the clip lasts {float(duration):.3f} s" if duration else "give an earlier start"
        return InputError(f"no frame of {path} lies within {', '.join(bounds)}", hint)

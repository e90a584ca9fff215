"""Frames of a clip: upright, RGB, each with its exact time and its ordinal."""

from __future__ import annotations

import contextlib
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
from vidtrack.video.colour import hdr_name, swscale_matrix
from vidtrack.video.deinterlace import deinterlaced
from vidtrack.video.ffmpeg_log import Problem, ProblemLog
from vidtrack.video.hardware import HardwareDecodeError
from vidtrack.video.image_sequence import is_sequence, picture_paths, sequence_frames
from vidtrack.video.limits import DEFAULT_LIMITS, Limits, check_range
from vidtrack.video.probe import probe
from vidtrack.video.resume_point import Place, fingerprint
from vidtrack.video.seek import locate_start
from vidtrack.video.source import ContainerSource
from vidtrack.video.timestamps import Clock, without_presentation_times

_CONVERSION_THREADS = 1
_SEEK_EARLIER_SECONDS = (0, 2, 20)  # tried in turn: an index may lead past the place, a keyframe may need its leaders


class VideoReader:
    """Iterate once over the frames of a video file or image sequence, in constant memory.

    Keeps the frames with `start_seconds` <= time < `end_seconds` (time since the start of the stream) and of those
    every `stride`-th; the others are decoded all the same, so `Frame.index` stays the ordinal in the whole stream.
    `hwaccel` names a hardware decoder ("auto", "cuda", ...) and falls back to software. `deep` gives uint16 pictures
    of a clip with more than 8 bits a sample. Frames may be taken in another thread than the one that made the reader,
    one thread at a time.

    Raises InputError for what is not a video or past `limits`, and while iterating where no frame is left to give.
    """

    def __init__(
        self,
        path: str | Path,
        start_seconds: Fraction | float | None = None,
        end_seconds: Fraction | float | None = None,
        stride: int = 1,
        hwaccel: str | None = None,
        framerate: Fraction | None = None,
        limits: Limits = DEFAULT_LIMITS,
        deep: bool = False,
    ) -> None:
        self._start = exact_seconds(start_seconds)
        self._end = exact_seconds(end_seconds)
        check_range(self._start, self._end, stride)
        self._stride = stride
        self._hwaccel = hwaccel
        self._limits = limits
        self.info: VideoInfo = probe(path, framerate, limits)
        limits.refuse_length(self.info, self._start, self._end)
        self._deep = deep and self.info.bit_depth > 8
        self._problems = ProblemLog()
        self._reformatter = VideoReformatter()
        self._source: ContainerSource | None = None
        if not is_sequence(self.info.path):
            self._source = ContainerSource(self.info, self._problems, hwaccel, limits)
        self._iterated = False
        self._sizes = {self.info.coded_size}
        self.decoded = 0
        self._note_traits()
        self._place: Place | None = None
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
        """True once the end was reached and the file turned out shorter than it says."""
        return self._source is not None and self._source.truncated

    @property
    def expected_seconds(self) -> Fraction | None:
        """Time between start and end; None where the file does not say."""
        duration = self.info.duration_seconds
        if duration is None:
            return None if self._end is None else self._end - (self._start or 0)
        return (duration if self._end is None else min(self._end, duration)) - (self._start or 0)

    @property
    def expected(self) -> int | None:
        """Estimate of the frames between start and end, before stride; None where the file does not say."""
        info = self.info
        if info.duration_seconds is None or info.average_rate is None:
            return info.frame_count if self._start is None and self._end is None else None
        end = info.duration_seconds if self._end is None else min(self._end, info.duration_seconds)
        frames = math.ceil((end - (self._start or 0)) * info.average_rate)
        return max(0, min(frames, info.frame_count or frames))

    def go_on_after(self, place: Place) -> None:
        """Leave out the frames up to `place`, which a reader of the same clip with the same choices gave.

        Frames, times and problems are as if all had been given. Where nothing had gone wrong by then, the file is
        entered near the place, if that leads to the very same picture; else all before is decoded again.
        """
        self._place = place

    def __iter__(self) -> Iterator[Frame]:
        if self._iterated:
            raise RuntimeError("a VideoReader gives its frames once; open another")
        self._iterated = True
        last = -1 if self._place is None else (self._place.frames - 1) * self._stride  # of the kept, not given again
        sought = self._frames_from(self._place)
        kept = 0 if sought is None else last
        self.decoded = kept
        clock = Clock(self.info, self._problems)
        for index, decoded in self._ordinals(sought):
            self._problems.next_index = index
            pts = clock.normalised(decoded)
            if self._start is not None and pts * self.info.time_base < self._start:
                continue
            if self._end is not None and pts * self.info.time_base >= self._end:
                break
            if self._limits.is_past(pts * self.info.time_base - (self._start or 0)):
                raise self._limits.too_long(self.info.path)
            self.decoded += 1
            if kept % self._stride == 0 and kept >= last:
                frame = Frame(index, pts, self.info.time_base, self._upright_rgb(decoded, pts))
                if kept == last:
                    self._recognise(frame)
                else:
                    yield frame
            kept += 1
        if kept == 0:
            raise self._nothing_left()

    def close(self) -> None:
        """Close the file; safe to call twice, and from another thread once iteration has stopped."""
        if self._source is not None:
            self._source.close()

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    def _ordinals(self, sought: Iterator[tuple[int, av.VideoFrame]] | None) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decoded frames with their ordinal in the stream, those `sought` or from at or before the start time on."""
        if self._source is None:
            if sought is not None:
                yield from sought
                return
            paths = picture_paths(self.info.path)
            first = math.ceil((self._start or 0) / self.info.time_base)
            for frame in sequence_frames(paths, self._problems, 1 / self.info.time_base, first, self._limits):
                assert frame.pts is not None
                yield frame.pts, frame
            return
        upcoming = 0
        try:
            for index, frame in sought or self._from_start():
                upcoming = index + 1
                yield index, frame
        except HardwareDecodeError as error:
            self._problems.add(f"hardware decoding stopped ({error}); decoding again in software")
            self._reopen()
            for index, frame in enumerate(deinterlaced(self._source.frames(), self.info.time_base)):
                if index >= upcoming:
                    yield index, frame

    def _frames_from(self, place: Place | None) -> Iterator[tuple[int, av.VideoFrame]] | None:
        """Frames with their ordinals from `place` on by a seek; None where only decoding from the start is sure."""
        if place is None or place.problems > self._noted:
            return None
        if self._source is None:
            paths = picture_paths(self.info.path)
            frames = sequence_frames(paths, self._problems, 1 / self.info.time_base, place.index, self._limits)
            return ((frame.pts, frame) for frame in frames if frame.pts is not None)
        if self.info.interlaced or without_presentation_times(self.info):
            return None
        for earlier in _SEEK_EARLIER_SECONDS:
            with contextlib.suppress(av.FFmpegError, OSError, HardwareDecodeError):
                found = self._sought(place, math.ceil(earlier / self.info.time_base))
                if found is not None:
                    return enumerate(found, start=place.index)
            self._problems.forget_after(self._noted)
            self._reopen(self._hwaccel)
        return None

    def _sought(self, place: Place, earlier: int) -> Iterator[av.VideoFrame] | None:
        """Frames from `place` on, entering the file so many ticks before; None where it is not found as it was."""
        assert self._source is not None
        wanted = self.info.start_pts + place.pts
        self._source.seek(wanted - earlier)
        frames = deinterlaced(self._source.frames(), self.info.time_base)
        first = next((frame for frame in frames if frame.pts is None or frame.pts >= wanted), None)
        if first is None or first.pts != wanted or self._problems.count > self._noted:
            return None
        same = fingerprint(self._upright_rgb(first, place.pts)) == place.picture
        return itertools.chain([first], frames) if same else None

    def _recognise(self, frame: Frame) -> None:
        """Raise InputError unless this is the frame at the place to go on after.

        After damage FFmpeg's threads make up what is missing, not always alike: there the picture may differ.
        """
        place = self._place
        assert place is not None
        same = fingerprint(frame.image) == place.picture or place.problems > self._noted
        if not same or (frame.index, frame.pts) != (place.index, place.pts):
            raise InputError(
                f"frame {place.index} of {self.info.path} is not decoded as it was before", "--overwrite begins anew"
            )

    def _from_start(self) -> Iterator[tuple[int, av.VideoFrame]]:
        assert self._source is not None
        if self._start:
            start_pts = self.info.start_pts + math.ceil(self._start / self.info.time_base)
            located = locate_start(self.info, start_pts)
            if located is not None:
                keyframe_pts, index, first_pts = located
                self._source.seek(keyframe_pts)
                frames = self._source.frames()
                first = next((f for f in frames if f.pts is not None and f.pts >= start_pts), None)
                if first is not None and first.pts == first_pts:
                    yield from enumerate(itertools.chain([first], frames), start=index)
                    return
                self._reopen()
                yield from enumerate(deinterlaced(self._source.frames(), self.info.time_base))
                return
        yield from enumerate(deinterlaced(self._source.frames(), self.info.time_base))

    def _reopen(self, hwaccel: str | None = None) -> None:
        assert self._source is not None
        self._source.close()
        self._source = ContainerSource(self.info, self._problems, hwaccel, self._limits)

    def _upright_rgb(self, decoded: av.VideoFrame, pts: int) -> np.ndarray:
        width, height = self.info.coded_size
        if (decoded.width, decoded.height) not in self._sizes:
            self._sizes.add((decoded.width, decoded.height))
            self._problems.add(
                f"the frame size changes to {decoded.width}x{decoded.height}; scaled to {width}x{height}", pts=pts
            )
        rgb = self._reformatter.reformat(
            decoded,
            width=width,
            height=height,
            format="rgb48le" if self._deep else "rgb24",
            src_colorspace=swscale_matrix(int(decoded.colorspace), self.info.coded_size),
            threads=_CONVERSION_THREADS,
        )
        image = rgb.to_ndarray()  # (H, W, 3)
        turns = self.info.rotation // 90
        return np.ascontiguousarray(np.rot90(image, turns)) if turns else image

    def _note_traits(self) -> None:
        colour = self.info.colour
        if colour.is_hdr and not self._deep:
            self._problems.add(f"the video is HDR, {hdr_name(colour)}: its frames are taken in 8 bits")

    def _nothing_left(self) -> InputError:
        path, duration = self.info.path, self.info.duration_seconds
        if self._start is None and self._end is None:
            return InputError(f"no frame of {path} can be decoded", "the file is damaged")
        bounds = [f"{name} {float(t):g} s" for name, t in (("start", self._start), ("end", self._end)) if t is not None]
        hint = f"the clip lasts {float(duration):.3f} s" if duration else "give an earlier start"
        return InputError(f"no frame of {path} lies within {', '.join(bounds)}", hint)


def exact_seconds(value: Fraction | float | None) -> Fraction | None:
    """The number as written: 0.1 is one tenth, not its nearest binary fraction."""
    return Fraction(str(value)) if value is not None else None

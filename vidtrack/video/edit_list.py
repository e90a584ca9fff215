"""Pauses and still frames in the edit lists of MP4 and MOV files, which FFmpeg does not honour."""

from __future__ import annotations

import bisect
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, NamedTuple

_MOST_BOXES = 10_000  # a file with more at one level is damaged
_MOST_BYTES = 1 << 20


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


class Pauses:
    """Times at which a track shows nothing new: no frame, or one that stands still."""

    def __init__(self, intervals: tuple[tuple[Fraction, Fraction], ...] = ()) -> None:
        """`intervals` are (start, end) in seconds, in order; the end is not part of it."""
        self.intervals = intervals
        self._edges = [edge for interval in intervals for edge in interval]

    def __contains__(self, seconds: Fraction) -> bool:
        return bisect.bisect_right(self._edges, seconds) % 2 == 1

    def __bool__(self) -> bool:
        return bool(self._edges)


def pauses(path: Path, track_id: int) -> Pauses:
    """The pauses of an MP4's track, in FFmpeg's times; none if the file is damaged.

    FFmpeg plays other frames there: the track from its beginning, or those after the still one. It ignores the edits of
    fragmented files, which then have no pauses. ISO/IEC 14496-12:2022, 8.6.6 (`media_time` of -1, `media_rate` of 0).
    """
    try:
        with path.open("rb") as file:
            moov = _child(file, _Box(b"", 0, path.stat().st_size), b"moov")
            boxes = list(_children(file, moov))
            if any(box.kind == b"mvex" for box in boxes):
                return Pauses()
            movie_scale = _number(_read(file, _child(file, moov, b"mvhd")))
            for track in boxes:
                if track.kind == b"trak" and _number(_read(file, _child(file, track, b"tkhd"))) == track_id:
                    media_scale = _number(_read(file, _child(file, _child(file, track, b"mdia"), b"mdhd")))
                    elst = _read(file, _child(file, _child(file, track, b"edts"), b"elst"))
                    return Pauses(tuple(_without_new_frames(elst, movie_scale, media_scale)))
    except (OSError, LookupError, struct.error, ZeroDivisionError):
        pass
    return Pauses()


def _children(file: BinaryIO, parent: _Box) -> Iterator[_Box]:
    at = parent.start
    for _ in range(_MOST_BOXES):
        if at + 8 > parent.end:
            return
        file.seek(at)
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            (size,), head = struct.unpack(">Q", file.read(8)), 16
        end = at + size if size else parent.end
        if size and size < head:
            return
        yield _Box(kind, at + head, min(end, parent.end))
        at = end


def _child(file: BinaryIO, parent: _Box, kind: bytes) -> _Box:
    for box in _children(file, parent):
        if box.kind == kind:
            return box
    raise LookupError(kind)


def _read(file: BinaryIO, box: _Box) -> bytes:
    file.seek(box.start)
    return file.read(min(box.end - box.start, _MOST_BYTES))


def _number(header: bytes) -> int:
    """The time scale of an `mvhd` or `mdhd`, the track id of a `tkhd`."""
    (number,) = struct.unpack_from(">I", header, 20 if header[0] else 12)  # times before it are longer in version 1
    return int(number)


def _without_new_frames(elst: bytes, movie_scale: int, media_scale: int) -> Iterator[tuple[Fraction, Fraction]]:
    """Empty edits after the first frame, and dwells from their second tick on, whose first shows the frame.

    FFmpeg rounds the length of each edit to ticks of the media.
    """
    entry = struct.Struct(">Qqhh" if elst[0] else ">Iihh")
    (count,) = struct.unpack_from(">I", elst, 4)
    at, shown = 0, False
    for number in range(min(count, (len(elst) - 8) // entry.size)):
        length, media_time, rate, rate_fraction = entry.unpack_from(elst, 8 + number * entry.size)
        end = at + (2 * length * media_scale + movie_scale) // (2 * movie_scale)
        empty, still = media_time == -1, rate == rate_fraction == 0
        first = at if empty else at + 1
        if (shown if empty else still) and first < end:
            yield Fraction(first, media_scale), Fraction(end, media_scale)
        shown |= not empty
        at = end

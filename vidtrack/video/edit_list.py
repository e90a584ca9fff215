"""Pauses in the edit lists of MP4 and MOV files, which FFmpeg does not play."""

from __future__ import annotations

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


def pauses(path: Path, track_id: int) -> tuple[tuple[Fraction, Fraction], ...]:
    """When the track shows nothing between frames, as (start, end) in seconds; empty if the file has no such times.

    FFmpeg plays the track from its beginning instead. ISO/IEC 14496-12:2022, 8.6.6 (`media_time` of -1).
    """
    try:
        with path.open("rb") as file:
            moov = _child(file, _Box(b"", 0, path.stat().st_size), b"moov")
            scale = _movie_scale(_read(file, _child(file, moov, b"mvhd")))
            for track in _children(file, moov):
                if track.kind == b"trak" and _track_id(_read(file, _child(file, track, b"tkhd"))) == track_id:
                    return _empty_edits(_read(file, _child(file, _child(file, track, b"edts"), b"elst")), scale)
    except (OSError, LookupError, struct.error, ZeroDivisionError):
        pass
    return ()


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


def _movie_scale(mvhd: bytes) -> int:
    (scale,) = struct.unpack_from(">I", mvhd, 20 if mvhd[0] else 12)  # times are longer in version 1
    return int(scale)


def _track_id(tkhd: bytes) -> int:
    (number,) = struct.unpack_from(">I", tkhd, 20 if tkhd[0] else 12)
    return int(number)


def _empty_edits(elst: bytes, scale: int) -> tuple[tuple[Fraction, Fraction], ...]:
    """Those after the first edit that shows something."""
    (count,) = struct.unpack_from(">I", elst, 4)
    entry = struct.Struct(">Qqi" if elst[0] else ">Iii")
    found, at, shown = [], 0, False
    for number in range(count):
        length, media_time, _ = entry.unpack_from(elst, 8 + number * entry.size)
        if media_time == -1 and shown:
            found.append((Fraction(at, scale), Fraction(at + length, scale)))
        shown |= media_time != -1
        at += length
    return tuple(found)

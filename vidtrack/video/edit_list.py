"""Pauses and still frames in the edit lists of MP4 and MOV files, which FFmpeg does not honour."""

from __future__ import annotations

import math
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO, NamedTuple

import av

_MOST_BOXES = 10_000  # a file with more at one level is damaged
_MOST_BYTES = 1 << 20


class _Box(NamedTuple):
    kind: bytes
    start: int
    end: int


class Shows(Enum):
    """What a player shows during an edit."""

    MOTION = auto()
    STILL = auto()
    NOTHING = auto()


class Edit(NamedTuple):
    """Part of a track's presentation, from `start` to before `end` in ticks of its media."""

    start: int
    end: int
    shows: Shows


@dataclass
class _Run:
    """The frames that FFmpeg plays for an edit."""

    shows: Shows | None = None
    given: int = 0


class PauseFilter:
    """Tells the frames that FFmpeg plays in pauses from the others; all packets must be noted, from the first on.

    FFmpeg plays edit after edit, each from a keyframe. The first packet shown has the edit's start as its decoding
    time, but for an offset common to all edits; with B-frames, presentation times may lie in another edit.
    """

    def __init__(self, edits: Sequence[Edit] = ()) -> None:
        """`edits` are what `pauses` found."""
        self._at = {edit.start: edit.shows for edit in edits if edit.start < edit.end}
        self._first = next((start for start, shows in self._at.items() if shows is not Shows.NOTHING), 0)
        self._offset: int | None = None
        self._last = (-math.inf, -math.inf)  # decoding time and place in the file
        self._run = _Run()
        self._decoding: dict[int, deque[_Run]] = {}  # by presentation time

    def __bool__(self) -> bool:
        """Whether there are pauses."""
        return bool(self._at)

    def note(self, packet: av.Packet) -> None:
        """Take in a packet that is about to be decoded."""
        if not self._at or packet.dts is None or packet.pts is None or not packet.size:
            return
        place = (packet.dts, packet.pos or 0)
        if place[0] <= self._last[0] or place[1] <= self._last[1]:
            self._run = _Run()
        self._last = place
        if packet.is_discard:
            return
        if self._run.shows is None:
            self._offset = self._first - packet.dts if self._offset is None else self._offset
            self._run.shows = self._at.get(packet.dts + self._offset, Shows.MOTION)
        self._decoding.setdefault(packet.pts, deque()).append(self._run)

    def hides(self, frame: av.VideoFrame) -> bool:
        """Whether the edit list shows no new frame in place of this one, which was decoded next."""
        pts = frame.pts
        if pts is None or pts not in self._decoding:
            return False
        runs = self._decoding[pts]
        run = runs.popleft()
        if not runs:
            del self._decoding[pts]
        run.given += 1
        return run.shows is Shows.NOTHING or (run.shows is Shows.STILL and run.given > 1)


def pauses(path: Path, track_id: int) -> tuple[Edit, ...]:
    """The edits of the track if it shows nothing between frames, or one frame still; none if the file is damaged.

    FFmpeg plays on in such pauses: from the track's beginning, or past the frame. It ignores the edits of fragmented
    files, which then have no pauses. ISO/IEC 14496-12:2022, 8.6.6 (`media_time` of -1, `media_rate` of 0).
    """
    try:
        with path.open("rb") as file:
            moov = _child(file, _Box(b"", 0, path.stat().st_size), b"moov")
            boxes = list(_children(file, moov))
            if any(box.kind == b"mvex" for box in boxes):
                return ()
            movie_scale = _number(_read(file, _child(file, moov, b"mvhd")))
            for track in boxes:
                if track.kind == b"trak" and _number(_read(file, _child(file, track, b"tkhd"))) == track_id:
                    media_scale = _number(_read(file, _child(file, _child(file, track, b"mdia"), b"mdhd")))
                    elst = _read(file, _child(file, _child(file, track, b"edts"), b"elst"))
                    edits = tuple(_edits(elst, movie_scale, media_scale))
                    return edits if any(edit.shows is not Shows.MOTION for edit in edits) else ()
    except (OSError, LookupError, struct.error, ZeroDivisionError):
        pass
    return ()


def stream_pauses(path: Path, stream: av.VideoStream) -> tuple[Edit, ...]:
    """`pauses` of a stream of the opened file; other containers have none."""
    return pauses(path, stream.id) if "mov" in stream.container.format.name else ()


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


def _edits(elst: bytes, movie_scale: int, media_scale: int) -> Iterator[Edit]:
    """From the first that shows something on; FFmpeg rounds the length of each to ticks of the media."""
    entry = struct.Struct(">Qqhh" if elst[0] else ">Iihh")
    (count,) = struct.unpack_from(">I", elst, 4)
    at, begun = 0, False
    for number in range(min(count, (len(elst) - 8) // entry.size)):
        length, media_time, rate, rate_fraction = entry.unpack_from(elst, 8 + number * entry.size)
        end = at + (2 * length * media_scale + movie_scale) // (2 * movie_scale)
        still = rate == rate_fraction == 0
        shows = Shows.NOTHING if media_time == -1 else Shows.STILL if still else Shows.MOTION
        begun |= shows is not Shows.NOTHING
        if begun:
            yield Edit(at, end, shows)
        at = end

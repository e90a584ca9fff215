"""Encoded packets in a journal, with everything needed to mux them again."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import av

from vidtrack.core.journal import Journal

_FIRST = struct.Struct("<qq")  # index and pts of the first frame
_HEAD = struct.Struct("<qqqqqBI")  # pts, dts, duration, last_pts, written, keyframe, size


class PacketRecord:
    """The packets of a video in a journal.

    Each comes with the pts of the last frame given to the encoder by then, and the number of frames.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def begin(self, index: int, pts: int) -> None:
        """Record the ordinal and time of the first frame."""
        self._journal.append(_FIRST.pack(index, pts))

    def add(self, packet: Any, last_pts: int, written: int) -> None:
        """Record a packet."""
        times = (packet.pts, packet.dts, packet.duration or 0)
        self._journal.append(_HEAD.pack(*times, last_pts, written, packet.is_keyframe, packet.size), bytes(packet))

    def first(self) -> tuple[int, int] | None:
        """The arguments of `begin`; None if the journal is empty."""
        with self._journal.reread() as stream:
            head = stream.read(_FIRST.size)
            return _FIRST.unpack(head) if head else None

    def packets(self, time_base: Fraction) -> Iterator[tuple[Any, int, int]]:
        """Each packet with `last_pts` and `written`."""
        with self._journal.reread() as stream:
            stream.seek(_FIRST.size)
            while head := stream.read(_HEAD.size):
                pts, dts, duration, last_pts, written, keyframe, size = _HEAD.unpack(head)
                packet: Any = av.Packet(stream.read(size))
                packet.pts, packet.dts, packet.duration, packet.time_base = pts, dts, duration, time_base
                packet.is_keyframe = bool(keyframe)
                yield packet, last_pts, written

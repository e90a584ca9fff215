from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from tests.media import Clip, write_clip
from vidtrack.core.journal import Journal
from vidtrack.video.packets import PacketRecord


def test_packets_come_back_as_they_were_with_the_progress_of_their_time(tmp_path: Path) -> None:
    with av.open(str(write_clip(tmp_path / "clip.mp4", Clip(frames=12)))) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.size]
        time_base = Fraction(stream.time_base)
    with Journal(tmp_path / "journal") as journal:
        record = PacketRecord(journal)
        assert record.first() is None
        record.begin(7, -3)
        for number, packet in enumerate(packets):
            record.add(packet, 100 + number, number + 1)
        assert record.first() == (7, -3)
        again = list(record.packets(time_base))
    assert [(last, written) for _, last, written in again] == [(100 + n, n + 1) for n in range(12)]
    for packet, (copy, _, _) in zip(packets, again, strict=True):
        assert (copy.pts, copy.dts, copy.duration) == (packet.pts, packet.dts, packet.duration)
        assert (copy.is_keyframe, bytes(copy)) == (packet.is_keyframe, bytes(packet))
        assert copy.time_base == time_base
    assert [packet.is_keyframe for packet, _, _ in again].count(True) == 2  # one per 8 frames

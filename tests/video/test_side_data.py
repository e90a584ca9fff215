from __future__ import annotations

import struct
from pathlib import Path

from tests.media import Clip, add_box, write_clip
from vidtrack.video import probe

DOLBY_VISION_5 = struct.pack(">I4s24s", 32, b"dvcC", bytes((1, 0, 5 << 1, 6 << 3 | 0b101)))


def test_colours_that_need_a_dolby_decoder_are_said(tmp_path: Path) -> None:
    plain = write_clip(tmp_path / "plain.mp4", Clip(frames=3))
    assert probe(plain).notes == ()
    (note,) = probe(add_box(plain, tmp_path / "dolby.mp4", DOLBY_VISION_5)).notes
    assert "Dolby Vision profile 5" in note

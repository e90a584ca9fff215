"""Pauses in the edit list of an MP4."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from tests.video.reading import read
from vidtrack.video.edit_list import pauses

PART = Fraction(10, 25)  # ten frames
PAUSED = [(PART, Fraction(0)), (Fraction(1), None), (PART, PART)]  # how long, and from where


def contents(data: bytes, *path: bytes) -> bytes:
    for kind in path:
        at = 0
        while data[at + 4 : at + 8] != kind:
            at += int.from_bytes(data[at : at + 4])
        data = data[at + 8 : at + int.from_bytes(data[at : at + 4])]
    return data


def replaced(data: bytes, path: tuple[bytes, ...], inside: bytes) -> bytes:
    """`data` with other contents in one box, whose parents grow with it."""
    out, at = b"", 0
    while at < len(data):
        box = data[at : at + int.from_bytes(data[at : at + 4])]
        at += len(box)
        if box[4:8] == path[0]:
            body = replaced(box[8:], path[1:], inside) if path[1:] else inside
            box = struct.pack(">I", len(body) + 8) + box[4:8] + body
        out += box
    return out


def edited(path: Path, edits: list[tuple[Fraction, Fraction | None]], options: dict[str, str]) -> Path:
    """A numbered clip at 25 fps with this edit list."""
    encoder = {"preset": "ultrafast", "crf": "10", "g": "8", **options}
    write_clip(path, Clip(frames=32, numbered=True, options=encoder))
    data = path.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")  # no offset moves
    (movie_scale,) = struct.unpack_from(">I", contents(data, b"moov", b"mvhd"), 12)
    (scale,) = struct.unpack_from(">I", contents(data, b"moov", b"trak", b"mdia", b"mdhd"), 12)
    (first,) = struct.unpack_from(">i", contents(data, b"moov", b"trak", b"edts", b"elst"), 12)
    entries = struct.pack(">II", 0, len(edits))
    for length, start in edits:
        media_time = -1 if start is None else first + int(start * scale)
        entries += struct.pack(">Iii", int(length * movie_scale), media_time, 1 << 16)
    path.write_bytes(replaced(data, (b"moov", b"trak", b"edts", b"elst"), entries))
    return path


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "2"}], ids=["no B-frames", "B-frames"])
def test_a_pause_in_the_middle_shows_no_frames(tmp_path: Path, options: dict[str, str]) -> None:
    clip = edited(tmp_path / "clip.mp4", PAUSED, options)
    frames = read(clip)
    assert [round(frame.image.mean() / 8) for frame in frames] == list(range(20))
    assert [frame.index for frame in frames] == list(range(20))
    assert frames[9].seconds < 0.4 and frames[10].seconds == pytest.approx(1.4, abs=0.1)
    assert pauses(clip, 1) == ((PART, PART + 1),)


def test_a_pause_at_the_start_is_a_late_start_and_a_plain_clip_has_none(tmp_path: Path) -> None:
    late = edited(tmp_path / "late.mp4", [(Fraction(1), None), (PART, Fraction(0))], {"bf": "0"})
    assert pauses(late, 1) == ()
    assert len(read(late)) == 10
    assert pauses(write_clip(tmp_path / "plain.mp4"), 1) == ()


def test_a_file_that_ends_anywhere_is_not_a_fault(tmp_path: Path) -> None:
    clip = edited(tmp_path / "clip.mp4", PAUSED, {"bf": "0"})
    data = clip.read_bytes()
    moov = data.index(b"moov") - 4
    cut = tmp_path / "cut.mp4"
    for end in (0, 3, moov + 4, moov + 20, *range(moov + 100, len(data), 50)):
        cut.write_bytes(data[:end])
        assert pauses(cut, 1) in ((), ((PART, PART + 1),))
    assert pauses(clip, 2) == ()

"""Pauses and still frames in the edit list of an MP4."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.media import Clip, write_clip
from tests.video.reading import read
from vidtrack.video.edit_list import Shows, pauses

PART = Fraction(10, 25)  # ten frames
PAUSED = [(PART, Fraction(0)), (Fraction(1), None), (PART, PART)]  # how long, and from where
SHOWN = [Shows.MOTION, Shows.NOTHING, Shows.MOTION]


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


def edited(
    path: Path, edits: list[tuple[Fraction, Fraction | None]], options: dict[str, str], rate: int = 1, count: int = 0
) -> Path:
    """A numbered clip at 25 fps with these edits, the last but one at `rate`, and said to be `count`."""
    encoder = {"preset": "ultrafast", "crf": "10", "g": "8", **options}
    write_clip(path, Clip(frames=32, numbered=True, options=encoder))
    data = path.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")  # no offset moves
    (movie_scale,) = struct.unpack_from(">I", contents(data, b"moov", b"mvhd"), 12)
    (scale,) = struct.unpack_from(">I", contents(data, b"moov", b"trak", b"mdia", b"mdhd"), 12)
    (first,) = struct.unpack_from(">i", contents(data, b"moov", b"trak", b"edts", b"elst"), 12)
    entries = struct.pack(">II", 0, count or len(edits))
    for number, (length, start) in enumerate(edits):
        media_time = -1 if start is None else first + int(start * scale)
        entries += struct.pack(
            ">Iihh", int(length * movie_scale), media_time, rate if number == len(edits) - 2 else 1, 0
        )
    path.write_bytes(replaced(data, (b"moov", b"trak", b"edts", b"elst"), entries))
    return path


def shown(path: Path) -> list[Shows]:
    return [edit.shows for edit in pauses(path, 1)]


def numbers(frames: list) -> list[int]:
    return [round(frame.image.mean() / 8) for frame in frames]


@pytest.mark.parametrize("options", [{"bf": "0"}, {"bf": "2"}], ids=["no B-frames", "B-frames"])
def test_a_pause_in_the_middle_shows_no_frames(tmp_path: Path, options: dict[str, str]) -> None:
    clip = edited(tmp_path / "clip.mp4", PAUSED, options)
    frames = read(clip)
    assert numbers(frames) == list(range(20))
    assert [frame.index for frame in frames] == list(range(20))
    assert frames[9].seconds < 0.4 and frames[10].seconds == pytest.approx(1.4, abs=0.1)
    assert shown(clip) == SHOWN


def test_a_start_within_or_after_a_pause_counts_frames_as_from_the_beginning(tmp_path: Path) -> None:
    clip = edited(tmp_path / "clip.mp4", PAUSED, {"bf": "0"})
    for start in (0.5, 1.4, 1.5):
        expected = [frame for frame in read(clip) if frame.seconds >= start]
        found = read(clip, start_seconds=start)
        assert [(f.index, f.pts) for f in found] == [(f.index, f.pts) for f in expected]
        assert numbers(found) == numbers(expected)


def test_a_pause_at_the_start_is_a_late_start_and_a_plain_clip_has_none(tmp_path: Path) -> None:
    late = edited(tmp_path / "late.mp4", [(Fraction(1), None), (PART, Fraction(0))], {"bf": "0"})
    assert not shown(late)
    assert len(read(late)) == 10
    assert not shown(write_clip(tmp_path / "plain.mp4"))


def test_pauses_of_odd_lengths_begin_and_end_where_ffmpeg_rounds_them_to(tmp_path: Path) -> None:
    edits = [
        (PART, Fraction(0)),
        (Fraction(3, 10), None),
        (Fraction(1, 3), None),
        (PART, PART),
        (Fraction(1, 7), None),
        (PART, 2 * PART),
    ]
    assert numbers(read(edited(tmp_path / "clip.mp4", edits, {"bf": "0"}))) == list(range(30))


@pytest.mark.parametrize("frame", [0, 3, 13])
@pytest.mark.parametrize("b_frames", ["0", "2", "3"])
def test_only_the_pause_is_left_out_wherever_edits_begin(tmp_path: Path, frame: int, b_frames: str) -> None:
    start = Fraction(frame, 25)  # with B-frames FFmpeg's times of later edits then are some frames early
    edits = [(PART, start), (PART, None), (PART, Fraction(9, 25)), (Fraction(1, 7), None), (PART, start)]
    first, between = list(range(frame, frame + 10)), list(range(9, 19))
    clip = edited(tmp_path / "clip.mp4", edits, {"bf": b_frames})
    assert numbers(read(clip)) == first + between + first


def test_a_dwell_shows_its_first_frame_only(tmp_path: Path) -> None:
    edits = [(PART, Fraction(0)), (Fraction(1), PART), (PART, PART + Fraction(1, 25))]
    frames = read(edited(tmp_path / "clip.mp4", edits, {"bf": "0"}, rate=0))
    assert numbers(frames) == list(range(21))
    assert (frames[10].seconds, frames[11].seconds) == (PART, PART + 1)


def test_a_list_that_claims_more_edits_than_it_holds_is_read_to_its_end(tmp_path: Path) -> None:
    clip = edited(tmp_path / "clip.mp4", PAUSED, {"bf": "0"}, count=2**31)
    assert numbers(read(clip)) == list(range(20))


def test_fragments_are_played_whole_as_ffmpeg_ignores_their_edits(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with (
        av.open(str(write_clip(tmp_path / "whole.mp4", Clip(frames=32, numbered=True)))) as whole,
        av.open(str(clip), "w", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}) as out,
    ):
        copied = out.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    data = clip.read_bytes()
    track = contents(data, b"moov", b"trak")
    (scale,) = struct.unpack_from(">I", contents(data, b"moov", b"mvhd"), 12)
    edits = struct.pack(
        ">IIIiiIiiIii", 0, 3, 2 * scale // 5, 0, 1 << 16, scale, -1, 1 << 16, 2 * scale // 5, 0, 1 << 16
    )
    header = int.from_bytes(track[:4])
    assert b"edts" not in track
    edts = struct.pack(">I4sI4s", len(edits) + 16, b"edts", len(edits) + 8, b"elst") + edits
    clip.write_bytes(replaced(data, (b"moov", b"trak"), track[:header] + edts + track[header:]))
    assert numbers(read(clip)) == list(range(32))


def test_a_file_that_ends_anywhere_is_not_a_fault(tmp_path: Path) -> None:
    clip = edited(tmp_path / "clip.mp4", PAUSED, {"bf": "0"})
    data = clip.read_bytes()
    moov = data.index(b"moov") - 4
    cut = tmp_path / "cut.mp4"
    for end in (0, 3, moov + 4, moov + 20, *range(moov + 100, len(data), 50)):
        cut.write_bytes(data[:end])
        assert shown(cut) in ([], SHOWN)
    assert not pauses(clip, 2)

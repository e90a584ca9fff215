"""Small files that claim, or turn out, to be far too large."""

from __future__ import annotations

import resource
import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests.conftest import Ended
from tests.media import Clip, write_clip, write_pictures
from vidtrack.core.errors import InputError
from vidtrack.video import Limits, ReadConfig, VideoReader, probe

Command = Callable[..., Ended]


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=50))


def write_picture_bomb(path: Path, width: int, height: int) -> Path:
    """A PNG of one bit a pixel, all black: a few kilobytes for hundreds of millions of pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + width // 8)) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))
    return path


def test_frames_larger_than_allowed(clip: Path) -> None:
    assert probe(clip, limits=Limits(pixels=160 * 68)).size == (160, 68)
    with pytest.raises(InputError, match=r"clip.mp4 has frames of 160x68, more than the limit of 0.01 million pixels"):
        probe(clip, limits=Limits(pixels=10_000))


def test_a_bomb_among_pictures_costs_no_memory(tmp_path: Path) -> None:
    pictures = write_pictures(tmp_path, 3)
    bomb = write_picture_bomb(pictures[1], 16000, 16000)
    assert bomb.stat().st_size < 100_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with VideoReader(tmp_path) as reader:
        assert [frame.index for frame in reader] == [0, 2]
    assert "16000x16000" in reader.problems[0].message

    pictures[0].unlink()
    with pytest.raises(InputError, match=r"img_2\.png has frames of 16000x16000, more than the limit of 100 million"):
        probe(tmp_path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 << 10  # KiB; a frame would take 768 MiB


def test_a_clip_longer_than_allowed(clip: Path) -> None:
    limits = Limits(seconds=Fraction(1))
    with pytest.raises(InputError, match=r"claims to last 2 seconds, more than the limit of 1 seconds"):
        VideoReader(clip, ReadConfig(limits=limits))
    for start, end in ((None, Fraction(1)), (Fraction(1), None)):
        with VideoReader(clip, ReadConfig(start, end, limits=limits)) as reader:
            assert len(list(reader)) == 25


def test_a_clip_that_does_not_say_how_long_it_is(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.h264", Clip(frames=50))
    with VideoReader(clip, ReadConfig(limits=Limits(seconds=Fraction(1)))) as reader:
        assert reader.info.duration_seconds is None
        with pytest.raises(InputError, match="runs past the limit of 1 seconds"):
            list(reader)
        assert reader.decoded == 26


def test_the_options(vidtrack: Command, clip: Path, tiny_checkpoint: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    common = ("detect", clip, "--model", tiny_checkpoint, "--progress", "none", "-o", out)
    for option, value, said in (
        ("--max-pixels", "10000", "has frames of 160x68"),
        ("--max-duration", "0:01", "claims to last 2 seconds"),
    ):
        ended = vidtrack(*common, option, value)
        assert ended.code == 3
        assert said in ended.err and option in ended.err and ended.err.count("\n") == 1
    assert vidtrack(*common, "--max-pixels", "10880", "--max-duration", "2").code == 0
    for command in (("probe", clip), ("render", out, clip, "-o", f"{tmp_path}/"), ("report", out, clip)):
        ended = vidtrack(*command, "--max-pixels", "10000")
        assert (ended.code, ended.err.count("\n")) == (3, 1)
        assert "has frames of 160x68" in ended.err

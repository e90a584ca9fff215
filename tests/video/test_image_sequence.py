"""Numbered images as a clip: their order, gaps, and images that do not fit."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from tests.media import Clip, clip_images, write_pictures
from tests.video.reading import read
from vidtrack.core.errors import InputError
from vidtrack.video import VideoReader, probe

GRADIENT = np.zeros((200, 300, 3), np.uint8)
GRADIENT[..., 0], GRADIENT[..., 1] = np.linspace(0, 255, 300)[None], np.linspace(0, 255, 200)[:, None]
_UNDOING = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def test_image_sequences_in_numeric_order(tmp_path: Path) -> None:
    write_pictures(tmp_path, 12)
    expected = clip_images(Clip(frames=12))
    for path in (tmp_path, tmp_path / "img_%d.png", tmp_path / "img_*.png"):
        frames = read(path, framerate=Fraction(30000, 1001))
        assert [f.seconds for f in frames] == [i * Fraction(1001, 30000) for i in range(12)]
        assert all(np.array_equal(f.image, image) for f, image in zip(frames, expected, strict=True))
    part = read(tmp_path, framerate=Fraction(10), start_seconds=0.5, end_seconds=0.8)
    assert [f.index for f in part] == [5, 6, 7]
    assert np.array_equal(part[0].image, expected[5])


def test_a_bad_picture_is_skipped_and_said(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path, 5)
    paths[2].write_bytes(b"not a picture")
    with VideoReader(tmp_path) as reader:
        assert [(f.index, f.pts) for f in reader] == [(0, 0), (1, 1), (3, 3), (4, 4)]
        assert [(p.index, p.message.split(":")[0]) for p in reader.problems] == [(2, "img_3.png")]


def test_images_of_another_size_are_scaled_and_said(tmp_path: Path) -> None:
    write_pictures(tmp_path, 3)
    av.VideoFrame.from_ndarray(np.zeros((34, 80, 3), np.uint8), "rgb24").save(str(tmp_path / "img_2.png"))
    with VideoReader(tmp_path) as reader:
        assert {f.image.shape for f in reader} == {(68, 160, 3)}
        assert "80x34" in reader.problems[0].message


def test_images_of_different_shapes_are_not_one_clip(tmp_path: Path) -> None:
    write_pictures(tmp_path, 3)
    av.VideoFrame.from_ndarray(np.zeros((160, 68, 3), np.uint8), "rgb24").save(str(tmp_path / "img_2.png"))
    with pytest.raises(InputError, match=r"different shapes: 160x68, but img_2.png 68x160"):
        VideoReader(tmp_path)


def test_each_image_of_a_sequence_is_upright_by_its_own_orientation(tmp_path: Path) -> None:
    upright = Image.fromarray(GRADIENT)
    for number, orientation in enumerate((1, 6, 8, 3, 2, 7), start=1):
        turned = upright.transpose(_UNDOING[orientation]) if orientation > 1 else upright
        exif = turned.getexif()
        exif[0x112] = orientation
        turned.save(tmp_path / f"{number}.png", exif=exif)
    with VideoReader(tmp_path) as reader:
        frames = list(reader)
        assert reader.problems == []
    assert len(frames) == 6
    assert all(np.array_equal(frame.image, GRADIENT) for frame in frames)


def test_missing_numbers_keep_their_place_and_are_named(tmp_path: Path) -> None:
    for path in write_pictures(tmp_path, 10, "f.{:04}.png"):
        if path.name in ("f.0003.png", "f.0006.png", "f.0007.png"):
            path.unlink()
    for source in (tmp_path, tmp_path / "f.%04d.png", tmp_path / "f.*.png"):
        with VideoReader(source) as reader:
            assert [(frame.index, frame.pts) for frame in reader] == [(n, n) for n in (0, 1, 3, 4, 7, 8, 9)]
            assert [p.message for p in reader.problems] == ["3 images are missing: number 3, 6-7"]
            assert reader.info.frame_count == 10
            assert reader.info.numbering is not None
            assert (reader.info.numbering.pattern, reader.info.numbering.first) == ("f.%04d.png", 1)


def test_photos_picked_from_a_card_follow_each_other(tmp_path: Path) -> None:
    for path, number in zip(write_pictures(tmp_path, 3), (17, 402, 9981), strict=True):
        path.rename(tmp_path / f"IMG_{number:04}.png")
    with VideoReader(tmp_path) as reader:
        assert [frame.index for frame in reader] == [0, 1, 2]
        assert "9962 numbers are missing" in reader.problems[0].message


def test_image_sequence(tmp_path: Path) -> None:
    write_pictures(tmp_path / "shots", 3)
    info = probe(tmp_path / "shots", Fraction(30000, 1001))
    assert (info.container, info.codec, info.frame_count) == ("image2", "png", 3)
    assert info.time_base == Fraction(1001, 30000)
    assert info.duration_seconds == Fraction(3003, 30000)

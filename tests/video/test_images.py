"""Still images: phones' HEIC, linear light, animations that are not videos, and folders of them."""

from __future__ import annotations

import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image, ImageOps

from vidtrack.core.errors import InputError
from vidtrack.video import ReadConfig, VideoReader, probe
from vidtrack.video import images as images_module

GRADIENT = np.zeros((200, 300, 3), np.uint8)
GRADIENT[..., 0], GRADIENT[..., 1] = np.linspace(0, 255, 300)[None], np.linspace(0, 255, 200)[:, None]


def write_exr(path: Path, value: float, dtype: type[np.floating]) -> Path:
    """An uncompressed OpenEXR image of 64x48 pixels, all of one value."""

    def attribute(name: bytes, kind: bytes, data: bytes) -> bytes:
        return name + b"\0" + kind + b"\0" + struct.pack("<i", len(data)) + data

    pixel_type = 1 if dtype is np.float16 else 2
    channels = b"".join(name + struct.pack("<xiBxxxii", pixel_type, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    window = struct.pack("<4i", 0, 0, 63, 47)
    head = struct.pack("<ii", 20000630, 2) + b"".join(
        (
            attribute(b"channels", b"chlist", channels),
            attribute(b"compression", b"compression", b"\0"),
            attribute(b"dataWindow", b"box2i", window),
            attribute(b"displayWindow", b"box2i", window),
            attribute(b"lineOrder", b"lineOrder", b"\0"),
            attribute(b"pixelAspectRatio", b"float", struct.pack("<f", 1)),
            attribute(b"screenWindowCenter", b"v2f", struct.pack("<ff", 0, 0)),
            attribute(b"screenWindowWidth", b"float", struct.pack("<f", 1)),
            b"\0",
        )
    )
    row = np.full(3 * 64, value, dtype).tobytes()
    first = len(head) + 8 * 48
    offsets = b"".join(struct.pack("<Q", first + n * (8 + len(row))) for n in range(48))
    path.write_bytes(head + offsets + b"".join(struct.pack("<ii", n, len(row)) + row for n in range(48)))
    return path


def add_heif_crop(source: Path, target: Path) -> Path:
    """A copy of a plain HEIC of 300x200 that shows 280x180 of it, from 14, 7 on."""
    data = bytearray(source.read_bytes())
    crop = struct.pack(">I4s8i", 40, b"clap", 280, 1, 180, 1, 4, 1, -3, 1)

    def find(kind: bytes, start: int, end: int) -> tuple[int, int]:
        while start < end:
            size, found = struct.unpack_from(">I4s", data, start)
            if found == kind:
                return start, size
            start += size
        raise AssertionError(kind)

    meta, meta_size = find(b"meta", 0, len(data))
    inside, end = meta + 12, meta + meta_size
    locations, _ = find(b"iloc", inside, end)
    properties, properties_size = find(b"iprp", inside, end)
    container, container_size = find(b"ipco", properties + 8, end)
    associations, associations_size = find(b"ipma", properties + 8, end)
    (offset,) = struct.unpack_from(">I", data, locations + 20)
    assert offset == find(b"mdat", 0, len(data))[0] + 8
    struct.pack_into(">I", data, locations + 20, offset + len(crop) + 1)
    for box, grown in (
        (meta, meta_size + 41), (properties, properties_size + 41), (container, container_size + 40),
        (associations, associations_size + 1),
    ):  # fmt: skip
        struct.pack_into(">I", data, box, grown)
    data[associations + 18] += 1
    data[associations + associations_size : associations + associations_size] = bytes((0x80 | data[associations + 18],))
    data[container + container_size : container + container_size] = crop
    target.write_bytes(data)
    return target


def only_image(path: Path, config: ReadConfig | None = None) -> np.ndarray:
    with VideoReader(path, config) as reader:
        (frame,) = reader
        assert reader.info.size == frame.image.shape[1::-1]
    return frame.image


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_linear_light_becomes_display_values(tmp_path: Path, dtype: type[np.floating]) -> None:
    path = write_exr(tmp_path / "grey.exr", 0.18, dtype)
    assert set(only_image(path).ravel()) == {118}  # 255 * (1.055 * 0.18 ** (1 / 2.4) - 0.055)
    assert np.abs(only_image(path, ReadConfig(deep=True)) / 257.0 - 117.6).max() < 0.2


@pytest.mark.parametrize("options", [{}, {"tile_size": 128}], ids=["whole", "tiled"])
def test_heic_is_read_whole(tmp_path: Path, options: dict[str, int]) -> None:
    heif = pytest.importorskip("pillow_heif")
    pytest.importorskip("pi_heif")
    path = tmp_path / "photo.heic"
    heif.from_pillow(Image.fromarray(GRADIENT)).save(path, quality=95, **options)
    assert np.abs(only_image(path).astype(int) - GRADIENT).mean() < 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_heic_is_upright(tmp_path: Path, orientation: int) -> None:
    heif = pytest.importorskip("pillow_heif")
    pytest.importorskip("pi_heif")
    image, path = Image.fromarray(GRADIENT), tmp_path / "photo.heic"
    exif = image.getexif()
    exif[0x112] = orientation
    heif.register_heif_opener()
    image.save(path, quality=95, exif=exif.tobytes())  # as irot and imir
    expected = np.asarray(ImageOps.exif_transpose(image))
    assert only_image(path).shape == expected.shape
    assert np.abs(only_image(path).astype(int) - expected).mean() < 3


def test_tiles_without_libheif_are_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    path = tmp_path / "photo.heic"
    heif.from_pillow(Image.fromarray(GRADIENT)).save(path, tile_size=128)
    monkeypatch.setattr(images_module, "_decode_heif", lambda path, limits: None)
    with pytest.raises(InputError, match=r"photo\.heic is stored as tiles.*vidtrack\[heif\]"):
        probe(path)


def test_a_cropped_heic_is_cropped_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heif = pytest.importorskip("pillow_heif")
    pytest.importorskip("pi_heif")
    heif.from_pillow(Image.fromarray(GRADIENT)).save(tmp_path / "whole.heic", quality=95)
    path = add_heif_crop(tmp_path / "whole.heic", tmp_path / "cropped.heic")
    image = only_image(path)
    assert image.shape == (180, 280, 3)
    assert np.abs(image.astype(int) - GRADIENT[7:187, 14:294]).mean() < 3
    monkeypatch.setattr(images_module, "_decode_heif", lambda path, limits: None)
    with pytest.raises(InputError, match=r"cropped\.heic is cropped \(clap\)"):
        probe(path)


def test_an_animation_in_avif_is_a_video(tmp_path: Path) -> None:
    shades = [Image.fromarray(np.full((48, 64, 3), 40 * n, np.uint8)) for n in range(4)]
    shades[0].save(tmp_path / "a.avif", save_all=True, append_images=shades[1:], duration=100)
    with VideoReader(tmp_path / "a.avif") as reader:
        assert [round(frame.image.mean() / 40) for frame in reader] == [0, 1, 2, 3]
        assert reader.info.average_rate == 10


def test_an_animated_webp_is_refused_for_what_it_is(tmp_path: Path) -> None:
    shades = [Image.fromarray(np.full((48, 64, 3), 40 * n, np.uint8)) for n in range(4)]
    shades[0].save(tmp_path / "a.webp", save_all=True, append_images=shades[1:], duration=100)
    with pytest.raises(InputError, match=r"a\.webp is an animated WebP"):
        probe(tmp_path / "a.webp")


def test_an_image_without_a_decoder_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jxl"
    path.write_bytes(b"\xff\x0a" + bytes(200))
    with pytest.raises(InputError, match=r"a\.jxl") as error:
        probe(path)
    assert "\n" not in str(error.value)


_WITH_A_PROFILE = """
import gc
import sys
from vidtrack.video import VideoReader
for _ in range(20):
    with VideoReader(sys.argv[1]) as reader:
        print([frame.image.shape for frame in reader])
    gc.collect()
"""


def test_a_photo_is_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.fromarray(GRADIENT).save(tmp_path / "a.png")
    opened, opening = [], av.open

    def counted(name: str, *arguments: Any, **options: Any) -> Any:
        opened.append(name)
        return opening(name, *arguments, **options)

    monkeypatch.setattr(av, "open", counted)
    with VideoReader(tmp_path / "a.png") as reader:
        assert np.array_equal(next(iter(reader)).image, GRADIENT)
    assert len(opened) == 1


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "LA", "P", "1", "I;16"])
def test_a_png_with_a_colour_profile_is_read_again_and_again(tmp_path: Path, mode: str) -> None:
    image = Image.new("I;16", (300, 200)) if mode == "I;16" else Image.fromarray(GRADIENT).convert(mode)
    image.save(tmp_path / "a.png", icc_profile=bytes(range(256)) * 2)
    ended = subprocess.run(
        [sys.executable, "-c", _WITH_A_PROFILE, tmp_path / "a.png"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
    assert set(ended.stdout.splitlines()) == {"[(200, 300, 3)]"}

"""Clips with more than 8 bits a sample keep them through `vidtrack render`; judged on the stored samples."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.conftest import Ended
from tests.render.scenes import write_log
from vidtrack.video import ReadConfig, VideoReader, probe

Command = Callable[..., Ended]
SIZE = (192, 96)
FRAMES = 6
BOX = (64.0, 24.0, 112.0, 72.0)
BT2020, HLG, PQ = 9, 18, 16


def write_deep_clip(
    path: Path, encoder: str = "libx265", transfer: int = HLG, pixel_format: str = "yuv420p10le"
) -> Path:
    """A ramp of grey in steps that 8 bits do not have, nearly without loss."""
    options = {"x265-params": "log-level=error:lossless=1"} if encoder == "libx265" else {}
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoder, rate=25, options=options)
        context = stream.codec_context
        context.width, context.height = SIZE
        context.pix_fmt, context.time_base = pixel_format, Fraction(1, 25)
        context.color_primaries, context.color_trc, context.colorspace = BT2020, transfer, BT2020
        for i in range(FRAMES):
            ramp = np.linspace(20000, 32000, SIZE[0], dtype=np.float64)[None, :, None] + 500 * i
            picture = np.broadcast_to(ramp, (SIZE[1], SIZE[0], 3)).astype(np.uint16)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb48le")
            frame = frame.reformat(format=pixel_format, dst_colorspace=BT2020)
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def luma(path: Path) -> list[np.ndarray]:
    """Stored luma of every frame, (H, W), as codes of 10 bits."""
    with av.open(str(path)) as container:
        planes = []
        for frame in container.decode(video=0):
            assert frame.format.components[0].bits == 10, frame.format.name
            plane = frame.planes[0]
            codes = np.frombuffer(plane, np.uint16).reshape(frame.height, plane.line_size // 2)[:, : frame.width]
            planes.append(codes.astype(np.int64))
    return planes


def log_of(path: Path, clip: Path, identity: int = 1) -> Path:
    return write_log(path, clip, {identity: {i: BOX for i in range(FRAMES)}}, range(FRAMES))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_deep_clip(tmp_path / "clip.mp4")


def test_probe_tells_the_depth(clip: Path) -> None:
    assert probe(clip).bit_depth == 10


def test_a_deep_reader_tells_levels_apart_that_8_bits_do_not_have(clip: Path) -> None:
    with VideoReader(clip, ReadConfig(deep=True)) as deep, VideoReader(clip) as shallow:
        fine, coarse = next(iter(deep)).image, next(iter(shallow)).image
    assert (fine.dtype, coarse.dtype) == (np.uint16, np.uint8)
    assert len(np.unique(fine[..., 1])) > 2 * len(np.unique(coarse[..., 1]))
    wanted = np.linspace(20000, 32000, SIZE[0])
    assert np.abs(fine - wanted[None, :, None]).max() < 120
    assert np.abs(coarse * 257.0 - wanted[None, :, None]).max() < 700


@pytest.mark.parametrize(
    ("codec", "suffix"), [((), ".mp4"), (("--codec", "av1"), ".mp4"), (("--codec", "prores"), ".mov")]
)
def test_what_is_not_hidden_keeps_its_ten_bits(
    vidtrack: Command, clip: Path, tmp_path: Path, codec: tuple[str, ...], suffix: str
) -> None:
    log, out = log_of(tmp_path / "log.jsonl", clip), tmp_path / f"out{suffix}"
    quality = () if "prores" in codec else ("--crf", "1")
    ended = vidtrack("render", log, "--solid", "--feather", "0", *codec, *quality, "-o", out)
    assert ended.code == 0, ended.err
    assert "bits" not in ended.err
    made = probe(out)
    assert (made.bit_depth, made.colour.transfer, made.colour.primaries) == (10, HLG, BT2020)
    for source, shown in zip(luma(clip), luma(out), strict=True):
        assert np.abs(shown[:, :48] - source[:, :48]).mean() < 1.0  # an 8-bit step is 4 codes
        assert len(np.unique(shown[40, :48])) > 30
        assert (shown[32:64, 72:104] < 80).all()  # black is 64


@pytest.mark.parametrize("method", ["--blur", "--pixelate"])
def test_blur_and_mosaic_stay_between_the_levels_around_them(
    vidtrack: Command, clip: Path, tmp_path: Path, method: str
) -> None:
    log, out = log_of(tmp_path / "log.jsonl", clip), tmp_path / "out.mov"
    assert vidtrack("render", log, method, "--codec", "prores", "-o", out).code == 0
    for source, shown in zip(luma(clip), luma(out), strict=True):
        assert np.abs(shown - source).max() < 60
        assert np.abs(shown[:, :40] - source[:, :40]).max() <= 4


def test_a_crop_between_pixels_keeps_its_ten_bits(vidtrack: Command, clip: Path, tmp_path: Path) -> None:
    log, out = log_of(tmp_path / "log.jsonl", clip), tmp_path / "out.mov"
    ended = vidtrack("render", log, "--crop-track", "1", "--aspect", "5:4", "--codec", "prores", "-o", out)
    assert ended.code == 0, ended.err
    middle = luma(out)[0][40]
    assert (np.diff(middle) >= -2).all()
    assert len(np.unique(middle)) > 40


def test_what_is_drawn_is_no_brighter_than_white_and_the_rest_is_untouched(vidtrack: Command, tmp_path: Path) -> None:
    clip = write_deep_clip(tmp_path / "clip.mp4", transfer=PQ)
    log, out = log_of(tmp_path / "log.jsonl", clip, identity=10), tmp_path / "out.mov"  # 10 is drawn in yellow
    assert vidtrack("render", log, "--codec", "prores", "-o", out).code == 0
    source, shown = luma(clip)[0], luma(out)[0]
    assert np.abs(shown[:, 144:] - source[:, 144:]).max() <= 4
    box = shown[26:70, 62:66]
    assert np.abs(box - source[26:70, 62:66]).max() > 20  # its edge is drawn
    assert shown.max() < 64 + 0.62 * 876


def test_alpha_of_a_deep_clip(vidtrack: Command, clip: Path, tmp_path: Path) -> None:
    log, out = log_of(tmp_path / "log.jsonl", clip), tmp_path / "out.mov"
    ended = vidtrack("render", log, "--matte", "alpha", "--feather", "0", "-o", out)
    assert ended.code == 0, ended.err
    with av.open(str(out)) as container:
        picture = next(container.decode(video=0)).reformat(format="rgba64le").to_ndarray()
    assert picture[48, 88, 3] > 65000
    assert picture[48, 8, 3] < 500


def test_a_codec_of_8_bits_says_what_is_lost(vidtrack: Command, clip: Path, tmp_path: Path) -> None:
    log, out = log_of(tmp_path / "log.jsonl", clip), tmp_path / "out.mp4"
    ended = vidtrack("render", log, "--solid", "--codec", "h264", "-o", out)
    assert ended.code == 0
    assert "the clip has 10 bits per sample, h264 keeps 8; --codec hevc, av1 or prores keep more" in ended.err
    assert probe(out).bit_depth == 8

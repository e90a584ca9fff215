from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip
from tests.video.copying import copy, difference, leftovers, read
from vidtrack.video import EncodeConfig, VideoReader, VideoWriter, available_codecs, probe

UNEVEN = (0, 17, 50, 150, 167, 300, 333, 1400)


def test_default_output_plays_in_a_browser(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    frames = copy(EXAMPLE_CLIP, out, end=2)
    info = probe(out)
    assert (info.codec, info.pixel_format) == ("h264", "yuv420p")
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat"), "not made for fast start"
    assert leftovers(tmp_path) == ["out.mp4"]
    again = read(out)
    assert [f.seconds for f in again] == [f.seconds for f in frames]
    assert info.duration_seconds == 2
    assert max(difference(a.image, b.image) for a, b in zip(frames, again, strict=True)) < 4


@pytest.mark.parametrize("codec", ["h264", "hevc", "av1", "vp9", "prores", "ffv1", "mjpeg"])
def test_every_codec_keeps_times_and_pictures(tmp_path: Path, codec: str) -> None:
    assert codec in available_codecs()
    out = tmp_path / "out.mkv"
    frames = copy(EXAMPLE_CLIP, out, end=0.4, codec=codec)
    again = read(out)
    assert probe(out).codec == codec
    assert [f.seconds for f in again] == [f.seconds for f in frames]
    worst = max(difference(a.image, b.image) for a, b in zip(frames, again, strict=True))
    assert worst == 0 if codec == "ffv1" else worst < 8


def test_crf_and_preset_take_effect(tmp_path: Path) -> None:
    copy(EXAMPLE_CLIP, tmp_path / "fine.mp4", end=1, crf=10, preset="ultrafast")
    copy(EXAMPLE_CLIP, tmp_path / "coarse.mp4", end=1, crf=40, preset="ultrafast")
    assert (tmp_path / "fine.mp4").stat().st_size > 4 * (tmp_path / "coarse.mp4").stat().st_size


@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv", "out.webm"])
def test_variable_frame_rate_is_kept(tmp_path: Path, name: str) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(frames=len(UNEVEN), pts=UNEVEN, time_base=Fraction(1, 1000)))
    copy(source, tmp_path / name)
    assert [f.seconds for f in read(tmp_path / name)] == [Fraction(t, 1000) for t in UNEVEN]


def test_times_of_mp4_are_kept_to_the_tick(tmp_path: Path) -> None:
    clip = Clip(frames=30, rate=Fraction(30000, 1001))
    source = write_clip(tmp_path / "in.mp4", clip)
    copy(source, tmp_path / "out.mp4")
    assert [f.seconds for f in read(tmp_path / "out.mp4")] == [Fraction(1001 * i, 30000) for i in range(30)]
    assert probe(tmp_path / "out.mp4").average_rate == Fraction(30000, 1001)


def test_stride_keeps_the_speed(tmp_path: Path) -> None:
    copy(EXAMPLE_CLIP, tmp_path / "out.mp4", end=1, stride=5)
    assert [f.seconds for f in read(tmp_path / "out.mp4")] == [Fraction(i, 25) for i in range(0, 25, 5)]


@pytest.mark.parametrize("size", [(161, 69), (160, 69), (161, 68)])
def test_odd_sizes_are_padded_by_the_edge(tmp_path: Path, size: tuple[int, int]) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(frames=3, size=size, pixel_format="yuv444p"))
    frames = copy(source, tmp_path / "out.mp4", crf=4)
    again = read(tmp_path / "out.mp4")
    assert probe(tmp_path / "out.mp4").size == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    for a, b in zip(frames, again, strict=True):
        assert difference(a.image, b.image[: size[1], : size[0]]) < 4


def test_rotated_input_comes_out_upright(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", Clip(frames=3, rotation=90, sample_aspect_ratio=Fraction(4, 3)))
    frames = copy(source, tmp_path / "out.mp4", crf=4)
    info = probe(tmp_path / "out.mp4")
    assert (info.rotation, info.size, info.sample_aspect_ratio) == (0, (68, 160), Fraction(3, 4))
    assert difference(frames[0].image, read(tmp_path / "out.mp4")[0].image) < 4


def test_colour_description_is_carried(tmp_path: Path) -> None:
    clip = Clip(frames=2, pixel_format="yuv420p10le", primaries=9, transfer=18, matrix=9)
    source = write_clip(tmp_path / "in.mp4", clip)
    copy(source, tmp_path / "out.mp4")
    assert probe(tmp_path / "out.mp4").colour == probe(source).colour


def test_prores_carries_the_colour_description_too(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", Clip(frames=2, primaries=1, transfer=1, matrix=1))
    copy(source, tmp_path / "out.mov", codec="prores")
    assert probe(tmp_path / "out.mov").colour == probe(source).colour


@pytest.mark.parametrize("size", [(160, 68), (161, 69)])
def test_opacity_is_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(frames=3, size=size, encoder="ffv1", pixel_format="bgr0", options={}))
    slope = np.linspace(0, 255, size[0] * size[1]).astype(np.uint8).reshape(size[::-1])
    with (
        VideoReader(source) as reader,
        VideoWriter(tmp_path / "out.mov", reader.info, EncodeConfig("prores4444")) as writer,
    ):
        frames = list(reader)
        for frame in frames:
            writer.write(frame, slope)
    with av.open(str(tmp_path / "out.mov")) as container:
        assert container.streams.video[0].codec_context.codec_tag == "ap4h"
        made = [frame.reformat(format="rgba").to_ndarray() for frame in container.decode(video=0)]
    for frame, image in zip(frames, made, strict=True):
        assert image.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 4)
        shown = image[: size[1], : size[0]]
        assert np.abs(shown[..., 3].astype(int) - slope).max() <= 1
        assert difference(shown[..., :3], frame.image) < 2


def test_full_range_input_keeps_its_brightness(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(frames=2, encoder="mjpeg", pixel_format="yuvj420p", options={}))
    frames = copy(source, tmp_path / "out.mp4", crf=4)
    assert probe(source).colour.full_range
    again = read(tmp_path / "out.mp4")
    assert abs(frames[0].image.mean() - again[0].image.mean()) < 2


def test_timecode_is_carried(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mov", Clip(frames=5, timecode="10:00:00:00"))
    for name in ("out.mov", "out.mp4", "out.mkv"):
        copy(source, tmp_path / name)
        assert probe(tmp_path / name).timecode == "10:00:00:00"


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
@pytest.mark.parametrize("start", [None, 0.1])
def test_a_file_with_uneven_times_lasts_until_its_last_frame(tmp_path: Path, name: str, start: float | None) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(frames=len(UNEVEN), pts=UNEVEN, time_base=Fraction(1, 1000)))
    copy(source, tmp_path / name, start=start)
    last = read(tmp_path / name)[-1].seconds
    assert probe(tmp_path / name).duration_seconds == last + Fraction(1, 25)

from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip, write_interlaced
from tests.video.ffmpeg import ffmpeg
from vidtrack.core.types import AudioInfo
from vidtrack.video import probe


def test_describes_the_example_clip() -> None:
    info = probe(EXAMPLE_CLIP)
    assert (info.codec, info.pixel_format, info.size, info.rotation) == ("h264", "yuv420p", (640, 272), 0)
    assert info.frame_count == 250
    assert info.average_rate == 25
    assert info.duration_seconds == 10
    assert info.time_base == Fraction(1, 12800)
    assert not (info.interlaced or info.has_audio or info.has_subtitles)
    assert info.file_bytes == EXAMPLE_CLIP.stat().st_size


def test_finds_what_travels_beside_the_pictures(tmp_path: Path) -> None:
    clip = Clip(audio="aac", subtitles=((0.1, 0.2, "hello"),), timecode="10:11:12:13")
    for name in ("a.mp4", "a.mkv"):
        info = probe(write_clip(tmp_path / name, clip))
        assert info.has_audio and info.audio == (AudioInfo(2, 48000),)
        assert info.has_subtitles
        assert info.timecode == "10:11:12:13"


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_gives_the_upright_size(tmp_path: Path, rotation: int) -> None:
    path = write_clip(tmp_path / "a.mp4", Clip(rotation=rotation, sample_aspect_ratio=Fraction(4, 3)))
    info = probe(path)
    assert info.rotation == rotation
    assert info.coded_size == (160, 68)
    upright = rotation == 180
    assert info.size == ((160, 68) if upright else (68, 160))
    assert info.sample_aspect_ratio == (Fraction(4, 3) if upright else Fraction(3, 4))


def test_an_angle_that_is_not_a_right_one_is_said(tmp_path: Path) -> None:
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", 30, "-i", write_clip(tmp_path / "a.mp4", Clip(frames=3)), "-c", "copy", turned)
    assert probe(turned).notes == ("the clip is marked as rotated by 30 degrees: rotated by 0 only",)


def test_colours_and_high_dynamic_range(tmp_path: Path) -> None:
    clip = Clip(pixel_format="yuv420p10le", primaries=9, transfer=16, matrix=9)
    colour = probe(write_clip(tmp_path / "a.mp4", clip)).colour
    assert (colour.primaries, colour.transfer, colour.matrix, colour.full_range) == (9, 16, 9, False)
    assert colour.is_hdr


@pytest.mark.parametrize("alpha", [0, 255])
@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("clip.mov", ("prores_ks", "-pix_fmt", "yuva444p10le")),
        ("clip.webm", ("libvpx-vp9", "-pix_fmt", "yuva420p")),
        ("img_%d.png", ("png", "-pix_fmt", "rgba")),
        ("plain.mp4", ("libx264", "-pix_fmt", "yuv420p")),
    ],
)
def test_transparent_parts_are_said(tmp_path: Path, name: str, codec: tuple[str, ...], alpha: int) -> None:
    transparent = (
        f"color=red:size=64x64:rate=25:duration=0.2,format=rgba,geq=r=200:g=10:b=10:a='if(gt(X,32),{alpha},255)'"
    )
    ffmpeg("-f", "lavfi", "-i", transparent, "-c:v", *codec, tmp_path / name)
    said = any("transparent parts" in note for note in probe(tmp_path / name).notes)
    assert said == (name == "clip.webm" or (alpha == 0 and name != "plain.mp4"))  # VP9 only tells that it has alpha


def test_interlaced(tmp_path: Path) -> None:
    assert probe(write_interlaced(tmp_path / "a.ts")).interlaced


def test_stream_start_is_kept(tmp_path: Path) -> None:
    assert probe(write_clip(tmp_path / "a.ts")).start_pts > 0


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_the_containers_start_is_known_if_sound_comes_first(tmp_path: Path, suffix: str) -> None:
    late = Clip(frames=10, pts=range(1000, 1400, 40), time_base=Fraction(1, 1000), audio="aac")
    info = probe(write_clip(tmp_path / f"late{suffix}", late))
    assert info.container_start_seconds is not None
    assert abs(info.first_frame_offset_seconds - 1) < Fraction(3, 100)  # the encoder's priming may come first
    assert probe(write_clip(tmp_path / f"plain{suffix}")).first_frame_offset_seconds == 0

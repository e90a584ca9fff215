"""Which files are videos, and which of their streams is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP, Clip, cut_off, without_index, write_audio_only, write_clip
from tests.video.ffmpeg import ffmpeg
from tests.video.reading import read
from vidtrack.core.errors import InputError, MisfitError
from vidtrack.video import ReadConfig, VideoReader, probe


def test_names_with_a_colon_are_files(tmp_path: Path) -> None:
    assert len(read(write_clip(tmp_path / "plain.mp4", Clip(frames=3)).rename(tmp_path / "12:30.mp4"))) == 3


def _missing(folder: Path) -> Path:
    return folder / "missing.mp4"


def _empty(folder: Path) -> Path:
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def _text(folder: Path) -> Path:
    (folder / "notes.txt").write_text("not a video\n" * 50)
    return folder / "notes.txt"


def _text_named_mp4(folder: Path) -> Path:
    (folder / "notes.mp4").write_text("not a video\n" * 50)
    return folder / "notes.mp4"


def _noise(folder: Path) -> Path:
    (folder / "noise.mp4").write_bytes(bytes(range(256)) * 200)
    return folder / "noise.mp4"


def _headless(folder: Path) -> Path:
    return cut_off(EXAMPLE_CLIP, folder / "cut.mp4", 0.5)


def _no_index(folder: Path) -> Path:
    return without_index(EXAMPLE_CLIP, folder / "cut.mp4")


def _audio(folder: Path) -> Path:
    return write_audio_only(folder / "tone.m4a")


def _cover(folder: Path) -> Path:
    return write_audio_only(folder / "tone.mp3", cover=True)


def _no_pictures(folder: Path) -> Path:
    return folder


def _no_match(folder: Path) -> Path:
    return folder / "img_%04d.png"


def _bad_pictures(folder: Path) -> Path:
    (folder / "img_1.png").write_text("not an image")
    return folder / "img_*.png"


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_missing, "does not exist"),
        (_empty, "is empty"),
        (_text, "is text, not a video"),
        (_text_named_mp4, "is not a video"),
        (_noise, "is not a video"),
        (_headless, "without its index"),
        (_no_index, "without its index"),
        (_audio, "no video stream, only audio"),
        (_cover, "no video stream, only audio and cover art"),
        (_no_pictures, "a folder without images"),
        (_no_match, "matches no image"),
        (_bad_pictures, "none of the 1 images"),
    ],
)
def test_what_is_not_a_video_is_refused_in_one_line(tmp_path: Path, make, says: str) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError) as error:
        probe(path)
    assert says in error.value.message
    assert str(path) in error.value.message
    assert "\n" not in str(error.value)


def test_the_stream_ffmpeg_takes_is_the_default(tmp_path: Path) -> None:
    small = write_clip(tmp_path / "small.mp4", Clip(frames=5, size=(80, 34)))
    large = write_clip(tmp_path / "large.mp4", Clip(frames=5))
    both = tmp_path / "both.mkv"
    ffmpeg("-i", small, "-i", large, "-map", 0, "-map", 1, "-c", "copy", "-disposition:v", 0, both)
    with VideoReader(both) as reader:
        assert (reader.info.stream, {frame.image.shape for frame in reader}) == (1, {(68, 160, 3)})
        assert "2 video streams: read is number 1, 160x68" in reader.problems[0].message
    with VideoReader(both, ReadConfig(stream=0)) as reader:
        assert {frame.image.shape for frame in reader} == {(34, 80, 3)}
    with pytest.raises(MisfitError, match=r"no video stream 2 \(it has 0 \(80x34\), 1 \(160x68\)\)"):
        probe(both, stream=2)

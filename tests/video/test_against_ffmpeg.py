"""Layout and times of frames in each container, compared with ffmpeg frame by frame; docs/video.md has the table."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.media import Clip, add_box, write_clip
from tests.video.ffmpeg import Shown, ffmpeg, shown
from vidtrack.video import VideoReader

# ffmpeg's options for the eight orientations, by EXIF's number.
ORIENTATIONS: dict[int, tuple[object, ...]] = {
    1: (),
    2: ("-display_hflip",),
    3: ("-display_rotation", 180),
    4: ("-display_vflip",),
    5: ("-display_rotation", 270, "-display_hflip"),
    6: ("-display_rotation", 270),
    7: ("-display_rotation", 90, "-display_hflip"),
    8: ("-display_rotation", 90),
}
IMAGE_KINDS = ("jpg", "png", "webp", "tif", "avif")
JOIN_SECONDS = Fraction(1, 10)  # by which ffmpeg and vidtrack may place a joined part differently
CASES = (
    *(f"orientation {n} {kind}" for n in ORIENTATIONS for kind in ("mp4", "mov", "mkv")),
    *(f"orientation in {kind} ts" for kind in ("h264", "mirrored h264")),
    *(f"orientation {n} {kind}" for n in ORIENTATIONS for kind in IMAGE_KINDS),
    *(f"crop {kind}" for kind in ("mp4", "mov", "mkv")),
    *("crop and orientation 5 mp4", "crop and orientation 6 mov"),
    *(f"aspect {kind}" for kind in ("mp4", "mkv", "ts", "avi")),
    "aspect and orientation 6 mp4",
    *(f"late {kind}" for kind in ("mp4", "mkv", "ts")),
    *(f"sound first {kind}" for kind in ("mp4", "mkv", "ts")),
    *(f"rate {kind}" for kind in ("h264", "hevc", "m2v", "m4v", "dv", "ivf", "avi", "mp4", "ts")),
    *("dropped frames avi", "reordered frames avi", "uneven mp4", "uneven mkv", "edit list mp4", "edit list mov"),
    *("joined forward ts", "joined back ts", "joined alike ts"),
)


def _layouts(folder: Path) -> Iterator[tuple[str, Path]]:
    plain = write_clip(folder / "plain.mp4", Clip(frames=3))
    anamorphic = write_clip(folder / "anamorphic.mp4", Clip(frames=3, sample_aspect_ratio=Fraction(4, 3)))
    xvid = write_clip(folder / "xvid.mp4", Clip(frames=3, encoder="mpeg4", options={}))
    cropped = {kind: folder / f"crop.{kind}" for kind in ("mp4", "mov", "mkv")}
    made: dict[Path, tuple[object, ...]] = {}
    for number, options in ORIENTATIONS.items():
        for kind in ("mp4", "mov", "mkv"):
            made[folder / f"{number}.{kind}"] = (*options, "-i", plain)
            yield f"orientation {number} {kind}", folder / f"{number}.{kind}"
    for kind in ("mp4", "mkv", "ts"):
        made[folder / f"aspect.{kind}"] = ("-i", anamorphic)
        yield f"aspect {kind}", folder / f"aspect.{kind}"
    made[folder / "aspect.avi"] = ("-i", xvid)
    yield "aspect avi", folder / "aspect.avi"
    made[folder / "aspect6.mp4"] = (*ORIENTATIONS[6], "-i", anamorphic)
    yield "aspect and orientation 6 mp4", folder / "aspect6.mp4"
    for name, flip in (("h264", ""), ("mirrored h264", ":flip=horizontal")):
        message = f"h264_metadata=display_orientation=insert:rotate=90{flip}"
        made[folder / f"{name}.ts"] = ("-i", plain, "-bsf:v", message)
        yield f"orientation in {name} ts", folder / f"{name}.ts"
    made[folder / "flat.mov"] = ("-i", plain)
    for target, options in made.items():
        ffmpeg(*options, "-c", "copy", target)
    add_box(plain, cropped["mp4"])
    add_box(folder / "flat.mov", cropped["mov"])
    add_box(folder / "5.mp4", folder / "crop5.mp4")
    add_box(folder / "6.mov", folder / "crop6.mov")
    ffmpeg("-i", cropped["mp4"], "-c", "copy", cropped["mkv"])
    yield from ((f"crop {kind}", path) for kind, path in cropped.items())
    yield "crop and orientation 5 mp4", folder / "crop5.mp4"
    yield "crop and orientation 6 mov", folder / "crop6.mov"


def _images(folder: Path) -> Iterator[tuple[str, Path]]:
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24, :32], pixels[24:, :32], pixels[:24, 32:] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    image = Image.fromarray(pixels)
    for number in ORIENTATIONS:
        exif = image.getexif()
        exif[0x112] = number
        for kind in IMAGE_KINDS:
            path = folder / f"{number}.{kind}"
            image.save(path, exif=exif, quality=95)
            yield f"orientation {number} {kind}", path


def _times(folder: Path) -> Iterator[tuple[str, Path]]:
    uneven = Clip(frames=8, pts=(0, 17, 50, 150, 167, 300, 333, 700), time_base=Fraction(1, 1000))
    sound_first = Clip(frames=10, pts=range(1000, 1400, 40), time_base=Fraction(1, 1000), audio="aac")
    groups = Clip(frames=30, rate=Fraction(30), options={"preset": "ultrafast", "g": "10", "bf": "2"})
    gaps = Clip(frames=6, pts=(0, 1, 2, 5, 6, 9), rate=Fraction(25), encoder="mpeg4", options={})
    source = write_clip(folder / "groups.mp4", groups)
    for kind in ("mp4", "mkv", "ts"):
        ffmpeg("-i", source, "-c", "copy", "-output_ts_offset", 3600, folder / f"late.{kind}")
        yield f"late {kind}", folder / f"late.{kind}"
        yield f"sound first {kind}", write_clip(folder / f"sound.{kind}", sound_first)
    for kind in ("mp4", "mkv"):
        yield f"uneven {kind}", write_clip(folder / f"uneven.{kind}", uneven)
    for kind in ("mp4", "mov"):
        ffmpeg("-ss", 0.5, "-i", source, "-c", "copy", folder / f"edit.{kind}")
        yield f"edit list {kind}", folder / f"edit.{kind}"
    yield "dropped frames avi", write_clip(folder / "gaps.avi", gaps)
    ffmpeg("-i", source, "-c", "copy", folder / "reordered.avi")
    yield "reordered frames avi", folder / "reordered.avi"
    yield from _rates(folder)
    yield from _joined(folder)


def _rates(folder: Path) -> Iterator[tuple[str, Path]]:
    test_pattern = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=30000/1001:duration=0.3", "-pix_fmt", "yuv420p")
    encoders = {"h264": "libx264", "hevc": "libx265", "m2v": "mpeg2video", "m4v": "mpeg4", "ivf": "libvpx-vp9"}
    encoders |= {"avi": "mpeg4", "mp4": "libx264", "ts": "mpeg2video"}
    for kind, encoder in encoders.items():
        quiet = ("-x265-params", "log-level=error") if encoder == "libx265" else ()
        ffmpeg(*test_pattern, "-c:v", encoder, *quiet, folder / f"rate.{kind}")
        yield f"rate {kind}", folder / f"rate.{kind}"
    ffmpeg(
        "-f",
        "lavfi",
        "-i",
        "testsrc=size=720x480:rate=30000/1001:duration=0.1",
        "-target",
        "ntsc-dv",
        folder / "rate.dv",
    )
    yield "rate dv", folder / "rate.dv"


def _joined(folder: Path) -> Iterator[tuple[str, Path]]:
    early, late = folder / "early.ts", folder / "later.ts"
    write_clip(early, Clip(frames=20))
    ffmpeg("-i", early, "-c", "copy", "-output_ts_offset", 3600, late)
    for name, parts in (("forward", (early, late)), ("back", (late, early)), ("alike", (early, early))):
        path = folder / f"{name}.ts"
        path.write_bytes(b"".join(part.read_bytes() for part in parts))
        yield f"joined {name} ts", path


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    folder = tmp_path_factory.mktemp("clips")
    yield dict((*_layouts(folder), *_images(folder), *_times(folder)))
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def references(clips: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Shown]:
    return shown(clips, tmp_path_factory.mktemp("references"))


@pytest.mark.parametrize("case", CASES)
def test_frames_are_those_of_ffmpeg(case: str, clips: dict[str, Path], references: dict[str, Shown]) -> None:
    reference = references[case]
    with VideoReader(clips[case]) as reader:
        frames, info = list(reader), reader.info
        assert not reader.truncated
    assert len(frames) == len(reference.images)
    for frame, image in zip(frames, reference.images, strict=True):
        assert frame.image.shape == image.shape
        assert np.abs(frame.image.astype(int) - image).mean() < 3
    if case.split()[0] not in ("orientation", "aspect", "crop"):
        ours = [frame.seconds + info.first_frame_offset_seconds for frame in frames]
        allowed = JOIN_SECONDS if case.startswith("joined") else Fraction(1, 1000)
        assert all(abs(a - b) <= allowed for a, b in zip(ours, reference.seconds, strict=True))
    assert info.sample_aspect_ratio == reference.sample_aspect_ratio
    if case.startswith("rate"):
        assert info.average_rate == Fraction(30000, 1001)


def test_every_case_is_made(clips: dict[str, Path]) -> None:
    assert sorted(clips) == sorted(CASES)

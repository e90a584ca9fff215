from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import (
    EXAMPLE_CLIP,
    Clip,
    clip_images,
    cut_off,
    damaged,
    faststart,
    write_clip,
    write_interlaced,
    write_pictures,
)
from vidtrack.core.errors import InputError, UsageError
from vidtrack.video import ReadConfig, VideoReader
from vidtrack.video.ffmpeg_log import FFmpegMessages
from vidtrack.video.hardware import HardwareDecodeError
from vidtrack.video.seek import locate_start
from vidtrack.video.source import ContainerSource

UNEVEN = (0, 17, 50, 150, 167, 300, 333, 1400)


def read(path: Path, **options) -> list:
    with VideoReader(path, config(**options)) as reader:
        return list(reader)


def config(**options) -> ReadConfig:
    """Times as written: 0.1 is one tenth, not its nearest binary fraction."""
    exact = {name: Fraction(str(v)) for name, v in options.items() if name.endswith("_seconds") and v is not None}
    return ReadConfig(**{**options, **exact})


def difference(image: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(image.astype(int) - other).mean())


def test_reads_every_frame_of_the_example_clip_at_its_time() -> None:
    with VideoReader(EXAMPLE_CLIP) as reader:
        frames = list(reader)
        assert (reader.decoded, reader.expected, reader.truncated, reader.problems) == (250, 250, False, [])
    assert [f.index for f in frames] == list(range(250))
    assert [f.seconds for f in frames] == [Fraction(i, 25) for i in range(250)]
    with av.open(str(EXAMPLE_CLIP)) as container:
        decoded = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    for i in (0, 101, 249):
        assert frames[i].image.shape == (272, 640, 3)
        assert frames[i].image.flags.c_contiguous
        assert difference(frames[i].image, decoded[i]) < 0.5


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_variable_frame_rate_is_exact(tmp_path: Path, name: str) -> None:
    path = write_clip(tmp_path / name, Clip(frames=len(UNEVEN), pts=UNEVEN, time_base=Fraction(1, 1000)))
    assert [f.seconds for f in read(path)] == [Fraction(t, 1000) for t in UNEVEN]


def test_stream_start_is_subtracted(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.ts", Clip(frames=5))
    with VideoReader(path) as reader:
        assert reader.info.start_pts > 0
        assert [f.seconds for f in reader] == [Fraction(i, 25) for i in range(5)]


def test_containers_without_times_count_by_the_frame_rate(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.avi", Clip(frames=20, numbered=True))
    frames = read(path)
    assert [f.seconds for f in frames] == [Fraction(i, 25) for i in range(20)]
    assert [round(f.image.mean() / 8) for f in frames] == list(range(20))


def test_a_clock_reset_does_not_turn_time_back(tmp_path: Path) -> None:
    part = write_clip(tmp_path / "part.ts", Clip(frames=20))
    joined = tmp_path / "joined.ts"
    joined.write_bytes(part.read_bytes() * 2)
    with VideoReader(joined) as reader:
        times = [f.seconds for f in reader]
        assert [p.message for p in reader.problems] == ["the clock is reset: times continue from there"]
    assert times == [Fraction(i, 25) for i in range(40)]


def test_frames_an_edit_list_hides_are_neither_given_nor_counted(tmp_path: Path) -> None:
    whole, cut = write_clip(tmp_path / "whole.mp4", Clip(frames=50)), tmp_path / "cut.mp4"
    with av.open(str(whole)) as old, av.open(str(cut), "w") as new:
        copied = new.add_stream_from_template(old.streams.video[0])
        for packet in old.demux(video=0):
            if packet.size:
                early = round(Fraction(1, 2) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - early, packet.dts - early, copied
                new.mux(packet)
    with VideoReader(cut) as reader:
        frames = list(reader)
        assert reader.info.frame_count == 50
        assert reader.expected in (37, 38)
        assert not reader.truncated
    assert [(f.index, f.seconds) for f in frames] == [(i, Fraction(i, 25)) for i in range(37)]
    assert [f.index for f in read(cut, start_seconds=1)] == list(range(25, 37))


def test_names_with_a_colon_are_files(tmp_path: Path) -> None:
    assert len(read(write_clip(tmp_path / "plain.mp4", Clip(frames=3)).rename(tmp_path / "12:30.mp4"))) == 3


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_frames_are_upright(tmp_path: Path, rotation: int) -> None:
    plain = read(write_clip(tmp_path / "plain.mp4", Clip(frames=3)))
    turned = read(write_clip(tmp_path / "turned.mp4", Clip(frames=3, rotation=rotation)))
    for one, other in zip(plain, turned, strict=True):
        assert np.array_equal(np.rot90(one.image, rotation // 90), other.image)
        assert other.image.flags.c_contiguous


@pytest.mark.parametrize(("matrix", "tag"), [("itu709", 1), ("itu601", 6), ("bt2020", 9)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_colours_follow_the_matrix(tmp_path: Path, matrix: str, tag: int, pixel_format: str) -> None:
    colours = np.array([[200, 30, 30], [30, 200, 30], [30, 30, 200], [128, 128, 128]], np.uint8)
    image = np.repeat(np.repeat(colours[None], 40, axis=1), 68, axis=0)  # (68, 160, 3)
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = 160, 68, pixel_format
        context.colorspace, context.color_range = tag, 1
        frame = av.VideoFrame.from_ndarray(image, "rgb24")
        frame = frame.reformat(format=pixel_format, dst_colorspace=matrix, dst_color_range="MPEG")
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    got = read(path)[0].image[34, 20::40]
    assert np.abs(got.astype(int) - colours).max() <= 4


def test_high_dynamic_range_is_said(tmp_path: Path) -> None:
    clip = Clip(frames=2, pixel_format="yuv420p10le", primaries=9, transfer=18, matrix=9)
    with VideoReader(write_clip(tmp_path / "a.mp4", clip)) as reader:
        assert "HLG" in reader.problems[0].message
        assert len(list(reader)) == 2


def test_interlaced_frames_are_deinterlaced(tmp_path: Path) -> None:
    path = write_interlaced(tmp_path / "a.ts", frames=12)
    frames = read(path)
    assert [f.seconds for f in frames] == [Fraction(i, 25) for i in range(12)]
    with av.open(str(path)) as container:
        woven = [f.to_ndarray(format="gray") for f in container.decode(video=0)]

    def combing(grey: np.ndarray) -> float:
        return float(np.abs(np.diff(grey.astype(int), axis=0)).mean())

    for i in range(2, 10):
        assert combing(frames[i].image[..., 1]) < 0.2 * combing(woven[i])


def test_odd_sizes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(frames=2, size=(161, 69), pixel_format="yuv444p"))
    assert read(path)[0].image.shape == (69, 161, 3)


def test_stride_drops_decoded_frames_and_keeps_ordinals() -> None:
    with VideoReader(EXAMPLE_CLIP, config(stride=7, end_seconds=2)) as reader:
        frames = list(reader)
        assert reader.decoded == reader.expected == 50
    assert [f.index for f in frames] == list(range(0, 50, 7))
    assert [f.seconds for f in frames] == [Fraction(i, 25) for i in range(0, 50, 7)]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi", "b.ts"])
@pytest.mark.parametrize("start", [0, 0.04, 0.05, 0.31, 0.32, 0.6, 0.95])
def test_a_start_gives_the_very_frames_of_a_whole_read(tmp_path: Path, name: str, start: float) -> None:
    if name == "b.ts":
        path = write_interlaced(tmp_path / name, frames=25)
    else:
        path = write_clip(tmp_path / name, Clip(frames=25))
    whole = [f for f in read(path) if f.seconds >= Fraction(str(start))]
    part = read(path, start_seconds=start)
    assert [(f.index, f.pts) for f in part] == [(f.index, f.pts) for f in whole]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(part, whole, strict=True))


def test_a_late_start_seeks_and_stays_exact(tmp_path: Path) -> None:
    open_gop = {"preset": "ultrafast", "g": "10", "bf": "3", "x264-params": "open-gop=1:keyint=10:scenecut=0"}
    pts = [i * 40 + (i % 3) * 7 for i in range(60)]
    path = write_clip(tmp_path / "a.mkv", Clip(frames=60, pts=pts, time_base=Fraction(1, 1000), options=open_gop))
    with VideoReader(path) as reader:
        whole, info = list(reader), reader.info
    for i in (11, 25, 39, 40, 59):
        located = locate_start(info, info.start_pts + whole[i].pts)
        assert located is not None, "the seek must not fall back to decoding from the beginning"
        keyframe_pts, index, first_pts = located
        assert keyframe_pts > info.start_pts
        assert (index, first_pts) == (i, info.start_pts + whole[i].pts)
        part = read(path, start_seconds=whole[i].seconds)
        assert [(f.index, f.pts) for f in part] == [(f.index, f.pts) for f in whole[i:]]
        assert all(np.array_equal(a.image, b.image) for a, b in zip(part, whole[i:], strict=True))


@pytest.mark.parametrize("options", [{"start_seconds": 10}, {"start_seconds": 99, "end_seconds": 100}])
def test_nothing_after_start_is_an_error(options: dict) -> None:
    with pytest.raises(InputError, match=r"start \d+ s.*the clip lasts 10\.000 s"):
        read(EXAMPLE_CLIP, **options)


@pytest.mark.parametrize(
    "options", [{"start_seconds": -1}, {"end_seconds": 0}, {"start_seconds": 2, "end_seconds": 2}, {"stride": 0}]
)
def test_impossible_ranges_are_refused(options: dict) -> None:
    with pytest.raises(UsageError):
        VideoReader(EXAMPLE_CLIP, config(**options))


def test_gives_its_frames_once() -> None:
    with VideoReader(EXAMPLE_CLIP, config(end_seconds=0.1)) as reader:
        list(reader)
        with pytest.raises(RuntimeError, match="once"):
            list(reader)


@pytest.mark.parametrize("name", ["cut.mkv", "cut.mp4", "cut.avi"])
def test_a_cut_off_file_gives_what_it_holds(tmp_path: Path, name: str) -> None:
    whole = tmp_path / ("whole" + Path(name).suffix)
    if name == "cut.mp4":
        faststart(EXAMPLE_CLIP, whole)
    else:
        write_clip(whole, Clip(frames=60, size=(320, 136)))
    with VideoReader(cut_off(whole, tmp_path / name, 0.5)) as reader:
        frames = list(reader)
        assert reader.truncated
        assert "cut off" in reader.problems[-1].message
    assert 10 < len(frames) < 200
    intact = read(whole)
    for i in range(5):
        assert np.array_equal(frames[i].image, intact[i].image)


@pytest.mark.parametrize("name", ["whole.mp4", "whole.mkv", "whole.ts"])
def test_a_whole_file_is_not_called_truncated(tmp_path: Path, name: str) -> None:
    clip = Clip(frames=60, audio="aac")
    with VideoReader(write_clip(tmp_path / name, clip)) as reader:
        assert len(list(reader)) == 60
        assert not reader.truncated
        assert reader.problems == []


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_damage_in_the_middle_does_not_end_the_clip(tmp_path: Path, seed: int) -> None:
    path = damaged(faststart(EXAMPLE_CLIP, tmp_path / "whole.mp4"), tmp_path / "a.mp4", 0.4, 20_000, seed)
    with VideoReader(path) as reader:
        frames = list(reader)
        assert reader.problems
        assert reader.problem_count == len(reader.problems)
        place = reader.problems[0]
    assert 200 < len(frames) <= 250
    assert frames[-1].seconds == Fraction(249, 25)
    pts = [f.pts for f in frames]
    assert pts == sorted(set(pts))
    assert 50 < place.index < 200
    assert place.pts is not None


def test_closing_a_damaged_file_in_the_middle_does_not_hang(tmp_path: Path) -> None:
    path = damaged(faststart(EXAMPLE_CLIP, tmp_path / "whole.mp4"), tmp_path / "a.mp4", 0.05, 400_000)
    for count in range(1, 60, 3):
        with VideoReader(path) as reader:
            for _ in zip(range(count), reader, strict=False):
                pass


def test_ffmpeg_is_quiet_again_after_reading(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = damaged(faststart(EXAMPLE_CLIP, tmp_path / "whole.mp4"), tmp_path / "a.mp4", 0.4, 20_000)
    read(path)
    assert av.logging.get_level() is None
    assert FFmpegMessages._users == 0
    assert capfd.readouterr() == ("", "")


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


def test_missing_hardware_falls_back_to_software() -> None:
    with VideoReader(EXAMPLE_CLIP, config(hwaccel="drm", end_seconds=0.2)) as reader:
        assert len(list(reader)) == 5
        assert "decoding in software" in reader.problems[0].message


@pytest.mark.parametrize("start", [None, 4.0])
def test_hardware_that_gives_up_in_the_middle_goes_on_in_software(
    monkeypatch: pytest.MonkeyPatch, start: float | None
) -> None:
    whole = ContainerSource.frames

    def failing(source: ContainerSource) -> Iterator[av.VideoFrame]:
        for count, frame in enumerate(whole(source)):
            if source.on_hardware and count == 7:
                raise HardwareDecodeError("surface lost")
            yield frame

    monkeypatch.setattr(ContainerSource, "frames", failing)
    with VideoReader(EXAMPLE_CLIP, config(start_seconds=start, end_seconds=(start or 0) + 1)) as reader:
        expected = [(frame.index, frame.pts, frame.image.sum()) for frame in reader]
    with VideoReader(EXAMPLE_CLIP, config(start_seconds=start, end_seconds=(start or 0) + 1)) as reader:
        reader._source.on_hardware = True
        assert [(frame.index, frame.pts, frame.image.sum()) for frame in reader] == expected
        assert len(expected) == 25
        assert "hardware decoding stopped (surface lost)" in reader.problems[0].message


def test_unknown_hardware_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown hardware decoder 'gpu'"):
        VideoReader(EXAMPLE_CLIP, config(hwaccel="gpu"))


def test_memory_does_not_grow_with_the_clip() -> None:
    def resident_kib() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4

    if not Path("/proc/self/statm").exists():
        pytest.skip("needs /proc")
    with VideoReader(EXAMPLE_CLIP) as reader:
        early = 0
        for frame in reader:
            if frame.index == 50:
                early = resident_kib()
        assert resident_kib() - early < 60 * frame.image.nbytes // 1024

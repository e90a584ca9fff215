from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip
from tests.video.copying import difference
from tests.video.reading import config, read
from vidtrack.core.errors import InputError
from vidtrack.video import VideoReader

UNEVEN = (0, 17, 50, 150, 167, 300, 333, 1400)


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


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_frames_are_upright(tmp_path: Path, rotation: int) -> None:
    plain = read(write_clip(tmp_path / "plain.mp4", Clip(frames=3)))
    turned = read(write_clip(tmp_path / "turned.mp4", Clip(frames=3, rotation=rotation)))
    for one, other in zip(plain, turned, strict=True):
        assert np.array_equal(np.rot90(one.image, rotation // 90), other.image)
        assert other.image.flags.c_contiguous


def test_odd_sizes(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mkv", Clip(frames=2, size=(161, 69), pixel_format="yuv444p"))
    assert read(path)[0].image.shape == (69, 161, 3)


def test_stride_drops_decoded_frames_and_keeps_ordinals() -> None:
    with VideoReader(EXAMPLE_CLIP, config(stride=7, end_seconds=2)) as reader:
        frames = list(reader)
        assert reader.decoded == reader.expected == 50
    assert [f.index for f in frames] == list(range(0, 50, 7))
    assert [f.seconds for f in frames] == [Fraction(i, 25) for i in range(0, 50, 7)]


@pytest.mark.parametrize("options", [{"start_seconds": 10}, {"start_seconds": 99, "end_seconds": 100}])
def test_nothing_after_start_is_an_error(options: dict) -> None:
    with pytest.raises(InputError, match=r"start \d+ s.*the clip lasts 10\.000 s"):
        read(EXAMPLE_CLIP, **options)


def test_gives_its_frames_once() -> None:
    with VideoReader(EXAMPLE_CLIP, config(end_seconds=0.1)) as reader:
        list(reader)
        with pytest.raises(RuntimeError, match="once"):
            list(reader)


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
        assert resident_kib() - early < 100 * frame.image.nbytes // 1024

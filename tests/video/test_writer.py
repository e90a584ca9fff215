import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip, write_pictures, write_tone
from tests.video.copying import copy, difference, leftovers, packets, read
from tests.video.ffmpeg import ffmpeg
from vidtrack.video import EncodeConfig, VideoReader, VideoWriter, available_codecs, probe
from vidtrack.video.padding import MARGIN_BYTES, padded_size, with_margin

UNEVEN = (0, 17, 50, 150, 167, 300, 333, 1400)


@pytest.mark.skipif(sys.platform != "linux", reason="protects a page of memory")
def test_swscale_reads_no_further_than_the_margin() -> None:
    """Without one it crashed now and then, at widths that are no multiple of 32."""
    script = Path(__file__).with_name("guarded.py")
    ended = subprocess.run([sys.executable, script, "margin"], cwd=Path(__file__).parents[2], capture_output=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("size", [(242, 90), (241, 89), (240, 89)])
def test_pictures_have_a_margin_in_memory_and_even_sizes(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    even = padded_size(size, "yuv420p")
    padded = with_margin(image[:, ::-1], even)
    assert padded.base is not None
    assert padded.base.nbytes == padded.nbytes + MARGIN_BYTES
    wider = ((0, even[1] - size[1]), (0, even[0] - size[0]), (0, 0))
    np.testing.assert_array_equal(padded, np.pad(image[:, ::-1], wider, mode="edge"))


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


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
def test_audio_is_carried_unchanged(tmp_path: Path, suffix: str) -> None:
    source = write_clip(tmp_path / f"in{suffix}", Clip(frames=30, audio="aac"))
    copy(source, tmp_path / f"out{suffix}")
    before, after = packets(source, "audio"), packets(tmp_path / f"out{suffix}", "audio")
    assert [data for _, data in after] == [data for _, data in before]
    assert all(abs(a - b) <= Fraction(1, 1000) for (a, _), (b, _) in zip(after, before, strict=True))


def test_trims_cut_audio_with_the_pictures(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", Clip(frames=50, audio="aac", timecode="01:00:00:00"))
    out = tmp_path / "out.mp4"
    frames = copy(source, out, start=0.5, end=1.5)
    assert [f.index for f in frames][:1] == [13]
    assert [f.seconds for f in read(out)] == [Fraction(i, 25) for i in range(25)]
    block, millisecond = Fraction(1024, 48000), Fraction(1, 1000)  # MP4 rounds a track's start to milliseconds
    at_source = {data: t for t, data in packets(source, "audio")}
    sound = packets(out, "audio")
    assert all(abs(at_source[data] - t - frames[0].seconds) < millisecond for t, data in sound[:20])
    assert 0 <= sound[0][0] < block
    assert Fraction(98, 100) - block <= sound[-1][0] < Fraction(98, 100)
    assert probe(out).timecode == "01:00:00:13"


def test_trims_keep_the_sound_of_streams_that_lie_apart_in_the_file(tmp_path: Path) -> None:
    source = tmp_path / "two.mov"
    with av.open(str(source), "w") as container:
        video = container.add_stream("libx264", rate=25)
        video.codec_context.width, video.codec_context.height = 32, 32
        sounds = [container.add_stream("aac", rate=48000), container.add_stream("pcm_s16le", rate=48000)]
        container.start_encoding()
        for i in range(50):
            frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")
            frame.pts, frame.time_base = i, Fraction(1, 25)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        write_tone(container, sounds[0], Fraction(2))
        whole = av.AudioFrame.from_ndarray(np.zeros((1, 2 * 96000), np.int16), "s16", "stereo")  # one chunk of 2 s
        whole.sample_rate, whole.pts, whole.time_base = 48000, 0, Fraction(1, 48000)
        container.mux(sounds[1].encode(whole))
    copy(source, tmp_path / "out.mov", end=1.0)
    for n in range(2):
        times = [t for t, _ in packets(tmp_path / "out.mov", "audio", n)]
        assert times[0] < 0.03 and 0.95 < times[-1] < 1, n


def test_sound_goes_on_where_joined_recordings_reset_the_clock(tmp_path: Path) -> None:
    part = write_clip(tmp_path / "part.ts", Clip(frames=25, audio="aac"))
    source = tmp_path / "joined.ts"
    source.write_bytes(part.read_bytes() * 2)
    copy(source, tmp_path / "out.mp4")
    sound = packets(tmp_path / "out.mp4", "audio")
    assert len(sound) == len(packets(source, "audio"))
    assert 1.9 < sound[-1][0] < 2.2
    assert len(read(tmp_path / "out.mp4")) == 50


def test_subtitles_are_carried_and_trimmed(tmp_path: Path) -> None:
    captions = ((0.1, 0.2, "gone"), (0.4, 0.4, "showing at the cut"), (1.0, 0.2, "inside"), (1.8, 0.1, "after"))
    for suffix in (".mp4", ".mkv"):
        source = write_clip(tmp_path / f"in{suffix}", Clip(frames=50, subtitles=captions))
        copy(source, tmp_path / f"out{suffix}", start=0.48, end=1.52)
        texts = [(float(t), data) for t, data in packets(tmp_path / f"out{suffix}", "subtitle") if len(data) > 2]
        assert [round(t, 2) for t, _ in texts] == [0.0, 0.52]
        assert b"showing" in texts[0][1]
        assert b"inside" in texts[1][1]


def test_what_the_container_cannot_hold_is_left_out_and_said(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(frames=5, audio="aac", subtitles=((0.0, 0.1, "a"),)))
    for name, lost in (("out.webm", "aac"), ("out.mp4", "subrip")):
        with VideoReader(source) as reader, VideoWriter(tmp_path / name, reader.info, source=source) as writer:
            for frame in reader:
                writer.write(frame)
        assert any(lost in p.message and "left out" in p.message for p in writer.problems)
        assert len(read(tmp_path / name)) == 5


def test_timecode_is_carried(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mov", Clip(frames=5, timecode="10:00:00:00"))
    for name in ("out.mov", "out.mp4", "out.mkv"):
        copy(source, tmp_path / name)
        assert probe(tmp_path / name).timecode == "10:00:00:00"


def test_sound_before_the_picture_is_kept(tmp_path: Path) -> None:
    late = Clip(frames=10, pts=range(1000, 1400, 40), time_base=Fraction(1, 1000), audio="aac")
    source = write_clip(tmp_path / "in.mp4", late)
    for name in ("out.mp4", "out.mov", "out.mkv"):
        copy(source, tmp_path / name)
        assert [data for _, data in packets(tmp_path / name, "audio")] == [data for _, data in packets(source, "audio")]
        assert abs(probe(tmp_path / name).first_frame_offset_seconds - 1) < Fraction(3, 100)


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
@pytest.mark.parametrize("start", [None, 0.1])
def test_a_file_with_uneven_times_lasts_until_its_last_frame(tmp_path: Path, name: str, start: float | None) -> None:
    source = write_clip(tmp_path / "in.mkv", Clip(frames=len(UNEVEN), pts=UNEVEN, time_base=Fraction(1, 1000)))
    copy(source, tmp_path / name, start=start)
    last = read(tmp_path / name)[-1].seconds
    assert probe(tmp_path / name).duration_seconds == last + Fraction(1, 25)


def test_a_caption_ends_with_the_clip(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", Clip(frames=50, subtitles=((0.1, 1.5, "long"),)))
    copy(source, tmp_path / "out.mp4", start=0.2, end=0.68)
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert container.duration == 480_000


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_chapters_and_cover_art_are_carried(tmp_path: Path, name: str) -> None:
    write_pictures(tmp_path, 1, "cover_{}.jpg")
    (tmp_path / "chapters.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=1000\nEND=2000\ntitle=Two\n"
    )
    plain, source = write_clip(tmp_path / "plain.mp4", Clip(frames=50)), tmp_path / "in.mp4"
    ffmpeg(
        *("-i", plain, "-i", tmp_path / "chapters.txt", "-i", tmp_path / "cover_1.jpg", "-map", "0:v", "-map", "2:v"),
        *("-map_chapters", 1, "-c", "copy", "-disposition:v:1", "attached_pic", source),
    )
    for start, times in ((None, [(0, 1), (1, 2)]), (0.4, [(0, Fraction(3, 5)), (Fraction(3, 5), Fraction(8, 5))])):
        copy(source, tmp_path / name, start=start, end=None if start is None else 2)
        with av.open(str(tmp_path / name)) as container:
            covers = [s for s in container.streams.video if s.disposition & av.stream.Disposition.attached_pic]
            assert bytes(next(container.demux(covers[0]))) == (tmp_path / "cover_1.jpg").read_bytes()
            found = [(c["start"] * c["time_base"], c["end"] * c["time_base"]) for c in container.chapters()]
            assert found == times
        assert len(read(tmp_path / name)) == (50 if start is None else 40)


def test_what_no_output_holds_is_named(tmp_path: Path) -> None:
    (tmp_path / "font.ttf").write_bytes(b"font")
    source = tmp_path / "in.mkv"
    font = ("-attach", tmp_path / "font.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font")
    ffmpeg("-i", write_clip(tmp_path / "plain.mp4", Clip(frames=5)), "-c", "copy", *font, source)
    for name, said in (("out.mkv", []), ("out.mp4", ["the output cannot hold the attachment font.ttf"])):
        with VideoReader(source) as reader, VideoWriter(tmp_path / name, reader.info, source=source) as writer:
            for frame in reader:
                writer.write(frame)
        assert [problem.message.split(":")[0] for problem in writer.problems] == said
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert container.streams.attachments[0].metadata["filename"] == "font.ttf"

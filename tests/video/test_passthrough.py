"""Sound, subtitles, chapters, cover art and attachments that go with the video."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from tests.media import Clip, write_clip, write_pictures, write_tone
from tests.video.copying import copy, packets, read
from tests.video.ffmpeg import ffmpeg
from vidtrack.video import VideoReader, VideoWriter, probe


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


def test_sound_before_the_picture_is_kept(tmp_path: Path) -> None:
    late = Clip(frames=10, pts=range(1000, 1400, 40), time_base=Fraction(1, 1000), audio="aac")
    source = write_clip(tmp_path / "in.mp4", late)
    for name in ("out.mp4", "out.mov", "out.mkv"):
        copy(source, tmp_path / name)
        assert [data for _, data in packets(tmp_path / name, "audio")] == [data for _, data in packets(source, "audio")]
        assert abs(probe(tmp_path / name).first_frame_offset_seconds - 1) < Fraction(3, 100)


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

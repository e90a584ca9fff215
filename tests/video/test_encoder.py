"""A video written in chunks, and one resumed from its journal, is the video of one piece."""

from __future__ import annotations

import gc
import hashlib
from fractions import Fraction
from pathlib import Path

import av
import pytest

from tests.media import Clip, write_clip
from vidtrack.core.journal import Journal, Mark
from vidtrack.core.types import Frame
from vidtrack.video import EncodeConfig, VideoReader, VideoWriter

UNEVEN = [40 * i + 13 * i * i % 29 for i in range(70)]
EVERY = 33  # frames a chunk


def write(
    source: Path, target: Path, codec: str, journal: Journal | None = None, stop: int | None = None
) -> list[Mark]:
    """Copy a clip, in chunks if there is a journal, up to frame `stop`; returns the ends of the chunks."""
    marks = []
    with (
        VideoReader(source) as reader,
        VideoWriter(target, reader.info, EncodeConfig(codec), source=source, journal=journal) as writer,
    ):
        before = writer.written
        for number, frame in enumerate(reader):
            if number < before:
                continue
            if journal is not None and number > before and number % EVERY == 0:
                writer.end_chunk()
                marks.append(journal.mark())
            if number == stop:
                writer.abort(keep=False)
                break
            writer.write(frame)
    return marks


def packets(path: Path, kind: str) -> list[tuple[int | None, int | None, int | None, bool, str]]:
    with av.open(str(path)) as container:
        stream = next(s for s in container.streams if s.type == kind)
        return [
            (p.pts, p.dts, p.duration, p.is_keyframe, hashlib.sha256(bytes(p)).hexdigest())
            for p in container.demux(stream)
            if p.size
        ]


def read(path: Path) -> list[Frame]:
    with VideoReader(path) as reader:
        frames = list(reader)
        assert reader.problems == []
    return frames


@pytest.mark.parametrize(
    ("codec", "suffix"),
    [("h264", ".mp4"), ("h264", ".mkv"), ("hevc", ".mp4"), ("av1", ".mp4"), ("vp9", ".webm"), ("ffv1", ".mkv"),
     ("prores", ".mov"), ("mjpeg", ".mov")],
)  # fmt: skip
def test_chunks_make_one_stream(codec: str, suffix: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    sound = "libopus" if suffix == ".webm" else "aac"
    clip = Clip(frames=70, pts=UNEVEN, time_base=Fraction(1, 1000), audio=sound)
    source = write_clip(tmp_path / f"clip{'.mkv' if sound == 'libopus' else '.mp4'}", clip)
    whole, chunks, resumed = (tmp_path / f"{name}{suffix}" for name in ("whole", "chunks", "resumed"))
    write(source, whole, codec)
    with Journal(tmp_path / "a.journal") as journal:
        write(source, chunks, codec, journal)
    with Journal(tmp_path / "b.journal") as journal:
        marks = write(source, resumed, codec, journal, stop=68)
    with Journal(tmp_path / "b.journal", marks[0]) as journal:
        write(source, resumed, codec, journal)
    gc.collect()
    assert "error" not in capfd.readouterr().err  # SVT-AV1 says so where it is not told of the end
    assert packets(resumed, "video") == packets(chunks, "video")
    assert packets(resumed, "audio") == packets(chunks, "audio") == packets(whole, "audio")
    assert [p[1] for p in packets(chunks, "video")] == [p[1] for p in packets(whole, "video")]  # decoding times
    assert sorted(p[0] or 0 for p in packets(chunks, "video")) == sorted(p[0] or 0 for p in packets(whole, "video"))
    assert [frame.pts for frame in read(chunks)] == [frame.pts for frame in read(whole)]
    assert sum(p[3] for p in packets(chunks, "video")) >= 3  # each chunk begins with a keyframe


def test_equal_runs_are_equal_whatever_memory_held(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "clip.mp4", Clip(frames=40, size=(320, 136)))  # x264 erred at heights like this
    seen = set()
    for number in range(3):
        with Journal(tmp_path / "journal") as journal:
            write(source, tmp_path / f"{number}.mp4", "h264", journal)
        seen.add(hashlib.sha256((tmp_path / f"{number}.mp4").read_bytes()).hexdigest())
    assert len(seen) == 1

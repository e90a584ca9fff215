"""How a written video ends: whole, in part or not at all."""

import os
import queue
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip, write_pictures
from tests.video.copying import copy, leftovers, packets, read
from vidtrack.core.errors import OutputError, UsageError
from vidtrack.core.types import Frame
from vidtrack.video import EncodeConfig, ReadConfig, VideoReader, VideoWriter, probe


def test_nothing_has_the_final_name_before_the_end(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_text("the old one")
    with (
        VideoReader(EXAMPLE_CLIP, ReadConfig(end_seconds=Fraction(2, 5))) as reader,
        VideoWriter(out, reader.info) as writer,
    ):
        for frame in reader:
            writer.write(frame)
        assert out.read_text() == "the old one"
        assert leftovers(tmp_path) == ["out.mp4", "out.mp4.partial"]
    assert len(read(out)) == 10
    assert leftovers(tmp_path) == ["out.mp4"]


def test_reader_and_writer_may_live_in_threads(tmp_path: Path) -> None:
    source, out = write_clip(tmp_path / "in.mp4", Clip(frames=40, audio="aac")), tmp_path / "out.mp4"
    frames: queue.Queue[Frame | None] = queue.Queue(maxsize=2)
    with VideoReader(source) as reader, VideoWriter(out, reader.info, source=source) as writer:

        def decode() -> None:
            for frame in reader:
                frames.put(frame)
            frames.put(None)

        def encode() -> None:
            while (frame := frames.get()) is not None:
                writer.write(frame)

        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(decode), pool.submit(encode)]:
                done.result(timeout=60)
    assert [f.seconds for f in read(out)] == [Fraction(i, 25) for i in range(40)]


def test_an_error_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), VideoReader(EXAMPLE_CLIP) as reader:
        with VideoWriter(tmp_path / "out.mp4", reader.info) as writer:
            writer.write(next(iter(reader)))
            raise ZeroDivisionError
    assert leftovers(tmp_path) == []


def test_an_interrupt_keeps_a_playable_part(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", Clip(frames=50, audio="aac"))
    out = tmp_path / "out.mp4"
    with pytest.raises(KeyboardInterrupt), VideoReader(source) as reader:
        with VideoWriter(out, reader.info, source=source) as writer:
            for frame in reader:
                writer.write(frame)
                if frame.index == 19:
                    raise KeyboardInterrupt
    assert [f.seconds for f in read(out)] == [Fraction(i, 25) for i in range(20)]
    assert float(packets(out, "audio")[-1][0]) < 0.8
    assert leftovers(tmp_path) == ["in.mp4", "out.mp4"]


@pytest.mark.parametrize("keep", [True, False])
def test_stopping_before_the_first_frame_leaves_nothing(tmp_path: Path, keep: bool) -> None:
    writer = VideoWriter(tmp_path / "out.mp4", probe(EXAMPLE_CLIP))
    writer.abort(keep=keep)
    writer.abort(keep=keep)
    assert leftovers(tmp_path) == []


def test_closing_without_a_frame_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no frame was written"):
        VideoWriter(tmp_path / "out.mp4", probe(EXAMPLE_CLIP)).close()
    assert leftovers(tmp_path) == []


def test_places_that_cannot_be_written_are_refused_before_the_work(tmp_path: Path) -> None:
    info = probe(EXAMPLE_CLIP)
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for path, says in (
        (tmp_path / "nowhere" / "out.mp4", "does not exist"),
        (tmp_path / "file" / "out.mp4", "cannot be written"),
        (tmp_path / "folder.mp4", "is a folder"),
    ):
        with pytest.raises(OutputError, match=says) as error:
            VideoWriter(path, info)
        assert "\n" not in str(error.value)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="Permission denied"):
        VideoWriter(tmp_path / "out.mp4", probe(EXAMPLE_CLIP))


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", Clip(frames=3))
    before = source.read_bytes()
    with pytest.raises(OutputError, match="is the input itself"):
        VideoWriter(source, probe(source), source=source)
    assert source.read_bytes() == before


def test_pictures_may_replace_an_earlier_output(tmp_path: Path) -> None:
    write_pictures(tmp_path, 3, "img_{}.png")
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an earlier one")
    copy(tmp_path / "img_%d.png", out)
    assert len(read(out)) == 3


def test_bad_settings_are_refused_before_the_work(tmp_path: Path) -> None:
    for options in ({"codec": "h246"}, {"crf": 99}, {"preset": "quick"}):
        with pytest.raises(UsageError):
            VideoWriter(tmp_path / "out.mp4", probe(EXAMPLE_CLIP), EncodeConfig(**options))
    assert leftovers(tmp_path) == []


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(10, 10\)"):
        with VideoWriter(tmp_path / "out.mp4", probe(EXAMPLE_CLIP)) as writer:
            writer.write(Frame(0, 0, Fraction(1, 25), np.zeros((10, 10, 3), np.uint8)))


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file size limit")
@pytest.mark.parametrize("limit_kib", [20, 200])
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, limit_kib: int) -> None:
    program = f"""
import resource, sys
from vidtrack.core.errors import OutputError
from vidtrack.video import VideoReader, VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_kib} * 1024, {limit_kib} * 1024))
clip, out = {str(EXAMPLE_CLIP)!r}, {str(tmp_path / "out.mp4")!r}
try:
    with VideoReader(clip) as reader, VideoWriter(out, reader.info) as writer:
        for frame in reader:
            writer.write(frame)
except OutputError as error:
    print(error)
    sys.exit(7)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.returncode == 7, done.stderr
    assert done.stdout.count("\n") == 1
    assert "out.mp4 cannot be written" in done.stdout
    assert done.stderr == ""
    assert leftovers(tmp_path) == []

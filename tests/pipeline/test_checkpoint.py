"""An interrupted long clip, resumed, becomes what it would have become without the interrupt."""

from __future__ import annotations

import random
import subprocess
import sys
import textwrap
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.media import Clip, damaged, write_clip
from tests.pipeline.resuming import UNEVEN, content, states, stop_at, track
from vidtrack.core.errors import OutputError
from vidtrack.core.state_io import unpack
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracklog.zones import parse_line, parse_zone
from vidtrack.video import VideoReader

PLAIN: dict[str, Any] = {}
REVISED: dict[str, Any] = {
    "smooth_seconds": 0.5,
    "gap_seconds": 0.4,
    "lines": (parse_line("door=50%,0%,50%,100%"),),
    "zones": (parse_zone("floor=20%,20%,80%,20%,80%,80%"),),
}
PARTS: dict[str, Any] = {
    "stride": 2,
    "start_seconds": Fraction("0.1"),
    "end_seconds": Fraction("3.5"),
    "chunk_seconds": 1,
}


@pytest.mark.parametrize("choices", [PLAIN, REVISED, PARTS], ids=["plain", "revised", "parts"])
def test_it_becomes_the_same(choices: dict[str, Any], clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    whole = track(clip, tiny_model, tmp_path / "whole", **choices)
    expected = content(tmp_path / "whole")
    assert whole.tracks > 5
    assert {path.name for path in (tmp_path / "whole").iterdir()} == {"out.mp4", "out.jsonl"}
    for frame in (whole.frames // 2, whole.frames - 1):
        folder = tmp_path / str(frame)
        stop_at(frame, clip, tiny_model, folder, **choices)
        result = track(clip, tiny_model, folder, resume=True, **choices)
        assert (result.status, result.frames, result.tracks) == ("complete", whole.frames, whole.tracks)
        assert result.resumed <= frame + 10  # a few frames are under way
        assert content(folder) == expected
        assert {path.name for path in folder.iterdir()} == {"out.mp4", "out.jsonl"}
    assert result.resumed > 0


def test_it_may_be_interrupted_again_and_again(
    clip: Path, tiny_model: DeformableDETR, whole: list[str], tmp_path: Path
) -> None:
    for frame in (40, 45, 60, 75, 85):
        stop_at(frame, clip, tiny_model, tmp_path / "cut", resume=True, log="out.jsonl.gz")
    notes: list[str] = []
    result = track(
        clip, tiny_model, tmp_path / "cut", log="out.jsonl.gz", resume=True, tell=lambda now: notes.append(now.note)
    )
    assert result.resumed >= 30  # some thirty frames wait for hindsight and steady drawing
    assert notes[0] == result.note == f"resumed after {result.resumed} frames, at {_seconds(result.resumed)} s"
    assert not any(notes[1:])
    assert content(tmp_path / "cut", "out.jsonl.gz") == whole


def _seconds(frames: int) -> str:
    return f"{UNEVEN[frames - 1] / 1000:.3f}"


@pytest.mark.usefixtures("one_thread")
def test_after_damage_all_is_decoded_again(tiny_model: DeformableDETR, tmp_path: Path) -> None:
    bad = damaged(write_clip(tmp_path / "a.mp4", Clip(frames=90)), tmp_path / "bad.mp4", 0.3, 400)
    whole = track(bad, tiny_model, tmp_path / "whole")
    assert whole.problems
    stop_at(whole.frames - 3, bad, tiny_model, tmp_path / "cut")
    result = track(bad, tiny_model, tmp_path / "cut", resume=True)
    assert result.resumed > 30
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_killed_at_any_time(
    clip: Path, tiny_model: DeformableDETR, tiny_checkpoint: Path, whole: list[str], tmp_path: Path
) -> None:
    script = textwrap.dedent(
        """
        import sys
        from pathlib import Path
        from tests.pipeline.resuming import track
        from vidtrack.model.checkpoint import load_deformable_detr
        clip, weights, folder = map(Path, sys.argv[1:])
        model = load_deformable_detr(weights, "cpu", "float32")  # as the fixture is
        track(clip, model, folder, resume=True, tell=lambda now: print(now.frames, flush=True))
        """
    )
    places = random.Random(0).sample(range(3, 88), 2)
    for frame in sorted(places):
        command = [sys.executable, "-c", script, str(clip), str(tiny_checkpoint), str(tmp_path / "cut")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]) as child:
            assert child.stdout is not None
            for line in child.stdout:
                if int(line) >= frame:
                    child.kill()
                    break
        assert not (tmp_path / "cut" / "out.jsonl").exists()
    result = track(clip, tiny_model, tmp_path / "cut", resume=True)
    assert result.resumed > 0
    assert content(tmp_path / "cut") == whole


@pytest.mark.parametrize("place", [60, -1])
def test_a_damaged_state_serves_nobody(place: int, clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    stop_at(85, clip, tiny_model, tmp_path)
    before, last = states(tmp_path)
    data = bytearray(last.read_bytes())
    data[place] ^= 0x55
    last.write_bytes(data)
    stop_at(86, clip, tiny_model, tmp_path, resume=True)
    assert len(states(tmp_path)) == 2
    for path in states(tmp_path):
        path.write_bytes(path.read_bytes()[:-7])
    with pytest.raises(OutputError, match=r"state-.* cannot be used: it is damaged .*--overwrite starts over"):
        track(clip, tiny_model, tmp_path, resume=True)
    assert before.exists()


def test_the_chunk_before_serves_where_the_last_is_damaged(
    clip: Path, tiny_model: DeformableDETR, whole: list[str], tmp_path: Path
) -> None:
    for name in ("state", "log.journal"):
        folder = tmp_path / name
        stop_at(85, clip, tiny_model, folder)
        before, last = map(_frames, states(folder))
        assert 0 < before < last
        if name == "state":
            states(folder)[-1].write_bytes(b"")
        else:
            with (folder / "out.mp4.resume" / "log.journal").open("r+b") as journal:
                journal.truncate(_length(states(folder)[-1]) - 1)
        result = track(clip, tiny_model, folder, resume=True)
        assert result.resumed == before
        assert "resumed one chunk earlier" in result.note
        assert content(folder) == whole


def _length(state: Path) -> int:
    return int(unpack(state.read_bytes())["journals"]["log"]["length"])


def _frames(state: Path) -> int:
    return int(unpack(state.read_bytes())["state"]["outputs"]["resume_point"]["frames"])


def test_sound_and_times_are_those_of_one_piece(clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    track(clip, tiny_model, tmp_path / "chunks")
    track(clip, tiny_model, tmp_path / "whole", chunk_seconds=60.0)

    def times(folder: Path) -> list[tuple[int, list[int | None], list[int | None]]]:
        with av.open(str(folder / "out.mp4")) as container:
            packets = [packet for packet in container.demux() if packet.size]
            return [
                (
                    stream.index,
                    sorted(packet.pts or 0 for packet in packets if packet.stream_index == stream.index),
                    [packet.dts for packet in packets if packet.stream_index == stream.index],
                )
                for stream in container.streams
            ]

    assert times(tmp_path / "chunks") == times(tmp_path / "whole")
    with VideoReader(tmp_path / "chunks" / "out.mp4") as made, VideoReader(clip) as original:
        assert [frame.seconds for frame in made] == [frame.seconds for frame in original]
        assert made.problems == []

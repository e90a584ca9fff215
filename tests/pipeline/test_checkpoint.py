"""An interrupted long clip, resumed, becomes what it would have become without the interrupt."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import subprocess
import sys
import textwrap
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.media import Clip, damaged, write_clip
from vidtrack import Progress, RunConfig, TrackerConfig, TrackResult, track_video
from vidtrack.core.errors import ExistsError, OutputError
from vidtrack.core.state_io import unpack
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracking.config import HindsightConfig
from vidtrack.tracklog.zones import parse_line, parse_zone
from vidtrack.video import VideoReader

UNEVEN = [40 * i + 13 * i * i % 29 for i in range(90)]
BRIEF = HindsightConfig(0.05, 0.02)  # the clip is short, and frames that wait are not in a saved chunk
CONFIG = RunConfig(tracker=TrackerConfig(low_score=0.1), score=0.3, hindsight=BRIEF, chunk_seconds=1.3)
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


class StoppedError(Exception):
    """What ends a run in these tests."""


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real footage with sound, B-frames and uneven times."""
    made = Clip(frames=90, pts=UNEVEN, time_base=Fraction(1, 1000), audio="aac")
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", made)


def track(
    clip: Path,
    model: DeformableDETR,
    folder: Path,
    stop: int | None = None,
    log: str = "out.jsonl",
    overwrite: bool = False,
    tell: Callable[[Progress], None] = lambda now: None,
    **choices: Any,
) -> TrackResult:
    """Track into `folder`, up to frame `stop`."""
    folder.mkdir(exist_ok=True)

    def progress(now: Progress) -> None:
        tell(now)
        if stop is not None and now.frames >= stop:
            raise StoppedError

    return track_video(
        clip,
        model,
        log=folder / log,
        video=folder / "out.mp4",
        config=replace(CONFIG, **choices),
        overwrite=overwrite,
        progress=progress,
    )


@pytest.fixture(scope="module")
def whole(clip: Path, tiny_model: DeformableDETR, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a run without an interrupt makes."""
    folder = tmp_path_factory.mktemp("whole")
    track(clip, tiny_model, folder)
    return content(folder)


def stop_at(frame: int, clip: Path, model: DeformableDETR, folder: Path, **choices: Any) -> None:
    with pytest.raises(StoppedError):
        track(clip, model, folder, stop=frame, **choices)


def content(folder: Path, log: str = "out.jsonl") -> list[str]:
    """What a run made, but for what tells the time: lines, then packets, then the sound."""
    data = (folder / log).read_bytes()
    lines = [json.loads(line) for line in (gzip.decompress(data) if log.endswith(".gz") else data).splitlines()]
    del lines[0]["created"], lines[-1]["seconds"], lines[-1]["fps"]
    found = [json.dumps(line) for line in lines]
    with av.open(str(folder / "out.mp4")) as container:
        for packet in container.demux():
            place = (packet.stream_index, packet.pts, packet.dts, packet.duration, packet.is_keyframe)
            found.append(f"{place} {hashlib.sha256(bytes(packet)).hexdigest()}")
    return found


def states(folder: Path) -> list[Path]:
    return sorted((folder / "out.mp4.resume").glob("state-*"))


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
        from tests.pipeline.test_checkpoint import track
        from vidtrack.model.checkpoint import load_deformable_detr
        clip, weights, folder = map(Path, sys.argv[1:])
        model = load_deformable_detr(weights, "cpu", "float32")  # as the fixture is
        track(clip, model, folder, resume=True, tell=lambda now: print(now.frames, flush=True))
        """
    )
    places = random.Random(0).sample(range(3, 88), 3)
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


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"smooth_seconds": 0.2}, r"parameters.smooth_seconds was 0.0, now 0.2"),
        ({"stride": 2}, "parameters.stride was 1, now 2"),
        ({"chunk_seconds": 1.4}, "chunk_seconds was 1.3, now 1.4"),
        ({"log": "other.jsonl"}, "outputs was .*out.jsonl.*, now .*other.jsonl"),
    ],
)
def test_other_work_is_not_mixed_in(
    changed: dict[str, Any], said: str, clip: Path, tiny_model: DeformableDETR, tmp_path: Path
) -> None:
    stop_at(60, clip, tiny_model, tmp_path)
    with pytest.raises(OutputError, match=f"belongs to a different run: {said}"):
        track(clip, tiny_model, tmp_path, resume=True, **changed)
    assert states(tmp_path)
    result = track(clip, tiny_model, tmp_path, resume=True, overwrite=True, **changed)
    assert (result.status, result.resumed) == ("complete", 0)
    assert "starting over" in result.note
    assert not states(tmp_path)


def test_another_clip_under_the_name_is_seen(clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    source = tmp_path / "clip.mp4"
    source.write_bytes(clip.read_bytes())
    stop_at(60, source, tiny_model, tmp_path / "out")
    write_clip(source, Clip(frames=90, audio="aac"))
    with pytest.raises(OutputError, match=r"belongs to a different run: clip\.value"):
        track(source, tiny_model, tmp_path / "out", resume=True)


def test_what_is_left_of_a_run_is_not_passed_over(clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    stop_at(60, clip, tiny_model, tmp_path)
    (tmp_path / "out.jsonl").unlink()
    with pytest.raises(
        OutputError, match=r"out.mp4.resume was left by an interrupted run.*--resume continues it, --overwrite"
    ):
        track(clip, tiny_model, tmp_path)
    assert track(clip, tiny_model, tmp_path, overwrite=True).resumed == 0
    assert not states(tmp_path)


def test_nothing_to_resume_begins_at_the_start(clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    stop_at(5, clip, tiny_model, tmp_path)  # before the first chunk was done
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]
    result = track(clip, tiny_model, tmp_path, resume=True)
    assert (result.status, result.resumed) == ("complete", 0)
    assert result.note == "nothing to resume; starting from the beginning"


def test_what_is_complete_stays(clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    track(clip, tiny_model, tmp_path)
    expected = content(tmp_path)
    with pytest.raises(ExistsError, match=r"out\.mp4 and 1 more already exist \(--overwrite"):
        track(clip, tiny_model, tmp_path, resume=True)
    assert content(tmp_path) == expected


def test_a_kill_after_the_end_leaves_nothing_to_do(
    clip: Path, tiny_model: DeformableDETR, whole: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidtrack.pipeline.checkpoint.Checkpointer.discard", lambda self: None)
    track(clip, tiny_model, tmp_path)
    assert states(tmp_path)
    with pytest.raises(ExistsError, match=r"out\.mp4 and 1 more already exist \(--overwrite"):
        track(clip, tiny_model, tmp_path, resume=True)
    assert {path.name for path in tmp_path.iterdir()} == {"out.mp4", "out.jsonl"}
    assert content(tmp_path) == whole


def test_a_short_clip_has_no_folder(clip: Path, tiny_model: DeformableDETR, tmp_path: Path) -> None:
    seen: set[str] = set()
    track(
        clip,
        tiny_model,
        tmp_path,
        chunk_seconds=60.0,
        tell=lambda now: seen.update(path.name for path in tmp_path.iterdir()),
    )
    assert seen == {"out.jsonl.partial", "out.mp4.partial"}


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

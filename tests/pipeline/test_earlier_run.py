"""What an earlier run left is used, replaced or refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip, write_clip
from tests.pipeline.resuming import content, states, stop_at, track
from vidtrack.core.errors import ExistsError, OutputError
from vidtrack.model.detector import DeformableDETR


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

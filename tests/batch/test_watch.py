from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.batch.plan import Job
from vidtrack.batch.watch import FolderWatch
from vidtrack.core.errors import UsageError


def test_a_clip_is_returned_once_when_it_has_stopped_growing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"1")
    watch = FolderWatch(lambda: [Job(clip, None, None)], pytest.fail)
    found = []
    for second in range(16):
        clock[0] = 100.0 + second
        if second == 3:
            clip.write_bytes(b"12")
        found += [(second, job.source) for job in watch.new_jobs()]
    assert found == [(8, clip)]  # the scan at 4 seconds saw the change


def test_a_folder_is_still_watched_when_two_clips_have_the_same_output(tmp_path: Path) -> None:
    found = [[Job(tmp_path / "a.mp4", None, None)], UsageError("a.mp4 and a.mov would both become one")]
    said: list[str] = []

    def find_jobs() -> list[Job]:
        if isinstance(now := found.pop(0), UsageError):
            raise now
        return now

    watch = FolderWatch(find_jobs, said.append)
    assert watch.new_jobs() == []  # it may still grow
    watch._next_scan = 0.0
    assert watch.new_jobs() == []
    assert said == ["a.mp4 and a.mov would both become one; no new clips are started until this is fixed"]

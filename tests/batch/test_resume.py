from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from vidtrack import RunConfig
from vidtrack.batch.plan import Job
from vidtrack.batch.resume import Finding, find_earlier
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracklog import LogWriter, RunFigures, Status
from vidtrack.tracklog.header import ModelInfo
from vidtrack.tracklog.provenance import hash_content, log_header
from vidtrack.video import probe

CONFIG = RunConfig(score=0.3)


@pytest.fixture
def job(tmp_path: Path, tiny_model: DeformableDETR) -> Job:
    """A clip whose log is complete, and whose video is there."""
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=3))
    made = Job(clip, tmp_path / "clip.tracked.mp4", tmp_path / "clip.tracks.jsonl")
    model = ModelInfo("tiny", tiny_model.origin.sha256, tiny_model.class_names)
    header = log_header(probe(clip), hash_content([clip]), CONFIG.parameters(), model, "cpu", "float32")
    with LogWriter(made.log, header) as writer:
        writer.close(Status.COMPLETE, RunFigures())
    made.video.touch()
    return made


def test_the_same_work_is_done_whatever_the_clip_is_called(job: Job, tiny_model: DeformableDETR) -> None:
    assert find_earlier(job, CONFIG, tiny_model) is Finding.DONE
    moved = replace(job, source=job.source.rename(job.source.with_name("renamed.mp4")))
    assert find_earlier(moved, CONFIG, tiny_model) is Finding.DONE


def test_other_settings_or_another_clip_are_other_work(job: Job, tiny_model: DeformableDETR) -> None:
    assert find_earlier(job, replace(CONFIG, score=0.4), tiny_model) is Finding.OTHER
    write_clip(job.source, Clip(frames=4))
    assert find_earlier(job, CONFIG, tiny_model) is Finding.OTHER
    job.log.write_text("not a log")
    assert find_earlier(job, CONFIG, tiny_model) is Finding.OTHER


def test_work_that_lacks_a_file_or_its_end_is_unfinished(job: Job, tiny_model: DeformableDETR) -> None:
    job.video.unlink()
    assert find_earlier(job, CONFIG, tiny_model) is Finding.UNFINISHED
    job.video.touch()
    text = job.log.read_text()
    job.log.write_text(text.replace('"status":"complete"', '"status":"interrupted"'))
    assert find_earlier(job, CONFIG, tiny_model) is Finding.UNFINISHED


def test_without_a_log_a_video_is_not_ours_and_without_either_nothing_is_there(
    job: Job, tiny_model: DeformableDETR
) -> None:
    job.log.unlink()
    assert find_earlier(job, CONFIG, tiny_model) is Finding.OTHER
    job.video.unlink()
    assert find_earlier(job, CONFIG, tiny_model) is Finding.ABSENT

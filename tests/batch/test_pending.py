from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.tracklog.logs import any_header
from vidtrack.batch.manifest import DONE, FAILED, QUARANTINED, WAITING, Row
from vidtrack.batch.pending import (
    Fingerprint,
    Pending,
    content_of,
    find_pending,
    identity_of,
    in_order,
    read_logged,
)
from vidtrack.batch.plan import Existing, Job
from vidtrack.core.errors import UsageError
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracklog import LogWriter
from vidtrack.video.config import EncodeConfig

WANTED = Fingerprint.of(RunConfig(), "weights")


@pytest.fixture
def job(tmp_path: Path) -> Job:
    source, log = tmp_path / "in" / "a.mp4", tmp_path / "out" / "a.tracks.jsonl"
    for path in (source, log):
        path.parent.mkdir()
    source.write_bytes(b"clip")
    return Job(source, None, log)


def row_of(job: Job, tmp_path: Path, state: str = DONE) -> Row:
    """What a batch in `out` leaves behind that has finished the job."""
    assert isinstance(job.log, Path)
    job.log.write_text("log")
    return Row(
        Path("../in/a.mp4"),
        *identity_of(job.source),
        content_of(job.source),
        WANTED.parameters,
        WANTED.weights,
        (("a.tracks.jsonl", 3),),
        state,
        attempts=1,
    )


def due_of(job: Job, row: Row | None, tmp_path: Path, wanted: Fingerprint = WANTED, **choices: object) -> Pending:
    rows = {} if row is None else {row.source: row}
    return find_pending([job], rows, tmp_path / "out", RunConfig(), wanted, **choices)  # type: ignore[arg-type]


def test_a_finished_clip_is_done(job: Job, tmp_path: Path) -> None:
    due = due_of(job, row_of(job, tmp_path), tmp_path)
    assert due == Pending((), (job,), (), ())


def test_a_touched_clip_is_known_by_its_content(job: Job, tmp_path: Path) -> None:
    row = row_of(job, tmp_path)
    os.utime(job.source, ns=(1, 1))
    due = due_of(job, row, tmp_path)
    assert due.done == (job,)
    assert due.noted == (replace(row, mtime_ns=1),)  # so that it is not read again


@pytest.mark.parametrize("change", ["content", "parameters", "codec", "weights", "output gone", "output cut", "failed"])
def test_what_makes_new_work(job: Job, tmp_path: Path, change: str) -> None:
    row, wanted = row_of(job, tmp_path), WANTED
    assert isinstance(job.log, Path)
    if change == "content":
        job.source.write_bytes(b"CLIP")
        os.utime(job.source, ns=(1, 1))
    elif change == "output gone":
        job.log.unlink()
    elif change == "output cut":
        job.log.write_text("l")
    elif change == "failed":
        row = replace(row, state=FAILED)
    elif change == "codec":
        wanted = Fingerprint.of(RunConfig(video=EncodeConfig("hevc")), "weights")
    elif change == "parameters":
        wanted = Fingerprint.of(RunConfig(stride=2), "weights")
    else:
        wanted = Fingerprint.of(RunConfig(), "others")
    ((task, begun),) = due_of(job, row, tmp_path, wanted).tasks
    assert task.existing is Existing.OVERWRITE  # the output that is there is ours
    assert begun.state == WAITING
    assert task.config.resume == (wanted == WANTED)


def test_a_clip_that_crashed_twice_is_left_alone(job: Job, tmp_path: Path) -> None:
    row = replace(row_of(job, tmp_path), state=QUARANTINED, attempts=2)
    assert due_of(job, row, tmp_path).quarantined == (job,)
    ((_, begun),) = due_of(job, row, tmp_path, retry_quarantined=True).tasks
    assert begun.attempts == 0
    job.source.write_bytes(b"mended")
    assert due_of(job, row, tmp_path).tasks


def test_a_file_in_the_way_is_refused(job: Job, tmp_path: Path) -> None:
    assert isinstance(job.log, Path)
    job.log.write_text("someone's")
    with pytest.raises(UsageError, match=r"a\.tracks\.jsonl already exists"):
        due_of(job, None, tmp_path)
    assert due_of(job, None, tmp_path, existing=Existing.OVERWRITE).tasks[0][0].existing is Existing.OVERWRITE
    assert due_of(job, None, tmp_path, existing=Existing.SKIP).tasks[0][0].existing is Existing.SKIP


def test_a_file_that_was_not_found_to_be_ours_stays_in_the_way(job: Job, tmp_path: Path) -> None:
    assert isinstance(job.log, Path)
    job.log.write_text("someone's")
    ((_, begun),) = due_of(job, None, tmp_path, existing=Existing.SKIP).tasks
    with pytest.raises(UsageError, match="already exists"):
        due_of(job, replace(begun, state=FAILED), tmp_path)


def test_overwrite_does_all_again(job: Job, tmp_path: Path) -> None:
    ((task, _),) = due_of(job, row_of(job, tmp_path), tmp_path, existing=Existing.OVERWRITE).tasks
    assert not task.config.resume


@pytest.mark.parametrize("figure", ["NaN", "-1", "1e400", '"many"', "null"])
def test_a_log_that_counts_nonsense_counts_nothing(tmp_path: Path, figure: str) -> None:
    log = tmp_path / "log.jsonl"
    with LogWriter(log, any_header()) as writer:
        writer.close()
    log.write_text(log.read_text().replace('"frames":0', f'"frames":{figure}'))
    logged = read_logged(log)
    assert (logged.frames, logged.tracks, logged.seconds) == (0, 0, 0.0)


def test_order(tmp_path: Path) -> None:
    jobs = []
    for name, size, age in (("a", 3, 1), ("b", 1, 2), ("c", 2, 3)):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(b"." * size)
        os.utime(path, ns=(age, age))
        jobs.append(Job(path, None, None))
    for order, names in (("name", "abc"), ("size", "bca"), ("newest", "cba")):
        assert "".join(job.source.stem for job in in_order(jobs, order)) == names

from __future__ import annotations

from pathlib import Path

import pytest

from vidtrack.batch.config import BatchResult
from vidtrack.batch.engine import Outcome
from vidtrack.batch.plan import Job
from vidtrack.cli import exits
from vidtrack.core.errors import InputError


@pytest.mark.parametrize(
    ("ended", "done_before", "left", "failed_fast", "code"),
    [
        ("complete", 0, 0, False, 0),
        ("failed", 0, 0, False, 3),
        ("failed", 1, 0, False, 1),
        ("failed", 0, 4, True, 1),
        ("failed interrupted", 0, 4, True, 1),
        ("failed interrupted", 0, 4, False, 130),
        ("complete interrupted", 0, 1, False, 130),
    ],
)
def test_exit_codes(ended: str, done_before: int, left: int, failed_fast: bool, code: int) -> None:
    job = Job(Path("a.mp4"), None, None)
    outcomes = tuple(
        Outcome(job, status, error=InputError("no video") if status == "failed" else None) for status in ended.split()
    )
    assert exits.of_batch(BatchResult(Path(), outcomes, (job,) * done_before, (), left, failed_fast)) == code
    assert exits.of_batch(BatchResult(Path(), outcomes, (), (), 1, interrupted=True)) == 130
    assert exits.of_batch(BatchResult(Path(), outcomes, (), (job,), left)) == (130 if "interrupted" in ended else 1)

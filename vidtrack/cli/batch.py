"""Running a batch from the command line: progress, summary, report and exit code."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vidtrack.cli.options import ProgressStyle

if TYPE_CHECKING:
    from vidtrack.batch.config import BatchConfig, BatchResult
    from vidtrack.batch.plan import Job
    from vidtrack.batch.remote import Location
    from vidtrack.model.choice import ModelChoice


def detect_batch(
    jobs: Sequence[Job],
    find_jobs: Callable[[], Sequence[Job]],
    root: Location,
    model: ModelChoice,
    config: BatchConfig,
    report: Path | None,
    progress: ProgressStyle,
) -> int:
    """Track many clips in worker processes; returns the exit code."""
    from vidtrack.batch.session import run_batch
    from vidtrack.cli.reporter import reporter

    with reporter(progress) as shown:
        result = run_batch(jobs, find_jobs, root, model, config, shown)
    return _finish(result, report, progress)


def _finish(result: BatchResult, report: Path | None, progress: ProgressStyle) -> int:
    from vidtrack.cli import exits
    from vidtrack.cli.summary import print_summary, summary_record, write_report

    if report is not None:
        write_report(report, result.outcomes)
    with suppress(OSError):  # the work is done even if nobody can read this
        if progress is ProgressStyle.json:
            print(json.dumps({"event": "summary", **summary_record(result)}, ensure_ascii=False), file=sys.stderr)
        else:
            print_summary(result)
    return exits.of_batch(result)

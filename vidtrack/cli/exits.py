"""Every exit code of the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from vidtrack.core.errors import InputError
from vidtrack.core.status import Status

if TYPE_CHECKING:
    from vidtrack.batch.config import BatchResult
    from vidtrack.batch.engine import Outcome

ALL_DONE = 0
SOME_FAILED = 1
USAGE = 2  # UsageError.exit_code, and typer's own
NOTHING_DECODABLE = 3  # InputError.exit_code
INTERRUPTED = 130


def of_batch(result: BatchResult) -> int:
    """The exit code of a batch: quarantined clips count as failures; a stop by `--fail-fast` is not an interrupt."""
    if result.interrupted and result.left:
        return INTERRUPTED
    code = of_outcomes(
        [outcome for outcome in result.outcomes if outcome.status != Status.INTERRUPTED or not result.failed_fast]
    )
    others = code == NOTHING_DECODABLE and (result.done_before or result.left)  # that may well be decodable
    return SOME_FAILED if code != INTERRUPTED and (result.quarantined or others) else code


def of_outcomes(outcomes: Sequence[Outcome]) -> int:
    """The exit code of clips."""
    if any(outcome.status == Status.INTERRUPTED for outcome in outcomes):
        return INTERRUPTED
    errors = [outcome.error for outcome in outcomes if outcome.error is not None]
    if not errors:
        return ALL_DONE
    if len(errors) == len(outcomes) and all(isinstance(error, InputError) for error in errors):
        return NOTHING_DECODABLE
    return SOME_FAILED

"""How a run ended; no heavy imports."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """How a run ended; INCOMPLETE is never written: such a log stops without a footer."""

    COMPLETE = "complete"
    TRUNCATED = "truncated"  # the clip ended before its container said it would
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    INCOMPLETE = "incomplete"

    @property
    def is_finished(self) -> bool:
        """True if running again would find nothing more."""
        return self in (Status.COMPLETE, Status.TRUNCATED)

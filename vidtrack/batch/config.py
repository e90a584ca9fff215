"""Batch configuration and result; no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vidtrack.batch.plan import Existing, Job
from vidtrack.batch.remote import Location
from vidtrack.pipeline.config import RunConfig

if TYPE_CHECKING:
    from vidtrack.batch.engine import Outcome


@dataclass(frozen=True)
class Rules:
    """When a batch gives up: on a clip after this many crashes or seconds, on all of them after the first failure."""

    crashes: int = 2
    timeout_seconds: float | None = None
    fail_fast: bool = False


@dataclass(frozen=True)
class BatchConfig:
    """How to track many clips; `run` says how to track each of them."""

    run: RunConfig = field(default_factory=RunConfig)
    video: bool = True  # False writes track logs only
    existing: Existing = Existing.REFUSE
    include: tuple[str, ...] = ()  # patterns for the path below an input folder; `*` also matches slashes
    exclude: tuple[str, ...] = ()
    jobs: int | None = None  # clips tracked at the same time; None is 1, or one per GPU
    order: str = "name"  # one of pending.ORDERS
    limit: int | None = None  # clips to track in this run
    watch: bool = False  # keep tracking clips that appear in the input folders, until interrupted
    retry_quarantined: bool = False  # retry clips that crashed their worker `rules.crashes` times
    rules: Rules = field(default_factory=Rules)
    engine: str = "local"  # one of engines.ENGINES
    address: str | None = None  # of a Ray cluster


@dataclass(frozen=True)
class BatchResult:
    """The outcome of a batch: what this run did, what was finished or quarantined before, how much is left."""

    root: Location  # the folder that holds the manifest
    outcomes: tuple[Outcome, ...]
    done_before: tuple[Job, ...]
    quarantined: tuple[Job, ...]
    left: int
    failed_fast: bool = False  # stopped by the first failure
    interrupted: bool = False

"""Batch engines, one module each."""

from __future__ import annotations

from importlib import import_module

from vidtrack.batch.config import BatchConfig
from vidtrack.batch.engine import Engine
from vidtrack.model.choice import ModelChoice

ENGINES = {"local": "vidtrack.batch.engines.local", "ray": "vidtrack.batch.engines.ray"}  # each with an `open_engine`


def open_engine(name: str, model: ModelChoice, config: BatchConfig, tasks: int | None) -> Engine:
    """Start the engine for this many tasks, None if their number is open; raises UsageError."""
    engine: Engine = import_module(ENGINES[name]).open_engine(model, config, tasks)
    return engine

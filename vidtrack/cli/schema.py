"""`vidtrack schema`."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of a track log line."""
    from vidtrack.tracklog import schema as track_log_schema

    typer.echo(json.dumps(track_log_schema(), indent=2))

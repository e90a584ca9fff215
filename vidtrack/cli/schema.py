"""`vidtrack schema`."""

from __future__ import annotations

import json

import typer


def schema() -> None:
    """Print the JSON Schema of a track log line."""
    from vidtrack.tracklog import line_schema

    typer.echo(json.dumps(line_schema(), indent=2))

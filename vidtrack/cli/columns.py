"""Tables on standard output that people and `awk` read alike."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import typer

from vidtrack.core.errors import printable


def print_columns(head: Sequence[str], rows: Sequence[Sequence[str]], left: Collection[int] = ()) -> None:
    """Print rows under a head, numbers to the right and the columns `left` to the left, two blanks between."""
    rows = [[printable(text) for text in row] for row in rows]
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    for row in (head, *rows):
        cells = (
            text.ljust(width) if n in left else text.rjust(width)
            for n, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        typer.echo("  ".join(cells).rstrip())

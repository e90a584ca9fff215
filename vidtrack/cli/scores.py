"""What `vidtrack eval` found, for people as a table and for programs as JSON and CSV."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidtrack.errors import OutputError, UsageError

if TYPE_CHECKING:
    from vidtrack.evaluation.runner import TrackEvaluation

STDOUT = Path("-")
_SHARES = ("hota", "deta", "assa", "loca", "mota", "idf1")
_COUNTS = ("switches", "mostly_tracked", "mostly_lost", "false_positives", "false_negatives")
_TITLES = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "IDF1", "IDSW", "MT", "ML", "FP", "FN")


def check_targets(targets: Sequence[Path | None], sources: Sequence[Path | None]) -> None:
    """Raise UsageError where a file to be written is a folder, or one that is read, or one of the others."""
    taken = {os.path.realpath(source) for source in sources if source is not None}
    for target in targets:
        if target is None or target == STDOUT:
            continue
        if target.is_dir():
            raise UsageError(f"{target} is a folder", "give a file name")
        if os.path.realpath(target) in taken:
            raise UsageError(f"{target} would replace another file of this command", "give another name")
        taken.add(os.path.realpath(target))


def show_tracks(
    evaluation: TrackEvaluation, truth: Path, results: Path, json_file: Path | None, csv_file: Path | None
) -> None:
    """Print the table, one row a sequence, and write what else is wanted."""
    rows = {name: asdict(scores) for name, scores in evaluation.rows.items()}
    record = {
        "truth": str(truth),
        "results": str(results),
        "sequences": {
            one.name: {**rows[one.name], "rules": str(one.rules), "notes": list(one.notes)}
            for one in evaluation.sequences
        },
        "combined": None if evaluation.combined is None else asdict(evaluation.combined),
    }
    flat = [{"sequence": name, **row} for name, row in rows.items()]
    for row in flat:
        del row["hota_alphas"]
    _write(record, flat, json_file, csv_file)
    if json_file == STDOUT:
        return
    lines = [
        [name, *(f"{100 * row[share]:.2f}" for share in _SHARES), *(str(row[count]) for count in _COUNTS)]
        for name, row in rows.items()
    ]
    _print_table(["sequence", *_TITLES], lines, apart=evaluation.combined is not None)


def _write(
    record: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], json_file: Path | None, csv_file: Path | None
) -> None:
    from vidtrack import __version__

    if json_file is not None:
        tool = {"tool": {"name": "vidtrack", "version": __version__}}
        text = json.dumps(_known(tool | dict(record)), ensure_ascii=False, indent=1) + "\n"
        if json_file == STDOUT:
            print(text, end="")
        else:
            _write_text(json_file, text)
    if csv_file is not None:
        table = io.StringIO()
        writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(_known(list(rows)))
        _write_text(csv_file, table.getvalue())


def _known(value: Any) -> Any:
    """The same with None for what is not a number: JSON has no other word for it."""
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_text(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(text, "utf-8", errors="backslashreplace")
        os.replace(partial, path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise OutputError(f"{path} cannot be written: {error.strerror}", "choose another place") from None


def _print_table(titles: Sequence[str], lines: Sequence[Sequence[str]], apart: bool) -> None:
    """Names to the left, figures to the right; never cut, whatever the terminal's width; `apart` is the last row."""
    from rich import box
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for number, title in enumerate(titles):
        table.add_column(title, justify="right" if number else "left", no_wrap=True)
    for number, line in enumerate(lines):
        if apart and number == len(lines) - 1:
            table.add_section()
        table.add_row(*line, style="bold" if apart and number == len(lines) - 1 else None)
    console = Console(highlight=False, markup=False)
    widest = Measurement.get(console, console.options.update(width=10_000), table).maximum
    console.width = max(console.width, widest)
    console.print(table)

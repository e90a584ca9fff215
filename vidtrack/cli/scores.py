"""What `vidtrack eval` found, for people as a table and for programs as JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidtrack.core.atomic_files import STDOUT, write_whole
from vidtrack.core.errors import printable

if TYPE_CHECKING:
    import numpy as np

    from vidtrack.evaluation.coco_truth import CocoTruth
    from vidtrack.evaluation.detection import DetectionScores
    from vidtrack.evaluation.runner import TrackEvaluation

_SHARES = ("hota", "deta", "assa", "loca", "mota", "idf1")
_COUNTS = ("switches", "mostly_tracked", "mostly_lost", "false_positives", "false_negatives")
_TITLES = ("HOTA", "DetA", "AssA", "LocA", "MOTA", "IDF1", "IDSW", "MT", "ML", "FP", "FN")
_AP = ("ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "recall")
_AP_TITLES = ("AP", "AP50", "AP75", "small", "medium", "large", "AR", "boxes", "images")


def show_tracks(
    evaluation: TrackEvaluation, truth: Path, results: Path, json_file: Path | None, csv_file: Path | None
) -> None:
    """Print the table, one row per sequence, and write the other outputs."""
    from vidtrack.evaluation.runner import COMBINED

    rows = {name: asdict(scores) for name, scores in evaluation.rows.items()}
    if json_file is not None:
        sequences = {
            one.name: {**rows[one.name], "rules": str(one.rules), "notes": list(one.notes), "switched": one.switches}
            for one in evaluation.sequences
        }
        combined = None if evaluation.combined is None else rows[COMBINED]
        _write_json(json_file, truth, results, {"sequences": sequences, "combined": combined})
    if csv_file is not None:
        plain = [{key: value for key, value in row.items() if key != "hota_alphas"} for row in rows.values()]
        _write_csv(csv_file, [{"sequence": name, **row} for name, row in zip(rows, plain, strict=True)])
    if STDOUT in (json_file, csv_file):
        return
    lines = [
        [name, *(_percent(row[share]) for share in _SHARES), *(str(row[count]) for count in _COUNTS)]
        for name, row in rows.items()
    ]
    _print_table(["sequence", *_TITLES], lines, apart=evaluation.combined is not None)


def show_detections(
    evaluation: DetectionScores, truth: Path, results: str, json_file: Path | None, csv_file: Path | None
) -> None:
    """Print the table, one row per class, and write the other outputs."""
    rows = [asdict(one) for one in evaluation.classes]
    means = evaluation.means()
    if json_file is not None:
        _write_json(json_file, truth, results, {"mean": means, "classes": rows})
    if csv_file is not None:
        _write_csv(csv_file, rows)
    if STDOUT in (json_file, csv_file):
        return
    lines = [[row["name"], *map(_percent, (row[name] for name in _AP)), row["boxes"], row["images"]] for row in rows]
    lines.append(
        [f"mean of {len(rows)}", *(_percent(means[name]) for name in _AP), sum(row["boxes"] for row in rows), ""]
    )
    _print_table(["class", *_AP_TITLES], [list(map(str, line)) for line in lines], apart=True)


def save_results(path: Path, results: np.ndarray, truth: CocoTruth) -> None:
    """Write detections as COCO's list of results."""
    from vidtrack.evaluation.coco_truth import results_json

    write_whole(path, json.dumps(results_json(results, truth)) + "\n")


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.2f}"


def _write_json(path: Path, truth: Path, results: Path | str, figures: Mapping[str, Any]) -> None:
    from vidtrack import __version__

    tool = {"name": "vidtrack", "version": __version__}
    record = {"tool": tool, "truth": str(truth), "results": str(results), **_known(figures)}
    _put(path, json.dumps(record, ensure_ascii=False, indent=1) + "\n")


def _write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    table = io.StringIO()
    writer = csv.DictWriter(table, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(_known(rows))
    _put(path, table.getvalue())


def _put(path: Path, text: str) -> None:
    if path == STDOUT:
        print(text, end="")
    else:
        write_whole(path, text)


def _known(value: Any) -> Any:
    """The same with None for what is not a number: JSON has no other word for it."""
    if isinstance(value, Mapping):
        return {key: _known(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
        table.add_row(*map(printable, line), style="bold" if apart and number == len(lines) - 1 else None)
    console = Console(highlight=False, markup=False)
    widest = Measurement.get(console, console.options.update(width=10_000), table).maximum
    console.width = max(console.width, widest)
    console.print(table)

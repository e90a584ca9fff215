"""`vidtrack eval`: tracks and detections against ground truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli.values import parse_classes
from vidtrack.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

app = typer.Typer(no_args_is_help=True, help="Score tracks or detections against ground truth.")


class RuleSet(StrEnum):
    """`vidtrack.evaluation.ignoring.Rules` as an option."""

    auto = "auto"
    ignore = "ignore"
    mot15 = "mot15"
    mot17 = "mot17"
    mot20 = "mot20"


JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the figures as JSON; - for stdout, without table.")
]
CsvFile = Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Write the figures as CSV.")]


@app.command("tracks")
def tracks(
    truth: Annotated[
        Path,
        typer.Argument(help="Ground truth: gt.txt, a sequence folder with gt/gt.txt, or a folder of those."),
    ],
    results: Annotated[
        Path,
        typer.Argument(help="Track log or MOT file; for several sequences a folder of NAME.tracks.jsonl or NAME.txt."),
    ],
    sequences: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these sequences, as A,B. Default: all.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Classes of a track log that count, as one. Default: person."),
    ] = None,
    truth_class: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Class of the ground truth that counts, where it has a column of them."),
    ] = None,
    rules: Annotated[
        RuleSet,
        typer.Option(
            help="What ignored rows do. ignore: results on them count neither way; mot15, mot17, mot20: as TrackEval; "
            "auto: by the ground truth's columns and name."
        ),
    ] = RuleSet.auto,
    partial: Annotated[
        bool, typer.Option("--partial", help="Score only frames that the result speaks of (stride, start, end).")
    ] = False,
    json_file: JsonFile = None,
    csv_file: CsvFile = None,
    figure: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw each sequence's tracks over time, switches marked: NAME.png."),
    ] = None,
) -> None:
    """Score tracks: HOTA, DetA, AssA, LocA, MOTA, IDF1, switches, mostly tracked and lost, false and missed boxes."""
    from vidtrack.cli import scores
    from vidtrack.evaluation.ignoring import Rules
    from vidtrack.evaluation.runner import evaluate
    from vidtrack.evaluation.sequences import Choices

    scores.check_targets((json_file, csv_file), (truth, results))
    choices = Choices(Rules(rules), parse_classes(classes), truth_class, partial)
    evaluation = evaluate(truth, results, choices, _names(sequences))
    _warn(note for one in evaluation.sequences for note in one.notes)
    if figure is not None:
        from vidtrack.evaluation.coverage import cover
        from vidtrack.evaluation.figure import draw_coverage, write_figure

        for one in evaluation.sequences:
            image = draw_coverage(one.name, cover(one.aligned), one.scores, one.frames_per_second)
            write_figure(image, figure / f"{one.name}.png")
    scores.show_tracks(evaluation, truth, results, json_file, csv_file)


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--sequences names none", "give names such as A,B")
    return names


def _warn(notes: Iterable[str]) -> None:
    for note in notes:
        typer.echo(f"vidtrack: note: {note}", err=True)

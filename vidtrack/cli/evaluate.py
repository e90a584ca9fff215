"""`vidtrack eval`: tracks and detections against ground truth."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli import options
from vidtrack.cli.commands import Commands
from vidtrack.cli.values import parse_classes, parse_prompt
from vidtrack.core.atomic_files import STDOUT, check_targets
from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

    from vidtrack.evaluation.coco_truth import CocoTruth
    from vidtrack.model.choice import ModelChoice

app = typer.Typer(cls=Commands, no_args_is_help=True, help="Score tracks or detections against ground truth.")


class RuleSet(StrEnum):
    """`vidtrack.evaluation.ignoring.Rules` as an option."""

    auto = "auto"
    ignore = "ignore"
    mot15 = "mot15"
    mot17 = "mot17"
    mot20 = "mot20"


JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Write the scores as JSON; - for stdout, without the table."),
]
CsvFile = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="Write the scores as CSV; - for stdout, without the table."),
]


@app.command("tracks")
def tracks(
    truth: Annotated[
        Path,
        typer.Argument(help="Ground truth: gt.txt, a sequence folder with gt/gt.txt, or a folder of sequences."),
    ],
    results: Annotated[
        Path,
        typer.Argument(help="Track log or MOT file; for several sequences, a folder of NAME.tracks.jsonl or NAME.txt."),
    ],
    sequences: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these sequences, e.g. A,B. Default: all.")
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Classes of the track log to score, merged into one. Default: person."),
    ] = None,
    truth_class: Annotated[
        int | None,
        typer.Option(metavar="NUMBER", help="Class of the ground truth to score, if it has a class column."),
    ] = None,
    rules: Annotated[
        RuleSet,
        typer.Option(
            help="How to treat ignored rows. ignore: results on them do not count; mot15, mot17, mot20: "
            "as in TrackEval; auto: from the ground truth's columns and name."
        ),
    ] = RuleSet.auto,
    partial: Annotated[
        bool, typer.Option("--partial", help="Score only the frames in the results (after --stride, --start or --end).")
    ] = False,
    json_file: JsonFile = None,
    csv_file: CsvFile = None,
    figure: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Draw each sequence's tracks over time, ID switches marked: NAME.png."),
    ] = None,
    overwrite: options.Overwrite = False,
) -> None:
    """Score tracks: HOTA, DetA, AssA, LocA, MOTA, IDF1, ID switches, mostly tracked and lost, FP and FN."""
    from vidtrack.cli import scores
    from vidtrack.evaluation.ignoring import Rules
    from vidtrack.evaluation.pairs import Choices
    from vidtrack.evaluation.runner import evaluate
    from vidtrack.evaluation.sequences import find_truths

    names = _names(sequences)
    images = {} if figure is None else {one.name: figure / f"{one.name}.png" for one in find_truths(truth, names)}
    check_targets((json_file, csv_file, *images.values()), (truth, results), overwrite)
    choices = Choices(Rules(rules), parse_classes(classes), truth_class, partial)
    evaluation = evaluate(truth, results, choices, names)
    _warn(note for one in evaluation.sequences for note in one.notes)
    if images:
        from vidtrack.evaluation.figure import draw_coverage, write_figure

        for one in evaluation.sequences:
            image = draw_coverage(one.name, one.coverage, one.scores, one.frames_per_second)
            write_figure(image, images[one.name])
    scores.show_tracks(evaluation, truth, results, json_file, csv_file)


@app.command("detections")
def detections(
    truth: Annotated[Path, typer.Argument(help="Annotations: a COCO instances file.")],
    results: Annotated[Path | None, typer.Argument(help="Detections: a COCO results file. Or use --model.")] = None,
    model: Annotated[
        str | None, typer.Option(help="Run this model instead: a name (see `vidtrack weights list`) or checkpoint.")
    ] = None,
    images: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Folder of the images for --model. Default: beside TRUTH.")
    ] = None,
    prompt: options.Prompt = None,
    classes: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Only these classes, e.g. person,car. Default: all annotated.")
    ] = None,
    size: options.Size = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the detections of --model as a COCO results file.")
    ] = None,
    json_file: JsonFile = None,
    csv_file: CsvFile = None,
    overwrite: options.Overwrite = False,
    device: options.Device = "auto",
    precision: options.Precision = "auto",
    threads: options.Threads = None,
) -> None:
    """Score detections: COCO AP, AP50, AP75, AP by size and recall, per class and mean."""
    from vidtrack.cli import scores
    from vidtrack.evaluation.coco_truth import read_results, read_truth
    from vidtrack.evaluation.detection import score_detections
    from vidtrack.model.choice import ModelChoice

    if (results is None) == (model is None):
        raise UsageError("give either RESULTS or --model", "vidtrack eval detections TRUTH RESULTS")
    if model is None and any(value is not None for value in (save, images, size, prompt)):
        raise UsageError("--images, --prompt, --size and --save require --model")
    if save == STDOUT:
        raise UsageError("--save cannot write to stdout", "give a file name")
    check_targets((json_file, csv_file, save), (truth, results), overwrite)
    annotated = read_truth(truth, parse_classes(classes))
    if results is not None:
        found, notes = read_results(results, annotated)
    elif model is not None:
        chosen = ModelChoice(model, device, precision, threads, prompt=parse_prompt(prompt))
        found, annotated, notes = _detect(chosen, annotated, images or truth.parent, size)
        if save is not None:
            scores.save_results(save, found, annotated)
    _warn(notes)
    evaluation = score_detections(annotated.dataset, found, annotated.labelled)
    scores.show_detections(evaluation, truth, str(results or model), json_file, csv_file)


def _detect(
    choice: ModelChoice, truth: CocoTruth, folder: Path, size: int | None
) -> tuple[np.ndarray, CocoTruth, list[str]]:
    from rich.console import Console
    from rich.progress import Progress

    from vidtrack.evaluation.coco_truth import detect, find_images

    images = find_images(truth, folder)
    model = choice.load()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("detecting", total=len(images))
        return detect(model, truth, images, size, lambda done: bar.update(task, completed=done))


def _names(text: str | None) -> list[str] | None:
    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("no sequence given", "use names such as A,B")
    return names


def _warn(notes: Iterable[str]) -> None:
    for note in notes:
        typer.echo(f"vidtrack: note: {note}", err=True)

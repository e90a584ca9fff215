"""`vidtrack train`, `vidtrack data recipe` and `vidtrack data check`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from vidtrack.cli.commands import Commands
from vidtrack.cli.training_progress import TrainingProgress, closing_lines
from vidtrack.cli.values import parse_classes
from vidtrack.core.atomic_files import check_targets
from vidtrack.core.errors import UsageError, printable
from vidtrack.core.wording import plural

app = typer.Typer(cls=Commands, no_args_is_help=True)
data_app = typer.Typer(cls=Commands, no_args_is_help=True, help="Training data: write a recipe, check the annotations.")


@app.command("train")
def train_command(
    recipe: Annotated[
        Path, typer.Argument(metavar="RECIPE", help="Training recipe (JSON); ${NAME} expands environment variables.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Output folder for weights, metrics and state.")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue from the last saved state in --out.")] = False,
    max_minutes: Annotated[
        float | None, typer.Option("--max-minutes", min=0, help="Save and stop after this many minutes.")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option("--init", help="Model name or checkpoint to start from. Default: the recipe's."),
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Optimiser steps. Default: the recipe's.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Hide progress.")] = False,
) -> None:
    """Train a detector and tracker from a recipe; resumable."""
    from vidtrack.training.loop import train
    from vidtrack.training.recipe import load_config

    given = {"init": init, "steps": steps}
    config = load_config(recipe, {name: value for name, value in given.items() if value is not None})
    with TrainingProgress(config.steps, quiet) as progress:
        reached = train(config, out, resume, max_minutes, progress)
    if not quiet:
        for line in closing_lines(recipe, out, reached.step, config.steps, {"--init": init, "--steps": steps}):
            typer.echo(printable(line), err=True)


@data_app.command("recipe")
def recipe_command(
    data: Annotated[
        list[Path],
        typer.Argument(metavar="DATA...", help="COCO JSON files and MOTChallenge sequence folders to train on."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Recipe to write (.json).")],
    validation: Annotated[
        list[Path] | None,
        typer.Option("--validation", metavar="DATA", help="Data to evaluate on, never trained on. Repeatable."),
    ] = None,
    init: Annotated[str, typer.Option("--init", help="Model name or checkpoint to fine-tune.")] = "default",
    classes: Annotated[
        str | None,
        typer.Option("--classes", metavar="NAMES", help="Only these classes, e.g. person,dog."),
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", metavar="DIR", help="Folder that the COCO file names are relative to.")
    ] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="Optimiser steps. Default: by data size.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing recipe.")] = False,
) -> None:
    """Write a recipe that fine-tunes a model on your own data."""
    from vidtrack.training.recipe_template import starter_recipe, write_recipe

    if out.suffix.lower() != ".json":
        raise UsageError(f"{out} is not a .json file", "give a name that ends in .json")
    check_targets((out,), (*data, *(validation or ())), overwrite)
    config = starter_recipe(data, validation or (), init, parse_classes(classes), images, steps)
    write_recipe(config, out)
    typer.echo(
        f"{printable(str(out))}: {plural(len(config.model.classes), 'class', 'classes')}, "
        f"{plural(config.steps, 'step')} of {plural(config.batch, 'image')}",
        err=True,
    )
    if not validation:
        typer.echo("no --validation: nothing will measure the model on images it has not seen", err=True)
    written, run = shlex.quote(str(out)), shlex.quote(f"runs/{out.stem}")
    typer.echo(printable(f"next: vidtrack data check {written} --sheet sheet.jpg"), err=True)
    typer.echo(printable(f"then: vidtrack train {written} --out {run}"), err=True)


@data_app.command("check")
def check_command(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE", help="Training recipe (JSON).")],
    sheet: Annotated[
        Path | None,
        typer.Option("--sheet", metavar="FILE", help="Write a contact sheet (.jpg or .png)."),
    ] = None,
    images: Annotated[int, typer.Option("--images", min=1, metavar="N", help="Images per set on the sheet.")] = 8,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing contact sheet.")] = False,
) -> None:
    """Check a recipe's data: boxes per class, invalid boxes, missing files. Exit code 2 if anything is wrong."""
    from rich.console import Console

    from vidtrack.training.dataset_report import SHEET_SUFFIXES, check_sets, class_problems, contact_sheet
    from vidtrack.training.recipe import load_config

    config = load_config(recipe)
    if sheet is not None:
        if sheet.suffix.lower() not in SHEET_SUFFIXES:
            raise UsageError(f"{sheet} is not an image file name", f"end it in {' or '.join(SHEET_SUFFIXES)}")
        sets = (*config.data.train, *config.data.validation)
        check_targets((sheet,), (recipe, *(Path(item.path) for item in sets)), overwrite)
    reports = check_sets(config)
    console = Console()
    for report in reports:
        console.print(_table(report, config.model.classes))
        _print_problems(console, report.problems)
    unusable = class_problems(config, reports)
    _print_problems(console, unusable)
    if sheet is not None:
        contact_sheet(config, reports, sheet, images)
        typer.echo(f"contact sheet: {printable(str(sheet))}", err=True)
    if unusable or any(report.problems for report in reports):
        raise typer.Exit(2)


def _print_problems(console: Any, problems: Sequence[str]) -> None:
    for problem in problems:
        console.print(printable(problem), style="red", markup=False, highlight=False)


def _table(report: Any, classes: tuple[str, ...]) -> Any:
    from rich.markup import escape
    from rich.table import Table

    title = f"{report.name} ({report.role}): {plural(report.images, 'image')}, "
    title += f"{plural(report.boxes, 'box', 'boxes')}, {report.ignored} ignored"
    table = Table(title=escape(printable(title)), min_width=70)
    for column in ("class", "boxes", "images labelled", "median side"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for slot, name in enumerate(classes):
        if report.labelled[slot]:
            counts = (str(report.per_class[slot]), str(report.labelled[slot]))
            table.add_row(escape(printable(name)), *counts, f"{report.median_side[slot]:.0f} px")
    return table

"""`vidtrack weights`: known models and their files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.core.atomic_files import refuse_existing
from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.model import registry

app = typer.Typer(no_args_is_help=True, help="List, download, verify and convert models.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Model name; see `vidtrack weights list`.")]


class Layout(StrEnum):
    """Checkpoint formats that can be written."""

    vidtrack = "vidtrack"
    official = "official"
    huggingface = "huggingface"


@app.command("list")
def list_models() -> None:
    """List the models: whether they are on this machine, COCO AP, size, how they track, licence, use."""
    from rich.console import Console
    from rich.table import Table

    from vidtrack.model import registry

    table = Table(box=None, pad_edge=False, header_style="")
    for column in ("model", "here", "AP", "MB", "tracker", "licence", "good for"):
        table.add_column(column, justify="right" if column in ("AP", "MB") else "left", no_wrap=column == "model")
    for number, entry in enumerate(registry.entries()):
        here = "installed" if registry.cached_path(entry) else "missing" if entry.ships else "download"
        table.add_row(
            entry.name,
            here,
            "" if entry.coco_ap is None else f"{entry.coco_ap:.1f}",
            "" if entry.megabytes is None else str(entry.megabytes),
            "propagation" if entry.carries_queries else "association",
            entry.licence,
            entry.summary + (" (the default)" if number == 0 else ""),
        )
    console = Console()
    console.print(table, markup=False) if console.is_terminal else Console(width=240).print(table, markup=False)
    typer.echo("Others by hf:owner/name. AP: COCO val2017, as the authors report it; MB: about, to download.")


@app.command("pull")
def pull(name: Name) -> None:
    """Download a model and verify it; continues a partial download."""
    from vidtrack.model import registry

    entry = _find(name)
    path = registry.fetch(entry)
    registry.verify(entry)
    typer.echo(path)


@app.command("path")
def path(name: Name) -> None:
    """Print the path of a model's file; exit code 2 if it is not on this machine."""
    from vidtrack.model import registry

    entry = _find(name)
    found = registry.cached_path(entry)
    if found is None:
        raise UsageError(f"{entry.name} is not on this machine", f"run `vidtrack weights pull {entry.name}`")
    typer.echo(found)


@app.command("verify")
def verify(name: Name) -> None:
    """Verify a model's file against its SHA-256."""
    from vidtrack.model import registry

    typer.echo(f"{registry.verify(_find(name))}  {name}")


@app.command("convert")
def convert(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="Model name or checkpoint.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="File to write, or folder for huggingface.")],
    layout: Annotated[Layout, typer.Option("--to", help="Format to write.")] = Layout.vidtrack,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing TARGET.")] = False,
) -> None:
    """Convert a checkpoint to another format."""
    if not overwrite:
        refuse_existing([target])
    from vidtrack.model import checkpoint_export as publish
    from vidtrack.model.checkpoint import load_deformable_detr, save_checkpoint

    model = load_deformable_detr(source, "cpu", "float32", fold=False)
    if layout is Layout.vidtrack:
        save_checkpoint(model, target, {"converted_from": model.origin.name, "sha256": model.origin.sha256})
    elif layout is Layout.official:
        publish.write_official(model, target)
    else:
        publish.write_hugging_face(model, target)
    typer.echo(target)


def _find(name: str) -> registry.ModelEntry:
    from vidtrack.model import registry

    entry = registry.find(name)
    if entry is None:
        known = ", ".join(known.name for known in registry.entries())
        raise UsageError(f"unknown model {name!r}", f"known: {known}")
    return entry

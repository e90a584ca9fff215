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
    """List the models and whether they are on this machine."""
    from vidtrack.model import registry

    listed = registry.entries()
    width = max(len(entry.name) for entry in listed)
    for number, entry in enumerate(listed):
        here = "installed" if registry.cached_path(entry) else "missing" if entry.ships else "download"
        default = " (the default)" if number == 0 else ""
        typer.echo(f"{entry.name:{width}}  {here:11}  {entry.licence:10}  {entry.summary}{default}")


@app.command("pull")
def pull(name: Name) -> None:
    """Download a model and verify it; continues a partial download."""
    from rich.console import Console
    from rich.progress import Progress

    from vidtrack.model import registry

    entry = _find(name)
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(entry.name, total=None)
        path = registry.fetch(entry, lambda done, total: bar.update(task, completed=done, total=total))
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

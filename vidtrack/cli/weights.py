"""`vidtrack weights`: known models and their files."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidtrack.cli.commands import Commands
from vidtrack.core.atomic_files import check_writable, refuse_existing
from vidtrack.core.errors import UsageError

if TYPE_CHECKING:
    from vidtrack.model import registry

app = typer.Typer(cls=Commands, no_args_is_help=True, help="List, download, verify, convert and export models.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Model name; see `vidtrack weights list`.")]


class Layout(StrEnum):
    """Checkpoint formats that can be written."""

    vidtrack = "vidtrack"
    official = "official"
    huggingface = "huggingface"


class Runtime(StrEnum):
    """Runtimes that models are exported for."""

    onnx = "onnx"
    openvino = "openvino"
    tensorrt = "tensorrt"


@app.command("list")
def list_models() -> None:
    """List the models: whether they are on this machine, COCO AP, size, speed, how they track, licence, use."""
    from rich.console import Console
    from rich.table import Table

    from vidtrack.model import registry

    table = Table(box=None, pad_edge=False, header_style="")
    for column in ("model", "here", "AP", "MB", "s/frame", "tracker", "licence", "good for"):
        table.add_column(
            column, justify="right" if column in ("AP", "MB", "s/frame") else "left", no_wrap=column == "model"
        )
    for number, entry in enumerate(registry.entries()):
        here = "installed" if registry.cached_path(entry) else "missing" if entry.ships else "download"
        table.add_row(
            entry.name,
            here,
            "" if entry.coco_ap is None else f"{entry.coco_ap:.1f}",
            "" if entry.megabytes is None else str(entry.megabytes),
            "" if entry.cpu_seconds is None else f"{entry.cpu_seconds:g}",
            "association, propagation" if entry.carries_queries else "association",
            entry.licence,
            entry.summary + (" (the default)" if number == 0 else ""),
        )
    console = Console()
    console.print(table, markup=False) if console.is_terminal else Console(width=260).print(table, markup=False)
    typer.echo("Others by hf:owner/name. AP: COCO val2017, as the authors report it; MB: about, to download.")
    typer.echo("s/frame: measured for 1280x720 on one core of a CPU with AVX-512; empty: not measured.")
    typer.echo("tracker: what --tracker takes; exported models (FILE.onnx, FILE.xml) take association.")


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


@app.command("export")
def export(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model name or checkpoint of a Deformable DETR.")],
    runtime: Annotated[Runtime, typer.Option("--to", help="Runtime to export for.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write. Default: the model's name, in this folder.")
    ] = None,
    size: Annotated[
        int | None, typer.Option("--size", help="Shorter side of images in pixels. Default: the model's.")
    ] = None,
    int8: Annotated[
        Path | None,
        typer.Option("--int8", metavar="CLIP|FOLDER", help="Quantize to 8 bits on these images."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Export a model for ONNX Runtime, OpenVINO or TensorRT; `detect --model FILE` runs the first two."""
    suffix = ".xml" if runtime is Runtime.openvino else ".onnx"
    target = output or Path(Path(model).stem + (".tensorrt.onnx" if runtime is Runtime.tensorrt else suffix))
    if target.suffix != suffix:
        raise UsageError(f"--to {runtime.value} writes a {suffix} file, not {target.name}", "change --output")
    if not overwrite:
        refuse_existing([target, *([target.with_suffix(".bin")] if runtime is Runtime.openvino else [])])
    check_writable(target)
    from vidtrack.model.export import export_model, trtexec_command

    def begun() -> None:
        typer.echo(f"exporting: this takes {'some minutes' if int8 else 'about a minute'}", err=True)

    header = export_model(model, runtime.value, target, size, int8, begun)
    typer.echo(target)
    if header.use is not None:
        typer.echo(f"vidtrack: note: model {header.model}: {header.use}", err=True)
    if runtime is Runtime.tensorrt:
        typer.echo(f"build the engine with: {trtexec_command(target, header)}", err=True)


@app.command("info")
def info(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Model name, checkpoint or exported file.")],
) -> None:
    """Show a model's classes, image size, score threshold, precision, trackers and licence."""
    from vidtrack.model.description import describe

    for name, value in describe(model):
        typer.echo(f"{name + ':':10} {value}")


def _find(name: str) -> registry.ModelEntry:
    from vidtrack.model import registry

    entry = registry.find(name)
    if entry is None:
        known = ", ".join(known.name for known in registry.entries())
        raise UsageError(f"unknown model {name!r}", f"known: {known}")
    return entry

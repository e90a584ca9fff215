"""`vidtrack doctor`: versions, devices and health of this installation."""

from __future__ import annotations

import json
import platform
from typing import Annotated, Any

import typer

_PACKAGES = ("torch", "torchvision", "av", "opencv-python-headless", "opencv-python", "numpy", "lap", "safetensors")


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check the installation: versions, devices, compiled sampler, codecs, weights. Exit code 1 on a problem."""
    facts, complaints = examine()
    if as_json:
        typer.echo(json.dumps({**facts, "complaints": complaints}, ensure_ascii=False))
    else:
        for section, values in facts.items():
            typer.echo(section)
            width = max((len(name) for name in values), default=0)
            for name, value in values.items():
                typer.echo(f"  {name:{width}}  {', '.join(map(str, value)) if isinstance(value, list) else value}")
        for complaint in complaints:
            typer.echo(f"! {complaint}")
        if not complaints:
            typer.echo("no problems found")
    raise typer.Exit(1 if complaints else 0)


def examine() -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Facts by section, and the problems found."""
    from vidtrack import __version__, ops
    from vidtrack.core.metadata import version_of
    from vidtrack.model import registry
    from vidtrack.model.device import available_devices, resolve_device
    from vidtrack.ops.check import try_kernels
    from vidtrack.video import available_codecs, available_hardware, library_versions

    build, tried = ops.build_info(), try_kernels()
    shipped = {entry.name: registry.cached_path(entry) for entry in registry.entries() if entry.ships}
    facts: dict[str, dict[str, Any]] = {
        "versions": {
            "vidtrack": __version__,
            "Python": f"{platform.python_version()} on {platform.platform()}",
            **{package: found for package in _PACKAGES if (found := version_of(package, ""))},
        },
        "FFmpeg": library_versions(),
        "devices": {"PyTorch": available_devices(), "hardware decoders": available_hardware() or ["none"]},
        "sampler": {name: value for name, value in build.items() if value != []}
        | {"works on": [device for device, fault in tried.items() if not fault]},
        "video": {"codecs": available_codecs()},
        "weights": {name: str(path or "missing") for name, path in shipped.items()},
        "folders": {"cache": str(registry.cache_folder())},
    }
    complaints = [f"the bundled weights {name!r} are missing" for name, path in shipped.items() if path is None]
    if not build["compiled"]:
        complaints.append(f"the compiled sampler is not available, so inference is slower: {build['reason']}")
    elif resolve_device().type == "cuda" and not build["cuda"]:
        complaints.append("the compiled sampler has no CUDA kernels, so the GPU is slower: reinstall with nvcc")
    complaints += [
        f"the compiled sampler fails on {device}: {fault} (update the driver, or rebuild with VIDTRACK_CUDA_ARCHS)"
        for device, fault in tried.items()
        if fault
    ]
    return facts, complaints

"""Writing checkpoints in the formats of other projects."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import torch
from safetensors.torch import save_file

from vidtrack.core.errors import OutputError, WeightsError
from vidtrack.model import convert
from vidtrack.model import infer_config as describe
from vidtrack.model.checkpoint import replacing_checkpoint
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.fold import require_unfolded


def write_hugging_face(model: DeformableDETR, folder: str | Path) -> None:
    """Write a folder that transformers' `from_pretrained` loads.

    Raises WeightsError for a model that package cannot express, OutputError if the folder cannot be written.
    """
    _require_detector(model)
    state = convert.to_hugging_face(model.state_dict(), model.config)
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make folder {folder}: {error.strerror}") from error
    with replacing_checkpoint(folder / "model.safetensors") as partial:
        save_file({name: value.contiguous().clone() for name, value in state.items()}, partial, {"format": "pt"})
    with replacing_checkpoint(folder / "config.json") as partial:
        text = json.dumps(describe.hugging_face_config(model.config), indent=2)
        partial.write_text(text + "\n", encoding="utf-8")


def write_official(model: DeformableDETR, path: str | Path) -> None:
    """Write a `.pth` that the official code evaluates with `--resume`; raises as `write_hugging_face` does."""
    _require_detector(model)
    content = {
        "model": convert.to_official(model.state_dict(), model.config),
        "args": Namespace(**describe.official_arguments(model.config)),
    }
    with replacing_checkpoint(path) as partial:
        torch.save(content, partial)


def _require_detector(model: DeformableDETR) -> None:
    require_unfolded(model)
    if model.config.is_published_tracker:
        raise WeightsError(
            f"other formats of Deformable DETR have no place for {model.config.track_queries}", "keep vidtrack's"
        )

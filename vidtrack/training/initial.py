"""Starting weights: a whole detector with another class list, or only a classification backbone."""

from __future__ import annotations

import logging
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vidtrack.core.errors import WeightsError, printable
from vidtrack.model.detector import DeformableDETR

CLASS_WISE = ("class_embed.", "label_embed.")
_logger = logging.getLogger(__name__)


def initialise(model: DeformableDETR, source: str) -> list[str]:
    """Load `source` into the model; returns the names of tensors that keep their random values.

    A file whose keys start with `features.` is torchvision's MobileNetV2; anything else a detector, by name or path.
    Rows of class-wise weights move to the class of the same name. Weights that stay random, and those the model cannot
    use, are logged. Raises WeightsError.
    """
    fresh = _load(model, source)
    if fresh:
        _logger.warning("%d of %d weights begin fresh: %s", len(fresh), len(model.state_dict()), _brief(fresh))
    return fresh


def _load(model: DeformableDETR, source: str) -> list[str]:
    path = Path(source)
    if path.suffix == ".safetensors" and path.is_file():
        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise WeightsError(f"cannot read {path}: {error}") from None
        if any(key.startswith("features.") for key in state):
            return _load_backbone(model, state, path)
    return _load_detector(model, source)


def _load_backbone(model: DeformableDETR, state: dict[str, Tensor], path: Path) -> list[str]:
    own = model.backbone.body.state_dict()
    renamed = {key.removeprefix("features."): value for key, value in state.items()}
    missing = sorted(set(own) - set(renamed))
    if missing:
        raise WeightsError(f"{path} lacks backbone weights: {_brief(missing)}", "is it of the same network?")
    for key, value in own.items():
        if renamed[key].shape != value.shape:
            raise _misfit(f"features.{key}", renamed[key], value, path)
    model.backbone.body.load_state_dict({key: renamed[key] for key in own})
    return sorted(name for name in model.state_dict() if not name.startswith("backbone."))


@torch.no_grad()
def _load_detector(model: DeformableDETR, source: str) -> list[str]:
    from vidtrack.model.checkpoint import load_weights

    config, state, _ = load_weights(source)
    places = {name: index for index, name in enumerate(config.classes) if name}
    own = model.state_dict()
    unused = [name for name in state if name not in own and not name.startswith(CLASS_WISE)]
    if unused:
        _logger.warning("%d weights of %s are not used: %s", len(unused), printable(source), _brief(unused))
    fresh = []
    for name, value in own.items():
        given = state.get(name)
        if given is None:
            fresh.append(name)
        elif name.startswith(CLASS_WISE):
            if name.startswith("class_embed.") and places:  # a new class starts as the mean of the known ones
                value.copy_(given[list(places.values())].mean(0).to(value.dtype).expand_as(value))
            for slot, label in enumerate(model.config.classes):
                if label in places:
                    value[slot] = given[places[label]].to(value.dtype)
        elif given.shape == value.shape:
            value.copy_(given)
        else:
            raise _misfit(name, given, value, source)
    return fresh


def _misfit(name: str, given: Tensor, own: Tensor, source: str | Path) -> WeightsError:
    return WeightsError(
        f"{name} is {tuple(given.shape)} in {source} and {tuple(own.shape)} in the recipe",
        "the recipe's model may differ only in its classes",
    )


def _brief(names: list[str]) -> str:
    """The first few."""
    return printable(", ".join(names[:4])) + (", ..." if len(names) > 4 else "")

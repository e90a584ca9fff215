"""The official repository's matcher and criterion beside ours: the same outputs and objects, losses and gradients.

    git clone https://github.com/fundamentalvision/Deformable-DETR
    python benchmarks/official_losses.py Deformable-DETR

Outputs are random: six decoder layers of 300 queries and 91 classes, proposals of an encoder, four images of which
one holds nothing. Prints Markdown.
"""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any

import torch
from official_parity import import_official
from torch import Tensor

from vidtrack.model.detector import Memory
from vidtrack.training.batches import Target
from vidtrack.training.criterion import Objective
from vidtrack.training.losses import set_losses
from vidtrack.training.matcher import match
from vidtrack.training.recipe import LossConfig, TrackConfig

LAYERS, IMAGES, QUERIES, CLASSES, TOKENS = 6, 4, 300, 91, 4000
COUNTS = (7, 1, 0, 23)  # objects of each image
TERMS = {"class": "loss_ce", "l1": "loss_bbox", "giou": "loss_giou"}


def random_boxes(*size: int) -> Tensor:
    """Boxes (..., 4) as cxcywh, most of them inside the image."""
    return torch.cat([torch.rand(*size, 2) * 0.8 + 0.1, torch.rand(*size, 2) * 0.4 + 0.02], dim=-1)


def official_losses(criterion: Any, outputs: dict[str, Tensor], targets: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Weighted losses of the official code, the decoder layers summed, under our names."""
    layers = [
        {"pred_logits": logits, "pred_boxes": boxes}
        for logits, boxes in zip(outputs["logits"], outputs["boxes"], strict=True)
    ]
    proposals = {"pred_logits": outputs["encoder logits"], "pred_boxes": outputs["encoder boxes"].sigmoid()}
    found = criterion({**layers[-1], "aux_outputs": layers[:-1], "enc_outputs": proposals}, targets)
    sums: dict[str, Tensor] = {}
    for ours, theirs in TERMS.items():
        names = [theirs, *(f"{theirs}_{layer}" for layer in range(LAYERS - 1))]
        sums[f"decoder {ours}"] = sum(criterion.weight_dict[name] * found[name] for name in names)  # type: ignore[assignment]
        sums[f"encoder {ours}"] = criterion.weight_dict[f"{theirs}_enc"] * found[f"{theirs}_enc"]
    return sums


def our_losses(outputs: dict[str, Tensor], targets: list[Target]) -> dict[str, Tensor]:
    """The same of ours, with the paper's settings."""
    config = LossConfig(encoder_class_agnostic=True)
    num_boxes = float(max(1, sum(COUNTS)))
    assignment = match(outputs["logits"], outputs["boxes"], targets, config)
    decoder = set_losses(outputs["logits"], outputs["boxes"], targets, assignment, config, num_boxes)
    nothing = torch.zeros(0)
    memory = Memory(nothing, None, [], nothing, outputs["encoder logits"], outputs["encoder boxes"])
    encoder = Objective(config, TrackConfig())._encoder_losses(memory, targets, num_boxes)
    return {f"decoder {name}": value for name, value in decoder.items()} | {
        name.replace(".", " "): value for name, value in encoder.items()
    }


def main() -> None:
    """Print one row for each loss and one for each gradient."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path)
    folder = parser.parse_args().repository.resolve()
    warnings.simplefilter("ignore")
    models, official_main = import_official(folder)
    flags = ["--device=cpu", "--with_box_refine", "--two_stage"]
    arguments = argparse.ArgumentParser(parents=[official_main.get_args_parser()]).parse_args(flags)
    criterion = models.build_model(arguments)[1]

    torch.manual_seed(0)
    outputs = {
        "logits": torch.randn(LAYERS, IMAGES, QUERIES, CLASSES) * 2 - 3,
        "boxes": random_boxes(LAYERS, IMAGES, QUERIES),
        "encoder logits": torch.randn(IMAGES, TOKENS, CLASSES) * 2 - 3,
        "encoder boxes": torch.logit(random_boxes(IMAGES, TOKENS)),
    }
    objects = [(random_boxes(count), torch.randint(CLASSES, (count,))) for count in COUNTS]
    theirs = {name: value.clone().requires_grad_() for name, value in outputs.items()}
    ours = {name: value.clone().requires_grad_() for name, value in outputs.items()}
    expected = official_losses(criterion, theirs, [{"boxes": boxes, "labels": labels} for boxes, labels in objects])
    every = torch.ones(CLASSES, dtype=torch.bool)
    none, no_labels = torch.zeros(0, 4), torch.zeros(0, dtype=torch.int64)
    targets = [
        Target(boxes, labels, torch.arange(len(labels)), none, every, True, no_labels, torch.ones(len(labels)))
        for boxes, labels in objects
    ]
    found = our_losses(ours, targets)
    torch.stack(list(expected.values())).sum().backward()
    torch.stack(list(found.values())).sum().backward()

    print("| loss | official | ours | relative difference |")
    print("|---|---|---|---|")
    for name, value in expected.items():
        print(f"| {name} | {value:.6f} | {found[name]:.6f} | {abs(found[name] / value - 1):.1e} |")
    for name, leaf in theirs.items():
        assert leaf.grad is not None and ours[name].grad is not None
        largest = leaf.grad.abs().max()
        print(f"| largest gradient of {name} | {largest:.6f} | {ours[name].grad.abs().max():.6f} | ", end="")
        print(f"{float((ours[name].grad - leaf.grad).abs().max() / largest):.1e} |")


if __name__ == "__main__":
    main()

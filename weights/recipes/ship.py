r"""Make the shipped weights of a training run: only the classes that work, 16-bit matrices, hash in the manifest.

    python weights/recipes/ship.py runs/small/model.safetensors small --classes person,car,dog \
        --score 0.3 --recipe recipes/small.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from msgspec.structs import replace

from vidtrack.model.checkpoint import read_checkpoint, save_checkpoint
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.registry import file_sha256

WEIGHTS = Path(__file__).resolve().parents[1]


def reduced(path: Path, classes: tuple[str, ...], score: float | None) -> DeformableDETR:
    """The checkpoint's model with these of its classes, without what only training needs, with its least score."""
    config, state, _ = read_checkpoint(path)
    unknown = set(classes) - set(config.classes)
    if unknown:
        raise SystemExit(f"not among the model's classes: {', '.join(sorted(unknown))}")
    kept = [config.classes.index(name) for name in classes]
    for key in [key for key in state if key.startswith("class_embed.")]:
        state[key] = state[key][kept]
    state.pop("label_embed.weight", None)
    score = config.score if score is None else score
    model = DeformableDETR(replace(config, num_classes=len(kept), classes=classes, denoising=False, score=score))
    model.load_state_dict(state)
    return model


def main() -> None:
    """Parse, reduce, write, note."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("name")
    parser.add_argument("--classes", required=True, help="names of the classes to keep, separated by commas")
    parser.add_argument("--score", type=float, help="least score from which an object is tracked")
    parser.add_argument("--recipe", help="how it was trained, relative to the manifest")
    arguments = parser.parse_args()

    manifest_path = WEIGHTS / "manifest.json"
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    entry = manifest["models"][arguments.name]
    target = WEIGHTS / entry["files"][0]
    model = reduced(arguments.checkpoint, tuple(arguments.classes.split(",")), arguments.score)
    save_checkpoint(model, target, {"name": arguments.name}, torch.float16)
    entry["sha256"] = file_sha256(target)
    if arguments.recipe:
        entry["recipe"] = arguments.recipe
    manifest_path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(f"{target.name}: {target.stat().st_size / 2**20:.1f} MiB, sha256 {entry['sha256']}")
    print(f"classes: {', '.join(model.config.classes)}")


if __name__ == "__main__":
    main()

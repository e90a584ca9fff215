"""Put a trained checkpoint among the shipped weights: 16-bit, with its hash in the manifest.

    python weights/recipes/ship.py runs/NAME/model.safetensors small --recipe recipes/NAME.json
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch

from vidtrack.model.checkpoint import build, read_checkpoint, save_checkpoint
from vidtrack.model.download import file_sha256

FOLDER = Path(__file__).resolve().parents[1]


def main() -> None:
    """Convert, write beside the manifest, and note hash and recipe there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("name", help="entry of the manifest")
    parser.add_argument("--recipe", help="how it was trained, relative to the manifest")
    args = parser.parse_args()

    manifest_path = FOLDER / "manifest.json"
    manifest = json.loads(manifest_path.read_text(encoding="utf-8"))
    entry = manifest["models"][args.name]
    path = FOLDER / entry["files"][0]
    checkpoint = read_checkpoint(args.checkpoint)
    save_checkpoint(build(checkpoint, args.checkpoint), path, checkpoint.metadata, torch.float16)
    entry["sha256"] = file_sha256(path)
    if args.recipe:
        entry["recipe"] = args.recipe
    manifest_path.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(entry["sha256"], path, f"{path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()

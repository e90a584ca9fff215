"""Small TrackFormer and MOTR checkpoints with weights that depend on nothing but their names, and frames for them."""

from __future__ import annotations

import zlib
from argparse import Namespace
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from msgspec.structs import replace
from torch import Tensor

from tests.networks import TINY_PAPER
from vidtrack.core.types import Frame, FrameTracks
from vidtrack.model.checkpoint import build, read_checkpoint
from vidtrack.model.config import DetectorConfig
from vidtrack.model.convert import to_official
from vidtrack.model.preprocess import normalise
from vidtrack.model.tracker_checkpoints import model_class
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.tracker import make_tracker

SIZE = (128, 96)  # width, height of the frames
SURE = {"trackformer": 0.4, "motr": 0.7}
CONFIGS = {
    "trackformer": replace(
        TINY_PAPER,
        hidden_dim=96,
        heads=8,
        num_queries=20,
        num_classes=20,
        classes=("person", *[""] * 19),
        box_refine=True,
        track_queries="trackformer",
        frames=2,
        swapped_offsets=True,
    ),
    "motr": replace(
        TINY_PAPER,
        hidden_dim=64,
        heads=8,
        decoder_layers=5,  # the official code reads the fifth layer's references
        num_queries=300,
        num_classes=1,
        classes=("person",),
        box_refine=True,
        track_queries="motr",
        track_attention=True,
    ),
}
ARGUMENTS = {
    "trackformer": {"tracking": True, "multi_frame_attention": True, "nheads": 8, "dropout": 0.1},
    "motr": {"update_query_pos": True, "extra_track_attn": True, "nheads": 8, "dropout": 0.1},
}


def weight(name: str, shape: tuple[int, ...]) -> Tensor:
    """The value of a weight of the official name `name`."""
    name = name.replace("transformer.decoder.bbox_embed", "bbox_embed")
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    values = rng.standard_normal(shape)
    if name.endswith("running_var"):
        values = 1 + 0.1 * np.tanh(values)
    elif name.endswith("weight") and len(shape) == 1:  # of a norm
        values = 1 + 0.1 * values
    elif "sampling_offsets.bias" in name:
        values *= 2
    elif name.endswith("bias") or name.endswith("running_mean"):
        values *= 0.1
    elif len(shape) > 1 and "query_embed" not in name and "level_embed" not in name:
        values *= np.sqrt((2 if "backbone" in name else 1) / np.prod(shape[1:]))
    if name.startswith("class_embed") and name.endswith("bias"):
        values = np.array([-0.8, *[-9.0] * (len(values) - 1)]) if len(values) > 1 else np.zeros(1)
    return torch.from_numpy(values.astype(np.float32))


def official_state(config: DetectorConfig) -> dict[str, Tensor]:
    """Every tensor of a checkpoint in the official layout."""
    shapes = to_official(model_class(config)(config).state_dict(), config)
    state = {name: weight(name, tuple(value.shape)) for name, value in shapes.items()}
    if config.track_queries == "motr":
        unused = ("track_embed.norm3.weight", "track_embed.norm3.bias")
        state |= {name: weight(name, (config.hidden_dim,)) for name in unused}
    return state


def save_official(kind: str, path: Path, state: dict[str, Tensor] | None = None) -> Path:
    """The checkpoint as the official training code writes it."""
    state = official_state(CONFIGS[kind]) if state is None else state
    torch.save({"model": state, "args": Namespace(**ARGUMENTS[kind])}, path)
    return path


def frames(count: int = 5) -> list[tuple[Frame, Tensor]]:
    """Frames whose coarse pattern moves to the right, and their pixels (1, 3, H, W)."""
    width, height = SIZE
    pattern = np.random.default_rng(0).integers(0, 256, (height // 8, width // 8, 3), np.uint8)
    found = []
    for index in range(count):
        image = np.roll(np.kron(pattern, np.ones((8, 8, 1), np.uint8)), 3 * index, axis=1)
        pixels = normalise(torch.from_numpy(image).permute(2, 0, 1)[None].float())
        found.append((Frame(index, index, Fraction(1, 25), image), pixels))
    return found


def follow(kind: str, path: Path, count: int = 5) -> list[FrameTracks]:
    """What the tracker finds in the frames with the checkpoint at `path`."""
    model = build(read_checkpoint(path), path).eval()
    tracker = make_tracker(model, TrackerConfig(mode=kind, new_track_threshold=SURE[kind], scene_cuts=False))
    with torch.inference_mode():
        return [tracker.step(model.encode(pixels), frame) for frame, pixels in frames(count)]

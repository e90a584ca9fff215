"""Recognises checkpoints of TrackFormer and MOTR, and reads their training arguments."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vidtrack.core.errors import WeightsError
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.motr import MOTR
from vidtrack.model.trackformer import TrackFormer

_PERSON_ONLY = {"trackformer": 20, "motr": 1}  # slots of their class heads on MOTChallenge and CrowdHuman
# arguments that change how the weights are used, with the only supported value
_UNSUPPORTED: Mapping[str, Mapping[str, object]] = {
    "trackformer": {
        "merge_frame_features": False,
        "multi_frame_encoding": True,
        "multi_frame_attention_separate_encoder": True,
        "masks": False,
        "two_stage": False,
    },
    "motr": {
        "sigmoid_attn": False,
        "decoder_cross_self": False,
        "two_stage": False,
        "memory_bank_type": None,
        "update_query_pos": True,
    },
}


def model_class(config: DetectorConfig) -> type[DeformableDETR]:
    """The network that a config describes."""
    return {"trackformer": TrackFormer, "motr": MOTR}.get(config.track_queries, DeformableDETR)


def tracker_notes(arguments: Mapping[str, Any], official: Mapping[str, Tensor]) -> dict[str, Any]:
    """Fields of `DetectorConfig` for a tracker's checkpoint with official key names; empty for a detector's.

    Raises WeightsError for an unsupported variant.
    """
    kind = _kind(arguments, official)
    if kind is None:
        return {}
    _check(kind, arguments, official)
    named = len(official.get("class_embed.0.bias", ())) == _PERSON_ONLY[kind]
    classes = ("person", *[""] * (_PERSON_ONLY[kind] - 1)) if named else ()
    if kind == "motr":
        return {
            "track_queries": kind,
            "track_attention": any(".update_attn." in name for name in official),
            "size": 800,
            "max_size": 1536,
            "score": 0.7,
            "classes": classes,
        }
    sizes = arguments.get("img_transform")
    sizes = vars(sizes) if isinstance(sizes, Namespace) else sizes if isinstance(sizes, Mapping) else {}
    return {
        "track_queries": kind,
        "frames": 2 if _is_two_frames(official) else 1,
        "swapped_offsets": True,
        "size": int(sizes.get("val_width", 800)),
        "max_size": int(sizes.get("max_size", 1333)),
        "score": 0.4,
        "classes": classes,
    }


def _kind(arguments: Mapping[str, Any], official: Mapping[str, Tensor]) -> str | None:
    if any(name.startswith("track_embed.") for name in official):
        return "motr"
    return "trackformer" if arguments.get("tracking") or _is_two_frames(official) else None


def _is_two_frames(official: Mapping[str, Tensor]) -> bool:
    """Whether there is a level embedding for twice the levels."""
    levels = sum(1 for name in official if name.startswith("input_proj.") and name.endswith(".0.weight"))
    return bool(levels) and len(official["transformer.level_embed"]) == 2 * levels


def _check(kind: str, arguments: Mapping[str, Any], official: Mapping[str, Tensor]) -> None:
    for name, value in _UNSUPPORTED[kind].items():
        two_frames = not name.startswith("multi_frame") or bool(arguments.get("multi_frame_attention"))
        if name in arguments and two_frames and arguments[name] != value:
            raise WeightsError(
                f"a {kind} checkpoint trained with {name}={arguments[name]} is not supported", f"only {value} is"
            )
    if any(name.startswith("memory_bank.") for name in official):
        raise WeightsError("a motr checkpoint with a memory bank is not supported", "use one trained without it")

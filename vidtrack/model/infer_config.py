"""Infers the config of a foreign checkpoint from its weights and metadata."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from vidtrack.core.errors import WeightsError
from vidtrack.model.coco_classes import COCO_CLASSES
from vidtrack.model.config import DetectorConfig
from vidtrack.model.tracker_checkpoints import tracker_notes

_UNUSED_LABELS = ("N/A", "")
_AS_NOTED = ("track_queries", "frames", "swapped_offsets", "track_attention", "size", "max_size", "score")


def config_from_state(state: Mapping[str, Tensor], notes: Mapping[str, Any]) -> DetectorConfig:
    """Config of a state dict in our key layout.

    `notes` holds what tensor shapes do not reveal, under our field names: dilation, heads, num_queries (two-stage),
    classes, box_refine, and those of published trackers. Raises WeightsError if the weights are not a Deformable DETR.
    """
    try:
        return _from_shapes(state, notes)
    except KeyError as error:
        raise WeightsError(f"these weights are not a Deformable DETR: {error.args[0]} is missing") from None


def _from_shapes(state: Mapping[str, Tensor], notes: Mapping[str, Any]) -> DetectorConfig:
    rows, hidden_dim = _shape(state, "level_embed", 2)
    num_levels = rows // int(notes.get("frames", 1))
    heads = int(notes.get("heads", 8))
    slots = _shape(state, "encoder.layers.0.self_attn.attention_weights.weight", 2)[0]
    if slots % (heads * num_levels):
        raise WeightsError(f"{slots} attention weights do not divide into {heads} heads and {num_levels} levels")
    two_stage = "enc_output.weight" in state
    num_classes = len(state["class_embed.0.bias"])
    classes = tuple(notes.get("classes", ()))
    if not classes and num_classes == len(COCO_CLASSES):
        classes = COCO_CLASSES
    return DetectorConfig.from_dict(
        dict(
            backbone=_backbone(state),
            dilation=bool(notes.get("dilation", False)),
            feature_levels=sum(
                1 for level in range(num_levels) if _shape(state, f"input_proj.levels.{level}.0.weight", 4)[-1] == 1
            ),
            num_levels=num_levels,
            hidden_dim=hidden_dim,
            heads=heads,
            points=slots // (heads * num_levels),
            encoder_layers=_count(state, r"encoder\.layers\.(\d+)\."),
            decoder_layers=_count(state, r"decoder\.layers\.(\d+)\."),
            feedforward_dim=len(state["encoder.layers.0.ffn.linear1.bias"]),
            dropout=float(notes.get("dropout", 0.1)),
            num_queries=int(notes.get("num_queries", 300)) if two_stage else len(state["query_embed.weight"]),
            num_classes=num_classes,
            box_refine=bool(notes.get("box_refine", False)),
            two_stage=two_stage,
            classes=classes,
            **{name: notes[name] for name in _AS_NOTED if name in notes},
        )
    )


def notes_from_arguments(arguments: Mapping[str, Any], official: Mapping[str, Tensor]) -> dict[str, Any]:
    """Notes from an official checkpoint: its training arguments, and the duplicated heads that refinement leaves."""
    if arguments.get("position_embedding", "sine") != "sine":
        raise WeightsError(f"position embedding {arguments['position_embedding']!r} is not supported", "only sine is")
    names = {"dilation": "dilation", "heads": "nheads", "num_queries": "num_queries", "dropout": "dropout"}
    notes = {ours: arguments[theirs] for ours, theirs in names.items() if theirs in arguments}
    notes["box_refine"] = any(name.startswith("transformer.decoder.bbox_embed.") for name in official)
    return notes | tracker_notes(arguments, official)


def official_arguments(config: DetectorConfig) -> dict[str, Any]:
    """The command-line arguments with which the official code builds this detector."""
    return {
        "backbone": config.backbone,
        "dilation": config.dilation,
        "position_embedding": "sine",
        "num_feature_levels": config.num_levels,
        "enc_layers": config.encoder_layers,
        "dec_layers": config.decoder_layers,
        "dim_feedforward": config.feedforward_dim,
        "hidden_dim": config.hidden_dim,
        "dropout": config.dropout,
        "nheads": config.heads,
        "num_queries": config.num_queries,
        "enc_n_points": config.points,
        "dec_n_points": config.points,
        "with_box_refine": config.box_refine,
        "two_stage": config.two_stage,
    }


def notes_from_hugging_face(config: Mapping[str, Any]) -> dict[str, Any]:
    """Notes from the `config.json` of a Hugging Face checkpoint; raises WeightsError for another architecture."""
    kind = config.get("model_type", "deformable_detr")
    if kind != "deformable_detr":
        raise WeightsError(f"this is a {kind} model, not a Deformable DETR")
    if config.get("position_embedding_type", "sine") != "sine":
        raise WeightsError(f"position embedding {config['position_embedding_type']!r} is not supported", "only sine is")
    two_stage = bool(config.get("two_stage", False))
    notes: dict[str, Any] = {
        "dilation": bool(config.get("dilation", False)),
        "heads": int(config.get("encoder_attention_heads", 8)),
        "dropout": float(config.get("dropout", 0.1)),
        "num_queries": int(config.get("two_stage_num_proposals" if two_stage else "num_queries", 300)),
        "box_refine": bool(config.get("with_box_refine", False)),
    }
    labels = config.get("id2label")
    if isinstance(labels, Mapping) and labels:
        slots = {int(index): str(name) for index, name in labels.items()}
        named = [slots.get(index, "") for index in range(max(slots) + 1)]
        notes["classes"] = tuple("" if name in _UNUSED_LABELS else name for name in named)
    return notes


def hugging_face_config(config: DetectorConfig) -> dict[str, Any]:
    """The `config.json` with which transformers rebuilds this detector."""
    names = config.classes or tuple(f"LABEL_{index}" for index in range(config.num_classes))
    labels = {str(index): name or "N/A" for index, name in enumerate(names)}
    return {
        "architectures": ["DeformableDetrForObjectDetection"],
        "model_type": "deformable_detr",
        "use_timm_backbone": True,
        "use_pretrained_backbone": False,
        "backbone": config.backbone,
        "dilation": config.dilation,
        "num_feature_levels": config.num_levels,
        "d_model": config.hidden_dim,
        "encoder_attention_heads": config.heads,
        "decoder_attention_heads": config.heads,
        "encoder_n_points": config.points,
        "decoder_n_points": config.points,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "encoder_ffn_dim": config.feedforward_dim,
        "decoder_ffn_dim": config.feedforward_dim,
        "dropout": config.dropout,
        "num_queries": config.num_queries,
        "two_stage_num_proposals": config.num_queries,
        "with_box_refine": config.box_refine,
        "two_stage": config.two_stage,
        "id2label": labels,
    }


def _backbone(state: Mapping[str, Tensor]) -> str:
    """The ResNet whose number of blocks and kind of block these weights have."""
    blocks = [_count(state, rf"backbone\.body\.layer{stage}\.(\d+)\.") for stage in (1, 2, 3, 4)]
    bottleneck = "backbone.body.layer1.0.conv3.weight" in state
    known = {
        "resnet18": ([2, 2, 2, 2], False),
        "resnet34": ([3, 4, 6, 3], False),
        "resnet50": ([3, 4, 6, 3], True),
        "resnet101": ([3, 4, 23, 3], True),
    }
    for name, shape in known.items():
        if shape == (blocks, bottleneck):
            return name
    raise WeightsError("their backbone is not a ResNet in torchvision's naming", f"known: {', '.join(known)}")


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """How many consecutive numbers from 0 the pattern's group takes among the names."""
    return 1 + max((int(match[1]) for name in state if (match := re.match(pattern, name))), default=-1)


def _shape(state: Mapping[str, Tensor], name: str, dimensions: int) -> tuple[int, ...]:
    shape = tuple(state[name].shape)
    if len(shape) != dimensions:
        raise WeightsError(f"{name} is {shape}; expected {dimensions} dimensions")
    return shape

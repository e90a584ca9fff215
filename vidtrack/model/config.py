"""What a detector is made of, in one JSON-able value that travels inside its checkpoint."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, get_type_hints

from vidtrack.core.errors import WeightsError

TRACK_QUERIES = ("none", "trained")
NORM_GROUPS = 32  # of the group normalisation of every level (the official code's)
_MOST = {  # far past any network; a damaged or hostile file may say anything. The least is 1
    "num_levels": 16, "hidden_dim": 16384, "heads": 1024, "points": 256, "encoder_layers": 128, "decoder_layers": 128,
    "feedforward_dim": 262144, "num_queries": 1_000_000, "num_classes": 1_000_000, "size": 8192, "max_size": 65536,
}  # fmt: skip
_MOST_REAL = {"score": 1.0, "proposal_iou": 1.0, "proposal_cells": 1000.0}  # the least is 0


@dataclass(frozen=True)
class DetectorConfig:
    """Shape of a Deformable DETR; the defaults are the paper's multi-scale model for COCO.

    `feature_levels` counts the backbone stages used, deepest last; levels beyond them, up to `num_levels`,
    are stride-2 convolutions of the deepest. `classes` names the logit slots; an empty name is an unused slot.
    `size` and `max_size` are the shorter and longest side, in pixels, a frame is resized to for inference.
    """

    backbone: str = "resnet50"
    dilation: bool = False  # DC5: the last backbone stage keeps its stride
    feature_levels: int = 3
    num_levels: int = 4
    hidden_dim: int = 256
    heads: int = 8
    points: int = 4
    encoder_layers: int = 6
    decoder_layers: int = 6
    feedforward_dim: int = 1024
    dropout: float = 0.1
    num_queries: int = 300
    num_classes: int = 91
    box_refine: bool = False
    two_stage: bool = False
    mixed_query_selection: bool = False  # DINO (Zhang et al., ICLR 2023): boxes from proposals, content learned
    proposal_cells: float = 0.0  # side of a proposal's prior in cells of its level; 0: the paper's, in shares
    proposal_iou: float = 1.0  # proposals that overlap more make one query (DDQ, Zhang et al., CVPR 2023); 1 is off
    denoising: bool = False  # DN-DETR (Li et al., CVPR 2022): keeps a label embedding
    track_queries: str = "none"  # "trained" when the weights learned to carry queries from frame to frame
    classes: tuple[str, ...] = ()
    size: int = 800
    max_size: int = 1333
    score: float = 0.4  # least score from which an object is tracked, unless a person says otherwise

    def __post_init__(self) -> None:
        for name, most in _MOST.items():
            if getattr(self, name) < 1:
                raise WeightsError(f"{name} is {getattr(self, name)}, not 1 or more")
            if getattr(self, name) > most:
                raise WeightsError(f"{name} is {getattr(self, name)}, more than {most}")
        for name, limit in _MOST_REAL.items():
            if not 0 <= getattr(self, name) <= limit:
                raise WeightsError(f"{name} is {getattr(self, name)}, not from 0 to {limit:g}")
        if self.track_queries not in TRACK_QUERIES:
            raise WeightsError(f"track_queries is {self.track_queries!r}", f"known: {', '.join(TRACK_QUERIES)}")
        if not 0 <= self.dropout < 1:
            raise WeightsError(f"dropout is {self.dropout}, not in [0, 1)")
        if self.hidden_dim % self.heads or self.hidden_dim % NORM_GROUPS:
            raise WeightsError(
                f"hidden_dim {self.hidden_dim} is not a multiple of heads {self.heads} and of {NORM_GROUPS}"
            )
        if not 1 <= self.feature_levels <= self.num_levels:
            raise WeightsError(f"feature_levels {self.feature_levels} must lie in 1..num_levels ({self.num_levels})")
        if self.classes and len(self.classes) != self.num_classes:
            raise WeightsError(f"{len(self.classes)} class names for num_classes {self.num_classes}")
        if self.mixed_query_selection and not self.two_stage:
            raise WeightsError("mixed_query_selection needs two_stage")
        if not self.two_stage and (self.proposal_cells or self.proposal_iou < 1):
            raise WeightsError("proposal_cells and proposal_iou need two_stage")
        if self.two_stage and not self.box_refine:
            raise WeightsError("two_stage needs box_refine")

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DetectorConfig:
        """Rebuild from `to_dict`; raises WeightsError on an unknown field or a value of the wrong type."""
        if not isinstance(values, Mapping):
            raise WeightsError(f"detector config is {values!r}, not an object with fields")
        kinds = get_type_hints(cls)
        unknown = sorted(set(values) - set(kinds))
        if unknown:
            raise WeightsError(
                f"detector config has unknown fields: {', '.join(unknown)}", "made by a newer vidtrack? upgrade"
            )
        return cls(**{name: _typed(name, kinds[name], value) for name, value in values.items()})


def _typed(name: str, kind: Any, value: Any) -> Any:
    """A value of JSON as its field wants it: whole numbers serve as floats, lists of text as tuples."""
    if kind == tuple[str, ...]:
        if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
            return tuple(value)
        raise WeightsError(f"detector config: {name} is {value!r}, not a list of names")
    if kind is float and type(value) is int and abs(value) < sys.float_info.max:
        return float(value)
    if type(value) is not kind:  # exactly: True is no number of heads
        raise WeightsError(f"detector config: {name} is {value!r}, not of type {kind.__name__}")
    return value

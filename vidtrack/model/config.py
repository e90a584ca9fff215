"""What a detector is made of, in one JSON-able value that travels inside its checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from vidtrack.errors import WeightsError


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
    denoising: bool = False  # DN-DETR (Li et al., CVPR 2022): keeps a label embedding
    track_queries: str = "none"  # "trained" when the weights learned to carry queries from frame to frame
    classes: tuple[str, ...] = ()
    size: int = 800
    max_size: int = 1333

    def __post_init__(self) -> None:
        if self.hidden_dim % self.heads:
            raise WeightsError(f"hidden_dim {self.hidden_dim} is not a multiple of heads {self.heads}")
        if not 1 <= self.feature_levels <= self.num_levels:
            raise WeightsError(f"feature_levels {self.feature_levels} must lie in 1..num_levels ({self.num_levels})")
        if self.classes and len(self.classes) != self.num_classes:
            raise WeightsError(f"{len(self.classes)} class names for num_classes {self.num_classes}")
        if self.mixed_query_selection and not self.two_stage:
            raise WeightsError("mixed_query_selection needs two_stage")
        if self.two_stage and not self.box_refine:
            raise WeightsError("two_stage needs box_refine")

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DetectorConfig:
        """Rebuild from `to_dict`; raises WeightsError on an unknown field."""
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            raise WeightsError(
                f"detector config has unknown fields: {', '.join(unknown)}", "made by a newer vidtrack? upgrade"
            )
        return cls(**{**values, "classes": tuple(values.get("classes", ()))})

"""The configuration of a detector; it is stored inside its checkpoint as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vidtrack.core.errors import WeightsError

NORM_GROUPS = 32  # of the group normalisation of every level (the official code's)

# Upper limits lie far beyond any network: a damaged or hostile file may say anything.
Layers = Annotated[int, Meta(ge=1, le=128)]
Share = Annotated[float, Meta(ge=0, le=1)]


class DetectorConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Shape of a Deformable DETR; the defaults are the paper's multi-scale model for COCO.

    `feature_levels` counts the backbone stages used, deepest last; levels beyond them, up to `num_levels`,
    are stride-2 convolutions of the deepest. `classes` names the logit slots; an empty name is an unused slot.
    `size` and `max_size` are the shorter and longest side, in pixels, a frame is resized to for inference.
    """

    backbone: str = "resnet50"
    dilation: bool = False  # DC5: the last backbone stage keeps its stride
    feature_levels: Annotated[int, Meta(ge=1, le=16)] = 3
    num_levels: Annotated[int, Meta(ge=1, le=16)] = 4
    hidden_dim: Annotated[int, Meta(ge=1, le=16384)] = 256
    heads: Annotated[int, Meta(ge=1, le=1024)] = 8
    points: Annotated[int, Meta(ge=1, le=256)] = 4
    encoder_layers: Layers = 6
    decoder_layers: Layers = 6
    feedforward_dim: Annotated[int, Meta(ge=1, le=262_144)] = 1024
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.1
    num_queries: Annotated[int, Meta(ge=1, le=1_000_000)] = 300
    num_classes: Annotated[int, Meta(ge=1, le=1_000_000)] = 91
    box_refine: bool = False
    two_stage: bool = False
    mixed_query_selection: bool = False  # DINO (Zhang et al., ICLR 2023): boxes from proposals, content learned
    # side of a proposal's prior in cells of its level; 0: the paper's fixed share of the image
    proposal_cells: Annotated[float, Meta(ge=0, le=1000)] = 0.0
    proposal_iou: Share = 1.0  # proposals that overlap more become one query (DDQ, Zhang et al., CVPR 2023); 1 is off
    # second boxes on an object lose score: Matrix NMS (Wang et al., NeurIPS 2020) with this sigma; 0 is off
    matrix_nms: Annotated[float, Meta(ge=0, le=100)] = 0.0
    denoising: bool = False  # DN-DETR (Li et al., CVPR 2022): keeps a label embedding
    # trained: the weights learned to carry queries between frames; trackformer, motr: weights of that tracker
    track_queries: Literal["none", "trained", "trackformer", "motr"] = "none"
    frames: Annotated[int, Meta(ge=1, le=2)] = 1  # TrackFormer: 2 if the decoder also attends to the previous frame
    swapped_offsets: bool = False  # TrackFormer's code: around points, x offsets count rows and y offsets columns
    track_attention: bool = False  # MOTR: tracks attend to each other first in every decoder layer
    classes: tuple[str, ...] = ()
    size: Annotated[int, Meta(ge=1, le=8192)] = 800
    max_size: Annotated[int, Meta(ge=1, le=65_536)] = 1333
    score: Share = 0.4  # default minimum score of a track

    def __post_init__(self) -> None:
        if self.hidden_dim % self.heads or self.hidden_dim % NORM_GROUPS:
            raise ValueError(
                f"hidden_dim {self.hidden_dim} is not a multiple of heads {self.heads} and of {NORM_GROUPS}"
            )
        if self.feature_levels > self.num_levels:
            raise ValueError(f"feature_levels {self.feature_levels} exceeds num_levels {self.num_levels}")
        if self.classes and len(self.classes) != self.num_classes:
            raise ValueError(f"{len(self.classes)} class names for num_classes {self.num_classes}")
        if self.mixed_query_selection and not self.two_stage:
            raise ValueError("mixed_query_selection needs two_stage")
        if not self.two_stage and (self.proposal_cells or self.proposal_iou < 1):
            raise ValueError("proposal_cells and proposal_iou need two_stage")
        if self.track_queries != "trackformer" and (self.frames > 1 or self.swapped_offsets):
            raise ValueError("frames and swapped_offsets need track_queries trackformer")
        if self.track_queries != "motr" and self.track_attention:
            raise ValueError("track_attention needs track_queries motr")
        if self.two_stage and self.is_published_tracker:
            raise ValueError(f"track_queries {self.track_queries} has no two_stage")
        if self.two_stage and not self.box_refine:
            raise ValueError("two_stage needs box_refine")

    @property
    def is_published_tracker(self) -> bool:
        """True for weights of TrackFormer or MOTR, which only their own trackers run."""
        return self.track_queries in ("trackformer", "motr")

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary that `json.dumps` takes."""
        return msgspec.structs.asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> DetectorConfig:
        """Rebuild from `to_dict`; raises WeightsError naming the field that is unknown, mistyped or out of range."""
        try:
            return msgspec.convert(values, cls)
        except msgspec.ValidationError as error:
            hint = "written by a newer vidtrack? upgrade" if "unknown field" in str(error) else ""
            raise WeightsError(f"detector config: {error}", hint) from None

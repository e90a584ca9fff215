"""Deformable DETR: images and queries in, class logits and boxes out."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from vidtrack.core.detections import Detections
from vidtrack.model.attention import Shapes, lowered
from vidtrack.model.backbone import Backbone, InputProjection, resize_padding
from vidtrack.model.config import DetectorConfig
from vidtrack.model.decoder import BoxHead, Decoder, Queries
from vidtrack.model.encoder import Encoder
from vidtrack.model.light_torchvision import box_convert
from vidtrack.model.outputs import DetectorOutput, FrameOutput, decay_doubles
from vidtrack.model.position import box_encoding, full_grid_encoding, sine_encoding
from vidtrack.model.preprocess import check_size, to_batch
from vidtrack.model.proposals import Proposals, best_proposals, propose
from vidtrack.model.protocol import Origin, Preprocessor


@dataclass(frozen=True)
class Memory:
    """What the encoder made of a batch of images; a two-stage model adds a box proposal for every token.

    tokens (B, S, C); padding (B, S), True outside the image, or None; valid_ratios (B, L, 2) as (x, y);
    proposal_logits (B, S, K) and proposal_boxes (B, S, 4), the latter before the sigmoid.
    """

    tokens: Tensor
    padding: Tensor | None
    shapes: Shapes
    valid_ratios: Tensor
    proposal_logits: Tensor | None = None
    proposal_boxes: Tensor | None = None

    def __getitem__(self, index: slice) -> Memory:
        """The memory of some images of the batch."""

        def part(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor[index]

        return Memory(
            self.tokens[index],
            part(self.padding),
            self.shapes,
            self.valid_ratios[index],
            part(self.proposal_logits),
            part(self.proposal_boxes),
        )


class DeformableDETR(nn.Module):
    """Deformable DETR in the form its config describes (Zhu et al., ICLR 2021)."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__()
        self.config = config
        self.origin = Origin("in memory")
        dim = config.hidden_dim
        self.backbone = Backbone(config)
        self.input_proj = InputProjection(self.backbone.channels, config)
        self.level_embed = nn.Parameter(torch.randn(config.num_levels, dim))
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        if config.two_stage:
            self.enc_output = nn.Linear(dim, dim)
            self.enc_output_norm = nn.LayerNorm(dim)
            self.pos_trans = nn.Linear(2 * dim, 2 * dim)
            self.pos_trans_norm = nn.LayerNorm(2 * dim)
        else:
            self.query_embed = nn.Embedding(config.num_queries, 2 * dim)
            self.reference_points = nn.Linear(dim, 2)
            nn.init.xavier_uniform_(self.reference_points.weight)
            nn.init.zeros_(self.reference_points.bias)
        if config.mixed_query_selection:
            self.content_embed = nn.Embedding(config.num_queries, dim)
        if config.denoising:
            self.label_embed = nn.Embedding(config.num_classes, dim)
        self._make_heads(config)

    def _make_heads(self, config: DetectorConfig) -> None:
        """One class and box head a decoder layer (shared without refinement), one more for proposals."""
        class_head = nn.Linear(config.hidden_dim, config.num_classes)
        nn.init.constant_(class_head.bias, -math.log(99))  # prior probability 0.01 (focal loss, section 3.3)
        box_head = BoxHead(config.hidden_dim)
        count = config.decoder_layers + config.two_stage
        class_heads, box_heads = [class_head] * count, [box_head] * count
        if config.box_refine:
            class_heads = [copy.deepcopy(class_head) for _ in range(count)]
            box_heads = [copy.deepcopy(box_head) for _ in range(count)]
        if not config.two_stage:
            box_heads[0].start_small()
        self.class_embed, self.bbox_embed = nn.ModuleList(class_heads), nn.ModuleList(box_heads)

    def encode(self, pixels: Tensor, padding: Tensor | None = None) -> Memory:
        """Encode normalised pixels (B, 3, H, W); padding (B, H, W) is True outside each image."""
        levels = self.input_proj(self.backbone(pixels))
        masks = level_masks(levels, padding)
        position = torch.cat(
            [
                self._grid_encoding(mask, full=padding is None).to(embed.dtype) + embed
                for mask, embed in zip(masks, self.level_embed, strict=True)
            ],
            dim=1,
        )
        memory = self._encode_levels(levels, masks, position, padding is not None)
        if not self.config.two_stage:
            return memory
        proposals = self._propose(memory.tokens, memory.padding, memory.shapes, memory.valid_ratios)
        return replace(memory, proposal_logits=proposals.logits, proposal_boxes=proposals.boxes)

    def _encode_levels(
        self, levels: Sequence[Tensor], masks: Sequence[Tensor], position: Tensor, is_padded: bool
    ) -> Memory:
        """Memory of levels (B, C, H_l, W_l), their padding (B, H_l, W_l) and position (B, S, C)."""
        shapes = [(level.shape[-2], level.shape[-1]) for level in levels]
        valid_ratios = torch.stack([_valid_ratio(mask) for mask in masks], dim=1)
        tokens = torch.cat([level.flatten(2).transpose(1, 2) for level in levels], dim=1).to(position.dtype)
        padding = torch.cat([mask.flatten(1) for mask in masks], dim=1) if is_padded else None
        return Memory(self.encoder(tokens, position, shapes, valid_ratios, padding), padding, shapes, valid_ratios)

    def _grid_encoding(self, mask: Tensor, full: bool) -> Tensor:
        if not full or torch.compiler.is_compiling():
            return sine_encoding(mask, self.config.hidden_dim)
        encoding = full_grid_encoding(mask.shape[1], mask.shape[2], self.config.hidden_dim, mask.device)
        return encoding.expand(mask.shape[0], -1, -1)

    def _propose(self, tokens: Tensor, padding: Tensor | None, shapes: Shapes, valid_ratios: Tensor) -> Proposals:
        def embed(kept: Tensor) -> Tensor:
            hidden = self.enc_output(lowered(kept, self.enc_output))
            return self.enc_output_norm(hidden.to(self.enc_output_norm.weight.dtype))

        class_head, box_head = self.class_embed[-1], self.bbox_embed[-1]
        return propose(tokens, padding, shapes, valid_ratios, embed, class_head, box_head, self.config.proposal_cells)

    def object_queries(self, memory: Memory) -> Queries:
        """The queries that look for objects anywhere: learned, or from the best proposals of a two-stage model."""
        batch = memory.tokens.shape[0]
        if memory.proposal_logits is None or memory.proposal_boxes is None:
            halves = self.query_embed.weight.chunk(2, dim=-1)  # contiguous, or an export's batch becomes constant
            position, content = (half.contiguous().expand(batch, -1, -1) for half in halves)
            return Queries(content, position, self.reference_points(position).float().sigmoid())
        best = self._best_proposals(memory.proposal_logits, memory.proposal_boxes)
        logits = memory.proposal_boxes.gather(1, best[..., None].expand(-1, -1, 4)).detach()
        if not self.config.mixed_query_selection:
            return self.box_queries(logits.sigmoid())
        return self.box_queries(logits.sigmoid(), self.content_embed.weight.expand(batch, -1, -1)[:, : best.shape[1]])

    def _best_proposals(self, logits: Tensor, boxes: Tensor) -> Tensor:
        """Token indices (B, Q) of the best proposals; published two-stage weights rank all by class channel 0."""
        if self.config.mixed_query_selection:
            scores = logits.amax(-1).masked_fill(boxes.isinf().any(-1), -math.inf)
        else:
            scores = logits[..., 0]
        return best_proposals(scores, boxes, self.config.num_queries, self.config.proposal_iou)

    def box_queries(self, boxes_cxcywh: Tensor, content: Tensor | None = None) -> Queries:
        """Queries that start from boxes (B, N, 4) in (0, 1), as the two-stage model starts from its proposals.

        content (B, N, C) replaces the content derived from the box. Only for two-stage models.
        """
        encoded = box_encoding(boxes_cxcywh, self.config.hidden_dim // 2).to(self.pos_trans.weight.dtype)
        halves = self.pos_trans_norm(self.pos_trans(encoded)).chunk(2, dim=-1)
        position, derived = (half.contiguous() for half in halves)  # or an export's batch becomes constant
        return Queries(derived if content is None else content, position, boxes_cxcywh)

    def decode(self, memory: Memory, queries: Queries) -> DetectorOutput:
        """Predict from queries against an encoded batch."""
        embeddings, boxes = self.decoder(
            queries, memory.tokens, memory.shapes, memory.valid_ratios, memory.padding, self.bbox_embed
        )
        logits = torch.stack([head(x) for head, x in zip(self.class_embed, embeddings, strict=False)])
        return DetectorOutput(logits, boxes, embeddings[-1])

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the logit slots; an empty name is an unused slot."""
        return self.config.classes

    @property
    def num_classes(self) -> int:
        """Number of logit slots."""
        return self.config.num_classes

    @property
    def default_score(self) -> float:
        """Minimum score of a track if the user names none."""
        return self.config.score

    @property
    def default_tracker(self) -> str:
        """That of the weights if they are a published tracker's, propagation if they learned to carry queries."""
        if self.config.is_published_tracker:
            return self.config.track_queries
        return "propagation" if self.config.track_queries == "trained" else "association"

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.level_embed.device

    @property
    def precision(self) -> str:
        """Name of the backbone's number format, such as float32."""
        return str(self._image_dtype).removeprefix("torch.")

    @property
    def _image_dtype(self) -> torch.dtype:
        return next(self.backbone.parameters()).dtype

    def preprocessor(self, size: int | None = None) -> Preprocessor:
        """Makes images ready for `encode`, the shorter side `size` pixels and the longest in proportion."""
        check_size(size, self.config.size)
        size = size or self.config.size
        max_size = round(self.config.max_size * size / self.config.size)
        return partial(to_batch, size=size, max_size=max_size, device=self.device, dtype=self._image_dtype)

    @torch.inference_mode()
    def predict(self, memory: Memory) -> tuple[Tensor, Tensor]:
        """Scores (B, Q, K) and boxes (B, Q, 4) of the last decoder layer, as cxcywh."""
        return self.found(self.decode(memory, self.object_queries(memory)))

    def found(self, output: DetectorOutput) -> tuple[Tensor, Tensor]:
        """Scores (B, Q, K) and boxes (B, Q, 4) of the last layer, from object queries alone."""
        scores, boxes = output.logits[-1].float().sigmoid(), output.boxes[-1].float()
        if self.config.matrix_nms:
            inside = box_convert(boxes, "cxcywh", "xyxy").clamp(0, 1)  # as `FrameOutput` compares them
            scores = decay_doubles(scores, inside, self.config.matrix_nms)
        return scores, boxes

    @torch.inference_mode()
    def detect(self, memory: Memory, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """What object queries find in an encoded frame of `size` (width, height), of the `allowed` (K,) classes."""
        output = self.decode(memory, self.object_queries(memory))
        return FrameOutput(output, size, allowed).detections(0, min_score, self.config.matrix_nms)

    def forward(self, pixels: Tensor, padding: Tensor | None = None) -> DetectorOutput:
        """Detect in normalised pixels (B, 3, H, W); padding (B, H, W) is True outside each image."""
        memory = self.encode(pixels, padding)
        return self.decode(memory, self.object_queries(memory))


def level_masks(levels: Sequence[Tensor], padding: Tensor | None) -> list[Tensor]:
    """Padding (B, H, W) at the size of each level, all False if it is None."""
    if padding is None:
        return [level.new_zeros((level.shape[0], *level.shape[-2:]), dtype=torch.bool) for level in levels]
    return [resize_padding(padding, level.shape[-2:]) for level in levels]


def _valid_ratio(padding: Tensor) -> Tensor:
    """Share (B, 2) of a level's width and height that its image covers; padding (B, H, W)."""
    height, width = padding.shape[1:]
    inside = ~padding
    return torch.stack([inside[:, 0].sum(1) / width, inside[:, :, 0].sum(1) / height], dim=-1)

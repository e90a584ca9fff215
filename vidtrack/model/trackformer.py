"""TrackFormer (Meinhardt et al., CVPR 2022): its decoder also attends to the previous frame, and to track queries."""

from __future__ import annotations

from dataclasses import dataclass, fields

import msgspec
import torch
from torch import Tensor, nn

from vidtrack.model.attention import DeformableAttention
from vidtrack.model.config import DetectorConfig
from vidtrack.model.decoder import Decoder, Queries
from vidtrack.model.detector import DeformableDETR, Memory, level_masks
from vidtrack.model.outputs import DetectorOutput
from vidtrack.model.position import clip_encoding


@dataclass(frozen=True)
class ClipMemory(Memory):
    """A frame encoded as the current one; `as_previous` (B, S, C) are its tokens for use with the next frame."""

    as_previous: Tensor | None = None

    def __getitem__(self, index: slice) -> ClipMemory:
        """The memory of some images of the batch."""
        assert self.as_previous is not None
        part = super().__getitem__(index)
        shared = {field.name: getattr(part, field.name) for field in fields(Memory)}
        return ClipMemory(**shared, as_previous=self.as_previous[index])

    def after(self, previous: Tensor) -> Memory:
        """Both frames as one memory of twice the levels, the current one first."""
        return Memory(
            torch.cat([self.tokens, previous.to(self.tokens)], dim=1),
            None if self.padding is None else self.padding.repeat(1, 2),
            [*self.shapes, *self.shapes],
            self.valid_ratios.repeat(1, 2, 1),
        )


class TrackFormer(DeformableDETR):
    """A one-stage Deformable DETR that carries the decoder's output from frame to frame."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__(config)
        if config.frames > 1:
            levels = config.num_levels * config.frames
            self.decoder = Decoder(msgspec.structs.replace(config, num_levels=levels))
            self.level_embed = nn.Parameter(torch.randn(levels, config.hidden_dim))
        for module in self.modules():
            if isinstance(module, DeformableAttention):
                module.swapped_offsets = config.swapped_offsets

    def encode(self, pixels: Tensor, padding: Tensor | None = None) -> Memory:
        """As `DeformableDETR.encode`; with two frames, encoded both as the current and as the previous frame."""
        if self.config.frames == 1:
            return super().encode(pixels, padding)
        levels = self.input_proj(self.backbone(pixels))
        masks = level_masks(levels, padding)
        previous, current = (
            self._encode_levels(levels, masks, self._position(masks, frame), padding is not None) for frame in (0, 1)
        )
        shared = {field.name: getattr(current, field.name) for field in fields(Memory)}
        return ClipMemory(**shared, as_previous=previous.tokens)

    def _position(self, masks: list[Tensor], frame: int) -> Tensor:
        count = len(masks)
        embeds = self.level_embed[frame * count : (frame + 1) * count]
        return torch.cat(
            [
                clip_encoding(mask, self.config.hidden_dim, frame, self.config.frames).to(embed.dtype) + embed
                for mask, embed in zip(masks, embeds, strict=True)
            ],
            dim=1,
        )

    def decode(self, memory: Memory, queries: Queries) -> DetectorOutput:
        """Predict from queries; the first frame serves as its own previous frame."""
        if isinstance(memory, ClipMemory):
            assert memory.as_previous is not None
            memory = memory.after(memory.as_previous)
        return super().decode(memory, queries)

    def carried_queries(self, content: Tensor, position: Tensor, centres: Tensor) -> Queries:
        """Track queries from content (B, T, C) and centres (B, T, 2) of the last frame; position is not used."""
        return Queries(content, torch.zeros_like(content), centres)

    def decode_with_tracks(self, memory: Memory, tracks: Queries | None) -> DetectorOutput:
        """Predict from track queries, then object queries."""
        objects = self.object_queries(memory)
        return self.decode(memory, objects if tracks is None else Queries.cat(tracks, objects))

    def updated(self, embeddings: Tensor, position: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
        """Position and content (B, T, C) of track queries for the next frame: the decoder's output."""
        return torch.zeros_like(embeddings), embeddings

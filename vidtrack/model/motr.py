"""MOTR (Zeng et al., ECCV 2022): track queries that a query interaction module updates between frames."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from vidtrack.model.attention import Shapes
from vidtrack.model.config import DetectorConfig
from vidtrack.model.decoder import DecoderLayer, Queries
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.outputs import DetectorOutput

_HEADS = 8  # of the interaction module, whatever the transformer has


class QueryInteraction(nn.Module):
    """Turns the decoder's output for tracks into the queries of the next frame (section 3.5)."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.self_attn = nn.MultiheadAttention(dim, _HEADS, batch_first=True)
        self.linear1, self.linear2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.linear_pos1, self.linear_pos2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.linear_feat1, self.linear_feat2 = nn.Linear(dim, hidden), nn.Linear(hidden, dim)
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.norm_pos, self.norm_feat = nn.LayerNorm(dim), nn.LayerNorm(dim)

    def forward(self, embeddings: Tensor, position: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
        """New position and content (B, T, C)."""
        query = position + embeddings
        mixed, _ = self.self_attn(query, query, embeddings, need_weights=False)
        hidden = self.norm1(embeddings + mixed)
        hidden = self.norm2(hidden + self.linear2(self.linear1(hidden).relu()))
        position = self.norm_pos(position + self.linear_pos2(self.linear_pos1(hidden).relu()))
        return position, self.norm_feat(content + self.linear_feat2(self.linear_feat1(hidden).relu()))


class TrackAttentionLayer(DecoderLayer):
    """A decoder layer in which the queries after the first `num_queries`, the tracks, attend to each other first."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__(config)
        self.objects = config.num_queries
        self.update_attn = nn.MultiheadAttention(config.hidden_dim, config.heads, batch_first=True)
        self.norm4 = nn.LayerNorm(config.hidden_dim)

    def forward(
        self,
        content: Tensor,
        queries: Queries,
        reference: Tensor,
        tokens: Tensor,
        shapes: Shapes,
        padding: Tensor | None,
    ) -> Tensor:
        objects, tracks = content[:, : self.objects], content[:, self.objects :]
        if tracks.shape[1]:
            query = tracks + queries.position[:, self.objects :]
            mixed, _ = self.update_attn(query, query, tracks, need_weights=False)
            content = torch.cat([objects, self.norm4(tracks + mixed)], dim=1)
        return super().forward(content, queries, reference, tokens, shapes, padding)


class MOTR(DeformableDETR):
    """A one-stage Deformable DETR whose tracks are queries after the object queries."""

    def __init__(self, config: DetectorConfig) -> None:
        super().__init__(config)
        if config.track_attention:
            self.decoder.layers = nn.ModuleList(TrackAttentionLayer(config) for _ in range(config.decoder_layers))
        self.track_embed = QueryInteraction(config.hidden_dim, config.feedforward_dim)

    def carried_queries(self, content: Tensor, position: Tensor, centres: Tensor) -> Queries:
        """Track queries from content and position (B, T, C), and centres (B, T, 2) of the last frame."""
        return Queries(content, position, centres)

    def decode_with_tracks(self, memory: Memory, tracks: Queries | None) -> DetectorOutput:
        """Predict from track queries and object queries; the output has the tracks first."""
        objects = self.object_queries(memory)
        if tracks is None:
            return self.decode(memory, objects)
        output = self.decode(memory, Queries.cat(objects, tracks))
        count = len(tracks)
        return DetectorOutput(
            output.logits.roll(count, 2), output.boxes.roll(count, 2), output.embeddings.roll(count, 1)
        )

    def updated(self, embeddings: Tensor, position: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
        """Position and content (B, T, C) of track queries for the next frame."""
        position, content = self.track_embed(embeddings, position, content)
        return position, content

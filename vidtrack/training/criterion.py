"""One batch through the model, and all its losses: encoder, object, one-to-many, denoising and track queries."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vidtrack.model.decoder import Queries
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.outputs import DetectorOutput
from vidtrack.model.preprocess import normalise
from vidtrack.training.batches import Batch, Target
from vidtrack.training.denoising import denoising_queries, group_mask
from vidtrack.training.losses import set_losses
from vidtrack.training.matcher import Assignment, match
from vidtrack.training.recipe import LossConfig, TrackConfig
from vidtrack.training.tracks import CarriedQueries, carry_queries


@dataclass(frozen=True)
class Objective:
    """Computes the losses of a batch, keyed `group.term`; their sum is what to minimise."""

    loss: LossConfig
    tracks: TrackConfig

    def __call__(self, model: DeformableDETR, batch: Batch, num_boxes: float) -> dict[str, Tensor]:
        """`num_boxes` divides the sums: the mean number of annotated objects per process, at least 1."""
        device = next(model.parameters()).device
        rng = np.random.default_rng(batch.seed)
        targets = [target.to(device) for target in batch.targets]
        carried = self._carry(model, batch, rng, device)
        memory = model.encode(*to_pixels(batch, device))
        losses = self._encoder_losses(memory, targets, num_boxes)

        objects = model.object_queries(memory)
        queries, groups, first = objects, [(len(objects), False)], len(objects)
        if carried is not None:  # apart from the object queries, which find everything, as in the tracker
            queries = Queries.cat(queries, carried.queries)
            groups.append((len(carried.queries), False))
        tracks_end = len(queries)
        if self.loss.hybrid_queries:
            queries = Queries.cat(queries, hybrid_queries(model, memory, self.loss.hybrid_queries))
            groups.append((len(queries) - tracks_end, False))
        hybrid_end = len(queries)
        noisy = denoising_queries(model, batch.targets, self.loss, rng, device) if self.loss.denoising_queries else None
        if noisy is not None:
            queries = Queries.cat(queries, noisy.queries)
            groups += [(noisy.group_size, True)] * (len(noisy.queries) // noisy.group_size)
        output = model.decode(memory, replace(queries, attention_mask=group_mask(groups, device)))

        layers = len(output.logits)
        assignment = match(output.logits[:, :, :first], output.boxes[:, :, :first], targets, self.loss)
        losses |= self._group(output, slice(0, first), targets, assignment, num_boxes, "objects")
        if carried is not None:
            followed = every_layer(carried.assignment, layers)
            losses |= self._group(output, slice(first, tracks_end), targets, followed, num_boxes, "tracks")
        if hybrid_end > tracks_end:
            part = slice(tracks_end, hybrid_end)
            repeat = self.loss.hybrid_repeat
            many = match(output.logits[:, :, part], output.boxes[:, :, part], targets, self.loss, repeat)
            losses |= self._group(output, part, targets, many, num_boxes * repeat, "hybrid")
        if noisy is not None:
            positives = every_layer(noisy.assignment, layers)
            count = max(1.0, float(len(noisy.assignment)))
            losses |= self._group(output, slice(hybrid_end, len(queries)), targets, positives, count, "denoising")
        return losses

    def _group(
        self,
        output: DetectorOutput,
        part: slice,
        targets: list[Target],
        assignment: Assignment,
        num_boxes: float,
        name: str,
    ) -> dict[str, Tensor]:
        logits, boxes = output.logits[:, :, part], output.boxes[:, :, part]
        found = set_losses(logits, boxes, targets, assignment, self.loss, num_boxes)
        return {f"{name}.{key}": value for key, value in found.items()}

    def _encoder_losses(self, memory: Memory, targets: list[Target], num_boxes: float) -> dict[str, Tensor]:
        if memory.proposal_logits is None or memory.proposal_boxes is None:
            return {}
        if self.loss.encoder_class_agnostic:
            targets = [
                replace(t, labels=torch.zeros_like(t.labels), labelled=t.labelled.all().expand_as(t.labelled))
                for t in targets
            ]
        logits, boxes = memory.proposal_logits[None], memory.proposal_boxes.sigmoid()[None]
        usable = memory.proposal_boxes.isfinite().all(-1, keepdim=True)
        repeat = self.loss.encoder_repeat
        assignment = match(logits.masked_fill(~usable, -30.0), boxes, targets, self.loss, repeat)
        found = set_losses(logits, boxes, targets, assignment, self.loss, num_boxes * repeat)
        return {f"encoder.{key}": value for key, value in found.items()}

    @torch.no_grad()
    def _carry(
        self,
        model: DeformableDETR,
        batch: Batch,
        rng: np.random.Generator,
        device: torch.device,
    ) -> CarriedQueries | None:
        if batch.previous is None:
            return None
        before = [target.to(device) for target in batch.previous.targets]
        if not any(len(target.labels) for target in before):
            return None
        output = model(*to_pixels(batch.previous, device))
        last = match(output.logits[-1:], output.boxes[-1:], before, self.loss)
        return carry_queries(model, output, last, batch.previous.targets, batch.targets, self.tracks, rng)


def to_pixels(batch: Batch, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Normalised pixels (B, 3, H, W) and padding (B, H, W) on the device."""
    pixels = normalise(batch.images.to(device, non_blocking=True).permute(0, 3, 1, 2).float())
    if batch.padding is None:
        return pixels, None
    padding = batch.padding.to(device, non_blocking=True)
    return pixels.masked_fill(padding[:, None], 0.0), padding


def hybrid_queries(model: DeformableDETR, memory: Memory, count: int) -> Queries:
    """The best `count` proposals as separate queries for one-to-many targets (H-DETR, section 3.3).

    Their content is derived from the box, that of the object queries learned: the decoder must be able to tell which
    are asked for one box an object, or all learn to give several.
    """
    assert memory.proposal_logits is not None and memory.proposal_boxes is not None
    scores = memory.proposal_logits.amax(-1)
    best = scores.topk(min(count, scores.shape[1]), dim=1).indices
    boxes = memory.proposal_boxes.gather(1, best[..., None].expand(-1, -1, 4)).detach().sigmoid()
    return model.box_queries(boxes)


def every_layer(assignment: Assignment, layers: int) -> Assignment:
    """The assignment of one layer, repeated for all layers."""
    layer = torch.arange(layers, device=assignment.layer.device).repeat_interleave(len(assignment))
    image, query, target = (getattr(assignment, name).repeat(layers) for name in ("image", "query", "target"))
    return Assignment(layer, image, query, target)

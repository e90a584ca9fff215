"""Queries carried over from the previous frame, as training simulates them (TrackFormer, section 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vidtrack.model.decoder import Queries
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.outputs import DetectorOutput
from vidtrack.training.batches import Target
from vidtrack.training.denoising import disturb
from vidtrack.training.matcher import Assignment
from vidtrack.training.recipe import TrackConfig


@dataclass(frozen=True)
class CarriedQueries:
    """Track queries, the same number for every image.

    `assignment` (for one layer) ties them to their objects in the current frame; the others must predict no object.
    """

    queries: Queries
    assignment: Assignment


def carry_queries(
    model: DeformableDETR,
    output: DetectorOutput,
    matched: Assignment,
    before: Sequence[Target],
    now: Sequence[Target],
    config: TrackConfig,
    rng: np.random.Generator,
) -> CarriedQueries | None:
    """Carry the previous frame's matched queries, some dropped, with false ones among them.

    `output` is the previous frame's, `matched` its last layer's assignment. Images with fewer tracks than the
    batch's largest number are filled up with false queries, so that no slot is empty. None without any track.
    """
    device = output.boxes.device
    scores = output.logits[-1].float().sigmoid().amax(-1).cpu().numpy()  # (B, Q)
    images, queries, targets = (t.cpu().numpy() for t in (matched.image, matched.query, matched.target))
    starts_before = _starts(before)
    kept: list[np.ndarray] = []  # rows of (query, id)
    for image, target in enumerate(before):
        own = images == image
        ids = target.ids.cpu().numpy()[targets[own] - starts_before[image]]
        rows = np.stack([queries[own], ids], axis=1)
        good = scores[image, rows[:, 0]] >= config.score_threshold
        good &= rng.random(len(rows)) >= config.drop
        kept.append(rng.permutation(rows[good])[: config.max_tracks])
    largest = max(len(rows) for rows in kept)
    if not largest:
        return None
    slots = largest + int(np.ceil(config.false * largest))

    chosen = np.empty((len(now), slots), np.int64)
    found: list[tuple[int, int, int, int]] = []
    starts_now = _starts(now)
    for image, (rows, target) in enumerate(zip(kept, now, strict=True)):
        spare = np.setdiff1d(np.arange(scores.shape[1]), queries[images == image])
        if not len(spare):  # as many objects as queries; one that is carried twice is false too
            spare = np.arange(scores.shape[1])
        chosen[image, : len(rows)] = rows[:, 0]
        chosen[image, len(rows) :] = rng.choice(spare, slots - len(rows), replace=len(spare) < slots - len(rows))
        place = {int(identity): index for index, identity in enumerate(target.ids.cpu().numpy())}
        for slot, identity in enumerate(rows[:, 1]):
            if int(identity) in place:
                found.append((0, image, slot, place[int(identity)] + starts_now[image]))
    index = torch.from_numpy(chosen).to(device)
    boxes = _pick(output.boxes[-1], index)
    if config.box_noise:
        exact = boxes.float().flatten(0, 1).cpu().numpy()
        amount = rng.uniform(0, config.box_noise, exact.shape)
        boxes = torch.from_numpy(disturb(exact, amount, rng)).view(boxes.shape).to(boxes)
    carried = model.box_queries(boxes, _pick(output.embeddings, index))
    return CarriedQueries(carried, Assignment.of(np.array(found, np.int64), device))


def _pick(values: Tensor, index: Tensor) -> Tensor:
    return values.detach().gather(1, index[..., None].expand(-1, -1, values.shape[-1]))


def _starts(targets: Sequence[Target]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(target.labels) for target in targets])])

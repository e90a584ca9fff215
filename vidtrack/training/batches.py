"""Batches by step number: the same seed and step always give the same images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from vidtrack.datasets.records import Record
from vidtrack.model.image_inference import read_image
from vidtrack.training import augment
from vidtrack.training.augment import Sample
from vidtrack.training.copy_paste import paste_moving, paste_objects
from vidtrack.training.recipe import AugmentConfig, TrackConfig

STRIDE = 32  # of the coarsest backbone stage; batches are padded to its multiple
GROWTH = 0.6  # share of the steps over which canvases grow


@dataclass(frozen=True)
class Target:
    """Annotation of one image; boxes are cxcywh in [0, 1] of the unpadded image.

    boxes (N, 4), labels (N,), ids (N,), trust (N,), ignored (M, 4), ignored_labels (M,), labelled (K,) bool; `complete`
    and the others as in Record.
    """

    boxes: Tensor
    labels: Tensor
    ids: Tensor
    ignored: Tensor
    labelled: Tensor
    complete: bool
    ignored_labels: Tensor
    trust: Tensor
    source: str = ""

    def to(self, device: torch.device) -> Target:
        """The same on another device."""
        tensors = ("boxes", "labels", "ids", "ignored", "labelled", "ignored_labels", "trust")
        return replace(self, **{name: getattr(self, name).to(device) for name in tensors})


@dataclass(frozen=True)
class Batch:
    """Images uint8 (B, H, W, 3), padding (B, H, W) bool or None, a target each, and perhaps the frames before."""

    images: Tensor
    padding: Tensor | None
    targets: list[Target]
    previous: Batch | None = None
    seed: int = 0  # for random choices made from this batch


class BatchMaker:
    """Draws records by weight and turns them into batches; a batch is a pure function of (seed, rank, step)."""

    def __init__(
        self,
        records: Sequence[Record],
        weights: np.ndarray,
        size: int,
        augment_config: AugmentConfig,
        track_config: TrackConfig,
        steps: int,
        seed: int,
        rank: int = 0,
    ) -> None:
        self.records, self.size, self.steps = list(records), size, steps
        self.augment, self.tracks = augment_config, track_config
        self.seed, self.rank = seed, rank
        self.cumulative = np.cumsum(weights)
        self.donors = [record for record in self.records if any(record.masks or ())]
        self.alike: dict[tuple[bytes, bool], list[int]] = defaultdict(list)
        self.sequences: dict[str, list[int]] = defaultdict(list)
        for index, record in enumerate(self.records):
            self.alike[record.labelled.tobytes(), record.complete].append(index)
            if record.sequence:
                self.sequences[record.sequence].append(index)

    def __call__(self, step: int) -> Batch:
        """The batch of a step (micro-step when gradients accumulate)."""
        rng = np.random.default_rng([self.seed, self.rank, step])
        canvas = self._canvas(rng, step)
        paired = rng.random() < self.tracks.share and step >= self.tracks.begin * self.steps
        chosen = np.searchsorted(self.cumulative, rng.random(self.size) * self.cumulative[-1], side="right")
        chosen = np.minimum(chosen, len(self.records) - 1)
        if not paired:
            samples = [self._single(rng, int(index), canvas) for index in chosen]
            return collate(samples, seed=int(rng.integers(2**31)))
        pairs = [self._pair(rng, int(index), canvas) for index in chosen]
        seed = int(rng.integers(2**31))
        before = collate([pair[0] for pair in pairs], seed)
        return replace(collate([pair[1] for pair in pairs], seed), previous=before)

    def _canvas(self, rng: np.random.Generator, step: int) -> tuple[int, int]:
        height, width = self.augment.canvases[rng.integers(len(self.augment.canvases))]
        grown = min(1.0, step / (GROWTH * self.steps))
        share = self.augment.grow_from + (1 - self.augment.grow_from) * grown
        return max(1, round(height * share / STRIDE)) * STRIDE, max(1, round(width * share / STRIDE)) * STRIDE

    def _single(self, rng: np.random.Generator, index: int, canvas: tuple[int, int]) -> Sample:
        record = self.records[index]
        if rng.random() >= self.augment.mosaic:
            return self._colour(rng, self._view(rng, record, canvas))
        alike = self.alike[record.labelled.tobytes(), record.complete]
        others = [self.records[alike[int(choice)]] for choice in rng.integers(len(alike), size=3)]
        quarter = (canvas[0] // 2, canvas[1] // 2)
        parts = [self._view(rng, part, quarter) for part in (record, *others)]
        return self._colour(rng, augment.mosaic(parts, canvas))

    def _view(self, rng: np.random.Generator, record: Record, canvas: tuple[int, int]) -> Sample:
        image = read_image(record)
        if self.donors and rng.random() < self.augment.paste:
            donor = self.donors[int(rng.integers(len(self.donors)))]
            record, image = paste_objects(rng, record, image, donor, read_image(donor))
        view = augment.random_view(rng, record, canvas, self.augment)
        return augment.show(record, image, view, self.augment)

    def _colour(self, rng: np.random.Generator, sample: Sample) -> Sample:
        return augment.photometric(rng, sample, self.augment)

    def _pair(self, rng: np.random.Generator, index: int, canvas: tuple[int, int]) -> tuple[Sample, Sample]:
        """Two views of one still, or of two frames of a clip close in time (TrackFormer, section 3.3)."""
        now = self.records[index]
        before = self._neighbour(rng, index) if now.sequence else now
        view = augment.random_view(rng, now, canvas, self.augment)
        jitter = self.tracks.jitter if not now.sequence else self.tracks.jitter / 4
        other = augment.jitter_view(rng, view, before, jitter)
        image = read_image(now)
        image_before = image if before is now else read_image(before)
        colour = int(rng.integers(2**31))  # the same colour change for both frames
        pair = (
            augment.show(before, image_before, other, self.augment),
            augment.show(now, image, view, self.augment),
        )
        if self.donors and rng.random() < self.tracks.paste:
            donor = self.donors[int(rng.integers(len(self.donors)))]
            pair = paste_moving(rng, *pair, donor, read_image(donor))
        first, second = (augment.photometric(np.random.default_rng(colour), sample, self.augment) for sample in pair)
        return first, second

    def _neighbour(self, rng: np.random.Generator, index: int) -> Record:
        now = self.records[index]
        gap = self.tracks.max_gap_seconds
        near = [
            other
            for other in self.sequences[now.sequence]
            if other != index and abs(self.records[other].seconds - now.seconds) <= gap
        ]
        return self.records[near[int(rng.integers(len(near)))]] if near else now


def collate(samples: Sequence[Sample], seed: int = 0) -> Batch:
    """Pad samples at the right and bottom to one size, a multiple of `STRIDE`."""
    height = -(-max(sample.image.shape[0] for sample in samples) // STRIDE) * STRIDE
    width = -(-max(sample.image.shape[1] for sample in samples) // STRIDE) * STRIDE
    images = torch.zeros((len(samples), height, width, 3), dtype=torch.uint8)
    padding = torch.ones((len(samples), height, width), dtype=torch.bool)
    for slot, mask, sample in zip(images, padding, samples, strict=True):
        h, w = sample.image.shape[:2]
        slot[:h, :w] = torch.from_numpy(np.ascontiguousarray(sample.image))
        mask[:h, :w] = False
    targets = [
        Target(
            boxes=torch.from_numpy(sample.boxes_cxcywh),
            labels=torch.from_numpy(sample.labels),
            ids=torch.from_numpy(sample.ids),
            ignored=torch.from_numpy(sample.ignored_cxcywh),
            labelled=torch.from_numpy(sample.labelled),
            complete=sample.complete,
            ignored_labels=torch.from_numpy(sample.ignored_labels),
            trust=torch.from_numpy(sample.trust),
            source=sample.source,
        )
        for sample in samples
    ]
    return Batch(images, padding if padding.any() else None, targets, seed=seed)


def prefetch(maker: BatchMaker, first: int, last: int, workers: int) -> Generator[tuple[int, Batch], None, None]:
    """Batches of steps first..last - 1 in order, prepared by threads (OpenCV releases Python's lock while it works)."""
    workers = max(1, workers)
    ahead: list[tuple[int, Future[Batch]]] = []
    with ThreadPoolExecutor(workers, thread_name_prefix="batch") as pool:
        try:
            for step in range(first, min(last, first + 2 * workers)):
                ahead.append((step, pool.submit(maker, step)))
            while ahead:
                step, future = ahead.pop(0)
                batch = future.result()
                following = step + 2 * workers
                if following < last:
                    ahead.append((following, pool.submit(maker, following)))
                yield step, batch
        finally:
            for _, future in ahead:
                future.cancel()

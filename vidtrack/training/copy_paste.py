"""Copy-paste: objects cut out of one image by their masks and pasted into another (Ghiasi et al., CVPR 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from vidtrack.core import boxes as box_ops
from vidtrack.datasets.records import Record
from vidtrack.training.augment import Sample

COVERED = 0.7  # share of a box hidden by what was pasted, from which on it becomes an ignored region
_MOST_MOVING = 3  # objects pasted into a pair
_MOVING_SIDE = (0.15, 0.6)  # the longer side of such an object, relative to the shorter of the image
_LEAST_SIDE = 8  # pixels
_ONLY_ONE = 0.15  # chance that it appears, and that it leaves
_FAR = 1e6  # pixels; OpenCV takes seconds and more for corners far beyond the image


def paste_objects(
    rng: np.random.Generator, record: Record, image: np.ndarray, donor: Record, donor_image: np.ndarray
) -> tuple[Record, np.ndarray]:
    """Paste a random part of the donor's masked objects, at the same relative place; returns a new record and image.

    Classes that the image does not label stay unlabelled in it; those pasted count as its own. Both images are
    (H, W, 3) of any size; the donor's is shown at that of the other.
    """
    chosen = [index for index in _masked(donor) if rng.random() < 0.5]
    if not chosen:
        return record, image
    height, width = image.shape[:2]
    shown, source = image.copy(), cv2.resize(donor_image, (width, height))
    ratio = np.array([width / donor.size[0], height / donor.size[1]])
    cover = _cover(donor, chosen, (width, height))
    shown[cover > 0] = source[cover > 0]

    scale = np.tile([width / record.size[0], height / record.size[1]], 2)  # of the file to its annotation
    hidden = np.array([_share_covered(cover, box) >= COVERED for box in record.boxes_xyxy * scale], bool)
    pasted = donor.boxes_xyxy[chosen] * np.tile(ratio, 2) / scale
    boxes = np.concatenate([record.boxes_xyxy[~hidden], pasted])
    masks = tuple(
        polygons for polygons, gone in zip(record.masks or (None,) * len(hidden), hidden, strict=True) if not gone
    )
    return (
        replace(
            record,
            boxes_xyxy=boxes.astype(np.float32),
            labels=np.concatenate([record.labels[~hidden], donor.labels[chosen]]),
            ignored_xyxy=np.concatenate([record.ignored_xyxy, record.boxes_xyxy[hidden]]),
            ignored_labels=np.concatenate([_all_classes(record), np.full(int(hidden.sum()), -1)]),
            trust=np.concatenate([_trust(record)[~hidden], _trust(donor)[chosen]]),
            ids=None,
            masks=masks + (None,) * len(chosen),
        ),
        shown,
    )


def paste_moving(
    rng: np.random.Generator, before: Sample, now: Sample, donor: Record, donor_image: np.ndarray
) -> tuple[Sample, Sample]:
    """Paste a few of the donor's masked objects into both frames of a pair, each moved by up to its own size.

    Half of them stand before objects of the frame; some are in one frame only.
    """
    masked = _masked(donor)
    first_id = 1 + int(max(before.ids.max(initial=-1), now.ids.max(initial=-1)))
    for number, index in enumerate(rng.permutation(masked)[:_MOST_MOVING].tolist()):
        height, width = now.image.shape[:2]
        cover = _cover(donor, [index], (donor_image.shape[1], donor_image.shape[0]))
        x, y, w, h = cv2.boundingRect(cover)
        if min(w, h) < _LEAST_SIDE:
            continue
        inside = np.s_[y : y + h, x : x + w]
        scale = rng.uniform(*_MOVING_SIDE) * min(height, width) / max(w, h)
        size = max(_LEAST_SIDE, round(w * scale)), max(_LEAST_SIDE, round(h * scale))
        cutout, mask = cv2.resize(donor_image[inside], size), cv2.resize(cover[inside], size)
        centre = rng.random(2)
        if len(now.boxes_cxcywh) and rng.random() < 0.5:
            centre = now.boxes_cxcywh[rng.integers(len(now.boxes_cxcywh)), :2]
        last = centre + rng.uniform(-1, 1, 2) * size / (width, height)
        trust = 1.0 if donor.trust is None else float(donor.trust[index])
        label, identity = int(donor.labels[index]), first_id + number
        only = rng.random()
        if only >= _ONLY_ONE:
            before = _paste_onto(before, cutout, mask, last, label, identity, trust)
        if not _ONLY_ONE <= only < 2 * _ONLY_ONE:
            now = _paste_onto(now, cutout, mask, centre, label, identity, trust)
    return before, now


def _paste_onto(
    sample: Sample,
    cutout: np.ndarray,
    mask: np.ndarray,
    centre: np.ndarray,
    label: int,
    identity: int,
    trust: float,
) -> Sample:
    """The sample with a cutout (h, w, 3), shown where its mask (h, w) is 1, around `centre` (2,) in [0, 1].

    Unchanged if most of it would be outside.
    """
    height, width = sample.image.shape[:2]
    left, top = (round(float(at)) for at in centre * (width, height) - np.array(mask.shape[::-1]) / 2)
    x, y = max(0, left), max(0, top)
    part = np.s_[y - top : max(0, height - top), x - left : max(0, width - left)]
    shape = mask[part].shape
    if mask[part].sum() <= mask.sum() / 2:
        return sample
    cover = np.zeros((height, width), np.uint8)
    cover[y : y + shape[0], x : x + shape[1]] = mask[part]
    image = sample.image.copy()
    image[y : y + shape[0], x : x + shape[1]][mask[part] > 0] = cutout[part][mask[part] > 0]
    edges = box_ops.cxcywh_to_xyxy(sample.boxes_cxcywh) * np.tile([width, height], 2)
    hidden = np.array([_share_covered(cover, box) >= COVERED for box in edges], bool)
    box = np.array(cv2.boundingRect(cover), np.float32) / np.tile([width, height], 2)
    box[:2] += box[2:] / 2
    return replace(
        sample,
        image=image,
        boxes_cxcywh=np.concatenate([sample.boxes_cxcywh[~hidden], box[None]]).astype(np.float32),
        labels=np.append(sample.labels[~hidden], label),
        ids=np.append(sample.ids[~hidden], identity),
        trust=np.append(sample.trust[~hidden], np.float32(trust)),
        ignored_cxcywh=np.concatenate([sample.ignored_cxcywh, sample.boxes_cxcywh[hidden]]),
        ignored_labels=np.append(sample.ignored_labels, np.full(int(hidden.sum()), -1)),
    )


def _masked(donor: Record) -> list[int]:
    """Which of the donor's objects have a mask."""
    return [index for index, polygons in enumerate(donor.masks or ()) if polygons]


def _cover(donor: Record, chosen: Sequence[int], size: tuple[int, int]) -> np.ndarray:
    """1 where the chosen objects are, in the donor's image at `size` (width, height)."""
    cover = np.zeros(size[::-1], np.uint8)
    ratio = np.array(size) / donor.size
    for index in chosen:
        for polygon in (donor.masks or ())[index]:
            points = np.array(polygon, np.float64).reshape(-1, 2) * ratio
            cv2.fillPoly(cover, [points.round().clip(-_FAR, _FAR).astype(np.int32)], 1)
    return cover


def _all_classes(record: Record) -> np.ndarray:
    return np.full(len(record.ignored_xyxy), -1) if record.ignored_labels is None else record.ignored_labels


def _trust(record: Record) -> np.ndarray:
    return np.ones(len(record.boxes_xyxy), np.float32) if record.trust is None else record.trust


def _share_covered(cover: np.ndarray, box_xyxy: np.ndarray) -> float:
    left, top, right, bottom = (round(float(value)) for value in box_xyxy)
    inside = cover[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return float(inside.sum()) / max(1.0, float(box_ops.area(box_xyxy)))

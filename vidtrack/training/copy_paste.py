"""Copy-paste: objects cut out of one image by their masks and pasted into another (Ghiasi et al., CVPR 2021)."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from vidtrack.core import boxes as box_ops
from vidtrack.datasets.records import Record

COVERED = 0.7  # share of a box hidden by what was pasted, from which on it becomes an ignored region
_FAR = 1e6  # pixels; OpenCV takes seconds and more for corners far beyond the image


def paste_objects(
    rng: np.random.Generator, record: Record, image: np.ndarray, donor: Record, donor_image: np.ndarray
) -> tuple[Record, np.ndarray]:
    """Paste a random part of the donor's masked objects, at the same relative place; returns a new record and image.

    Classes that the image does not label stay unlabelled in it; those pasted count as its own. Both images are
    (H, W, 3) of any size; the donor's is shown at that of the other.
    """
    masked = [index for index, polygons in enumerate(donor.masks or ()) if polygons]
    chosen = [index for index in masked if rng.random() < 0.5]
    if not chosen:
        return record, image
    height, width = image.shape[:2]
    shown, source = image.copy(), cv2.resize(donor_image, (width, height))
    ratio = np.array([width / donor.size[0], height / donor.size[1]])
    cover = np.zeros((height, width), np.uint8)
    for index in chosen:
        for polygon in (donor.masks or ())[index]:
            points = np.array(polygon, np.float64).reshape(-1, 2) * ratio
            cv2.fillPoly(cover, [points.round().clip(-_FAR, _FAR).astype(np.int32)], 1)
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


def _all_classes(record: Record) -> np.ndarray:
    return np.full(len(record.ignored_xyxy), -1) if record.ignored_labels is None else record.ignored_labels


def _trust(record: Record) -> np.ndarray:
    return np.ones(len(record.boxes_xyxy), np.float32) if record.trust is None else record.trust


def _share_covered(cover: np.ndarray, box_xyxy: np.ndarray) -> float:
    left, top, right, bottom = (round(float(value)) for value in box_xyxy)
    inside = cover[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    return float(inside.sum()) / max(1.0, float(box_ops.area(box_xyxy)))

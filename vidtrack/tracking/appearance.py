"""What objects look like: colour histograms, which tell objects apart where their boxes overlap."""

from __future__ import annotations

import cv2
import numpy as np

from vidtrack.core.boxes import area, pairwise_intersection
from vidtrack.core.detections import Detections

_BANDS = 3  # head, trunk and legs of a person
_SAMPLES = (24, 12)  # pixels looked at, down and across
_INNER = (0.2, 0.8)  # of the width; the rest is mostly background
_BINS = (8, 4, 4)  # of hue, saturation and value
_PER_BAND = 8 * 4 * 4
LENGTH = _BANDS * _PER_BAND

_MAX_COVERED = 0.3  # share of a box under others from which its colours are not remembered
_HALF_LIFE_SECONDS = 0.5  # in which a track's old colours lose half their weight


def colour_histograms(image: np.ndarray, boxes_xyxy: np.ndarray) -> np.ndarray:
    """Square roots of HSV histograms of three bands, as unit vectors (N, LENGTH) float32, of boxes in an RGB image.

    The product of two is the mean of their Bhattacharyya coefficients: 1 for equal colours, 0 for no colour in common.
    """
    n, (down, across) = len(boxes_xyxy), _SAMPLES
    if n == 0:
        return np.zeros((0, LENGTH), dtype=np.float32)
    rows = _samples(boxes_xyxy[:, 1], boxes_xyxy[:, 3], (0.0, 1.0), down, image.shape[0])
    columns = _samples(boxes_xyxy[:, 0], boxes_xyxy[:, 2], _INNER, across, image.shape[1])
    pixels = image[rows[:, :, None], columns[:, None, :]].reshape(n * down, across, 3)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    hue, saturation, value = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL))
    bins = ((hue >> 5) << 4 | (saturation >> 6) << 2 | value >> 6).reshape(n * _BANDS, -1)
    places = bins + _PER_BAND * np.arange(n * _BANDS)[:, None]
    counts = np.bincount(places.ravel(), minlength=n * LENGTH).reshape(n, LENGTH)
    return np.sqrt(counts / (down * across)).astype(np.float32)


def evidence(known: np.ndarray, found: np.ndarray, possible: np.ndarray) -> np.ndarray:
    """By how much the colours (T, LENGTH) and (D, LENGTH) of each pair agree more than `possible` pairs do on average.

    0 for pairs that are not `possible` (T, D), and for tracks whose colours are unknown, which are all zeros.
    """
    agree = known @ found.T
    judged = possible & known.any(axis=1, keepdims=True)
    return np.where(judged, agree - agree[judged].mean(), 0.0) if judged.any() else np.zeros(possible.shape)


def is_clear(detections: Detections) -> np.ndarray:
    """Mask (N,) of the detections that no other one covers much of."""
    boxes = detections.boxes_xyxy
    shared = pairwise_intersection(boxes, boxes)
    np.fill_diagonal(shared, 0)
    return shared.max(axis=1, initial=0) <= _MAX_COVERED * area(boxes)


def remembered(known: np.ndarray, found: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
    """The colours (N, LENGTH) known so far, mixed with those `found` `elapsed` (N,) seconds later."""
    kept = (0.5 ** (elapsed / _HALF_LIFE_SECONDS))[:, None]
    mixed = np.where(known.any(axis=1, keepdims=True), kept * known + (1 - kept) * found, found)
    return (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)


def _samples(low: np.ndarray, high: np.ndarray, part: tuple[float, float], count: int, limit: int) -> np.ndarray:
    """Pixels (N, count) evenly spread over a `part` of the extents, inside an image of `limit` pixels."""
    share = part[0] + (part[1] - part[0]) * (np.arange(count) + 0.5) / count
    return np.clip(low[:, None] + (high - low)[:, None] * share, 0, limit - 1).astype(np.int64)

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
_ROOTS = np.sqrt(np.arange(_SAMPLES[0] * _SAMPLES[1] + 1) / (_SAMPLES[0] * _SAMPLES[1])).astype(np.float32)

REFRESH_SECONDS = 0.2  # age at which a track's colours are taken again, if nothing needs them sooner
MAX_COVERED = 0.3  # share of a box under others from which its colours are not remembered
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
    places = rows[:, :, None] * image.shape[1] + columns[:, None, :]
    pixels = image.reshape(-1, 3).take(places.reshape(n * down, across), axis=0)
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    hue, saturation, value = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV_FULL))
    bins = ((hue >> 5) << 4 | (saturation >> 6) << 2 | value >> 6).reshape(n * _BANDS, -1)
    bins = bins + _PER_BAND * np.arange(n * _BANDS)[:, None]
    return _ROOTS[np.bincount(bins.ravel(), minlength=n * LENGTH)].reshape(n, LENGTH)


class Colours:
    """The colours of `boxes_xyxy` (N, 4) in an RGB image, taken when they are first asked for."""

    def __init__(self, image: np.ndarray, boxes_xyxy: np.ndarray) -> None:
        self._image, self._boxes = image, boxes_xyxy
        self.taken = np.zeros(len(boxes_xyxy), dtype=bool)
        self._found = np.zeros((len(boxes_xyxy), LENGTH), dtype=np.float32)

    def of(self, which: np.ndarray) -> np.ndarray:
        """Histograms (M, LENGTH) of the boxes at the indices `which` (M,)."""
        wanted = np.zeros(len(self.taken), dtype=bool)
        wanted[which] = True
        missing = np.flatnonzero(wanted & ~self.taken)
        if len(missing):
            self._found[missing] = colour_histograms(self._image, self._boxes[missing])
            self.taken[missing] = True
        return self._found[which]


def add_evidence(alike: np.ndarray, known: np.ndarray, found: Colours, weight: float) -> None:
    """Add `weight` times how much better the colours agree than average to the similarities (T, D) of contested pairs.

    A pair is contested if it overlaps, has a rival for its track or its detection, and is within `weight`, the most
    that colours can make up for, of the best of both. `known` (T, LENGTH) are the tracks' colours, zeros if unknown.
    """
    contested = alike > 0
    contested &= (alike >= alike.max(axis=1, keepdims=True) - weight) & (alike >= alike.max(axis=0) - weight)
    contested &= (contested.sum(axis=1, keepdims=True) > 1) | (contested.sum(axis=0) > 1)
    rows, columns = np.nonzero(contested)
    with_colours = known[rows].any(axis=1)
    rows, columns = rows[with_colours], columns[with_colours]
    if len(rows):
        agree = np.einsum("ij,ij->i", known[rows], found.of(columns))
        alike[rows, columns] += weight * (agree - agree.mean())


def covered(detections: Detections) -> np.ndarray:
    """The largest share (N,) of each detection's box that another detection covers."""
    boxes = detections.boxes_xyxy
    shared = pairwise_intersection(boxes, boxes)
    np.fill_diagonal(shared, 0)
    return shared.max(axis=1, initial=0) / np.maximum(area(boxes), 1e-9)


def remembered(known: np.ndarray, found: np.ndarray, elapsed: np.ndarray) -> np.ndarray:
    """The colours (N, LENGTH) known so far, zeros if unknown, mixed with those `found` `elapsed` (N,) seconds later."""
    kept = (0.5 ** (elapsed / _HALF_LIFE_SECONDS))[:, None].astype(np.float32)
    mixed = kept * known + (1 - kept) * found
    return mixed / np.maximum(np.linalg.norm(mixed, axis=1, keepdims=True), 1e-9)


def _samples(low: np.ndarray, high: np.ndarray, part: tuple[float, float], count: int, limit: int) -> np.ndarray:
    """Pixels (N, count) evenly spread over a `part` of the extents, inside an image of `limit` pixels."""
    share = part[0] + (part[1] - part[0]) * (np.arange(count) + 0.5) / count
    return np.clip(low[:, None] + (high - low)[:, None] * share, 0, limit - 1).astype(np.int64)

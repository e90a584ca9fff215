"""Box arithmetic on numpy arrays; boxes are float (..., 4), either cxcywh or xyxy as the name says."""

from __future__ import annotations

import numpy as np

_LEAST_SIDE = 0.02  # pixels; logs keep hundredths, in which a smaller box may have no area


def cxcywh_to_xyxy(boxes: np.ndarray) -> np.ndarray:
    """Centre and size to edges."""
    centre, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate([centre - half, centre + half], axis=-1)


def xyxy_to_cxcywh(boxes: np.ndarray) -> np.ndarray:
    """Edges to centre and size.

    >>> xyxy_to_cxcywh(np.array([10.0, 20, 30, 60]))
    array([20., 40., 20., 40.])
    """
    low, high = boxes[..., :2], boxes[..., 2:]
    return np.concatenate([(low + high) / 2, high - low], axis=-1)


def area(boxes_xyxy: np.ndarray) -> np.ndarray:
    """Area (...,); inverted boxes have area 0."""
    width, height = boxes_xyxy[..., 2] - boxes_xyxy[..., 0], boxes_xyxy[..., 3] - boxes_xyxy[..., 1]
    return np.maximum(width, 0) * np.maximum(height, 0)


def has_extent(boxes_xyxy: np.ndarray) -> np.ndarray:
    """Mask (N,) of the boxes (N, 4) that are no specks, to which a log may give no area."""
    return (boxes_xyxy[:, 2:].astype(np.float64) - boxes_xyxy[:, :2] >= _LEAST_SIDE).all(axis=1)


def pairwise_intersection(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """Overlap areas (N, M) of boxes (N, 4) and (M, 4)."""
    a, b = a_xyxy.T[:, :, None], b_xyxy.T[:, None, :]  # one coordinate at a time keeps the (N, M) arrays contiguous
    width, height = np.minimum(a[2], b[2]), np.minimum(a[3], b[3])
    width -= np.maximum(a[0], b[0])  # in place, as crowds make large arrays
    height -= np.maximum(a[1], b[1])
    np.maximum(width, 0, out=width)
    np.maximum(height, 0, out=height)
    width *= height
    return width


def pairwise_iou(a_xyxy: np.ndarray, b_xyxy: np.ndarray) -> np.ndarray:
    """Intersection over union (N, M) of boxes (N, 4) and (M, 4); 0 if both are empty.

    >>> pairwise_iou(np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 0, 2, 2], [1, 0, 3, 2]])).round(3)
    array([[1.   , 0.333]])
    """
    overlap = pairwise_intersection(a_xyxy, b_xyxy)
    union = area(a_xyxy)[:, None] + area(b_xyxy)[None, :] - overlap
    return np.divide(overlap, union, out=np.zeros_like(overlap), where=union > 0)


def interpolate(start: np.ndarray, end: np.ndarray, share: float | np.ndarray) -> np.ndarray:
    """Boxes (..., 4) on the straight line from `start` (share 0) to `end` (share 1)."""
    return start + share * (end - start)


def interpolate_at(at: np.ndarray, known: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Boxes (M, 4) at rising times `at` (M,), from boxes (K, 4) at rising times `known` (K,); the ends are held."""
    after = np.searchsorted(known, at).clip(1, max(len(known) - 1, 1))
    before, after = after - 1, np.minimum(after, len(known) - 1)
    length = np.where(after > before, known[after] - known[before], 1)
    share = ((at - known[before]) / length).clip(0, 1)
    return interpolate(boxes[before], boxes[after], share[:, None])

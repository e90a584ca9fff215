"""Where labels go: near their boxes, off each other, off heads, and inside the image."""

from __future__ import annotations

import numpy as np

from vidtrack.core.boxes import area, pairwise_intersection

# Left and top of each place for a label: shares of the box's size, of the label's size and of the gap to be added.
_PLACES = np.array(
    [  # box, label, gap for x; box, label, gap for y
        (0, 0, 0, 0, -1, -1),  # above, from the left edge
        (1, -1, 0, 0, -1, -1),  # above, to the right edge
        (0, 0, 0, 1, 0, 1),  # below
        (1, -1, 0, 1, 0, 1),
        (1, 0, 1, 0, 0, 0),  # beside the top
        (0, -1, -1, 0, 0, 0),
        (1, 0, 1, 1, -1, 0),  # beside the bottom
        (0, -1, -1, 1, -1, 0),
        (0, 0, 1, 1, -1, -1),  # inside, at the bottom
        (1, -1, -1, 1, -1, -1),
        (0, 0, 1, 0, 0, 1),  # inside, at the top
    ],
    np.float64,
)
_DISLIKE = np.array([0, 0.15, 0.3, 0.4, 0.35, 0.35, 0.5, 0.5, 0.3, 0.4, 0.6])
_ON_LABEL, _ON_HEAD, _ON_BOX, _MOVED = 8.0, 2.0, 0.5, 0.6
_HEAD_HEIGHT, _HEAD_SIDE = 0.22, 0.15  # of a box: the head is in the middle of its top
_MOST_COVERED = 0.25  # of a label that others may lie on; it is left out then


class LabelPlacer:
    """Places the labels of one frame after another; a label stays on its side of the box while that is good."""

    def __init__(self, image_size: tuple[int, int], gap: int) -> None:
        self._limit, self._gap = np.array(image_size, np.float64), gap
        self.sides: dict[int, int] = {}  # place that each id had last

    def place(
        self, ids: np.ndarray, boxes_xyxy: np.ndarray, labels: np.ndarray, taken: np.ndarray
    ) -> list[tuple[int, int] | None]:
        """Left and top of each label, None for one that has no room; those of lower boxes, nearer objects, go first.

        `labels` (N, 2) are (width, height); `taken` (M, 4) xyxy is covered already.
        """
        found: list[tuple[int, int] | None] = [None] * len(ids)
        if not len(ids):
            self.sides = {}
            return found
        places = self._places(boxes_xyxy.astype(np.float64), labels.astype(np.float64))  # (N, P, 4)
        costs = _DISLIKE + self._costs_of_objects(places, boxes_xyxy.astype(np.float64))
        sides: dict[int, int] = {}
        placed = np.concatenate([taken.astype(np.float64).reshape(-1, 4), np.zeros((len(ids), 4))])
        count, areas = len(taken), _areas(places[:, 0])
        for n in np.argsort(-boxes_xyxy[:, 3], kind="stable").tolist():
            covered = pairwise_intersection(places[n], placed[:count]).sum(axis=1) / areas[n]  # (P,)
            cost = costs[n] + _ON_LABEL * covered
            before = self.sides.get(int(ids[n]))
            if before is not None:
                cost += _MOVED
                cost[before] -= _MOVED
            best = int(cost.argmin())
            if covered[best] > _MOST_COVERED:
                continue
            sides[int(ids[n])] = best
            placed[count] = places[n, best]
            count += 1
            found[n] = int(places[n, best, 0]), int(places[n, best, 1])
        self.sides = sides
        return found

    def _places(self, boxes: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Edges (N, P, 4) of every place for every label, moved into the image."""
        corner, size = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
        of_box, of_label, of_gap = _PLACES[:, [0, 3]], _PLACES[:, [1, 4]], _PLACES[:, [2, 5]]
        start = corner + of_box * size + of_label * labels[:, None] + of_gap * self._gap
        start = np.clip(np.round(start), 0, np.maximum(self._limit - labels, 0)[:, None])
        return np.concatenate([start, start + labels[:, None]], axis=-1)

    def _costs_of_objects(self, places: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        """Costs (N, P) of covering heads, also the object's own, and other objects."""
        size = boxes[:, 2:] - boxes[:, :2]
        heads = boxes.copy()
        heads[:, 0] += _HEAD_SIDE * size[:, 0]
        heads[:, 2] -= _HEAD_SIDE * size[:, 0]
        heads[:, 3] = boxes[:, 1] + _HEAD_HEIGHT * size[:, 1]
        flat, shape = places.reshape(-1, 4), (*places.shape[:2], -1)
        areas, on_heads = _areas(flat)[:, None], pairwise_intersection(flat, heads)
        on_heads = (on_heads / np.minimum(areas, _areas(heads))).reshape(shape)
        on_boxes = (pairwise_intersection(flat, boxes) / areas).reshape(shape)
        own = np.arange(len(boxes))
        on_boxes[own, :, own] *= 0.5
        return np.minimum(_ON_HEAD * on_heads.sum(-1) + _ON_BOX * on_boxes.sum(-1), _ON_LABEL)


def _areas(rectangles: np.ndarray) -> np.ndarray:
    return np.maximum(area(rectangles), 1)

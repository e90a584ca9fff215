"""Objects as tables and detections of other libraries and formats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtrack.core.optional import optional_package

STATE_NAMES = ("detected", "predicted", "interpolated")  # by number of ObjectState

if TYPE_CHECKING:
    import pandas
    import polars
    import supervision


def pandas_frame(columns: Mapping[str, np.ndarray], categories: Mapping[str, Sequence[str]]) -> pandas.DataFrame:
    """A pandas DataFrame; columns named in `categories` hold numbers of them."""
    pandas = optional_package("pandas", "to_pandas()")
    return pandas.DataFrame(
        {
            name: pandas.Categorical.from_codes(values, list(categories[name])) if name in categories else values
            for name, values in columns.items()
        }
    )


def polars_frame(columns: Mapping[str, np.ndarray], categories: Mapping[str, Sequence[str]]) -> polars.DataFrame:
    """The same as a polars DataFrame."""
    polars = optional_package("polars", "to_polars()")
    return polars.DataFrame(
        [
            polars.Series(name, np.array(categories[name], str)[values].tolist(), polars.Enum(list(categories[name])))
            if name in categories
            else polars.Series(name, values)
            for name, values in columns.items()
        ]
    )


def supervision_detections(
    boxes_xyxy: np.ndarray,
    scores: np.ndarray,
    classes: np.ndarray,
    ids: np.ndarray | None,
    class_names: Sequence[str],
    states: np.ndarray | None = None,
) -> supervision.Detections:
    """Objects of one frame as supervision's Detections, with the names of their classes and their states in `data`."""
    supervision = optional_package("supervision", "to_supervision()")
    data = {"class_name": np.array(class_names, dtype=str)[classes] if len(classes) else np.zeros(0, dtype=str)}
    if states is not None:
        data["state"] = np.array(STATE_NAMES)[states]
    return supervision.Detections(
        xyxy=boxes_xyxy.astype(np.float32),
        confidence=scores.astype(np.float32),
        class_id=classes.astype(np.int64),
        tracker_id=None if ids is None else ids.astype(np.int64),
        data=data,
    )


def coco_annotations(
    boxes_xyxy: np.ndarray, scores: np.ndarray, classes: np.ndarray, image_id: int, ids: np.ndarray | None = None
) -> list[dict[str, Any]]:
    """COCO results: `bbox` as left, top, width and height in pixels; `category_id` is the class number."""
    sizes = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    found: list[dict[str, Any]] = [
        {"image_id": image_id, "category_id": int(number), "bbox": [*corner, *size], "score": float(score)}
        for number, corner, size, score in zip(classes, boxes_xyxy[:, :2].tolist(), sizes.tolist(), scores, strict=True)
    ]
    for row, identity in zip(found, () if ids is None else ids.tolist(), strict=False):
        row["track_id"] = identity
    return found


def from_coco(rows: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Boxes (N, 4) xyxy, scores (N,) and classes (N,) of COCO results or annotations, which count as certain."""
    boxes = np.array([row["bbox"] for row in rows], dtype=np.float64).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    scores = np.array([row.get("score", 1.0) for row in rows], dtype=np.float64)
    return boxes, scores, np.array([row["category_id"] for row in rows], dtype=np.int64)


def mot_lines(number: int, boxes_xyxy: np.ndarray, scores: np.ndarray, ids: np.ndarray) -> list[str]:
    """Lines of a MOTChallenge result file for its frame `number`, from 1; its pixel edges count from 1 too."""
    return [
        f"{number},{identity},{left + 1:.2f},{top + 1:.2f},{right - left:.2f},{bottom - top:.2f},{score:.4f},-1,-1,-1"
        for identity, (left, top, right, bottom), score in zip(
            ids.tolist(), boxes_xyxy.tolist(), scores.tolist(), strict=True
        )
    ]

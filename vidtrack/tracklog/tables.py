"""Logs as tables and detections of other libraries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vidtrack.core.optional import optional_package
from vidtrack.tracklog.schema import STATE_NAMES

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
    ids: np.ndarray,
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
        tracker_id=ids.astype(np.int64),
        data=data,
    )

"""A log packed for a page: columns of differences, a few bytes per box."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from typing import Any

import numpy as np

from vidtrack.tracklog import TrackLog

_MOST_SCALE = 8  # parts of a pixel that a box is kept to
_INT16 = 32767
_LEVEL = 6  # of compression: higher ones take twice the time for a hundredth of the size


@dataclass(frozen=True)
class Packed:
    """`text` is base64 of gzip of the columns one after the other, little-endian, as `columns` lists them.

    All but scores and states are differences from the value before, wrapping around. Objects stand in order of track,
    then of frame; `rows` are frame rows, boxes are in 1/`box_scale` pixels, scores in 1/255.
    """

    text: str
    columns: list[dict[str, Any]]  # name, type, length
    box_scale: int


def pack(log: TrackLog) -> Packed:
    """The frames and objects of a log."""
    order = np.argsort(log.ids, kind="stable")  # the log is in order of frame
    boxes = log.boxes_xyxy[order].astype(np.float64)
    farthest = float(np.abs(boxes).max(initial=1))
    scale = max(1, min(_MOST_SCALE, int(_INT16 / max(1.0, farthest))))
    edges = np.clip(np.rint(boxes * scale), -_INT16, _INT16).astype("<i2")
    microseconds = np.rint(log.frame_seconds * 1e6).astype(np.int64)
    columns = {
        "indices": _differences(log.frame_indices, "<i4"),
        "microseconds": _differences(microseconds, "<i8"),
        "rows": _differences(log.frame_rows[order], "<i4"),
        **{name: _differences(edges[:, n], "<i2") for n, name in enumerate(("left", "top", "right", "bottom"))},
        "scores": np.rint(np.clip(log.scores[order], 0, 1) * 255).astype("u1"),
        "states": log.states[order].astype("u1"),
    }
    packed = gzip.compress(b"".join(column.tobytes() for column in columns.values()), _LEVEL, mtime=0)
    listed = [
        {"name": name, "type": column.dtype.str.lstrip("<|"), "length": len(column)} for name, column in columns.items()
    ]
    return Packed(base64.b64encode(packed).decode("ascii"), listed, scale)


def _differences(values: np.ndarray, kind: str) -> np.ndarray:
    return np.diff(values.astype(np.int64), prepend=0).astype(kind)

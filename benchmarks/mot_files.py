"""MOTChallenge files of tracker output, as the tracking benchmarks keep them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from vidtrack.datasets.mot import MotRows
from vidtrack.tracking.state import TrackedBoxes


def write_rows(path: Path, rows: MotRows) -> None:
    """Write rows as frame,id,left,top,width,height,score,x,y,z with a hundredth of a pixel."""
    sizes = rows.boxes_xyxy[:, 2:] - rows.boxes_xyxy[:, :2]
    with path.open("w", encoding="utf-8") as out:
        for i in range(len(rows)):
            left, top = rows.boxes_xyxy[i, :2]
            width, height = sizes[i]
            extra = ",".join(f"{value:g}" for value in rows.extra[i])
            out.write(
                f"{rows.frames[i]},{rows.ids[i]},{left:.2f},{top:.2f},{width:.2f},{height:.2f},"
                f"{rows.scores[i]:.4f},{extra}\n"
            )


def result_rows(tracked: Sequence[TrackedBoxes]) -> MotRows:
    """Rows of tracker output, one entry per frame from frame 1."""
    counts = [len(one) for one in tracked]
    total = sum(counts)
    return MotRows(
        np.repeat(np.arange(1, len(counts) + 1), counts),
        np.concatenate([np.zeros(0, np.int64), *(one.ids for one in tracked)]),
        np.concatenate([np.zeros((0, 4)), *(one.boxes_xyxy for one in tracked)]).astype(np.float64),
        np.concatenate([np.zeros(0), *(one.scores for one in tracked)]).astype(np.float64),
        np.full((total, 3), -1.0),
    )

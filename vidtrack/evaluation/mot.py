"""The MOTChallenge text format: one row an object and frame; ids, boxes and scores, no names and no time."""

from __future__ import annotations

from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np

from vidtrack.errors import DataError


@dataclass(frozen=True)
class MotRows:
    """Rows of a MOT file in the order of their frames.

    frames (N,) ints from 1; ids (N,) ints, -1 for plain detections; boxes_xyxy (N, 4) pixels; scores (N,): the
    confidence of a detection, and in ground truth 0 for a row to be ignored; extra (N, 3) the last three columns.
    """

    frames: np.ndarray
    ids: np.ndarray
    boxes_xyxy: np.ndarray
    scores: np.ndarray
    extra: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: np.ndarray | slice) -> MotRows:
        return MotRows(*(getattr(self, field.name)[rows] for field in fields(self)))

    @property
    def last_frame(self) -> int:
        """The highest frame number, 0 when there are no rows."""
        return int(self.frames.max()) if len(self) else 0

    def by_frame(self, last_frame: int) -> list[MotRows]:
        """The rows of frames 1 to `last_frame`, one entry a frame."""
        bounds = np.searchsorted(self.frames, np.arange(1, last_frame + 2))
        return [self[slice(low, high)] for low, high in pairwise(bounds)]


@dataclass(frozen=True)
class Sequence:
    """What `seqinfo.ini` says about a MOT sequence."""

    name: str
    frames: int
    frames_per_second: float
    size: tuple[int, int]  # width, height


def read_rows(path: Path) -> MotRows:
    """Read a ground truth, detection or result file; columns after the seventh may be missing."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    rows = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = [float(value) for value in line.replace(",", " ").split()]
        except ValueError as error:
            raise DataError(f"{path}, line {number}: not numbers: {line.strip()!r}") from error
        if len(values) < 6:
            raise DataError(
                f"{path}, line {number}: {len(values)} values", "MOT rows are frame,id,left,top,width,height[,score]"
            )
        rows.append([*values[:10], *([1.0, -1.0, -1.0, -1.0][len(values) - 6 :])])
    table = np.array(rows, dtype=np.float64).reshape(-1, 10)
    table = table[np.argsort(table[:, 0], kind="stable")]
    boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    return MotRows(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), boxes, table[:, 6], table[:, 7:10])


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


def result_rows(frames: list[int], tracked: list) -> MotRows:
    """Rows of tracker output: `tracked[i]` has ids, scores and boxes_xyxy of frame `frames[i]` (from 1)."""
    counts = [len(one.ids) for one in tracked]
    total = sum(counts)
    return MotRows(
        np.repeat(np.asarray(frames, dtype=np.int64), counts),
        np.concatenate([one.ids for one in tracked]) if total else np.zeros(0, dtype=np.int64),
        np.concatenate([one.boxes_xyxy for one in tracked]).astype(np.float64) if total else np.zeros((0, 4)),
        np.concatenate([one.scores for one in tracked]).astype(np.float64) if total else np.zeros(0),
        np.full((total, 3), -1.0),
    )


def read_sequence(path: Path) -> Sequence:
    """Read a `seqinfo.ini`."""
    parser = ConfigParser()
    try:
        if not parser.read(path, encoding="utf-8"):
            raise DataError(f"cannot read {path}")
        section = parser["Sequence"]
        return Sequence(
            section["name"],
            int(section["seqLength"]),
            float(section["frameRate"]),
            (int(section["imWidth"]), int(section["imHeight"])),
        )
    except (ConfigError, KeyError, ValueError) as error:
        raise DataError(f"{path} is not a MOT seqinfo.ini: {error}") from error

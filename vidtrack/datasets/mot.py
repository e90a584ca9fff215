"""The MOTChallenge text format: one row an object and frame; ids, boxes and scores, no names and no time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path

import numpy as np

from vidtrack.core.errors import DataError
from vidtrack.tracklog import TrackLog

MOT_ROW = "a MOT row is frame,id,left,top,width,height[,score[,...]]"
MOT_PIXEL = 1.0  # number of MOT's first pixel, whose edge a track log calls 0


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
    """Read a ground truth, detection or result file; columns after the sixth may be missing, those after the tenth are
    left out.

    Raises DataError, with the line, for what is no row: too few values, frames before 1, a box turned inside out.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", "check the name") from None
    except ValueError:  # of the text, or of a name that no file can have
        raise DataError(f"{path} is not text", MOT_ROW) from None
    rows, lines = [], []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = [float(value) for value in _cells(line)]
        except ValueError:
            raise DataError(f"{path}, line {number}: not numbers: {_short(line)}", MOT_ROW) from None
        if len(values) < 6:
            raise DataError(f"{path}, line {number}: {len(values)} values", MOT_ROW)
        rows.append([*values[:10], *([1.0, -1.0, -1.0, -1.0][len(values) - 6 :])])
        lines.append(number)
    table = np.array(rows, dtype=np.float64).reshape(-1, 10)
    for wrong, what, hint in _faults(table):
        if wrong.any():
            number = lines[int(wrong.argmax())]
            raise DataError(f"{path}, line {number}: {what}: {_short(text.splitlines()[number - 1])}", hint)
    table = table[np.argsort(table[:, 0], kind="stable")]
    boxes = np.concatenate([table[:, 2:4], table[:, 2:4] + table[:, 4:6]], axis=1)
    return MotRows(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), boxes, table[:, 6], table[:, 7:10])


def _faults(table: np.ndarray) -> Iterator[tuple[np.ndarray, str, str]]:
    """Rows (N,) bool that are wrong, in what, and what to do; `table` is (N, 10)."""
    yield ~np.isfinite(table[:, :7]).all(axis=1), "a value is not finite", MOT_ROW
    yield table[:, 0] % 1 != 0, "the frame is no whole number", MOT_ROW
    yield table[:, 0] < 1, "the frame is before 1", "MOT counts frames from 1"
    yield table[:, 1] % 1 != 0, "the id is no whole number", MOT_ROW
    yield np.abs(table[:, :6]).max(axis=1, initial=0) > 2**53, "a value is too large", MOT_ROW
    yield table[:, 4:6].min(axis=1, initial=0) < 0, "the width or the height is negative", MOT_ROW


def _cells(line: str) -> list[str]:
    """What stands between commas, of which the last may be one too many; without commas, between blanks."""
    return line.rstrip(", \t\r").split(",") if "," in line else line.split()


def _short(line: str) -> str:
    line = line.strip()
    return repr(line if len(line) <= 60 else f"{line[:57]}...")


def check_tracks(rows: MotRows, path: Path) -> None:
    """Raise DataError for a score below 0, a row that counts without an identity, and one identity twice in a frame."""
    negative = rows[rows.scores < 0]
    if len(negative):
        raise DataError(
            f"{path} has score {negative.scores[0]:g} in frame {negative.frames[0]}",
            "in ground truth 1 is a row that counts, and 0 one to be ignored",
        )
    counted = rows[rows.scores > 0]
    nobody = counted[counted.ids < 0]
    if len(nobody):
        raise DataError(
            f"{path} has boxes without an id in frame {nobody.frames[0]}", "these are detections: track them first"
        )
    order = np.lexsort((rows.ids, rows.frames))
    frames, ids, counts = rows.frames[order], rows.ids[order], rows.scores[order] > 0
    is_object = (ids > 0) | counts  # others are regions, which share an id
    twice = np.flatnonzero((np.diff(frames) == 0) & (np.diff(ids) == 0) & is_object[1:] & is_object[:-1])
    if len(twice):
        raise DataError(
            f"{path} has id {ids[twice[0]]} more than once in frame {frames[twice[0]]}",
            "an object is in one place at a time",
        )


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


def log_rows(log: TrackLog) -> MotRows:
    """Rows of a track log: its frame 0 is MOT's frame 1, its pixel edge 0 is MOT's pixel 1."""
    return MotRows(
        log.frame_indices[log.frame_rows] + 1,
        log.ids,
        log.boxes_xyxy.astype(np.float64) + MOT_PIXEL,
        log.scores.astype(np.float64),
        np.full((len(log.ids), 3), -1.0),
    )


def read_sequence(path: Path) -> Sequence:
    """Read a `seqinfo.ini`; raises DataError for what is missing, or a length, rate or size that cannot be."""
    parser = ConfigParser()
    try:
        if not parser.read(path, encoding="utf-8"):
            raise DataError(f"cannot read {path}")
        section = parser["Sequence"]
        told = Sequence(
            section["name"],
            int(section["seqLength"]),
            float(section["frameRate"]),
            (int(section["imWidth"]), int(section["imHeight"])),
        )
    except (ConfigError, KeyError, ValueError) as error:
        raise DataError(f"{path} is not a MOT seqinfo.ini: {error}") from error
    if min(told.frames, *told.size) < 1 or not 0 < told.frames_per_second < math.inf:
        width, height = told.size
        raise DataError(
            f"{path} tells of {told.frames} frames of {width}x{height}, {told.frames_per_second:g} a second",
            "these are seqLength, imWidth, imHeight and frameRate",
        )
    return told

"""The MOTChallenge text format: one row per object and frame, with ids, boxes and scores."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from vidtrack.core.errors import DataError

if TYPE_CHECKING:
    from vidtrack.tracklog import TrackLog

MOT_ROW = "a MOT row is frame,id,left,top,width,height[,score[,...]]"
MOT_PIXEL = 1.0  # number of MOT's first pixel, whose edge a track log calls 0
LABELLED_PIXEL = 0.0  # the same in files with labels.txt, as CVAT and Datumaro write them
MOT_LAST_CLASS = 13
_LARGEST_SIDE = 1_000_000  # pixels
T = TypeVar("T", int, float)


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
    def classes(self) -> np.ndarray:
        """The column of classes (N,) of ground truth; -1 or a coordinate in other files."""
        return self.extra[:, 0]

    @property
    def has_classes(self) -> bool:
        """True if rows end in MOTChallenge's class and visibility, as from MOT16 on; before, in a position."""
        kinds, visible, unused = self.extra.T
        whole = (kinds % 1 == 0) & (kinds >= 1) & (kinds <= MOT_LAST_CLASS)
        return bool(len(self) and whole.all() and ((visible >= 0) & (visible <= 1)).all() and (unused == -1).all())

    @property
    def last_frame(self) -> int:
        """The highest frame number, 0 without rows."""
        return int(self.frames.max()) if len(self) else 0

    def by_frame(self, last_frame: int) -> list[MotRows]:
        """The rows of frames 1 to `last_frame`, one entry per frame."""
        bounds = np.searchsorted(self.frames, np.arange(1, last_frame + 2))
        return [self[slice(low, high)] for low, high in pairwise(bounds)]


@dataclass(frozen=True)
class SequenceInfo:
    """What `seqinfo.ini` says about a MOT sequence; None for what it does not say."""

    name: str
    frames: int | None
    frames_per_second: float | None
    size: tuple[int, int] | None  # width, height
    image_folder: str = "img1"
    image_suffix: str | None = None


def read_rows(path: Path) -> MotRows:
    """Read a ground truth, detection or result file of 6 to 10 columns; further columns are left out.

    Raises DataError, with the line, for a row of too few values, a frame before 1 or a box of negative size.
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
    yield table[:, 0] % 1 != 0, "the frame is not a whole number", MOT_ROW
    yield table[:, 0] < 1, "the frame is before 1", "MOT counts frames from 1"
    yield table[:, 1] % 1 != 0, "the id is not a whole number", MOT_ROW
    yield np.abs(table[:, :6]).max(axis=1, initial=0) > 2**53, "a value is too large", MOT_ROW
    yield table[:, 4:6].min(axis=1, initial=0) < 0, "the width or the height is negative", MOT_ROW


def _cells(line: str) -> list[str]:
    """Values separated by commas, of which the last may be one too many, or else by blanks."""
    return line.rstrip(", \t\r").split(",") if "," in line else line.split()


def _short(line: str) -> str:
    line = line.strip()
    return repr(line if len(line) <= 60 else f"{line[:57]}...")


def check_tracks(rows: MotRows, path: Path, need_ids: bool = True) -> None:
    """Raise DataError for a score below 0, a row that counts without an id, and one id twice in a frame."""
    negative = rows[rows.scores < 0]
    if len(negative):
        raise DataError(
            f"{path} has score {negative.scores[0]:g} in frame {negative.frames[0]}",
            "in ground truth 1 counts and 0 is ignored",
        )
    counted = rows[rows.scores > 0]
    without_id = counted[counted.ids < 0]
    if need_ids and len(without_id):
        raise DataError(
            f"{path} has boxes without an id in frame {without_id.frames[0]}", "these are detections; track them first"
        )
    order = np.lexsort((rows.ids, rows.frames))
    frames, ids, counts = rows.frames[order], rows.ids[order], rows.scores[order] > 0
    is_object = (ids > 0) | (counts & (ids == 0))  # others are regions or detections, which share an id
    twice = np.flatnonzero((np.diff(frames) == 0) & (np.diff(ids) == 0) & is_object[1:] & is_object[:-1])
    if len(twice):
        raise DataError(
            f"{path} has id {ids[twice[0]]} more than once in frame {frames[twice[0]]}",
            "an object has one box per frame",
        )


def read_ground_truth(path: Path, need_ids: bool = True) -> MotRows:
    """Read ground truth: a score counts if its whole part is not 0, as in TrackEval. Raises as `check_tracks` does."""
    rows = read_rows(path)
    check_tracks(rows, path, need_ids)
    return replace(rows, scores=np.trunc(rows.scores))


def class_names(rows: MotRows, labels: Sequence[str], path: Path) -> list[str]:
    """The class name of each row of a ground truth with `labels`, empty for -1; raises DataError for another number."""
    wrong = (rows.classes % 1 != 0) | (rows.classes > len(labels)) | ((rows.classes < 1) & (rows.classes != -1))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"{path} has class {rows.classes[row]:g} in frame {rows.frames[row]}",
            f"labels.txt names classes 1 to {len(labels)}",
        )
    return [labels[number - 1] if number > 0 else "" for number in rows.classes.astype(int).tolist()]


def log_rows(log: TrackLog, origin: float = MOT_PIXEL) -> MotRows:
    """Rows of a track log: its frame 0 is MOT's frame 1, its pixel edge 0 is `origin`."""
    return MotRows(
        log.frame_indices[log.frame_rows] + 1,
        log.ids,
        log.boxes_xyxy.astype(np.float64) + origin,
        log.scores.astype(np.float64),
        np.full((len(log.ids), 3), -1.0),
    )


def read_labels(truth: Path) -> tuple[str, ...] | None:
    """Class names, by number from 1, that CVAT and Datumaro write into labels.txt beside the ground truth, or None."""
    path = truth.with_name("labels.txt")
    if not path.is_file():
        return None
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, ValueError):
        raise DataError(f"cannot read {path}", "expected one class name per line") from None
    while lines and not lines[-1].strip():
        lines.pop()
    return tuple(line.strip() for line in lines)


def read_sequence_info(path: Path) -> SequenceInfo:
    """Read a `seqinfo.ini`; raises DataError for a length, rate or size that cannot be."""
    parser = ConfigParser(interpolation=None)
    try:
        if not parser.read(path, encoding="utf-8-sig"):
            raise DataError(f"cannot read {path}")
        section = parser["Sequence"]
    except (ConfigError, KeyError, ValueError):
        raise DataError(f"{path} has no [Sequence] section", "expected a MOTChallenge seqinfo.ini") from None

    def positive(key: str, kind: type[T], limit: float) -> T | None:
        text = section.get(key)
        try:
            value = None if text is None else kind(text)
        except ValueError:
            value = kind(0)
        if value is not None and not 0 < value < limit:
            raise DataError(f"{path} has {key} {text}", "expected a positive number")
        return value

    width, height = positive("imWidth", int, _LARGEST_SIDE), positive("imHeight", int, _LARGEST_SIDE)
    return SequenceInfo(
        section.get("name", path.resolve().parent.name),
        positive("seqLength", int, math.inf),
        positive("frameRate", float, 1e4),
        None if width is None or height is None else (width, height),
        section.get("imDir", "img1"),
        section.get("imExt"),
    )

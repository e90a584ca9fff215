"""The ground truth and the result of a sequence, read, checked and reduced to what is scored."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vidtrack.core.class_names import class_filter, listed
from vidtrack.core.errors import DataError, UsageError
from vidtrack.core.wording import plural
from vidtrack.datasets.mot import (
    LABELLED_PIXEL,
    MOT_PIXEL,
    MotRows,
    check_tracks,
    class_names,
    log_rows,
    read_ground_truth,
    read_labels,
    read_rows,
)
from vidtrack.evaluation.ignoring import PEDESTRIAN, Rules, counted, rules_for
from vidtrack.evaluation.sequences import TruthFile
from vidtrack.tracklog import TrackLog, is_log_path, select

DEFAULT_CLASSES = ("person",)  # what the MOT benchmarks annotate
_MOST_FRAMES = 10_000_000  # 46 hours at 60 frames per second; more is a time or a slip in the column of frames


@dataclass(frozen=True)
class Choices:
    """What is scored: `classes` of track logs (None: person), `truth_class` of a ground truth that has a column of
    classes (None: as the rules say); `partial` scores only the frames that a result speaks of.
    """

    rules: Rules = Rules.AUTO
    classes: tuple[str, ...] | None = None
    truth_class: int | None = None
    partial: bool = False


@dataclass(frozen=True)
class Pair:
    """A sequence's ground truth and result without what was not chosen; `scored` (F,) bool says which of its frames."""

    name: str
    truth: MotRows
    result: MotRows
    scored: np.ndarray
    rules: Rules
    frames_per_second: float | None = None
    notes: tuple[str, ...] = ()


def read_pair(truth: TruthFile, result: Path, choices: Choices) -> Pair:
    """Read and check both sides.

    Raises DataError if they do not belong to the same frames or images, or if nothing is left to score.
    """
    true, found = _read_truth(truth.path, choices), _read_result(result, truth.path, choices)
    check_tracks(found.rows, found.path)
    if choices.classes is not None and true.log is None and found.log is None and true.labels is None:
        raise UsageError(f"{result} is a MOT file, which has no class names", "drop --classes")
    last, notes = _length(truth, true, found)
    if last > _MOST_FRAMES:
        raise DataError(
            f"{truth.name} has {last} frames by {truth.path} and {result}",
            f"more than {_MOST_FRAMES} are not scored: is a frame number wrong?",
        )
    notes += [
        f"{side.path} ({side.log.status}) is scored as far as it goes"
        for side in (true, found)
        if side.log is not None and not side.log.status.is_finished
    ]
    if not len(found.rows):
        notes.append(f"{result} has no boxes{_instead(found.log, choices)}")
    scored = np.ones(last, dtype=bool)
    if true.log is not None:
        scored &= true.covers(last)
    if choices.partial:
        scored &= found.covers(last)
    elif found.log is not None and not (~scored | found.covers(last)).all():
        raise DataError(
            f"{result} covers {int((scored & found.covers(last)).sum())} of the {int(scored.sum())} frames of "
            f"{truth.name}",
            "give --partial to score only those",
        )
    rows, rules, wanted = _of_class(replace(true, rows=true.rows[scored[true.rows.frames - 1]]), truth, choices)
    found, other = _of_result_class(found, wanted)
    notes += other
    if not counted(rows, rows[:0], rules)[0].any():
        has_other = rules not in (Rules.IGNORE, Rules.MOT15) and (rows.scores > 0).any()
        hint = f"{rules} counts class 1, --truth-class another" if has_other else "rows of score 0 are ignored"
        raise DataError(f"{truth.path} has no boxes that count", hint)
    rate = truth.info.frames_per_second if truth.info else None
    return Pair(truth.name, rows, found.rows[scored[found.rows.frames - 1]], scored, rules, rate, tuple(notes))


@dataclass(frozen=True)
class _Side:
    """A file's rows, and the track log they come from or the class names beside them, if any."""

    path: Path
    rows: MotRows
    log: TrackLog | None = None
    labels: tuple[str, ...] | None = None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the images, if the file says."""
        if self.log is None:
            return None
        return self.log.header.source.size

    @property
    def last_frame(self) -> int:
        """The last frame of the file."""
        return self.rows.last_frame if self.log is None else int(self.log.frame_indices.max(initial=-1)) + 1

    def covers(self, last: int) -> np.ndarray:
        """Which of frames 1 to `last` (last,) bool: a MOT file does of all up to its last row."""
        if self.log is None:
            return np.arange(1, last + 1) <= self.rows.last_frame
        return np.isin(np.arange(last), self.log.frame_indices)


def _read_truth(path: Path, choices: Choices) -> _Side:
    if is_log_path(path):
        side = _read_log(path, choices)
        check_tracks(side.rows, path)
        return side
    return _Side(path, read_ground_truth(path), labels=read_labels(path) if path.name == "gt.txt" else None)


def _read_result(path: Path, truth: Path, choices: Choices) -> _Side:
    if not is_log_path(path):
        return _Side(path, _counting_all(read_rows(path)))
    is_named = truth.name == "gt.txt" and read_labels(truth) is not None
    return _read_log(path, choices, LABELLED_PIXEL if is_named else MOT_PIXEL)


def _read_log(path: Path, choices: Choices, origin: float = MOT_PIXEL) -> _Side:
    log = TrackLog.load(path)
    try:
        rows = log_rows(select(log, classes=choices.classes or DEFAULT_CLASSES), origin)
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from None
    return _Side(path, _counting_all(rows), log)


def _counting_all(rows: MotRows) -> MotRows:
    """The same with scores of 1: those of logs and results are confidences, none says to be ignored."""
    return replace(rows, scores=np.ones(len(rows)))


def _length(truth: TruthFile, true: _Side, found: _Side) -> tuple[int, list[str]]:
    """Number of frames of the sequence, and notes; raises DataError if the two sides belong to different clips."""
    size = truth.info.size if truth.info else true.size
    if size and found.size and size != found.size:
        raise DataError(
            f"{found.path} has images of {_by(found.size)}, {truth.name} of {_by(size)}",
            "track the sequence's own images",
        )
    length = truth.info.frames if truth.info else None
    last = true.last_frame if length is None else length
    if length is None and true.log is None:  # its end may lie after its last object
        if found.rows.last_frame <= last:
            return last, []
        odd = f"{found.path} ends at frame {found.rows.last_frame}, {true.path} at {last}: do they belong to one clip?"
        return found.rows.last_frame, [odd]
    for side in (true, found):
        if side.last_frame > last:
            raise DataError(
                f"{side.path} ends at frame {side.last_frame}, {truth.name} at {last}",
                "does it belong to another clip?",
            )
    return last, []


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _instead(log: TrackLog | None, choices: Choices) -> str:
    """What a log has that was not asked for."""
    there = [] if log is None else sorted({log.class_names[number] for number in np.unique(log.classes)})
    return f" of class {' or '.join(choices.classes or DEFAULT_CLASSES)}, only of {listed(there)}" if there else ""


def _of_class(true: _Side, truth: TruthFile, choices: Choices) -> tuple[MotRows, Rules, int]:
    """Ground truth of the chosen class if it has a column of classes, its rules, and the number of that class."""
    rows = true.rows
    if choices.truth_class is None and true.labels is None:
        rules = rules_for(truth.name, rows) if choices.rules is Rules.AUTO else choices.rules
        return rows, rules, PEDESTRIAN
    rules = Rules.MOT15 if choices.rules is Rules.MOT15 else Rules.IGNORE
    if choices.truth_class is None and true.labels is not None:
        named = class_filter(true.labels, choices.classes or DEFAULT_CLASSES, f"labels.txt of {truth.path}")
        names = {name for name, is_named in zip(true.labels, named, strict=True) if is_named}
        kept = np.array([name in names for name in class_names(rows, true.labels, truth.path)], dtype=bool)
        return rows[kept], rules, int(np.flatnonzero(named)[0]) + 1
    if (rows.classes < 0).any() or (rows.classes % 1 != 0).any():
        raise UsageError(f"{truth.path} has no column of classes", "drop --truth-class")
    chosen = rows[rows.classes == choices.truth_class]
    if not len(chosen):
        present = ", ".join(f"{kind:g}" for kind in np.unique(rows.classes))
        raise UsageError(f"{truth.path} has no class {choices.truth_class}", f"it has {present}")
    return chosen, rules, int(choices.truth_class or PEDESTRIAN)


def _of_result_class(found: _Side, wanted: int) -> tuple[_Side, list[str]]:
    """A MOT result without its rows of other classes than `wanted`, or all if it has no row of that class; and notes.

    TrackEval refuses such files.
    """
    kinds = found.rows.classes
    is_class = (kinds >= 1) & (kinds % 1 == 0) & (found.rows.extra[:, 2] == -1)
    other = is_class & (kinds != wanted)
    if found.log is not None or not other.any():
        return found, []
    names = ", ".join(f"{kind:g}" for kind in np.unique(kinds[other]))
    if not (is_class & (kinds == wanted)).any():
        return found, [f"{found.path} has no row of class {wanted}: all, of class {names}, are scored as if they were"]
    note = f"left out {plural(int(other.sum()), 'row')} of {found.path}: class {names}, not {wanted}"
    return replace(found, rows=found.rows[~other]), [note]

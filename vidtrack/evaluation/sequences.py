"""Finding the sequences of a benchmark and the results that belong to them, and reading both."""

from __future__ import annotations

from collections.abc import Sequence as Many
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from vidtrack.core.class_names import listed
from vidtrack.core.errors import DataError, UsageError
from vidtrack.datasets.mot import (
    MotRows,
    Sequence,
    check_tracks,
    log_rows,
    read_rows,
    read_sequence,
)
from vidtrack.evaluation.ignoring import Rules, counted, rules_for
from vidtrack.tracklog import SUFFIXES, TrackLog, is_log_path, select

DEFAULT_CLASSES = ("person",)  # what the MOT benchmarks annotate
_MOST_FRAMES = 10_000_000  # 46 hours at 60 frames a second; more is a time or a slip in the column of frames


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
class TruthFile:
    """Where the ground truth of a sequence is."""

    name: str
    path: Path
    info: Sequence | None = None  # what seqinfo.ini says


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


def find_truths(truth: Path, chosen: Many[str] | None = None) -> list[TruthFile]:
    """Ground truth by sequence, in the order of names.

    `truth` is a file (MOT or track log), a sequence folder with gt/gt.txt or gt.txt, or a folder of such folders or of
    such files called like their sequences; `chosen` picks some by name. Raises DataError where one has none.
    """
    if truth.is_file():
        found = [_truth_file(truth)]
    elif truth.is_dir():
        own = _gt_file(truth)
        files = [own] if own else [gt for folder in sorted(truth.iterdir()) if (gt := _gt_file(folder))]
        found = [_truth_file(file) for file in files or sorted(filter(_is_tracks, truth.iterdir()))]
    else:
        raise DataError(f"{truth} does not exist", "check the name of the ground truth")
    if not found:
        raise DataError(f"no ground truth in {truth}", "expected gt/gt.txt, folders with gt/gt.txt, or NAME.txt")
    names = [one.name for one in found]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"{truth} has more than one ground truth of {twice}", "leave one of them")
    bare = [] if truth.is_file() else _without_truth(truth)
    if chosen is None:
        if bare:
            raise DataError(f"no ground truth in {truth} for {listed(bare)}", f"--sequences chooses: {listed(names)}")
        return found
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise UsageError(f"{truth} has no sequence {', '.join(unknown)}", f"it has {listed(names)}")
    return [one for one in found if one.name in chosen]


def find_results(results: Path, names: Many[str]) -> dict[str, Path]:
    """The result of each sequence: `results` itself where it is a file, else the file in that folder called like it."""
    if results.is_file():
        if len(names) > 1:
            raise DataError(
                f"{results} is one file, the ground truth has {len(names)} sequences",
                "give a folder with a result for each, or choose one with --sequences",
            )
        return dict.fromkeys(names, results)
    if not results.is_dir():
        raise DataError(f"{results} does not exist", "check the name of the results")
    by_name = _by_name(results)
    if not set(names) & set(by_name) and (results / "data").is_dir():  # where TrackEval keeps them
        by_name = _by_name(results / "data")
    missing = [name for name in names if name not in by_name]
    if missing:
        raise DataError(
            f"no result in {results} for {listed(missing)}",
            f"it has {listed(list(by_name))}; results are called NAME.txt or NAME.tracks.jsonl"
            if by_name
            else "results are called NAME.txt or NAME.tracks.jsonl",
        )
    for name in names:
        if len(by_name[name]) > 1:
            raise DataError(
                f"{results} has {len(by_name[name])} results for {name}: "
                f"{', '.join(path.name for path in by_name[name])}",
                "leave one of them",
            )
    return {name: by_name[name][0] for name in names}


def read_pair(truth: TruthFile, result: Path, choices: Choices) -> Pair:
    """Read and check both sides.

    Raises DataError where they do not speak of the same frames or pictures, or nothing is left that counts.
    """
    true, found = _read(truth.path, choices), _counting_all(_read(result, choices))
    for side in (true, found):
        check_tracks(side.rows, side.path)
    if choices.classes is not None and true.log is None and found.log is None:
        raise UsageError(f"{result} is a MOT file, which names no classes", "leave --classes out")
    last, notes = _length(truth, true, found)
    if last > _MOST_FRAMES:
        raise DataError(
            f"{truth.name} has {last} frames by {truth.path} and {result}",
            f"more than {_MOST_FRAMES} are not scored: is a frame number wrong?",
        )
    notes += [
        f"{side.path} ({side.log.status}) is scored as far as it goes"
        for side in (true, found)
        if side.log is not None and side.log.status not in ("complete", "truncated")
    ]
    if not len(found.rows):
        notes.append(f"{result} has no boxes{_instead(found.log, choices)}")
    scored = np.ones(last, dtype=bool)
    if true.log is not None:
        scored &= true.speaks_of(last)
    if choices.partial:
        scored &= found.speaks_of(last)
    elif found.log is not None and not (~scored | found.speaks_of(last)).all():
        raise DataError(
            f"{result} speaks of {int((scored & found.speaks_of(last)).sum())} of the {int(scored.sum())} frames of "
            f"{truth.name}",
            "give --partial to score only those",
        )
    rows, rules = _of_class(true.rows[scored[true.rows.frames - 1]], truth, choices)
    if not counted(rows, rows[:0], rules)[0].any():
        other = rules not in (Rules.IGNORE, Rules.MOT15) and (rows.scores > 0).any()
        hint = f"{rules} counts class 1, --truth-class another" if other else "rows of score 0 are to be ignored"
        raise DataError(f"{truth.path} has no boxes that count", hint)
    rate = truth.info.frames_per_second if truth.info else None
    return Pair(truth.name, rows, found.rows[scored[found.rows.frames - 1]], scored, rules, rate, tuple(notes))


def _gt_file(folder: Path) -> Path | None:
    return next((path for path in (folder / "gt/gt.txt", folder / "gt.txt") if path.is_file()), None)


def _without_truth(folder: Path) -> list[str]:
    """The sequences of a benchmark that come without ground truth, as those of a test set do."""
    return [path.parent.name for path in sorted(folder.glob("*/seqinfo.ini")) if not _gt_file(path.parent)]


def _truth_file(path: Path) -> TruthFile:
    if path.name != "gt.txt":
        return TruthFile(_plain_name(path), path)
    folder = path.resolve().parent
    folder = folder.parent if folder.name == "gt" else folder
    info = folder / "seqinfo.ini"
    return TruthFile(folder.name, path, read_sequence(info) if info.is_file() else None)


def _is_tracks(path: Path) -> bool:
    return path.is_file() and (path.suffix.lower() == ".txt" or is_log_path(path))


def _plain_name(path: Path) -> str:
    """`A` of A.txt, A.mot.txt, A.jsonl.gz and A.tracks.jsonl."""
    suffix = next((end for end in sorted(SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(end)), ".txt")
    return path.name[: -len(suffix)].removesuffix(".tracks").removesuffix(".mot")


def _by_name(folder: Path) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in sorted(filter(_is_tracks, folder.iterdir())):
        found.setdefault(_plain_name(path), []).append(path)
    return found


@dataclass(frozen=True)
class _Side:
    """A file's rows, and the log they come from if it is one."""

    path: Path
    rows: MotRows
    log: TrackLog | None

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the pictures, where the file says."""
        if self.log is None:
            return None
        width, height = self.log.header["source"]["size"]
        return int(width), int(height)

    @property
    def last_frame(self) -> int:
        """The last frame the file speaks of."""
        return self.rows.last_frame if self.log is None else int(self.log.frame_indices.max(initial=-1)) + 1

    def speaks_of(self, last: int) -> np.ndarray:
        """Which of frames 1 to `last` (last,) bool: a MOT file does of all up to its last row."""
        if self.log is None:
            return np.arange(1, last + 1) <= self.rows.last_frame
        return np.isin(np.arange(last), self.log.frame_indices)


def _read(path: Path, choices: Choices) -> _Side:
    if not is_log_path(path):
        return _Side(path, read_rows(path), None)
    log = TrackLog.load(path)
    try:
        rows = log_rows(select(log, classes=choices.classes or DEFAULT_CLASSES))
    except UsageError as error:
        raise UsageError(f"{path}: {error.message}", error.hint) from None
    return _counting_all(_Side(path, rows, log))


def _counting_all(side: _Side) -> _Side:
    """The same where scores are confidences, as of logs and results: none says to be ignored."""
    return replace(side, rows=replace(side.rows, scores=np.ones(len(side.rows))))


def _length(truth: TruthFile, true: _Side, found: _Side) -> tuple[int, list[str]]:
    """Number of frames of the sequence, and what is odd about it; DataError where the sides are of other clips."""
    size = truth.info.size if truth.info else true.size
    if size and found.size and size != found.size:
        raise DataError(
            f"{found.path} is of {_by(found.size)} pictures, {truth.name} of {_by(size)}",
            "track the sequence's own pictures",
        )
    last = truth.info.frames if truth.info else true.last_frame
    if not truth.info and true.log is None:  # its end may lie after its last object
        if found.rows.last_frame <= last:
            return last, []
        odd = f"{found.path} goes on to frame {found.rows.last_frame}, {true.path} to {last}: is it of the same clip?"
        return found.rows.last_frame, [odd]
    for side in (true, found):
        if side.last_frame > last:
            raise DataError(
                f"{side.path} goes on to frame {side.last_frame}, {truth.name} to {last}", "is it of another clip?"
            )
    return last, []


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _instead(log: TrackLog | None, choices: Choices) -> str:
    """What a log has that was not asked for."""
    there = [] if log is None else sorted({log.class_names[number] for number in np.unique(log.classes)})
    return f" of class {' or '.join(choices.classes or DEFAULT_CLASSES)}, only of {listed(there)}" if there else ""


def _of_class(true: MotRows, truth: TruthFile, choices: Choices) -> tuple[MotRows, Rules]:
    """Ground truth of the chosen class where it has a column of classes, and the rules for it."""
    if choices.truth_class is None:
        return true, rules_for(truth.name, true) if choices.rules is Rules.AUTO else choices.rules
    kinds = true.extra[:, 0]
    if (kinds < 0).any() or (kinds % 1 != 0).any():
        raise UsageError(f"{truth.path} has no column of classes", "leave --truth-class out")
    chosen = true[kinds == choices.truth_class]
    if not len(chosen):
        there = ", ".join(f"{kind:g}" for kind in np.unique(kinds))
        raise UsageError(f"{truth.path} has no class {choices.truth_class}", f"it has {there}")
    return chosen, Rules.MOT15 if choices.rules is Rules.MOT15 else Rules.IGNORE

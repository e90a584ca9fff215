"""Finding the sequences of a benchmark and the results that belong to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vidtrack.core.class_names import listed
from vidtrack.core.errors import DataError, UsageError
from vidtrack.datasets.mot import SequenceInfo, read_sequence_info
from vidtrack.tracklog import SUFFIXES, is_log_path


@dataclass(frozen=True)
class TruthFile:
    """The ground truth of a sequence."""

    name: str
    path: Path
    info: SequenceInfo | None = None  # what seqinfo.ini says


def find_truths(truth: Path, chosen: Sequence[str] | None = None) -> list[TruthFile]:
    """Ground truth by sequence, in the order of names.

    `truth` is a file (MOT or track log), a sequence folder with gt/gt.txt or gt.txt, or a folder of such folders or of
    such files called like their sequences; `chosen` selects some by name. Raises DataError if one has none.
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
        raise DataError(f"{truth} has more than one ground truth for {twice}", "keep one of them")
    bare = [] if truth.is_file() else _without_truth(truth)
    if chosen is None:
        if bare:
            raise DataError(
                f"no ground truth in {truth} for {listed(bare)}", f"select some with --sequences: {listed(names)}"
            )
        return found
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise UsageError(f"{truth} has no sequence {', '.join(unknown)}", f"it has {listed(names)}")
    return [one for one in found if one.name in chosen]


def find_results(results: Path, names: Sequence[str]) -> dict[str, Path]:
    """The result of each sequence: `results` itself if it is a file, else the file in it with the sequence's name."""
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
            f"it has {listed(list(by_name))}; results are named NAME.txt or NAME.tracks.jsonl"
            if by_name
            else "results are named NAME.txt or NAME.tracks.jsonl",
        )
    for name in names:
        if len(by_name[name]) > 1:
            raise DataError(
                f"{results} has {len(by_name[name])} results for {name}: "
                f"{', '.join(path.name for path in by_name[name])}",
                "keep one of them",
            )
    return {name: by_name[name][0] for name in names}


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
    return TruthFile(folder.name, path, read_sequence_info(info) if info.is_file() else None)


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

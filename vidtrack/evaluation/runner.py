"""Score result files against ground truth: one sequence or a folder of them, MOT files or track logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vidtrack.errors import DataError
from vidtrack.evaluation.metrics import Aligned, TrackingScores, align, join, score
from vidtrack.evaluation.mot import MotRows, read_rows, read_sequence
from vidtrack.tracklog import TrackLog

COMBINED = "combined"


def evaluate(truth: Path, results: Path, class_name: str = "person") -> dict[str, TrackingScores]:
    """Scores by sequence, and of all joined under "combined" where there are several.

    `truth` is a MOT sequence folder (with gt/gt.txt), a folder of those, or a ground-truth file; `results` a MOT file
    or a track log, or a folder with one for each sequence, called like it. Of a track log only `class_name` counts.
    """
    aligned: dict[str, Aligned] = {}
    for name, ground_truth, frames in truth_files(truth):
        rows = read_result(find_result(results, name), class_name)
        aligned[name] = align(read_rows(ground_truth), rows, frames)
    scores = {name: score(one) for name, one in aligned.items()}
    if len(aligned) > 1:
        scores[COMBINED] = score(join(list(aligned.values())))
    return scores


def truth_files(truth: Path) -> list[tuple[str, Path, int | None]]:
    """(name, ground-truth file, frame count or None) of every sequence under `truth`."""
    if truth.is_file():
        return [(truth.stem, truth, None)]
    folders = [truth] if (truth / "gt/gt.txt").exists() else sorted(p.parent.parent for p in truth.glob("*/gt/gt.txt"))
    if not folders:
        raise DataError(f"no ground truth under {truth}", "expected gt/gt.txt, or folders that have one")
    found = []
    for folder in folders:
        info = folder / "seqinfo.ini"
        frames = read_sequence(info).frames if info.exists() else None
        found.append((folder.resolve().name, folder / "gt/gt.txt", frames))
    return found


def find_result(results: Path, name: str) -> Path:
    """The result file of sequence `name`: `results` itself, or the one in that folder called `name` plus suffixes."""
    if results.is_file():
        return results
    candidates = sorted(path for path in results.glob(f"{name}.*") if path.suffix in (".txt", ".jsonl", ".json", ".gz"))
    if len(candidates) != 1:
        found = ", ".join(path.name for path in candidates) or "none"
        raise DataError(f"need one result for {name} in {results}, found {found}", f"call it {name}.txt")
    return candidates[0]


def read_result(path: Path, class_name: str) -> MotRows:
    """Rows of a MOT file, or of the objects of one class in a track log (its frame index 0 is MOT's frame 1).

    Boxes a tracker only predicted count like the others: it chose to show them.
    """
    if path.suffix == ".txt":
        return read_rows(path)
    log = TrackLog.load(path)
    if class_name not in log.class_names:
        raise DataError(f"{path} knows no class {class_name!r}", f"it has {', '.join(filter(None, log.class_names))}")
    chosen = log.classes == log.class_names.index(class_name)
    n = int(chosen.sum())
    return MotRows(
        log.frame_indices[log.frame_rows[chosen]] + 1,
        log.ids[chosen],
        log.boxes_xyxy[chosen].astype(np.float64),
        log.scores[chosen].astype(np.float64),
        np.full((n, 3), -1.0),
    )

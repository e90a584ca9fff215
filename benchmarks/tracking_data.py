"""Sequences with detections for the tracking benchmarks, running a tracker over them, and the table of its scores."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from mot_files import result_rows

from vidtrack.core.detections import Detections
from vidtrack.datasets.mot import (
    MOT_PIXEL,
    MotRows,
    SequenceInfo,
    read_rows,
    read_sequence_info,
)
from vidtrack.evaluation.metrics import TrackingScores, align, combine, measure
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import nms
from vidtrack.tracking.state import TrackedBoxes

SURE = 100.0  # a public MOT15 detection of this confidence counts as score 1


@dataclass(frozen=True)
class Footage:
    """A sequence, its ground truth and its detections frame by frame."""

    sequence: SequenceInfo
    truth: MotRows
    detections: list[Detections]


@dataclass(frozen=True)
class Run:
    """Results of one tracker by sequence, and what a frame took in microseconds of processor time."""

    results: dict[str, MotRows]
    microseconds: float


Step = Callable[[Detections, float], TrackedBoxes]
Maker = Callable[[Footage], Step]


def folders(data: Path) -> list[Path]:
    """The MOTChallenge folders under `data`."""
    return sorted(path.parent for path in data.glob("*/seqinfo.ini"))


def load(folder: Path, detections: Path | None = None) -> Footage:
    """Read a MOTChallenge folder with its public detections, or with those in the folder `detections`."""
    sequence = read_sequence_info(folder / "seqinfo.ini")
    if detections is None:
        rows, scale = read_rows(folder / "det/det.txt"), SURE
    else:
        rows, scale = read_own(detections / f"{folder.name}.txt"), 1.0
    found = [Detections.of(one.boxes_xyxy, np.clip(one.scores / scale, 0, 1)) for one in rows.by_frame(sequence.frames)]
    return Footage(sequence, read_rows(folder / "gt/gt.txt"), found)


def read_own(path: Path) -> MotRows:
    """Rows that hold a network's own pixels, which start at 0, in those of the ground truth."""
    rows = read_rows(path)
    return replace(rows, boxes_xyxy=rows.boxes_xyxy + MOT_PIXEL)


def distinct(footage: Footage, config: TrackerConfig, least: float) -> Footage:
    """The footage with one detection an object, of at least a score: a detector of queries finds many twice."""
    sure = (one[one.scores >= least] for one in footage.detections)
    return replace(footage, detections=[nms(one, config) for one in sure])


def run(make: Maker, all_footage: list[Footage]) -> Run:
    """Track every sequence from its start."""
    results, spent, frames = {}, 0.0, 0
    for footage in all_footage:
        step, tracked = make(footage), []
        begin = time.process_time()
        for index, detections in enumerate(footage.detections):
            tracked.append(step(detections, index / footage.sequence.frames_per_second))
        spent += time.process_time() - begin
        frames += len(tracked)
        results[footage.sequence.name] = result_rows(tracked)
    return Run(results, spent / frames * 1e6)


def summary(runs: Mapping[str, Run], all_footage: list[Footage], ours: str) -> Iterator[str]:
    """A Markdown table, one row a sequence: ours beside the best peer in each score, whichever that is."""
    yield "| sequence | HOTA | best peer | IDF1 | best peer | IDSW | best peer in HOTA |"
    yield "|---|---:|---|---:|---|---:|---|"
    for footage in all_footage:
        reached = {name: scores(one, [footage]) for name, one in runs.items()}
        own = reached[ours]
        peers = [name for name in reached if not name.startswith(ours)]
        cells = [footage.sequence.name]
        if not peers:  # their packages are not there
            yield f"| {footage.sequence.name} | {100 * own.hota:.1f} | | {100 * own.idf1:.1f} | | {own.switches} | |"
            continue
        for score in ("hota", "idf1"):
            best = max(peers, key=lambda name: getattr(reached[name], score))
            cells += [f"{100 * getattr(own, score):.1f}", f"{100 * getattr(reached[best], score):.1f} {best}"]
        best = max(peers, key=lambda name: reached[name].hota)
        cells += [str(own.switches), f"{reached[best].switches} {best}"]
        yield f"| {' | '.join(cells)} |"


def scores(one: Run, all_footage: list[Footage]) -> TrackingScores:
    """Scores of the sequences combined."""
    parts = [measure(align(f.truth, one.results[f.sequence.name], f.sequence.frames)) for f in all_footage]
    return combine(parts).scores


def quality(one: Run, all_footage: list[Footage]) -> float:
    """What thresholds are fitted to."""
    reached = scores(one, all_footage)
    return reached.hota + reached.idf1


def table(runs: Mapping[str, Run], all_footage: list[Footage]) -> Iterator[str]:
    """A Markdown table of all sequences, one row per tracker."""
    yield f"| tracker | {' | '.join(footage.sequence.name for footage in all_footage)} | µs per frame |"
    yield "|---|" + "---|" * len(all_footage) + "---:|"
    for name, one in runs.items():
        cells = [
            f"{100 * s.hota:.1f} / {100 * s.idf1:.1f} / {s.switches}"
            for s in (scores(one, [footage]) for footage in all_footage)
        ]
        cost = f"{one.microseconds:.0f}" if one.microseconds else ""
        yield f"| {name} | {' | '.join(cells)} | {cost} |"

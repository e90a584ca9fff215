"""Tracking quality beside the peers: the same detections through vidtrack's association and the package `trackers`.

    python benchmarks/tracking.py DATA [--refit TRAINING_SEQUENCE...] [--report tracking.md]

DATA holds MOTChallenge folders (seqinfo.ini, gt/gt.txt, det/det.txt). FOLDER is what benchmarks/tracking_model.py made
of a model: its detections take the place of the public ones, and the model's own tracks are scored beside the rest.
Needs `vidtrack[evaluation]` and `trackers`; no network. The fitted thresholds of the peers are the best of a grid by
HOTA + IDF1 of the training sequences joined; vidtrack's own defaults were chosen on the same sequences.
"""

from __future__ import annotations

import argparse
import itertools
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.evaluation.metrics import TrackingScores, align, combine, measure
from vidtrack.evaluation.mot import MotRows, Sequence, read_rows, read_sequence, result_rows
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.state import Detections, TrackedBoxes

SURE = 100.0  # a public MOT15 detection of this confidence counts as score 1
GRIDS: dict[str, dict[str, list[Any]]] = {
    "SORT": {
        "track_activation_threshold": [0.25, 0.4, 0.5],
        "minimum_consecutive_frames": [1, 2, 3],
        "minimum_iou_threshold": [0.1, 0.2, 0.3],
        "lost_track_buffer": [10, 30, 60],
    },
    "ByteTrack": {
        "track_activation_threshold": [0.4, 0.5, 0.6, 0.7],
        "minimum_consecutive_frames": [1, 2],
        "minimum_iou_threshold": [0.1, 0.2],
        "high_conf_det_threshold": [0.2, 0.3, 0.4, 0.6],
        "lost_track_buffer": [30, 60],
    },
    "OCSORT": {
        "high_conf_det_threshold": [0.2, 0.3, 0.4, 0.5, 0.6],
        "minimum_consecutive_frames": [1, 2, 3],
        "minimum_iou_threshold": [0.1, 0.2, 0.3],
        "lost_track_buffer": [30, 60],
    },
    "BoTSORT": {
        "track_activation_threshold": [0.4, 0.5, 0.6, 0.7],
        "minimum_consecutive_frames": [1, 2],
        "high_conf_det_threshold": [0.2, 0.3, 0.4, 0.6],
        "lost_track_buffer": [30, 60],
    },
}
FITTED: dict[str, dict[str, Any]] = {  # what --refit found on PETS09-S2L1 and ADL-Rundle-6
    "SORT": {
        "track_activation_threshold": 0.5,
        "minimum_consecutive_frames": 2,
        "minimum_iou_threshold": 0.3,
        "lost_track_buffer": 30,
    },
    "ByteTrack": {
        "track_activation_threshold": 0.4,
        "minimum_consecutive_frames": 1,
        "minimum_iou_threshold": 0.2,
        "high_conf_det_threshold": 0.6,
        "lost_track_buffer": 30,
    },
    "OCSORT": {
        "high_conf_det_threshold": 0.4,
        "minimum_consecutive_frames": 1,
        "minimum_iou_threshold": 0.1,
        "lost_track_buffer": 60,
    },
    "BoTSORT": {
        "track_activation_threshold": 0.4,
        "minimum_consecutive_frames": 2,
        "high_conf_det_threshold": 0.3,
        "lost_track_buffer": 60,
    },
}
FIXED = {"BoTSORT": {"enable_cmc": False}}  # its camera motion compensation needs the pictures


@dataclass(frozen=True)
class Footage:
    """A sequence, its ground truth and its detections frame by frame."""

    sequence: Sequence
    truth: MotRows
    detections: list[Detections]


@dataclass(frozen=True)
class Run:
    """Results of one tracker on some footage, and what a frame took in microseconds of processor time."""

    results: dict[str, MotRows]
    microseconds: float


Step = Callable[[Detections, float], TrackedBoxes]


def load(folder: Path) -> Footage:
    """Read a MOTChallenge folder."""
    sequence = read_sequence(folder / "seqinfo.ini")
    detections = [
        Detections.of(rows.boxes_xyxy, np.clip(rows.scores / SURE, 0, 1))
        for rows in read_rows(folder / "det/det.txt").by_frame(sequence.frames)
    ]
    return Footage(sequence, read_rows(folder / "gt/gt.txt"), detections)


def ours(footage: Footage) -> Step:
    """vidtrack's association with its defaults."""
    return Associator(TrackerConfig(mode="association")).step


def peer(name: str, options: Mapping[str, Any]) -> Callable[[Footage], Step]:
    """A tracker of the package `trackers` with `options`; it is told the frame rate."""
    import supervision
    import trackers

    def make(footage: Footage) -> Step:
        tracker = getattr(trackers, f"{name}Tracker")(frame_rate=footage.sequence.frames_per_second, **options)

        def step(detections: Detections, seconds: float) -> TrackedBoxes:
            found = tracker.update(
                supervision.Detections(
                    xyxy=detections.boxes_xyxy.astype(np.float32),
                    confidence=detections.scores.astype(np.float32),
                    class_id=detections.classes,
                )
            )
            known = np.zeros(0, dtype=np.int64)
            if found.tracker_id is not None:
                known = np.flatnonzero(found.tracker_id >= 0)
            ids = found.tracker_id[known] + 1 if len(known) else known
            return TrackedBoxes(ids, np.zeros(len(known), int), np.ones(len(known)), found.xyxy[known], known)

        return step

    return make


def run(make: Callable[[Footage], Step], all_footage: list[Footage]) -> Run:
    """Track every sequence from its start."""
    results, spent, frames = {}, 0.0, 0
    for footage in all_footage:
        step, tracked = make(footage), []
        begin = time.process_time()
        for index, detections in enumerate(footage.detections):
            tracked.append(step(detections, index / footage.sequence.frames_per_second))
        spent += time.process_time() - begin
        frames += len(tracked)
        results[footage.sequence.name] = result_rows(list(range(1, len(tracked) + 1)), tracked)
    return Run(results, spent / frames * 1e6)


def scores(one: Run, all_footage: list[Footage]) -> TrackingScores:
    """Scores of all sequences joined."""
    parts = [align(f.truth, one.results[f.sequence.name], f.sequence.frames) for f in all_footage]
    return combine([measure(part) for part in parts]).scores


def fit(name: str, training: list[Footage]) -> dict[str, Any]:
    """The options of the grid with the best HOTA + IDF1 on the training footage."""
    grid = GRIDS[name]
    choices = [
        {**FIXED.get(name, {}), **dict(zip(grid, values, strict=True))} for values in itertools.product(*grid.values())
    ]

    def quality(options: dict[str, Any]) -> float:
        reached = scores(run(peer(name, options), training), training)
        return reached.hota + reached.idf1

    return max(choices, key=quality)


def table(systems: Mapping[str, Callable[[Footage], Step]], all_footage: list[Footage]) -> Iterator[str]:
    """Markdown tables, one a sequence."""
    runs = {name: run(make, all_footage) for name, make in systems.items()}
    for footage in all_footage:
        yield f"\n### {footage.sequence.name}\n"
        yield "| tracker | HOTA | DetA | AssA | IDF1 | MOTA | IDSW | MT | ML | FP | FN | µs a frame |"
        yield "|---|" + "---:|" * 11
        for name, one in runs.items():
            s = scores(one, [footage])
            shares = " | ".join(f"{100 * value:.1f}" for value in (s.hota, s.deta, s.assa, s.idf1, s.mota))
            counts = (s.switches, s.mostly_tracked, s.mostly_lost, s.false_positives, s.false_negatives)
            yield f"| {name} | {shares} | {' | '.join(map(str, counts))} | {one.microseconds:.0f} |"


def main() -> None:
    """Fit the peers, run everything, print and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--refit", nargs="+", metavar="SEQUENCE", help="search the peers' grids anew on these")
    parser.add_argument("--report", type=Path, help="append the tables to this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers warn on every frame about frame rates they are told
    folders = sorted(path.parent for path in arguments.data.glob("*/seqinfo.ini"))
    all_footage = [load(folder) for folder in folders]
    training = [footage for footage in all_footage if footage.sequence.name in (arguments.refit or ())]
    systems: dict[str, Callable[[Footage], Step]] = {"vidtrack association": ours}
    lines = []
    for name in GRIDS:
        systems[f"{name}, defaults"] = peer(name, FIXED.get(name, {}))
        options = fit(name, training) if training else {**FIXED.get(name, {}), **FITTED[name]}
        systems[f"{name}, fitted"] = peer(name, options)
        lines.append(f"- {name}, fitted: {', '.join(f'{key}={value}' for key, value in options.items())}")
    lines = [*table(systems, all_footage), "", *lines]
    print("\n".join(lines))
    if arguments.report:
        with arguments.report.open("a", encoding="utf-8") as report:
            report.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

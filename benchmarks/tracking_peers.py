"""The trackers of the benchmark: ours, and those of the packages `trackers` and `boxmot` that need no weights."""

from __future__ import annotations

import itertools
import logging
import warnings
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from importlib.util import find_spec
from multiprocessing import get_context
from typing import Any

import numpy as np
from mot_files import result_rows
from tracking_data import Footage, Maker, Run, Step, quality, run

from vidtrack.core.detections import Detections
from vidtrack.core.types import FrameTracks
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracking.association import Associator
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import HindsightConfig, TrackerConfig
from vidtrack.tracking.given_detections import GivenDetections
from vidtrack.tracking.hindsight import Hindsight
from vidtrack.tracking.state import TrackedBoxes

OURS = "vidtrack"
TRACKERS, BOXMOT = "trackers", "boxmot"
PEERS = {
    "SORT": TRACKERS,
    "ByteTrack": TRACKERS,
    "OCSORT": TRACKERS,
    "BoTSORT": TRACKERS,
    "SFSORT": BOXMOT,
    "BoostTrack": BOXMOT,
    "HybridSort": BOXMOT,
    "OccluBoost": BOXMOT,
}
FIXED: dict[str, dict[str, Any]] = {  # no camera motion, which needs the images, and no appearance, which needs weights
    "BoTSORT": {"enable_cmc": False},
    "BoostTrack": {"use_cmc": False},
    "HybridSort": {"use_embeddings": False, "with_longterm_reid": False, "with_longterm_reid_correction": False},
    "OccluBoost": {"use_cmc": False, "use_embeddings": False, "gta_enabled": False},
}
LEAST = [0.0, 0.4]  # of scores, kept from a tracker or not
GRIDS: dict[str, dict[str, list[Any]]] = {
    OURS: {"score": [0.3, 0.4, 0.5], "low_score": [0.15, 0.3]},
    "SORT": {
        "least": LEAST,
        "track_activation_threshold": [0.3, 0.4, 0.5],
        "minimum_consecutive_frames": [1, 2],
        "lost_track_buffer": [30],
    },
    "ByteTrack": {
        "least": LEAST,
        "track_activation_threshold": [0.4, 0.6],
        "minimum_consecutive_frames": [1, 2],
        "high_conf_det_threshold": [0.3, 0.6],
    },
    "OCSORT": {
        "least": LEAST,
        "high_conf_det_threshold": [0.3, 0.4, 0.5],
        "minimum_consecutive_frames": [1],
        "minimum_iou_threshold": [0.1, 0.3],
        "lost_track_buffer": [60],
    },
    "BoTSORT": {
        "least": LEAST,
        "track_activation_threshold": [0.4, 0.6],
        "minimum_consecutive_frames": [1, 2],
        "high_conf_det_threshold": [0.3, 0.4],
        "lost_track_buffer": [60],
    },
    "SFSORT": {"least": LEAST, "high_th": [0.3, 0.4, 0.5], "new_track_th": [0.4, 0.6], "central_timeout": [30]},
    "BoostTrack": {
        "least": LEAST,
        "det_thresh": [0.3, 0.4, 0.5],
        "min_hits": [1, 2],
        "iou_threshold": [0.1],
        "max_age": [60],
    },
    "HybridSort": {"least": LEAST, "det_thresh": [0.3, 0.4, 0.5], "min_hits": [1, 2], "max_age": [60]},
    "OccluBoost": {"least": LEAST, "det_thresh": [0.3, 0.5], "new_track_thresh": [0.4, 0.6]},
}


def available() -> list[str]:
    """The names of what can run here, ours first."""
    return [OURS, *(name for name, package in PEERS.items() if find_spec(package) is not None)]


def tracker(name: str, options: Mapping[str, Any], least_score: float) -> Maker:
    """A tracker by name, with its own defaults but for `options`; ours is told the detector's `least_score`.

    A peer's option `least` is ours: detections of a lower score are kept from it.
    """
    if name == OURS:
        score, others = options.get("score", least_score), {key: options[key] for key in options if key != "score"}
        config = RunConfig(TrackerConfig(**others)).at_score(score, ()).tracker
        return lambda footage: Associator(config).step
    least, others = options.get("least", 0.0), {key: options[key] for key in options if key != "least"}
    make = (_of_trackers if PEERS[name] == TRACKERS else _of_boxmot)(name, {**FIXED.get(name, {}), **others})

    def filtered(footage: Footage) -> Step:
        step = make(footage)
        return lambda detections, seconds: step(detections[detections.scores >= least], seconds)

    return filtered


def with_hindsight(all_footage: list[Footage], least_score: float) -> Run:
    """Ours as `vidtrack track` runs it on detections without a clip: what comes after revises the tracks."""
    config, results = RunConfig().at_score(least_score, ()).tracker, {}
    for footage in all_footage:
        interval = 1 / Fraction(footage.sequence.frames_per_second).limit_denominator(1001)
        tracking = AssociationTracker(GivenDetections(("person",)), config, np.ones(1, dtype=bool))
        revision, done = Hindsight(HindsightConfig()), []
        for index, found in enumerate(footage.detections):
            at = FrameTracks.empty(index, index, interval)
            done += revision.push(tracking.step_without_image(found, at, footage.sequence.size), tracking.earlier)
        results[footage.sequence.name] = result_rows([*done, *revision.flush()])
    return Run(results, 0.0)


def fit_all(training: list[Footage], least_score: float, processes: int) -> dict[str, dict[str, Any]]:
    """For each tracker the options of its grid with the best HOTA + IDF1 on the training footage."""
    tries: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in available()]
    for name in available():
        grid = GRIDS[name]
        tries += [(name, dict(zip(grid, values, strict=True))) for values in itertools.product(*grid.values())]
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin, (training, least_score)) as pool:
        reached = list(pool.map(_reached, tries))
    best: dict[str, tuple[float, dict[str, Any]]] = {}
    for (name, options), now in zip(tries, reached, strict=True):
        if name not in best or now > best[name][0]:
            best[name] = now, options
    return {name: options for name, (_, options) in best.items()}


_known: tuple[list[Footage], float] = [], 0.0  # of a process that tries options


def _begin(training: list[Footage], least_score: float) -> None:
    global _known
    _known = training, least_score
    quiet()


def _reached(attempt: tuple[str, dict[str, Any]]) -> float:
    training, least_score = _known
    return quality(run(tracker(*attempt, least_score), training), training)


def quiet() -> None:
    """The peers warn on every frame about frame rates they are told."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)


def _of_trackers(name: str, options: Mapping[str, Any]) -> Maker:
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
            return _shown(found.tracker_id[known] + 1 if len(known) else known, found.xyxy[known])

        return step

    return make


def _of_boxmot(name: str, options: Mapping[str, Any]) -> Maker:
    import boxmot

    def make(footage: Footage) -> Step:
        tracker = getattr(boxmot, name)(**options)
        tracker.cmc = None  # HybridSort has no option for it
        width, height = footage.sequence.size
        nothing = np.zeros((height, width, 3), np.uint8)  # only its size is looked at

        def step(detections: Detections, seconds: float) -> TrackedBoxes:
            rows = np.column_stack([detections.boxes_xyxy, detections.scores, detections.classes])
            found = np.asarray(tracker.update(rows.astype(np.float32), nothing)).reshape(-1, 8)
            return _shown(found[:, 4].astype(np.int64) + 1, found[:, :4])

        return step

    return make


def _shown(ids: np.ndarray, boxes_xyxy: np.ndarray) -> TrackedBoxes:
    none = np.zeros(len(ids), dtype=np.int64)
    return TrackedBoxes(ids, none, np.ones(len(ids)), boxes_xyxy.astype(np.float64), none)

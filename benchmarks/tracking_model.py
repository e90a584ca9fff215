"""What each part of the tracker adds, with a model's own detections: an ablation table in one command.

    python benchmarks/tracking_model.py DATA CACHE [--model NAME_OR_PATH] [--fit SEQUENCE...] [--report FILE]

DATA holds MOTChallenge folders with their video NAME/NAME.mp4. The network runs once over each sequence; what it found
is kept in CACHE, in a folder named after the hash of the weights, and every row of the association is made from there
in seconds. Propagation needs the network and runs along in the same pass, its tracks are kept too. The same folder
serves `benchmarks/tracking.py --detections`. With --fit, our own thresholds are searched one after another on those
sequences by HOTA + IDF1, printed, and used. Needs `vidtrack[evaluation]`.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median
from unittest.mock import patch

import numpy as np
import torch
from tracking_data import Footage, Run, folders, load, quality, rows_of, run, table

from vidtrack.config import RunConfig
from vidtrack.evaluation.mot import read_rows, write_rows
from vidtrack.model.checkpoint import load_model
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder
from vidtrack.tracking import association
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import nearness, similarity
from vidtrack.tracking.propagation import FrameOutput
from vidtrack.tracking.smoothing import Delay, GapFiller, Smoother
from vidtrack.tracking.state import Detections, TrackedBoxes, Tracks
from vidtrack.tracking.tracker import Tracker
from vidtrack.types import FrameTracks
from vidtrack.video import VideoReader

LEAST_SCORE = 0.05
EMBEDDING_WEIGHT = 0.5
REUNION_COSINE = 0.9
GRID = {
    "high_score": [0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6],  # and birth_score
    "low_score": [0.1, 0.15, 0.2, 0.25, 0.3],
    "duplicate_iou": [0.5, 0.6, 0.7, 0.8],
    "tentative_iou": [0.2, 0.3, 0.4],
    "second_chance_iou": [0.3, 0.4, 0.5],
    "match_iou": [0.05, 0.1, 0.2],
    "absence_penalty": [0.0, 0.06, 0.12, 0.2],
    "birth_overlap": [0.3, 0.4, 0.5, 0.6],
    "reunion_deviation": [2.0, 2.5, 3.0],
}


class Still(Associator):
    """Without motion: every track is expected where it was seen last."""

    def predict(self, seconds: float) -> None:
        self.seconds = seconds
        if self.tracks is not None:
            self.tracks.position = np.concatenate(
                [(self.tracks.boxes_xyxy[:, :2] + self.tracks.boxes_xyxy[:, 2:]) / 2,
                 self.tracks.boxes_xyxy[:, 2:] - self.tracks.boxes_xyxy[:, :2]], axis=1
            )  # fmt: skip


def cosine(tracks: Tracks, detections: Detections) -> np.ndarray:
    """Cosine (T, D) of the tracks' last embeddings with the detections'."""
    before, now = (
        each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-6)
        for each in (tracks.content, detections.embeddings)
    )
    return before @ now.T


def similarity_with_look(tracks: Tracks, detections: Detections, seconds: float, config: TrackerConfig) -> np.ndarray:
    """Similarity, more where the embeddings agree better than they do on average, less where worse."""
    alike, look = similarity(tracks, detections, seconds, config), cosine(tracks, detections)
    close = alike > 0
    return alike + EMBEDDING_WEIGHT * np.where(close, look - look[close].mean() if close.any() else 0.0, 0.0)


def nearness_or_look(tracks: Tracks, detections: Detections, config: TrackerConfig) -> np.ndarray:
    """Nearness, and up to three times as far off where the embeddings agree."""
    wide = nearness(tracks, detections, replace(config, reunion_deviation=3 * config.reunion_deviation))
    again = (wide >= 0) & (cosine(tracks, detections) >= REUNION_COSINE)
    return np.maximum(nearness(tracks, detections, config), np.where(again, 0.0, -1.0))


def ablation(all_footage: list[Footage], config: TrackerConfig) -> Iterator[tuple[str, Run]]:
    """Rows of the association, each with one part more; below it, what is not in it."""

    def tried(config: TrackerConfig, kind: type[Associator] = Associator) -> Run:
        return run(lambda _: kind(config).step, all_footage)

    never = 1e-6
    bare = replace(config, reunion_deviation=never, low_score=config.high_score)
    yield "plain association", tried(bare, Still)
    yield "+ motion", tried(bare)
    yield "+ second chance", tried(replace(config, reunion_deviation=never))
    shipped = tried(config)
    yield "+ re-identification = vidtrack association", shipped
    with patch.object(association, "similarity", similarity_with_look):
        yield "... with the embedding in every match", tried(config)
    with patch.object(association, "nearness", nearness_or_look):
        yield "... with re-identification by embedding", tried(config)
    steady = revised(shipped, all_footage, lambda: Smoother(0.5))
    yield "... with --smooth 0.5", steady
    yield "... with --smooth 0.5 --fill-gaps 1", revised(steady, all_footage, lambda: GapFiller(1.0))


def revised(one: Run, all_footage: list[Footage], delay: Callable[[], Delay]) -> Run:
    """The tracks of a run after smoothing or gap filling."""
    results = {}
    for footage in all_footage:
        rate = Fraction(footage.sequence.frames_per_second).limit_denominator(1001)
        held, done = delay(), []
        for index, rows in enumerate(one.results[footage.sequence.name].by_frame(footage.sequence.frames)):
            none = np.zeros(len(rows), np.int64)
            boxes, scores = rows.boxes_xyxy.astype(np.float32), rows.scores.astype(np.float32)
            done += held.push(FrameTracks(index, index, 1 / rate, rows.ids, none, scores, boxes, none))
        results[footage.sequence.name] = rows_of([*done, *held.rest()])
    return Run(results, 0.0)


def fit(training: list[Footage], config: TrackerConfig) -> TrackerConfig:
    """The thresholds of GRID, one after another and twice round, with the best HOTA + IDF1."""

    def reached(tried: TrackerConfig) -> float:
        return quality(run(lambda _: Associator(tried).step, training), training)

    best = reached(config)
    for name, values in [*GRID.items(), *GRID.items()]:
        for value in values:
            change = {name: value, "birth_score": value} if name == "high_score" else {name: value}
            if name == "high_score":
                change["low_score"] = min(config.low_score, value)
            elif name == "low_score" and value > config.high_score:
                continue
            tried = replace(config, **change)
            if (now := reached(tried)) > best:
                best, config = now, tried
                print(f"{name}={value}: {100 * best / 2:.2f}", flush=True)
    return config


@torch.inference_mode()
def look(model: DeformableDETR, folder: Path, allowed: np.ndarray, cache: Path) -> None:
    """Run the network over a sequence: detections with embeddings, and the tracks of propagation."""
    encoder, spent = FrameEncoder(model), defaultdict[str, list[float]](list)
    config = replace(shipped_config(model), mode="propagation")
    carriers = {name: Tracker(one, config, allowed) for name, one in variants(model).items()}
    tracked: dict[str, list] = {name: [] for name in carriers}
    found: list[Detections] = []
    with VideoReader(folder / f"{folder.name}.mp4") as reader:
        for frame in reader:
            height, width = frame.image.shape[:2]
            with clock(spent, "encode"):
                memory = encoder.encode(*encoder.batch(frame.image))
            with clock(spent, "decode"):
                output = FrameOutput(model.decode(memory, model.object_queries(memory)), (width, height), allowed)
            found.append(output.detections(0, LEAST_SCORE))
            for name, tracker in carriers.items():
                with clock(spent, name):
                    tracked[name].append(tracker.step(memory, frame))
    nobody = [np.full(len(one), -1) for one in found]
    shown = [TrackedBoxes(n, d.classes, d.scores, d.boxes_xyxy, n) for n, d in zip(nobody, found, strict=True)]
    for name, frames in tracked.items():
        (cache / name).mkdir(parents=True, exist_ok=True)
        write_rows(cache / name / f"{folder.name}.txt", rows_of(frames))
        extra = 1e6 * (median(spent[name]) - median(spent["decode"]))
        (cache / name / f"{folder.name}.us").write_text(f"{extra:.0f}")
    np.save(cache / f"{folder.name}.npy", np.concatenate([one.embeddings for one in found]).astype(np.float16))
    write_rows(cache / f"{folder.name}.txt", rows_of(shown))
    times = ", ".join(f"{name} {1e3 * median(seconds):.1f} ms" for name, seconds in spent.items())
    print(f"{folder.name}: {len(found)} frames; median of a frame: {times}", flush=True)


def shipped_config(model: DeformableDETR) -> TrackerConfig:
    """What `vidtrack detect` tracks with when nothing is chosen."""
    return RunConfig().at_score(model.config.score).tracker


def variants(model: DeformableDETR) -> dict[str, DeformableDETR]:
    """The ways this model can carry queries; weights trained for it can also be used as if they were not."""
    if model.config.track_queries != "trained":
        return {"zero-shot propagation": model}
    untrained = copy.copy(model)
    untrained.config = replace(model.config, track_queries="none")
    return {"zero-shot propagation": untrained, "learned propagation": model}


@contextmanager
def clock(spent: dict[str, list[float]], name: str) -> Iterator[None]:
    begin = time.perf_counter()
    yield
    spent[name].append(time.perf_counter() - begin)


def with_embeddings(footage: Footage, cache: Path) -> Footage:
    """The footage with the embeddings of its detections."""
    counts = np.cumsum([len(one) for one in footage.detections])[:-1]
    parts = np.split(np.load(cache / f"{footage.sequence.name}.npy").astype(np.float32), counts)
    joined = [replace(one, embeddings=part) for one, part in zip(footage.detections, parts, strict=True)]
    return replace(footage, detections=joined)


def main() -> None:
    """Fill the cache, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--class", dest="class_name", default="person")
    parser.add_argument("--fit", nargs="+", default=[], metavar="SEQUENCE", help="search our thresholds on these")
    parser.add_argument("--report", type=Path, help="append the tables to this file")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    allowed = np.array([name == arguments.class_name for name in model.config.classes])
    cache = arguments.cache / (model.origin.sha256 or "unnamed")[:12]
    for folder in folders(arguments.data):
        if not (cache / f"{folder.name}.txt").exists():
            look(model, folder, allowed, cache)
    all_footage = [with_embeddings(load(folder, cache), cache) for folder in folders(arguments.data)]
    config = shipped_config(model)
    if arguments.fit:
        config = fit([footage for footage in all_footage if footage.sequence.name in arguments.fit], config)
        print(config)
    runs = dict(ablation(all_footage, config))
    names = [footage.sequence.name for footage in all_footage]
    for name in variants(model):
        costs = [float((cache / name / f"{one}.us").read_text()) for one in names]
        runs[name] = Run({one: read_rows(cache / name / f"{one}.txt") for one in names}, float(np.mean(costs)))
    lines = [f"\nModel {model.origin.name}; detections in {cache.name}", *table(runs, all_footage)]
    print("\n".join(lines))
    if arguments.report:
        with arguments.report.open("a", encoding="utf-8") as report:
            report.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

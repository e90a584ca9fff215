"""A model's own detections for the tracking benchmark, and what each part of the tracker adds with them.

The network runs once over each sequence. What it found is kept in a folder named after the hash of the weights, and
every row of the association is made from there in seconds. Propagation needs the network and runs along in the same
pass; its tracks are kept too.
"""

from __future__ import annotations

import copy
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from statistics import median

import msgspec
import numpy as np
import torch
from mot_files import result_rows, write_rows
from tracking_data import Footage, Run, folders, read_own, run

from vidtrack.core.detections import Detections
from vidtrack.core.types import FrameTracks
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder
from vidtrack.model.outputs import FrameOutput
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import gated_similarity
from vidtrack.tracking.smoothing import Delay, GapFiller, Smoother
from vidtrack.tracking.state import TrackedBoxes, Tracks
from vidtrack.tracking.tracker import make_tracker
from vidtrack.video import VideoReader

LEAST_SCORE = 0.05
EMBEDDING_WEIGHT = 0.5
RECOVERY_COSINE = 0.9


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


class EmbeddingInEveryMatch(Associator):
    """Similarity is higher if the embeddings agree better than they do on average, lower if worse."""

    def similarity(self, tracks: Tracks, detections: Detections, seconds: float) -> np.ndarray:
        alike, look = super().similarity(tracks, detections, seconds), cosine(tracks, detections)
        close = alike > 0
        return alike + EMBEDDING_WEIGHT * np.where(close, look - look[close].mean() if close.any() else 0.0, 0.0)


class EmbeddingInRecovery(Associator):
    """Lost tracks are recovered up to three times as far away if the embeddings agree."""

    def gated_similarity(self, tracks: Tracks, detections: Detections) -> np.ndarray:
        near = super().gated_similarity(tracks, detections)
        wide = replace(self.config, recovery_gate_sigma=3 * self.config.recovery_gate_sigma)
        again = gated_similarity(tracks, detections, wide) >= 0
        again &= cosine(tracks, detections) >= RECOVERY_COSINE
        return np.maximum(near, np.where(again, 0.0, -1.0))


def parts(all_footage: list[Footage], model: DeformableDETR, cache: Path) -> Iterator[tuple[str, Run]]:
    """Rows of the association, each with one part more; below it, what is not in it."""
    config = shipped_config(model)
    all_footage = [with_embeddings(footage, cache) for footage in all_footage]

    def tried(config: TrackerConfig, kind: type[Associator] = Associator) -> Run:
        return run(lambda _: kind(config).step, all_footage)

    never = 1e-6
    bare = replace(config, recovery_gate_sigma=never, low_score=config.high_score)
    yield "plain association", tried(bare, Still)
    yield "+ motion", tried(bare)
    yield "+ second chance", tried(replace(config, recovery_gate_sigma=never))
    shipped = tried(config)
    yield "+ re-identification = vidtrack association", shipped
    yield "... with the embedding in every match", tried(config, EmbeddingInEveryMatch)
    yield "... with re-identification by embedding", tried(config, EmbeddingInRecovery)
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
        results[footage.sequence.name] = result_rows([*done, *held.flush()])
    return Run(results, 0.0)


def found_by(model: DeformableDETR, data: Path, cache: Path, class_name: str, say: Callable[[str], None]) -> Path:
    """The folder with what the model finds in the sequences under `data`, filled where it is not yet."""
    allowed = np.array([name == class_name for name in model.config.classes])
    folder = cache / (model.origin.sha256 or "unnamed")[:12]
    for sequence in folders(data):
        if not (folder / f"{sequence.name}.txt").exists():
            say(look(model, sequence, allowed, folder))
    return folder


def own_tracks(all_footage: list[Footage], model: DeformableDETR, cache: Path) -> Iterator[tuple[str, Run]]:
    """Rows of propagation, as the network ran along."""
    names = [footage.sequence.name for footage in all_footage]
    for name in variants(model):
        costs = [float((cache / name / f"{one}.us").read_text()) for one in names]
        yield name, Run({one: read_own(cache / name / f"{one}.txt") for one in names}, float(np.mean(costs)))


@torch.inference_mode()
def look(model: DeformableDETR, folder: Path, allowed: np.ndarray, cache: Path) -> str:
    """Run the network over a sequence: detections with embeddings, tracks of propagation. Returns what it took."""
    encoder, spent = FrameEncoder(model), defaultdict[str, list[float]](list)
    config = replace(shipped_config(model), mode="propagation")
    carriers = {name: make_tracker(one, config, allowed) for name, one in variants(model).items()}
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
        write_rows(cache / name / f"{folder.name}.txt", result_rows(frames))
        extra = 1e6 * (median(spent[name]) - median(spent["decode"]))
        (cache / name / f"{folder.name}.us").write_text(f"{extra:.0f}")
    np.save(cache / f"{folder.name}.npy", np.concatenate([one.embeddings for one in found]).astype(np.float16))
    write_rows(cache / f"{folder.name}.txt", result_rows(shown))
    times = ", ".join(f"{name} {1e3 * median(seconds):.1f} ms" for name, seconds in spent.items())
    return f"{folder.name}: {len(found)} frames; median of a frame: {times}"


def shipped_config(model: DeformableDETR) -> TrackerConfig:
    """What `vidtrack detect` tracks with when nothing is chosen."""
    return RunConfig().at_score(model.config.score, model.config.classes).tracker


def variants(model: DeformableDETR) -> dict[str, DeformableDETR]:
    """The ways this model can carry queries; weights trained for it can also be used as if they were not."""
    if model.config.track_queries != "trained":
        return {"zero-shot propagation": model}
    untrained = copy.copy(model)
    untrained.config = msgspec.structs.replace(model.config, track_queries="none")
    return {"zero-shot propagation": untrained, "learned propagation": model}


@contextmanager
def clock(spent: dict[str, list[float]], name: str) -> Iterator[None]:
    begin = time.process_time()
    yield
    spent[name].append(time.process_time() - begin)


def with_embeddings(footage: Footage, cache: Path) -> Footage:
    """The footage with the embeddings of its detections."""
    counts = np.cumsum([len(one) for one in footage.detections])[:-1]
    parts = np.split(np.load(cache / f"{footage.sequence.name}.npy").astype(np.float32), counts)
    joined = [replace(one, embeddings=part) for one, part in zip(footage.detections, parts, strict=True)]
    return replace(footage, detections=joined)

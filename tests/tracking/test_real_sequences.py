"""Identities on real sequences: people hidden, crossing, of doubtful class, found twice or in parts."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vidtrack.core.boxes import area, pairwise_intersection, pairwise_iou
from vidtrack.core.detections import Detections
from vidtrack.datasets.mot import MotRows, read_rows
from vidtrack.evaluation.metrics import TrackingScores, align, score
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.state import TrackedBoxes

pytestmark = pytest.mark.shared

RATE = 7.0  # frames per second of PETS09-S2L1: people walk, stop, turn and hide each other
FRAMES = 795
Change = Callable[[int, MotRows, np.random.Generator], Detections]


def sequence() -> Path:
    return Path(os.environ["VIDTRACK_SHARED"]) / "data/mot15/PETS09-S2L1"


@pytest.fixture(scope="module")
def truth() -> MotRows:
    rows = read_rows(sequence() / "gt/gt.txt")
    return rows[rows.scores > 0]


def seen(rows: MotRows, rng: np.random.Generator, score: float = 0.8) -> Detections:
    """The boxes of the ground truth as a fair detector sees them."""
    side = np.sqrt(area(rows.boxes_xyxy))[:, None]
    return Detections.of(rows.boxes_xyxy + 0.02 * side * rng.normal(size=(len(rows), 4)), np.full(len(rows), score))


def track(truth: MotRows, change: Change, first: int = 0, last: int = FRAMES, classes: int = 1) -> list[TrackedBoxes]:
    associator, rng = Associator(TrackerConfig(), classes), np.random.default_rng(0)
    frames = truth.by_frame(FRAMES)
    return [associator.step(change(i, frames[i], rng), i / RATE) for i in range(first, last)]


def scored(truth: MotRows, shown: list[TrackedBoxes]) -> TrackingScores:
    counts = [len(one) for one in shown]
    rows = MotRows(
        np.repeat(np.arange(1, len(shown) + 1), counts),
        np.concatenate([one.ids for one in shown]),
        np.concatenate([one.boxes_xyxy for one in shown]),
        np.concatenate([one.scores for one in shown]),
        np.full((sum(counts), 3), -1.0),
    )
    return score(align(truth, rows, FRAMES))


def id_at(shown: TrackedBoxes, box: np.ndarray) -> int:
    """The id shown on a box, 0 for none."""
    overlap = pairwise_iou(box[None], shown.boxes_xyxy)[0] if len(shown) else np.zeros(0)
    return int(shown.ids[overlap.argmax()]) if overlap.max(initial=0) > 0.5 else 0


@pytest.mark.parametrize("gap, least", [(0.6, 0.85), (1.2, 0.8), (1.9, 0.8)])
def test_hidden_people_come_back_with_their_ids(truth: MotRows, gap: float, least: float) -> None:
    frames, kept = truth.by_frame(FRAMES), []
    length = round(gap * RATE)
    for person in np.unique(truth.ids):
        present = truth.frames[truth.ids == person] - 1
        for start in range(int(present.min()) + 14, int(present.max()) - length - 7, 42):
            if not np.isin(np.arange(start - 10, start + length + 7), present).all():
                continue

            def hide(i: int, rows: MotRows, rng: np.random.Generator, at: int = start, who: int = person) -> Detections:
                return seen(rows[rows.ids != who] if at <= i < at + length else rows, rng)

            shown = track(truth, hide, start - 14, start + length + 7)
            before, after = (
                id_at(shown[i - start + 14], frames[i].boxes_xyxy[frames[i].ids == person][0])
                for i in (start - 1, start + length + 4)
            )
            if before:
                kept.append(before == after)
    assert len(kept) > 60
    assert np.mean(kept) >= least


def test_people_who_pass_behind_others_do_not_swap(truth: MotRows) -> None:
    def occluded(i: int, rows: MotRows, rng: np.random.Generator) -> Detections:
        """Who is covered for more than half by somebody nearer to the camera is not found."""
        cover = pairwise_intersection(rows.boxes_xyxy, rows.boxes_xyxy) / area(rows.boxes_xyxy)[:, None]
        nearer = rows.boxes_xyxy[None, :, 3] > rows.boxes_xyxy[:, None, 3]
        return seen(rows[~np.any((cover > 0.5) & nearer, axis=1)], rng)

    reached = scored(truth, track(truth, occluded))
    assert reached.switches <= 12
    assert reached.idf1 > 0.9


def test_doubtful_classes_are_settled_by_the_track(truth: MotRows) -> None:
    def doubtful(i: int, rows: MotRows, rng: np.random.Generator) -> Detections:
        """A quarter of the people of class 1 are taken for something else of five classes."""
        found = seen(rows, rng)
        found.classes[:] = np.where(rng.random(len(rows)) < 0.25, rng.integers(5, size=len(rows)), 1)
        return found

    shown = track(truth, doubtful, classes=5)
    plain = scored(truth, track(truth, lambda i, rows, rng: seen(rows, rng)))
    reached = scored(truth, shown)
    labels = np.concatenate([one.classes for one in shown])
    assert np.mean(labels == 1) > 0.99
    assert reached.switches <= plain.switches + 3
    assert reached.idf1 > plain.idf1 - 0.02


def test_doubles_and_parts_get_no_identities(truth: MotRows) -> None:
    def doubled(i: int, rows: MotRows, rng: np.random.Generator) -> Detections:
        """Everybody is found twice, a third also by the upper body or the legs alone."""
        whole, again = seen(rows, rng), seen(rows, rng, 0.6)
        parts = rows.boxes_xyxy[rng.random(len(rows)) < 0.33].copy()
        middle, upper = parts[:, 1::2].mean(axis=1), rng.random(len(parts)) < 0.5
        parts[:, 3], parts[:, 1] = np.where(upper, middle, parts[:, 3]), np.where(upper, parts[:, 1], middle)
        boxes = np.concatenate([whole.boxes_xyxy, again.boxes_xyxy, parts])
        return Detections.of(boxes, np.concatenate([whole.scores, again.scores, np.full(len(parts), 0.5)]))

    shown = track(truth, doubled)
    plain = track(truth, lambda i, rows, rng: seen(rows, rng))
    assert scored(truth, shown).idf1 > scored(truth, plain).idf1 - 0.03
    identities = [len(np.unique(np.concatenate([frame.ids for frame in one]))) for one in (shown, plain)]
    assert identities[0] <= 1.3 * identities[1]
    assert sum(map(len, shown)) <= 1.03 * sum(map(len, plain))


def test_public_detections_reach_what_they_reached(truth: MotRows) -> None:
    """HOTA .61, IDF1 .88, 22 switches when this was written."""
    rows = read_rows(sequence() / "det/det.txt").by_frame(FRAMES)
    associator = Associator(TrackerConfig())
    shown = [
        associator.step(Detections.of(one.boxes_xyxy, np.clip(one.scores / 100, 0, 1)), i / RATE)
        for i, one in enumerate(rows)
    ]
    reached = scored(truth, shown)
    assert reached.hota > 0.58 and reached.idf1 > 0.83 and reached.switches < 28
    for one in shown:
        assert np.triu(pairwise_iou(one.boxes_xyxy, one.boxes_xyxy), k=1).max(initial=0) < 0.8, "one object twice"

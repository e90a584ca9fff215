"""What the association costs in a crowd, on one core."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import numpy as np

from vidtrack.core.detections import Detections
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig

RATE = 25.0
FRAMES = 500
SIZE = (1920.0, 1080.0)
CROWDS = (10, 50, 100, 300)


def crowd(people: int, seed: int = 0) -> list[Detections]:
    """People who walk criss-cross; a tenth is missed and a fifth is unsure in each frame, a tenth is false."""
    rng = np.random.default_rng(seed)
    height = rng.uniform(80, 200, people)
    size = np.column_stack([0.4 * height, height])
    place = rng.uniform((0, 0), SIZE, (people, 2))
    speed = rng.normal(scale=60, size=(people, 2))
    frames = []
    for index in range(FRAMES):
        at = np.abs((place + speed * index / RATE) % (2 * np.array(SIZE)) - SIZE)  # turned back at the edges
        false = np.flatnonzero(rng.random(people) < 0.1)
        centres = np.concatenate([at, rng.uniform((0, 0), SIZE, (len(false), 2))])
        sizes = np.concatenate([size, size[false]])
        boxes = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1)
        boxes += rng.normal(scale=3, size=boxes.shape)
        scores = np.where(rng.random(len(boxes)) < 0.2, 0.25, 0.8)
        scores[people:] = 0.25
        seen = (rng.random(len(boxes)) >= 0.1) | (np.arange(len(boxes)) >= people)
        frames.append(Detections.of(boxes[seen], scores[seen]))
    return frames


def cost() -> Iterator[str]:
    """A Markdown table: median and 99th percentile of a frame's processor time, by number of people, by turns."""
    noise = np.random.default_rng(0).integers(0, 256, (int(SIZE[1]), int(SIZE[0]), 3), np.uint8)
    yield "| people | detections per frame | median ms | 99 % ms | with images: median ms | 99 % ms |"
    yield "|---:|---:|---:|---:|---:|---:|"
    for people in CROWDS:
        frames, cells = crowd(people), []
        runs: list[tuple[Associator, np.ndarray | None, list[float]]] = [
            (Associator(TrackerConfig()), image, []) for image in (None, noise)
        ]
        for index, detections in enumerate(frames):
            for associator, image, spent in runs:
                begin = time.process_time_ns()
                associator.step(detections, index / RATE, image)
                spent.append((time.process_time_ns() - begin) / 1e6)
        for _, _, spent in runs:
            cells += [f"{median(spent):.2f}", f"{np.percentile(spent, 99):.2f}"]
        yield f"| {people} | {np.mean([len(one) for one in frames]):.0f} | {' | '.join(cells)} |"

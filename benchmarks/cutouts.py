"""People cut out of real footage (GrabCut, Rother et al., SIGGRAPH 2004), and the empty scene behind them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from vidtrack.core.boxes import area, pairwise_intersection
from vidtrack.datasets.mot import read_rows, read_sequence_info
from vidtrack.video import VideoReader

MARGIN = 0.2  # around a box, in its sides, known to be background
CUT_HEIGHT = 200  # pixels a cut-out is at most high
MOST_IMAGES, LEAST_IMAGES = 24, 8  # of a person's walk
BACKGROUND_IMAGES = 25
OVERLAP = 0.05  # of a box with others, at most


@dataclass(frozen=True)
class Person:
    """A real person walking: cut-outs (H, W, 4) RGBA in order of time.

    `heading` is the sign of the walk along x, `seconds` the time from one image to the next.
    """

    name: str
    images: list[np.ndarray]
    heading: int
    seconds: float


@dataclass(frozen=True)
class Scene:
    """What a sequence gives: its people, and its background (H, W, 3)."""

    people: list[Person]
    background: np.ndarray


def cut_scene(folder: Path) -> Scene:
    """The people of a MOTChallenge folder who can be seen whole for a while, and the median of its images."""
    sequence = read_sequence_info(folder / "seqinfo.ini")
    walks = _whole_walks(folder, sequence.size)
    wanted: dict[int, list[tuple[int, np.ndarray]]] = {}
    for identity, walk in walks.items():
        for index, box in walk:
            wanted.setdefault(index, []).append((identity, box))
    cut: dict[int, list[tuple[int, np.ndarray, float]]] = {}
    empty, every = [], sequence.frames // BACKGROUND_IMAGES
    with VideoReader(folder / f"{folder.name}.mp4") as reader:
        for frame in reader:
            if frame.index % every == 0:
                empty.append(frame.image)
            for identity, box in wanted.get(frame.index, ()):
                image = _cut_out(frame.image, box)
                if image is not None:
                    cut.setdefault(identity, []).append((frame.index, image, float(box[0] + box[2]) / 2))
    people = []
    for identity, images in sorted(cut.items()):
        if len(images) >= LEAST_IMAGES:
            step = (images[-1][0] - images[0][0]) / (len(images) - 1) / sequence.frames_per_second
            heading = 1 if images[-1][2] >= images[0][2] else -1
            name = f"{folder.name} {identity}"
            people.append(Person(name, [image for _, image, _ in images], heading, step))
    return Scene(people, np.median(empty, axis=0).astype(np.uint8))


def _whole_walks(folder: Path, size: tuple[int, int]) -> dict[int, list[tuple[int, np.ndarray]]]:
    """By identity the longest run of frames, with its box, in which nobody else is in the way."""
    sequence, rows = read_sequence_info(folder / "seqinfo.ini"), read_rows(folder / "gt/gt.txt")
    seen: dict[int, list[tuple[int, np.ndarray]]] = {}
    for index, now in enumerate(rows.by_frame(sequence.frames)):
        boxes = now.boxes_xyxy
        shared = pairwise_intersection(boxes, boxes)
        np.fill_diagonal(shared, 0)
        alone = shared.max(axis=1, initial=0) < OVERLAP * area(boxes)
        inside = (boxes[:, :2] > 2).all(axis=1) & (boxes[:, 2:] < np.array(size) - 2).all(axis=1)
        for row in np.flatnonzero(alone & inside):
            seen.setdefault(int(now.ids[row]), []).append((index, boxes[row]))
    walks = {}
    for identity, all_of_it in seen.items():
        breaks = np.flatnonzero(np.diff([index for index, _ in all_of_it]) > 1) + 1
        bounds = [0, *breaks.tolist(), len(all_of_it)]
        start, end = max(pairwise(bounds), key=lambda run: run[1] - run[0])
        spacing = 2 if end - start >= 2 * LEAST_IMAGES and sequence.frames_per_second > 20 else 1
        walks[identity] = all_of_it[start:end:spacing][:MOST_IMAGES]
    return walks


def _cut_out(image: np.ndarray, box_xyxy: np.ndarray) -> np.ndarray | None:
    """The person in a box as RGBA, cropped to what is visible; None if the mask cannot be right."""
    sides = box_xyxy[2:] - box_xyxy[:2]
    corner = np.maximum(box_xyxy[:2] - MARGIN * sides, 0).astype(int)
    end = np.minimum(box_xyxy[2:] + MARGIN * sides, image.shape[1::-1]).astype(int)
    crop = image[corner[1] : end[1], corner[0] : end[0]]
    scale = CUT_HEIGHT / sides[1]
    if scale < 1:
        crop = cv2.resize(crop, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    scale = min(scale, 1.0)
    left, top = ((box_xyxy[:2] - corner) * scale).astype(int)
    width, height = (sides * scale).astype(int)
    mask = np.zeros(crop.shape[:2], np.uint8)
    crop = np.ascontiguousarray(crop)
    cv2.setRNGSeed(0)
    rect = (max(int(left), 1), max(int(top), 1), int(width), int(height))
    cv2.grabCut(crop, mask, rect, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_RECT)
    person = ((mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)).astype(np.uint8)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(person)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    x, y, w, h, pixels = stats[largest]
    if h < 0.85 * height or not 0.2 <= pixels / (width * height) <= 0.85:
        return None
    alpha = cv2.GaussianBlur(255 * (labels == largest).astype(np.uint8), (3, 3), 0)
    return np.dstack([crop, alpha])[y : y + h, x : x + w]

"""Made-up scenes: objects on known paths, turned into detections a tracker can be held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from vidtrack.core.detections import Detections
from vidtrack.tracking.association import Associator
from vidtrack.tracking.state import TrackedBoxes

Path = Callable[[float], tuple[float, float]]


@dataclass(frozen=True)
class Actor:
    """An object of `size` (width, height) pixels whose centre follows `path(seconds)`, unseen during `hidden`."""

    path: Path
    size: tuple[float, float] = (40.0, 100.0)
    score: float = 0.7
    label: int = 0
    hidden: tuple[tuple[float, float], ...] = ()
    look: np.ndarray | None = None
    scores: Callable[[float], float] | None = None
    labels: Callable[[float], int] | None = None

    def visible(self, seconds: float) -> bool:
        return not any(start <= seconds < end for start, end in self.hidden)


def straight(x: float, y: float, speed_x: float = 0.0, speed_y: float = 0.0) -> Path:
    return lambda seconds: (x + speed_x * seconds, y + speed_y * seconds)


def look(seed: int, size: int = 16) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=size).astype(np.float32)


def detect(
    actors: list[Actor], seconds: float, rng: np.random.Generator | None = None
) -> tuple[Detections, np.ndarray]:
    """Detections at a time, in shuffled order where `rng` is given, and which actor (N,) each one is."""
    shown = np.array([i for i, actor in enumerate(actors) if actor.visible(seconds)], dtype=np.int64)
    noise = np.zeros((len(shown), 4))
    if rng is not None:
        shown = rng.permutation(shown)
        noise = rng.normal(scale=1.0, size=(len(shown), 4))
    cast = [actors[i] for i in shown]
    centres = np.array([actor.path(seconds) for actor in cast]).reshape(-1, 2)
    sizes = np.array([actor.size for actor in cast]).reshape(-1, 2)
    found = Detections.of(
        np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1) + noise,
        np.array([actor.scores(seconds) if actor.scores else actor.score for actor in cast]),
        np.array([actor.labels(seconds) if actor.labels else actor.label for actor in cast], dtype=np.int64),
    )
    if cast and cast[0].look is not None:
        found = replace(found, embeddings=np.stack([actor.look for actor in cast if actor.look is not None]))
    return found, shown


@dataclass
class Story:
    """What a tracker said about a scene: for each frame its time, its output, and the id (or 0) it gave each actor."""

    seconds: list[float] = field(default_factory=list)
    tracked: list[TrackedBoxes] = field(default_factory=list)
    ids: list[np.ndarray] = field(default_factory=list)

    def ids_of(self, actor: int) -> set[int]:
        return {int(ids[actor]) for ids in self.ids} - {0}

    @property
    def all_ids(self) -> list[int]:
        """Every id in the order it first appeared."""
        seen: dict[int, None] = {}
        for one in self.tracked:
            seen.update(dict.fromkeys(one.ids.tolist()))
        return list(seen)


def play(
    associator: Associator,
    actors: list[Actor],
    frames_per_second: float,
    duration: float,
    seed: int | None = 0,
    start: float = 0.0,
) -> Story:
    """Run a scene through the association."""
    rng = None if seed is None else np.random.default_rng(seed)
    story = Story()
    for index in range(round(duration * frames_per_second)):
        seconds = start + index / frames_per_second
        detections, _ = detect(actors, seconds, rng)
        tracked = associator.step(detections, seconds)
        ids = np.zeros(len(actors), dtype=np.int64)
        for i, actor in enumerate(actors):
            centre = np.array(actor.path(seconds))
            if actor.visible(seconds) and len(tracked):
                centres = (tracked.boxes_xyxy[:, :2] + tracked.boxes_xyxy[:, 2:]) / 2
                distance = np.linalg.norm(centres - centre, axis=1)
                if distance.min() < 8:
                    ids[i] = tracked.ids[distance.argmin()]
        story.seconds.append(seconds)
        story.tracked.append(tracked)
        story.ids.append(ids)
    return story

"""Clips of people who cross and hide: real cut-outs moving over real backgrounds, with known truth.

A clip is a list of walkers, back to front. Lengths are in heights of an ordinary person in the clip, so that a walk of
0.8 heights a second is brisk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
from cutouts import Person, Scene
from tracking_data import Footage

from vidtrack.core.detections import Detections
from vidtrack.datasets.mot import MotRows, SequenceInfo

WIDTH, HEIGHT = 640, 480
RATE = 12.5  # about as often as `vidtrack detect` looks
SECONDS = 5.0
PAN_WINDOW = 0.75  # of the image's sides
VISIBLE = 0.25  # least share of a person's pixels in view to count in the truth
Path2D = Callable[[float], tuple[float, float, float]]  # seconds to x and y of the feet, and the size


@dataclass(frozen=True)
class Walker:
    """A person, or a `Person` of one image that stands in the way and counts nowhere, and its walk."""

    person: Person
    walk: Path2D
    counts: bool = True


@dataclass(frozen=True)
class Clip:
    """A clip before it is rendered; `window` gives the left edge of the view at a time, in pixels."""

    name: str
    kind: str
    background: np.ndarray
    walkers: list[Walker]
    window: Callable[[float], float] | None = None

    def frames(self) -> Iterator[np.ndarray]:
        """Images (H, W, 3)."""
        for index in range(round(SECONDS * RATE)):
            image = self.background.copy()
            for walker in self.walkers:
                cut, place = _placed(walker, index / RATE)
                alpha = cut[..., 3:].astype(np.uint16)
                image[place] = (image[place] * (255 - alpha) + cut[..., :3] * alpha) // 255
            yield np.ascontiguousarray(image[self._view(index / RATE)])

    def masks(self) -> Iterator[list[np.ndarray]]:
        """For each frame what shows of each walker that counts, and all of it: (2, H, W) bool."""
        for index in range(round(SECONDS * RATE)):
            masks: list[np.ndarray] = []
            for walker in self.walkers:
                cut, place = _placed(walker, index / RATE)
                solid = cut[..., 3] > 127
                for mask in masks:
                    mask[0][place] &= ~solid
                if walker.counts:
                    masks.append(np.zeros((2, HEIGHT, WIDTH), bool))
                    masks[-1][(slice(None), *place)] = solid
            view = self._view(index / RATE)
            yield [mask[(slice(None), *view)] for mask in masks]

    def _view(self, seconds: float) -> tuple[slice, slice]:
        """Rows and columns that the camera sees."""
        if self.window is None:
            return slice(None), slice(None)
        width, height = self.size
        left = round(self.window(seconds))
        return slice(HEIGHT - height, HEIGHT), slice(left, left + width)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the images."""
        share = 1.0 if self.window is None else PAN_WINDOW
        return round(WIDTH * share), HEIGHT - round(HEIGHT * (1 - share))


def _placed(walker: Walker, seconds: float) -> tuple[np.ndarray, tuple[slice, slice]]:
    """What is inside the image of the walker (H, W, 4), and the rows and columns it covers."""
    x, feet, size = walker.walk(seconds)
    heading = np.sign(walker.walk(seconds + 0.1)[0] - x)
    images = walker.person.images
    turn = 2 * max(len(images) - 1, 1)  # forwards, then backwards
    place = int(seconds / walker.person.seconds) % turn
    cut = images[min(place, turn - place) % len(images)]
    if heading and heading != walker.person.heading:
        cut = cut[:, ::-1]
    scale = size / cut.shape[0]
    cut = cv2.resize(cut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    h, w = cut.shape[:2]
    left, top = round(x - w / 2), round(feet - h)
    x0, x1 = np.clip((left, left + w), 0, WIDTH)
    y0, y1 = np.clip((top, top + h), 0, HEIGHT)
    return cut[y0 - top : y1 - top, x0 - left : x1 - left], (slice(y0, y1), slice(x0, x1))


def make_clips(scenes: list[Scene], each: int, seed: int) -> list[Clip]:
    """`each` clips of every kind with the people and the backgrounds of the scenes."""
    rng, clips = np.random.default_rng(seed), []
    for kind, make in KINDS.items():
        for number in range(each):
            scene = scenes[number % len(scenes)]
            people = [scene.people[i] for i in rng.permutation(len(scene.people))[:5]]
            clip = make(people, _backdrop(scene.background), rng)
            clips.append(replace(clip, name=f"{kind} {number + 1}", kind=kind))
    return clips


def _backdrop(image: np.ndarray) -> np.ndarray:
    """The middle of an image, as large as a clip."""
    scale = max(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    left, top = (image.shape[1] - WIDTH) // 2, (image.shape[0] - HEIGHT) // 2
    return image[top : top + HEIGHT, left : left + WIDTH]


def _straight(start: float, speed: float, feet: float, size: float) -> Path2D:
    return lambda t: (start + speed * size * t, feet, size)


def _pair(rng: np.random.Generator) -> tuple[float, float, float, float, float]:
    """Size, feet and speed of the one behind; size and feet of the one in front."""
    size, speed = rng.uniform(150, 230), rng.uniform(0.45, 0.8)
    return size, rng.uniform(380, 430), speed, size * rng.uniform(1.0, 1.12), rng.uniform(435, 470)


def _cross(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """Two people pass each other."""
    size, feet, speed, near, near_feet = _pair(rng)
    meet, when = rng.uniform(260, 380), rng.uniform(2.0, 3.0)
    behind = _straight(meet - speed * size * when, speed, feet, size)
    front = _straight(meet + speed * near * when, -speed, near_feet, near)
    return Clip("", "", back, [Walker(people[0], behind), Walker(people[1], front)])


def _walk_behind(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """Two people pass each other behind something that hides both."""
    clip = _cross(people, back, rng)
    size, _, _, _, _ = _pair(rng)
    x = clip.walkers[0].walk(2.5)[0]
    return replace(clip, walkers=[*clip.walkers, _hiding(back, rng, x, rng.uniform(0.6, 0.9) * size)])


def _stop(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """Two people meet, stand one before the other for a second, and go on."""
    clip, wait = _cross(people, back, rng), rng.uniform(0.8, 1.4)
    meeting = 2.0

    def paused(walk: Path2D, shift: float) -> Path2D:
        def at(t: float) -> tuple[float, float, float]:
            x, feet, size = walk(t if t < meeting else max(meeting, t - wait))
            return x + shift, feet, size

        return at

    first, second = clip.walkers
    gap = second.walk(meeting)[0] - first.walk(meeting)[0]
    middle = rng.uniform(-0.15, 0.15) * first.walk(0)[2]
    return replace(
        clip,
        walkers=[
            Walker(first.person, paused(first.walk, gap / 2)),
            Walker(second.person, paused(second.walk, middle - gap / 2)),
        ],
    )


def _turn(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """Two people meet, half hidden, and both turn back."""
    clip = _stop(people, back, rng)
    meeting, wait = 2.0, rng.uniform(0.2, 0.6)

    def turned(walk: Path2D) -> Path2D:
        return lambda t: walk(t if t < meeting else meeting - max(0.0, t - meeting - wait))

    return replace(clip, walkers=[Walker(one.person, turned(one.walk)) for one in clip.walkers])


def _scale(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """One comes towards the camera, one goes away, and they pass each other."""
    far, near = rng.uniform(90, 120), rng.uniform(230, 290)
    left, shift = rng.uniform(220, 290), rng.uniform(60, 130)

    def at(share: float, x: float) -> tuple[float, float, float]:
        size = far * (near / far) ** share
        return x, 330 + 140 * (size - far) / (near - far), size

    comes = lambda t: at(t / SECONDS, left + shift * t / SECONDS)  # noqa: E731
    goes = lambda t: at(1 - t / SECONDS, left + shift * (1 - t / SECONDS))  # noqa: E731
    crosses = _straight(-60 if rng.random() < 0.5 else 700, rng.uniform(0.6, 0.8), 440, 190)
    if crosses(0)[0] > 0:
        start = crosses
        crosses = lambda t: (1400 - start(t)[0], *start(t)[1:])  # noqa: E731
    return Clip("", "", back, [Walker(people[0], goes), Walker(people[1], comes), Walker(people[2], crosses)])


def _pan(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """Two people pass each other before a camera that pans to and fro."""
    period, phase = rng.uniform(2.0, 4.0), rng.uniform(0, 2 * np.pi)
    room = WIDTH * (1 - PAN_WINDOW) / 2
    return replace(_cross(people, back, rng), window=lambda t: room * (1 + np.sin(2 * np.pi * t / period + phase)))


def _hide(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """One hides for about two seconds and comes back, on either side; another passes in front meanwhile."""
    size, speed, x = rng.uniform(160, 220), rng.uniform(0.55, 0.75), rng.uniform(270, 370)
    back_again, away = rng.random() < 0.5, rng.uniform(1.6, 2.0)
    vanish = 1.2

    def hides(t: float) -> tuple[float, float, float]:
        step = speed * size
        if t < vanish:
            return x - step * (vanish - t), 425, size
        if t < vanish + away:
            return x, 425, size
        return x + (-1 if back_again else 1) * step * (t - vanish - away), 425, size

    passes = _straight(x + speed * size * 2.4, -speed, 465, size * 1.1)
    hiding = _hiding(back, rng, x, 0.65 * size)
    return Clip("", "", back, [Walker(people[0], hides), hiding, Walker(people[1], passes)])


def _crowd(people: list[Person], back: np.ndarray, rng: np.random.Generator) -> Clip:
    """Five people criss-cross in rows one behind the other."""
    walkers = []
    for row, person in enumerate(people):
        size, side = 120 + 18 * row, rng.choice([-1, 1])
        speed = side * rng.uniform(0.45, 0.8)
        middle = rng.uniform(240, 400)
        walkers.append(Walker(person, _straight(middle - speed * size * 2.5, speed, 350 + 28 * row, size)))
    return Clip("", "", back, walkers)


def _hiding(back: np.ndarray, rng: np.random.Generator, x: float, width: float) -> Walker:
    """Something to hide behind: a piece of the background from elsewhere, as high as a person."""
    w, h = int(width), 300
    left, top = int(rng.uniform(0, WIDTH - w)), int(rng.uniform(0, HEIGHT - h))
    piece = np.dstack([back[top : top + h, left : left + w], np.full((h, w), 255, np.uint8)])
    return Walker(Person("", [piece], 0, 1.0), lambda t: (x, 475, h), counts=False)


KINDS: dict[str, Callable[[list[Person], np.ndarray, np.random.Generator], Clip]] = {
    "cross": _cross,
    "walk behind": _walk_behind,
    "stop": _stop,
    "turn": _turn,
    "scale": _scale,
    "pan": _pan,
    "hide": _hide,
    "crowd": _crowd,
}


def truth_of(clip: Clip) -> Footage:
    """The clip's truth with detections made from it: noisy boxes of what shows, missed where little does."""
    rng = np.random.default_rng([*clip.name.encode()])
    rows, found = [], []
    for index, masks in enumerate(clip.masks(), start=1):
        boxes, scores = [], []
        for identity, (shows, whole) in enumerate(masks, start=1):
            if not whole.any():
                continue
            share = shows.sum() / whole.sum()
            box = _bounds(whole)
            rows.append([index, identity, *box, float(share >= VISIBLE)])
            if rng.random() < np.clip((share - 0.2) / 0.4, 0, 0.97):
                seen = box if rng.random() < 0.5 else _bounds(shows)
                sides = np.tile(seen[2:] - seen[:2], 2)
                boxes.append(seen + rng.normal(scale=0.03, size=4) * sides)
                scores.append(np.clip(0.85 * share + rng.normal(scale=0.08), 0.1, 0.98))
        if rng.random() < 0.05:
            corner, sides = rng.uniform((0, 0), (WIDTH - 100, HEIGHT - 200)), rng.uniform((30, 80), (90, 200))
            boxes.append(np.concatenate([corner, corner + sides]))
            scores.append(rng.uniform(0.1, 0.5))
        found.append(Detections.of(np.array(boxes).reshape(-1, 4), np.array(scores)))
    table = np.array(rows)
    frames, ids = table[:, :2].astype(np.int64).T
    truth = MotRows(frames, ids, table[:, 2:6], table[:, 6], np.full((len(table), 3), -1.0))
    return Footage(SequenceInfo(clip.name, len(found), RATE, clip.size), truth, found)


def _bounds(mask: np.ndarray) -> np.ndarray:
    """The box (4,) xyxy of a mask (H, W)."""
    x, y = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return np.array([x[0], y[0], x[-1] + 1, y[-1] + 1], dtype=np.float64)

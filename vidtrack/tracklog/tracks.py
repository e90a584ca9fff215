"""The tracks of a log one by one, with their images."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from vidtrack.core.boxes import area
from vidtrack.core.wording import plural
from vidtrack.tracklog.clip_images import ClipImages
from vidtrack.tracklog.notebook import track_html

_SHOWN = 20  # identities that an error lists


@dataclass(frozen=True, repr=False, eq=False)
class Track:
    """One object of a log in the K frames that list it, in order of time."""

    id: int
    label: str  # name of its class
    frame_indices: np.ndarray  # (K,) int64, decoded ordinals
    frame_pts: np.ndarray  # (K,) int64
    time_base: Fraction
    boxes_xyxy: np.ndarray  # (K, 4) float32, pixels
    scores: np.ndarray  # (K,) float32
    states: np.ndarray  # (K,) int64 of ObjectState
    _images: ClipImages

    @property
    def seconds(self) -> np.ndarray:
        """Time of each frame (K,) float64 since the start of the stream."""
        return self.frame_pts.astype(np.float64) * self.time_base.numerator / self.time_base.denominator

    @property
    def centres(self) -> np.ndarray:
        """Centre (K, 2) of each box."""
        return (self.boxes_xyxy[:, :2] + self.boxes_xyxy[:, 2:]) / 2

    @property
    def score(self) -> float:
        """Mean score."""
        return float(self.scores.mean())

    def crops(self, count: int = 6, margin: float = 0.1) -> list[np.ndarray]:
        """Up to `count` images (H, W, 3) RGB of the object, spread over its time: the best of each part.

        `margin` is added on every side, as a fraction of the box's longer side. Raises InputError if the clip is not
        found, or is not the one that was tracked.
        """
        rows = self._showing(count)
        images = self._images.at(int(self.frame_pts[row]) * self.time_base for row in rows)
        return [_cut(image, self.boxes_xyxy[row], margin) for row, image in zip(rows, images, strict=True)]

    def _showing(self, count: int) -> list[int]:
        """The frame (of K) with the best box in each of `count` equal parts of the track."""
        worth = self.scores * np.sqrt(np.maximum(area(self.boxes_xyxy), 1.0)) * np.where(self.states == 0, 1.0, 0.1)
        parts = np.array_split(np.arange(len(worth)), min(max(1, count), len(worth)))
        return [int(part[worth[part].argmax()]) for part in parts]

    def __len__(self) -> int:
        return len(self.frame_indices)

    def __repr__(self) -> str:
        seconds = self.seconds
        frames = plural(len(self), "frame")
        return f"Track({self.id}, {self.label!r}, {seconds[0]:.2f} to {seconds[-1]:.2f} s, {frames})"

    def _repr_html_(self) -> str:
        return track_html(repr(self), lambda: self.crops(6))


class Tracks(Collection[Track]):
    """The tracks of a log in order of id; `log.tracks[3]` is track 3."""

    def __init__(self, tracks: Mapping[int, Track]) -> None:
        self._tracks = tracks

    def __getitem__(self, identity: int) -> Track:
        try:
            return self._tracks[identity]
        except KeyError:
            known = [str(number) for number in list(self._tracks)[:_SHOWN]]
            more = ", ..." if len(self) > _SHOWN else ""
            raise KeyError(f"no track {identity}; the log has {', '.join(known) or 'none'}{more}") from None

    def __iter__(self) -> Iterator[Track]:
        return iter(self._tracks.values())

    def __len__(self) -> int:
        return len(self._tracks)

    def __contains__(self, item: object) -> bool:
        return item in self._tracks.values() if isinstance(item, Track) else item in self._tracks

    def __repr__(self) -> str:
        return f"Tracks({', '.join(f'{track.label} {track.id}' for track in self)})"


def _cut(image: np.ndarray, box_xyxy: np.ndarray, margin: float) -> np.ndarray:
    height, width = image.shape[:2]
    left, top, right, bottom = box_xyxy.tolist()
    reach = margin * max(right - left, bottom - top)
    x0, x1 = _inside(left - reach, right + reach, width)
    y0, y1 = _inside(top - reach, bottom + reach, height)
    return image[y0:y1, x0:x1].copy()


def _inside(low: float, high: float, size: int) -> tuple[int, int]:
    """A range of at least one pixel within an image side."""
    start = min(max(int(low), 0), size - 1)
    return start, max(start + 1, min(size, round(high)))

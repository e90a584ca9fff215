"""The doubtful moments of a clip, each with an image: what to check before the tracks are hidden."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np

from vidtrack.core.types import Frame
from vidtrack.core.wording import plural
from vidtrack.render.review import Doubt, Reason, doubts_of
from vidtrack.tracklog import TrackLog
from vidtrack.tracklog.trajectories import Trajectory

_MOST_IMAGES = 60  # the longest doubts; each image takes some 5 KB of the page
_CONTEXT = 0.75  # of the box's longer side, shown around it
_BOX = (255, 210, 0)  # RGB


class _Moment(NamedTuple):
    row: int  # frame row of the log
    doubt: Doubt
    box_xyxy: np.ndarray  # (4,)


@dataclass(frozen=True)
class DoubtImage:
    """A doubt, the frame row that was picked to show it, and that part of the frame (H, W, 3) RGB."""

    doubt: Doubt
    row: int
    image: np.ndarray


class DoubtImages:
    """Collects an image per doubt of a log while the frames of its clip pass."""

    def __init__(self, log: TrackLog, trajectories: Sequence[Trajectory], scale: tuple[float, float]) -> None:
        self._log, self._scale = log, np.tile(scale, 2)
        self.doubts = doubts_of(log)
        longest = sorted(self.doubts, key=lambda doubt: doubt.first_row - doubt.last_row)[:_MOST_IMAGES]
        by_identity = {own.identity: own for own in trajectories}
        moments = (_moment(doubt, by_identity[doubt.identity], len(log)) for doubt in longest)
        self._waiting = sorted(moments, key=lambda moment: moment.row)
        self.images: list[DoubtImage] = []

    @property
    def done(self) -> bool:
        """True if no further frame is needed."""
        return not self._waiting

    def passing(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The same frames; those of doubts are cut out on their way."""
        for frame in frames:
            while self._waiting and frame.seconds >= self._log[self._waiting[0].row].seconds:
                row, doubt, box = self._waiting.pop(0)
                self.images.append(DoubtImage(doubt, row, _cut(frame.image, box * self._scale)))
            yield frame


def doubts_html(images: DoubtImages, log: TrackLog, jpeg: Callable[[np.ndarray], str]) -> str:
    """A closed list of the doubts; empty without any. `jpeg` gives an image as base64."""
    count = len(images.doubts)
    if not count:
        return ""
    shown = "" if count == len(images.images) else f", the {len(images.images)} longest are shown"
    known = set(log.ids.tolist())  # a correction may have removed a track since
    listed = [own for own in sorted(images.images, key=lambda own: own.row) if own.doubt.identity in known]
    items = "".join(_item(own, log, jpeg) for own in listed)
    title = f"{plural(count, 'doubtful moment')} to check before tracks are hidden{shown}"
    return f'<details class="doubts"><summary>{title}</summary><ul>{items}</ul></details>\n'


def _item(own: DoubtImage, log: TrackLog, jpeg: Callable[[np.ndarray], str]) -> str:
    doubt, seconds = own.doubt, log.frame_seconds
    name = f"{log.label_of(doubt.kind)} {doubt.identity} {doubt.reason}"
    length = f" to {seconds[doubt.last_row]:.2f}" if doubt.last_row > doubt.first_row else ""
    when = f"{seconds[doubt.first_row]:.2f}{length} s"
    return (
        f'<li><button type="button" data-seconds="{seconds[own.row]:.6f}" data-track="{doubt.identity}">'
        f'<img src="data:image/jpeg;base64,{jpeg(own.image)}" alt="">'
        f"<span>{html.escape(name)}</span><span>{when}</span></button></li>"
    )


def _moment(doubt: Doubt, own: Trajectory, frames: int) -> _Moment:
    """The frame that shows a doubt best: the middle of it, or for an end the frame beyond it."""
    row = (doubt.first_row + doubt.last_row) // 2
    if doubt.reason is Reason.VANISHES:
        row = min(doubt.last_row + 1, frames - 1)
    elif doubt.reason is Reason.APPEARS:
        row = max(doubt.first_row - 1, 0)
    at = int(np.clip(row - own.first_row, 0, len(own.rows) - 1))
    return _Moment(row, doubt, own.boxes_xyxy[at])


def _cut(image: np.ndarray, box_xyxy: np.ndarray) -> np.ndarray:
    """The surroundings of a box, which is outlined, as 8-bit RGB."""
    height, width = image.shape[:2]
    shown = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image.copy()
    left, top, right, bottom = (round(edge) for edge in box_xyxy.tolist())
    cv2.rectangle(shown, (left, top), (right, bottom), _BOX, max(1, round(min(width, height) / 240)))
    reach = max(8, round(_CONTEXT * max(right - left, bottom - top)))
    x0, y0 = min(max(left - reach, 0), width - 1), min(max(top - reach, 0), height - 1)
    return shown[y0 : max(y0 + 1, bottom + reach), x0 : max(x0 + 1, right + reach)]

"""Values passed between the parts of vidtrack; numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from vidtrack.core.boxes import has_extent
from vidtrack.core.tables import (
    STATE_NAMES,
    coco_annotations,
    mot_lines,
    pandas_frame,
    polars_frame,
    supervision_detections,
)

if TYPE_CHECKING:
    import pandas
    import polars
    import supervision


@dataclass(frozen=True)
class Colour:
    """Colour description of a video stream, as FFmpeg's integer codes (2 means unspecified)."""

    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    full_range: bool = False

    @property
    def is_hdr(self) -> bool:
        """True for the PQ (16) and HLG (18) transfer functions of ITU-T H.273."""
        return self.transfer in (16, 18)


@dataclass(frozen=True)
class AudioInfo:
    """What a container says about one of its audio streams."""

    channels: int
    sample_rate: int  # Hz


@dataclass(frozen=True)
class FileNumbering:
    """How the files of an image sequence are numbered; frame i of the sequence is number `first` + i."""

    pattern: str  # a printf pattern of the file names, such as img_%04d.png
    first: int


@dataclass(frozen=True)
class VideoInfo:
    """What a container says about its video stream, before any frame is decoded.

    Sizes are (width, height) in pixels: `coded_size` as stored, `size` as displayed, which is after `crop`, `mirrored`
    and `rotation`, in that order.
    """

    path: Path
    container: str
    codec: str
    pixel_format: str
    coded_size: tuple[int, int]
    size: tuple[int, int]
    rotation: int  # degrees counter-clockwise to turn a decoded frame upright: 0, 90, 180, 270
    sample_aspect_ratio: Fraction
    time_base: Fraction
    start_pts: int
    average_rate: Fraction | None
    frame_count: int | None  # None if the container does not say
    duration_seconds: Fraction | None
    interlaced: bool = False
    audio: tuple[AudioInfo, ...] = ()
    has_subtitles: bool = False
    timecode: str | None = None
    colour: Colour = field(default_factory=Colour)
    file_bytes: int | None = None
    bit_depth: int = 8  # per sample as stored
    mirrored: bool = False  # flipped left to right before `rotation`
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)  # pixels off left, top, right, bottom of `coded_size`
    container_start_seconds: Fraction | None = None  # where the container's earliest stream starts
    stream: int = 0  # among the container's video streams
    numbering: FileNumbering | None = None  # of the files of an image sequence
    notes: tuple[str, ...] = ()  # what vidtrack does not honour, or assumes

    @property
    def has_audio(self) -> bool:
        """True if there is an audio stream."""
        return len(self.audio) > 0

    @property
    def first_frame_offset_seconds(self) -> Fraction:
        """Time from the container's start to the first frame: what ffmpeg and players add to a log's times."""
        if self.container_start_seconds is None:
            return Fraction(0)
        return self.start_pts * self.time_base - self.container_start_seconds


@dataclass(frozen=True)
class Frame:
    """One decoded frame, upright, with its exact time.

    `index` is the decoded ordinal in the whole stream (never renumbered by stride or start); `pts` counts
    `time_base` units with the stream's start subtracted; `image` is RGB (H, W, 3), uint8, or uint16 over its whole
    range if it was requested in full depth. `captions` holds the closed captions (CEA-608/708) stored with the image.
    """

    index: int
    pts: int
    time_base: Fraction
    image: np.ndarray
    captions: bytes = b""

    def __post_init__(self) -> None:
        if self.image.dtype not in (np.uint8, np.uint16) or self.image.ndim != 3 or self.image.shape[2] != 3:
            raise ValueError(
                f"Frame.image must be uint8 or uint16 (H, W, 3), not {self.image.dtype} {self.image.shape}"
            )

    @property
    def seconds(self) -> Fraction:
        """Time since the start of the stream."""
        return self.pts * self.time_base


class ObjectState(IntEnum):
    """Where a box in a frame comes from."""

    DETECTED = 0
    PREDICTED = 1
    INTERPOLATED = 2


@dataclass(frozen=True)
class Exchange:
    """Two ids that had been mixed up in the frames after `seconds`."""

    first: int
    second: int
    seconds: float


@dataclass(frozen=True)
class FrameTracks:
    """The tracked objects of one frame; boxes are xyxy pixel edges in display orientation."""

    COLUMNS: ClassVar = ("ids", "classes", "scores", "boxes_xyxy", "states")

    index: int
    pts: int
    time_base: Fraction
    ids: np.ndarray  # (N,) int64, from 1
    classes: np.ndarray  # (N,) int64, index into the model's class list
    scores: np.ndarray  # (N,) float32 in [0, 1]
    boxes_xyxy: np.ndarray  # (N, 4) float32
    states: np.ndarray  # (N,) int64 of ObjectState

    def __post_init__(self) -> None:
        n = len(self.ids)
        shapes = {"classes": (n,), "scores": (n,), "boxes_xyxy": (n, 4), "states": (n,)}
        for name, shape in shapes.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"FrameTracks.{name} must be {shape}, not {getattr(self, name).shape}")

    @property
    def seconds(self) -> Fraction:
        """Time since the start of the stream."""
        return self.pts * self.time_base

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, chosen: np.ndarray | slice) -> FrameTracks:
        """The frame with some of its objects; `chosen` is a mask (N,) bool, an order (M,) or a slice."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in self.COLUMNS})

    def without_specks(self) -> FrameTracks:
        """Without boxes so small that logs may give them no area."""
        return self[has_extent(self.boxes_xyxy)]

    def to_supervision(self, class_names: Sequence[str]) -> supervision.Detections:
        """supervision's Detections, with tracker IDs; raises MissingPackageError."""
        return supervision_detections(self.boxes_xyxy, self.scores, self.classes, self.ids, class_names, self.states)

    @classmethod
    def from_supervision(cls, found: supervision.Detections, index: int, pts: int, time_base: Fraction) -> FrameTracks:
        """Of supervision's Detections with tracker IDs, in the frame at `pts`; raises ValueError if it has none."""
        if found.tracker_id is None:
            raise ValueError("these Detections have no tracker_id: track them first")
        n = len(found)
        return cls(
            index,
            pts,
            time_base,
            found.tracker_id.astype(np.int64),
            np.zeros(n, np.int64) if found.class_id is None else found.class_id.astype(np.int64),
            np.ones(n, np.float32) if found.confidence is None else found.confidence.astype(np.float32),
            found.xyxy.astype(np.float32),
            np.full(n, ObjectState.DETECTED, np.int64),
        )

    def to_pandas(self, class_names: Sequence[str]) -> pandas.DataFrame:
        """A row per object, with the columns of `TrackLog.to_pandas`; raises MissingPackageError."""
        return pandas_frame(*self._table(class_names))

    def to_polars(self, class_names: Sequence[str]) -> polars.DataFrame:
        """The same table as a polars DataFrame; raises MissingPackageError."""
        return polars_frame(*self._table(class_names))

    def _table(self, class_names: Sequence[str]) -> tuple[dict[str, np.ndarray], dict[str, Sequence[str]]]:
        edges = dict(zip(("left", "top", "right", "bottom"), self.boxes_xyxy.T, strict=True))
        frame = {"index": np.full(len(self), self.index), "seconds": np.full(len(self), float(self.seconds))}
        columns = {**frame, "id": self.ids, "class": self.classes, "score": self.scores, **edges, "state": self.states}
        return columns, {"class": class_names, "state": STATE_NAMES}

    def to_coco(self, image_id: int) -> list[dict[str, Any]]:
        """COCO results, each with its `track_id`; `category_id` is the class number."""
        return coco_annotations(self.boxes_xyxy, self.scores, self.classes, image_id, self.ids)

    def to_mot(self) -> list[str]:
        """Lines of a MOTChallenge result file; frame 0 is its frame 1."""
        return mot_lines(self.index + 1, self.boxes_xyxy, self.scores, self.ids)

    @staticmethod
    def empty(index: int, pts: int, time_base: Fraction) -> FrameTracks:
        """A frame without objects."""
        none, scores = np.zeros(0, np.int64), np.zeros(0, np.float32)
        return FrameTracks(index, pts, time_base, none, none, scores, np.zeros((0, 4), np.float32), none)

    @staticmethod
    def concat(parts: Sequence[FrameTracks]) -> FrameTracks:
        """The objects of all parts, one after the other, in the frame of the first part."""
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in FrameTracks.COLUMNS
        }
        return replace(parts[0], **columns)


def no_tracks(frame: Frame) -> FrameTracks:
    """The tracks of a frame without objects."""
    return FrameTracks.empty(frame.index, frame.pts, frame.time_base)

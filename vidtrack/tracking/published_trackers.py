"""TrackFormer and MOTR as their authors run them: each track is a decoder query, and nothing else links objects."""

from __future__ import annotations

import copy
from dataclasses import dataclass, fields, replace
from typing import Any

import msgspec
import numpy as np
import torch
from torch import Tensor

from vidtrack.core.boxes import cxcywh_to_xyxy
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Exchange, Frame, FrameTracks, ObjectState, no_tracks
from vidtrack.model.decoder import Queries
from vidtrack.model.light_torchvision import nms
from vidtrack.model.motr import MOTR
from vidtrack.model.outputs import DetectorOutput
from vidtrack.model.protocol import Detector
from vidtrack.model.trackformer import ClipMemory, TrackFormer
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.cuts import CutDetector, CutDetectorState, thumbnail_gray
from vidtrack.tracklog.zones import in_regions


@dataclass(frozen=True)
class CarriedTracks:
    """Live tracks in the order of their queries; or the output of all queries, with id -1 for those without a track.

    ids, classes and misses (N,) ints; scores (N,); boxes_cxcywh (N, 4) in (0, 1); content and position (N, C) of the
    query, embeddings (N, C) of its output. `misses` counts the frames in which a track was not seen.
    """

    ids: np.ndarray
    classes: np.ndarray
    misses: np.ndarray
    scores: np.ndarray
    boxes_cxcywh: np.ndarray
    content: np.ndarray
    position: np.ndarray
    embeddings: np.ndarray

    @classmethod
    def none(cls, channels: int) -> CarriedTracks:
        """Nothing tracked."""
        ints, row = np.zeros(0, np.int64), np.zeros((0, channels), np.float32)
        return cls(ints, ints, ints, np.zeros(0, np.float32), np.zeros((0, 4), np.float32), row, row, row)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: np.ndarray) -> CarriedTracks:
        return CarriedTracks(*(getattr(self, field.name)[rows] for field in fields(self)))

    @staticmethod
    def cat(first: CarriedTracks, second: CarriedTracks) -> CarriedTracks:
        """`first` followed by `second`."""
        names = [field.name for field in fields(CarriedTracks)]
        return CarriedTracks(*(np.concatenate([getattr(first, name), getattr(second, name)]) for name in names))

    def xyxy(self, size: tuple[int, int]) -> np.ndarray:
        """Boxes (N, 4) as pixel edges in a frame of `size` (width, height), which they may leave."""
        return cxcywh_to_xyxy(self.boxes_cxcywh.astype(np.float64)) * np.tile(size, 2)


@dataclass(frozen=True)
class QueryTrackerState:
    """Live tracks, the last id given, the last frame's tokens (TrackFormer), and the cut detector's state."""

    tracks: CarriedTracks
    last_id: int
    previous: np.ndarray | None
    cuts: CutDetectorState
    is_fresh: bool


class QueryTracker:
    """A `Tracker` whose tracks are decoder queries: their output in one frame makes the queries of the next.

    From `config` it uses the minimum score of a new track, regions, `max_tracks` and `scene_cuts`.
    """

    exchange: Exchange | None = None

    def __init__(self, detector: Detector, config: TrackerConfig, allowed: np.ndarray) -> None:
        if not isinstance(detector, TrackFormer | MOTR) or detector.config.track_queries != config.mode:
            raise UsageError(
                f"--tracker {config.mode} needs weights of that tracker", f"use --tracker {detector.default_tracker}"
            )
        self.model, self.config, self.allowed = detector, config, allowed
        self.cuts = CutDetector()
        self.earlier: FrameTracks | None = None
        self._previous: Tensor | None = None  # tokens of the last frame, for weights that attend to two frames
        self.reset()

    def reset(self) -> None:
        """Forget all objects; ids start from 1 again."""
        self.cuts.reset()
        self.cut, self.is_fresh, self._last_id = False, True, 0
        self._end_all()

    def state(self) -> QueryTrackerState:
        """Everything remembered between two frames; no later step changes it."""
        previous = None if self._previous is None else self._previous.float().cpu().numpy()
        return QueryTrackerState(self.tracks, self._last_id, previous, self.cuts.state(), self.is_fresh)

    def restore(self, state: object) -> None:
        """Continue as after the frame at which `state` was taken."""
        saved = msgspec.convert(state, QueryTrackerState)
        self.tracks, self._last_id, self.is_fresh = saved.tracks, saved.last_id, saved.is_fresh
        self._previous = None if saved.previous is None else torch.from_numpy(saved.previous)
        self.cuts.restore(saved.cuts)

    @torch.inference_mode()
    def step(self, memory: Any, frame: Frame) -> FrameTracks:
        """Find the objects of `frame`, which the detector encoded as `memory`, and link them to earlier frames."""
        self._notice_cut(frame)
        height, width = frame.image.shape[:2]
        if isinstance(memory, ClipMemory):
            now = memory if self._previous is None else memory.after(self._previous.to(memory.tokens.device))
            self._previous = memory.as_previous
        else:
            now = memory
        found = self._read(self.model.decode_with_tracks(now, self._queries()))
        seen = self._follow(found, (width, height))
        return self._as_frame(seen, frame, (width, height))

    def pass_over(self, frame: Frame) -> FrameTracks:
        """Look for a cut in a frame without detections; returns no objects."""
        self._notice_cut(frame)
        return no_tracks(frame)

    def starts_shot(self, *images: np.ndarray) -> bool:
        """Whether any of these next images (H, W, 3) would begin a new shot; changes nothing."""
        if not self.config.scene_cuts:
            return False
        cuts = copy.copy(self.cuts)
        return any(cuts.is_cut(thumbnail_gray(image)) for image in images)

    def _follow(self, found: CarriedTracks, size: tuple[int, int]) -> CarriedTracks:
        """Update `tracks` from the output of all queries, tracks first; returns the objects seen."""
        raise NotImplementedError

    def _notice_cut(self, frame: Frame) -> None:
        self.is_fresh = False
        self.cut = self.config.scene_cuts and self.cuts.is_cut(thumbnail_gray(frame.image))
        if self.cut:
            self._end_all()

    def _end_all(self) -> None:
        self.tracks = CarriedTracks.none(self.model.config.hidden_dim)
        self._previous = None

    def _queries(self) -> Queries | None:
        if not len(self.tracks):
            return None
        columns = (self.tracks.content, self.tracks.position)
        content, position = (torch.from_numpy(one)[None].to(self._like) for one in columns)
        centres = torch.from_numpy(self.tracks.boxes_cxcywh[None, :, :2]).to(self._like.device)
        return self.model.carried_queries(content, position, centres)

    def _read(self, output: DetectorOutput) -> CarriedTracks:
        """The output of all queries, tracks first."""
        scores, classes = output.logits[-1, 0].float().sigmoid().max(dim=-1)
        learned = self.model.query_embed.weight[: len(scores) - len(self.tracks)].float().cpu().numpy()
        position, content = np.split(learned, 2, axis=1)
        none = np.zeros(len(learned), np.int64)
        return CarriedTracks(
            np.concatenate([self.tracks.ids, none - 1]),
            classes.cpu().numpy(),
            np.concatenate([self.tracks.misses, none]),
            scores.cpu().numpy(),
            output.boxes[-1, 0].float().cpu().numpy(),
            np.concatenate([self.tracks.content, content]),
            np.concatenate([self.tracks.position, position]),
            output.embeddings[0].float().cpu().numpy(),
        )

    def _carried(self, tracks: CarriedTracks) -> CarriedTracks:
        """The tracks with their queries for the next frame."""
        if not len(tracks):
            return tracks
        columns = (tracks.embeddings, tracks.position, tracks.content)
        position, content = self.model.updated(*(torch.from_numpy(one)[None].to(self._like) for one in columns))
        return replace(tracks, position=position[0].float().cpu().numpy(), content=content[0].float().cpu().numpy())

    @property
    def _like(self) -> Tensor:
        """A tensor with the device and dtype of queries."""
        return self.model.query_embed.weight

    def _is_wanted(self, found: CarriedTracks, size: tuple[int, int]) -> np.ndarray:
        """Which (N,) are of an allowed class and inside the config's regions."""
        config = self.config
        wanted = self.allowed[found.classes]
        if config.regions or config.ignored_regions:
            wanted = wanted & in_regions(found.xyxy(size), config.regions, config.ignored_regions, size)
        return wanted

    def _birth_scores(self, found: CarriedTracks) -> np.ndarray:
        config = self.config
        if config.class_thresholds:
            return np.array(config.class_thresholds)[found.classes]
        return np.full(len(found), config.new_track_threshold)

    def _named(self, new: CarriedTracks) -> CarriedTracks:
        """The same tracks with new ids."""
        ids = self._last_id + 1 + np.arange(len(new))
        self._last_id += len(new)
        return replace(new, ids=ids)

    def _as_frame(self, seen: CarriedTracks, frame: Frame, size: tuple[int, int]) -> FrameTracks:
        seen = seen[np.argsort(seen.ids)]
        found = replace(
            no_tracks(frame),
            ids=seen.ids,
            classes=seen.classes,
            scores=seen.scores,
            boxes_xyxy=np.clip(seen.xyxy(size), 0, np.tile(size, 2)).astype(np.float32),
            states=np.full(len(seen), int(ObjectState.DETECTED), np.int64),
        )
        return found.without_specks()


class TrackFormerTracker(QueryTracker):
    """TrackFormer's rules: a track ends when its score is too low; NMS removes duplicates."""

    keep_score = 0.4
    nms_iou = 0.9

    def _follow(self, found: CarriedTracks, size: tuple[int, int]) -> CarriedTracks:
        wanted, tracked = self._is_wanted(found, size), len(self.tracks)
        keep_score = min(self.keep_score, self.config.new_track_threshold)
        old = found[np.flatnonzero(wanted[:tracked] & (found.scores[:tracked] > keep_score))]
        old = old[self._distinct(old, old.scores, size)]
        is_new = wanted & (found.scores > self._birth_scores(found))
        is_new[:tracked] = False
        new = self._named(found[np.flatnonzero(is_new)[: max(0, self.config.max_tracks - len(old))]])
        tracks = CarriedTracks.cat(old, new)
        ranks = np.concatenate([np.full(len(old), np.inf, np.float32), new.scores])
        tracks = tracks[self._distinct(tracks, ranks, size)]
        self.tracks = self._carried(tracks)
        return tracks

    def _distinct(self, tracks: CarriedTracks, scores: np.ndarray, size: tuple[int, int]) -> np.ndarray:
        """Rows that NMS keeps, in order."""
        boxes = torch.from_numpy(tracks.xyxy(size).astype(np.float32))
        return np.sort(nms(boxes, torch.from_numpy(scores), self.nms_iou).numpy())


class MotrTracker(QueryTracker):
    """MOTR's rules: a track ends after `patience` consecutive frames with a low score."""

    keep_score = 0.6
    patience = 5
    min_area = 100.0  # square pixels; smaller objects are not reported

    def _follow(self, found: CarriedTracks, size: tuple[int, int]) -> CarriedTracks:
        wanted, is_track, enough = self._is_wanted(found, size), found.ids >= 0, self._birth_scores(found)
        is_sure = wanted & (found.scores >= enough)
        unseen = is_track & ~(wanted & (found.scores >= np.minimum(self.keep_score, enough)))
        misses = np.where(is_sure, 0, found.misses) + unseen
        old = np.flatnonzero(is_track & (misses < self.patience))
        born = np.flatnonzero(~is_track & is_sure)[: max(0, self.config.max_tracks - len(old))]
        found = replace(found, misses=misses)
        tracks = CarriedTracks.cat(self._named(found[born]), found[old])
        self.tracks = self._carried(tracks)
        box = tracks.xyxy(size)
        is_large = (box[:, 2:] - box[:, :2]).prod(axis=1) > self.min_area
        return tracks[np.flatnonzero(is_sure[np.concatenate([born, old])] & is_large)]

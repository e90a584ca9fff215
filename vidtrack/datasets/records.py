"""Annotated images and video frames as one list of records, with what their annotation leaves unsaid."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta

from vidtrack.core.errors import DataError
from vidtrack.datasets.coco import CocoAnnotation, CocoFile, CocoImage, image_path, read_coco
from vidtrack.datasets.mot import LABELLED_PIXEL, MOT_PIXEL, MotRows, class_names, read_ground_truth, read_labels
from vidtrack.datasets.mot_images import FrameCache, sequence_images

_LARGEST_PIXEL = 1e6  # larger than any image
_PEDESTRIAN = 1  # of MOTChallenge's column of classes
_IGNORED, _ABSENT = -1, -2  # slots of rows that are regions, and of classes the model lacks
Share = Annotated[float, Meta(ge=0, le=1)]
_logger = logging.getLogger(__name__)


class SetConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One data set: `coco` (annotations + image folder) or `mot` (a MOTChallenge folder with images or a video).

    `weight` multiplies how often its images are drawn. `complete` false means that even labelled classes miss
    some objects, for sets whose images do not say so themselves.
    """

    name: str
    path: str  # coco: the JSON file; mot: the sequence folder
    kind: Literal["coco", "mot"] = "coco"
    images: str = ""  # coco: the folder that `file_name` is relative to; empty: the JSON's folder
    weight: Annotated[float, Meta(ge=0, le=1000)] = 1.0
    complete: bool = True
    mot_class: str = "person"  # mot: the class of a folder without gt/labels.txt
    # boxes with a score, labelled by a detector: objects from `positive` on, in full from `sure` on; between `ignore`
    # and `positive`, regions in which nothing is known of their class
    positive: Share = 0.35
    sure: Share = 0.5
    ignore: Share = 0.2


@dataclass(frozen=True)
class Record:
    """One annotated image; boxes are xyxy pixel edges in the annotation's image size.

    labels (N,) index the model's classes, ids (N,) tell objects of a sequence apart; `ignored_xyxy` (M, 4) are
    regions in which nothing is known; `labelled` (K,) is True for classes annotated in this image; `complete`
    says that every object of those classes is annotated. `masks` holds one polygon list or None for each box.
    `ignored_labels` (M,) are the classes the regions hold for, -1 for all; `trust` (N,) in (0, 1] is how much a box
    counts. None stands for -1 and 1 throughout.
    """

    path: Path
    size: tuple[int, int]  # (width, height)
    boxes_xyxy: np.ndarray
    labels: np.ndarray
    labelled: np.ndarray
    complete: bool = True
    ignored_xyxy: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    ids: np.ndarray | None = None
    masks: tuple[Any, ...] | None = None
    set_name: str = ""
    sequence: str = ""  # empty for a still
    seconds: float = 0.0
    ignored_labels: np.ndarray | None = None
    trust: np.ndarray | None = None


def load_set(config: SetConfig, classes: Sequence[str], cache: FrameCache) -> list[Record]:
    """Records of one set; raises DataError naming the file and the value that is wrong."""
    return _load_coco(config, classes) if config.kind == "coco" else _load_mot(config, classes, cache)


def load_sets(configs: Sequence[SetConfig], classes: Sequence[str], cache: FrameCache) -> list[list[Record]]:
    """Records of several sets, in their order; raises DataError for one without images."""
    sets = [load_set(config, classes, cache) for config in configs]
    for config, records in zip(configs, sets, strict=True):
        if not records:
            raise DataError(f"set {config.name} has no images", f"check {config.path}")
    return sets


def _load_coco(config: SetConfig, classes: Sequence[str]) -> list[Record]:
    path = Path(config.path)
    file = read_coco(path)
    folder = Path(config.images) if config.images else path.parent
    by_image: dict[Any, list[CocoAnnotation]] = {image.id: [] for image in file.images}
    flat = 0
    for annotation in file.annotations:
        _, _, width, height = annotation.xywh or (0, 0, 0, 0)
        if width > 0 and height > 0:
            by_image[annotation.image_id].append(annotation)
        else:
            flat += 1
    if flat:
        _logger.warning("%s: %d boxes of zero width or height left out", path, flat)
    return [_coco_record(file, image, by_image[image.id], folder, classes, config) for image in file.images]


def _coco_record(
    file: CocoFile,
    image: CocoImage,
    annotations: Sequence[CocoAnnotation],
    folder: Path,
    classes: Sequence[str],
    config: SetConfig,
) -> Record:
    where = f"{config.path}: image {image.id}"
    if not image.file_name:
        raise DataError(f"{where} has no file_name")
    size = image.width or 0, image.height or 0
    if not all(1 <= side < _LARGEST_PIXEL for side in size):  # NaN is neither
        raise DataError(f"{where} is {image.width} x {image.height}", "give its width and height in pixels")
    names = {category.id: category.name for category in file.categories}
    slots = {name: index for index, name in enumerate(classes) if name}
    boxes, labels, masks, trust, ignored, ignored_labels = [], [], [], [], [], []
    for annotation in annotations:
        slot = slots.get(names[annotation.category_id])
        if slot is None:
            continue
        box = _edges(annotation, config.path)
        share = _trust(annotation, config)
        if annotation.is_ignored or share is None:
            ignored.append(box)
            ignored_labels.append(-1 if annotation.is_ignored else slot)
        elif share > 0:
            boxes.append(box)
            trust.append(share)
            labels.append(slot)
            masks.append(annotation.polygons)
    labelled = set(file.labelled_in(image))
    return Record(
        path=image_path(folder, image.file_name),
        size=(int(size[0]), int(size[1])),
        boxes_xyxy=_stack(boxes),
        labels=np.array(labels, np.int64),
        labelled=np.array([name in labelled for name in classes]),
        complete=config.complete if image.complete is None else bool(image.complete),
        ignored_xyxy=_stack(ignored),
        ignored_labels=np.array(ignored_labels, np.int64),
        trust=np.array(trust, np.float32),
        masks=tuple(masks),
        set_name=config.name,
    )


def _trust(annotation: CocoAnnotation, config: SetConfig) -> float | None:
    """How much a detector's box counts: 0 for none, None for a region in which nothing is known; raises DataError.

    It rises linearly from 0 at `ignore` to 1 at `sure`, about as the share of such boxes that are right does.
    """
    score = annotation.score
    if score is None:
        return 1.0
    if not 0 <= score <= 1:
        raise DataError(f"{config.path}: annotation {annotation.id} has score {score}", "expected a number from 0 to 1")
    if score < config.positive:
        return None if score >= config.ignore else 0.0
    return float(min(1.0, max(0.1, (score - config.ignore) / max(1e-6, config.sure - config.ignore))))


def _edges(annotation: CocoAnnotation, path: str) -> np.ndarray:
    x, y, width, height = annotation.xywh or (0, 0, 0, 0)
    edges = np.array([x, y, x + width, y + height])
    if (np.abs(edges) >= _LARGEST_PIXEL).any():
        raise DataError(f"{path}: annotation {annotation.id} has bbox {[x, y, width, height]}", "expected pixels")
    return edges.astype(np.float32)


def _stack(boxes: list[np.ndarray]) -> np.ndarray:
    return np.stack(boxes) if boxes else np.zeros((0, 4), np.float32)


def _load_mot(config: SetConfig, classes: Sequence[str], cache: FrameCache) -> list[Record]:
    """A MOTChallenge sequence, read as `vidtrack eval tracks` reads it; rows of score 0 are ignored regions.

    Rows without an identity (-1) make it a set of stills, as no pairs of frames can be learned from it.
    """
    folder = Path(config.path)
    truth = folder / "gt" / "gt.txt"
    table, names = _with_area(read_ground_truth(truth, need_ids=False), truth), read_labels(truth)
    labelled, slots, origin = _mot_classes(config, classes, table, names, truth)
    clip = sequence_images(folder, cache)
    known = set(clip.paths)
    if missing := sorted(set(table.frames.tolist()) - known):
        raise DataError(
            f"{truth} has boxes in frame {missing[0]}, which has no image in {clip.folder}",
            f"{len(missing)} such frames; images are matched by the number in their name",
        )
    is_still = bool((table.ids[table.scores > 0] < 0).any())
    by_frame, records = table.by_frame(max(known)), []
    for frame in sorted(known):
        rows = by_frame[frame - 1]
        own = slots[table.frames == frame]
        boxes = (rows.boxes_xyxy - origin).astype(np.float32)
        objects, ignored = (rows.scores > 0) & (own >= 0), (rows.scores <= 0) | (own == _IGNORED)
        records.append(
            Record(
                path=clip.paths[frame],
                size=clip.size,
                boxes_xyxy=boxes[objects],
                labels=own[objects],
                labelled=labelled,
                complete=config.complete,
                ignored_xyxy=boxes[ignored],
                ids=None if is_still else rows.ids[objects],
                set_name=config.name,
                sequence="" if is_still else config.name,
                seconds=(frame - 1) / clip.frames_per_second,
            )
        )
    return records


def _mot_classes(
    config: SetConfig, classes: Sequence[str], table: MotRows, names: Sequence[str] | None, truth: Path
) -> tuple[np.ndarray, np.ndarray, float]:
    """Labelled classes (K,) bool, each row's slot (N,), and the pixel at which the boxes count from.

    A folder with gt/labels.txt comes from CVAT or Datumaro: its rows name classes and count pixels from 0. Without it
    every row is of `mot_class`, or, if the file has MOTChallenge's column of classes, those of its class 1.
    """
    slot_of = {name: slot for slot, name in enumerate(classes) if name}
    if names is None:
        if config.mot_class not in slot_of:
            raise DataError(f"set {config.name}: the model has no class {config.mot_class!r}")
        slots = np.full(len(table), slot_of[config.mot_class], np.int64)
        if table.has_classes:
            slots[table.classes != _PEDESTRIAN] = _IGNORED
        return np.array([name == config.mot_class for name in classes]), slots, MOT_PIXEL
    if not set(names) & set(slot_of):
        raise DataError(f"set {config.name}: the model has no class of {truth.with_name('labels.txt')}")
    slots = np.array(
        [_IGNORED if not name else slot_of.get(name, _ABSENT) for name in class_names(table, names, truth)], np.int64
    )
    return np.array([name in names for name in classes]), slots, LABELLED_PIXEL


def _with_area(rows: MotRows, path: Path) -> MotRows:
    """Rows without boxes of zero width or height; raises DataError for one beyond any image."""
    if (far := (np.abs(rows.boxes_xyxy) >= _LARGEST_PIXEL).any(axis=1)).any():
        row = int(far.argmax())
        raise DataError(
            f"{path} has box {rows.boxes_xyxy[row].tolist()} in frame {rows.frames[row]}", "expected pixels"
        )
    has_area = np.all(rows.boxes_xyxy[:, 2:] > rows.boxes_xyxy[:, :2], axis=1)
    if not has_area.all():
        _logger.warning("%s: %d boxes of zero width or height left out", path, int((~has_area).sum()))
    return rows[has_area]

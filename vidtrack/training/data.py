"""Annotated pictures and video frames as one list of records, with what their annotation leaves unsaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.errors import DataError
from vidtrack.datasets.coco import read_flag, read_json
from vidtrack.datasets.mot import MOT_PIXEL, MotRows, check_tracks, read_rows
from vidtrack.datasets.mot_frames import extract_frames, picture_frames
from vidtrack.training.recipe import DataConfig, SetConfig

_LARGEST_PIXEL = 1e6  # no picture reaches so far
_ID, _NAME, _NUMBER = (int, str), (str,), (int, float)
_COCO_FIELDS: dict[str, dict[str, tuple[type, ...]]] = {  # what every row of a list must have, and of which type
    "images": {"id": _ID, "file_name": _NAME, "width": _NUMBER, "height": _NUMBER},
    "annotations": {"image_id": _ID, "category_id": _ID},
    "categories": {"id": _ID, "name": _NAME},
}


@dataclass(frozen=True)
class Record:
    """One annotated picture; boxes are xyxy pixel edges in the annotation's picture size.

    labels (N,) index the model's classes, ids (N,) tell objects of a sequence apart; `ignored_xyxy` (M, 4) are
    regions in which nothing is known; `labelled` (K,) is True for classes annotated in this picture; `complete`
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


def load_set(config: SetConfig, data: DataConfig, classes: Sequence[str]) -> list[Record]:
    """Records of one set; raises DataError naming the file and the value that is wrong."""
    return _load_coco(config, classes) if config.kind == "coco" else _load_mot(config, data, classes)


def load_sets(configs: Sequence[SetConfig], data: DataConfig, classes: Sequence[str]) -> list[list[Record]]:
    """Records of several sets, in their order; raises DataError for one without pictures."""
    sets = [load_set(config, data, classes) for config in configs]
    for config, records in zip(configs, sets, strict=True):
        if not records:
            raise DataError(f"set {config.name} has no pictures", f"look into {config.path}")
    return sets


def read_coco(path: Path) -> dict[str, Any]:
    """A COCO detection file with all fields checked that `load_set` needs; raises DataError."""
    values = read_json(path)
    for key, needed in _COCO_FIELDS.items():
        if not isinstance(values, dict) or not isinstance(values.get(key), list):
            raise DataError(f"{path} has no list {key!r}", "expected a COCO detection file")
        for number, row in enumerate(values[key]):
            wrong = [
                name for name, kind in needed.items() if not isinstance(row, dict) or type(row.get(name)) not in kind
            ]
            if wrong:
                raise DataError(f"{path}: {key}[{number}] has no proper {', '.join(wrong)}: {str(row)[:80]}")
    for key, what in (("images", "pictures"), ("categories", "categories")):
        count, ids = len(values[key]), len({row["id"] for row in values[key]})
        if ids < count:
            raise DataError(f"{path}: {count} {what} share {ids} ids", "each needs an id of its own")
    return values


def _load_coco(config: SetConfig, classes: Sequence[str]) -> list[Record]:
    path = Path(config.path)
    values = read_coco(path)
    folder = Path(config.pictures) if config.pictures else path.parent
    slot = {name: index for index, name in enumerate(classes) if name}
    category = {item["id"]: item["name"] for item in values["categories"]}
    rows: dict[int | str, list[dict[str, Any]]] = {image["id"]: [] for image in values["images"]}
    for row in values["annotations"]:
        for key, known, what in (("category_id", category, "category"), ("image_id", rows, "picture")):
            if row[key] not in known:
                raise DataError(f"{path}: annotation {row.get('id')} has unknown {what} {row[key]!r}")
        rows[row["image_id"]].append(row)

    records = []
    for image in values["images"]:
        named = _labelled(image, list(category.values()), path)
        boxes, labels, masks, trust, ignored, ignored_labels = [], [], [], [], [], []
        for row in rows[image["id"]]:
            where = f"{path}: annotation {row.get('id')}"
            box = _box_from_xywh(row.get("bbox"), where)
            is_ignored = any([read_flag(row, mark, where) for mark in ("iscrowd", "ignore")])
            name = category[row["category_id"]]
            if name not in slot:
                continue
            share = 1.0 if "score" not in row else _trust(row["score"], config, where)
            if is_ignored or share is None:
                ignored.append(box)
                ignored_labels.append(-1 if is_ignored else slot[name])
            elif share > 0:
                boxes.append(box)
                trust.append(share)
                labels.append(slot[name])
                masks.append(_polygons(row.get("segmentation"), where))
        if not all(1 <= image[side] < _LARGEST_PIXEL for side in ("width", "height")):  # NaN is neither
            raise DataError(f"{path}: picture {image['file_name']} is {image['width']} x {image['height']}")
        records.append(
            Record(
                path=folder / image["file_name"],
                size=(int(image["width"]), int(image["height"])),
                boxes_xyxy=_stack(boxes),
                labels=np.array(labels, np.int64),
                labelled=np.array([name in named for name in classes]),
                complete=read_flag(image, "complete", f"{path}: picture {image['file_name']}", config.complete),
                ignored_xyxy=_stack(ignored),
                ignored_labels=np.array(ignored_labels, np.int64),
                trust=np.array(trust, np.float32),
                masks=tuple(masks),
                set_name=config.name,
            )
        )
    return records


def _labelled(image: Mapping[str, Any], categories: Sequence[str], path: Path) -> Sequence[str]:
    """Classes annotated in a picture: those it lists, or else all."""
    named = image.get("labelled_classes")
    if named is None:
        return categories
    if not isinstance(named, list | tuple) or not set(map(str, named)) <= set(categories):
        raise DataError(
            f"{path}: labelled_classes of {image['file_name']} are {named!r}",
            f"expected a list of the file's categories: {', '.join(categories)}",
        )
    return named


def _box_from_xywh(values: Any, where: str) -> np.ndarray:
    """Edges of a JSON xywh box; raises DataError unless it is four finite numbers with positive size."""
    try:
        x, y, width, height = (float(value) for value in values)
    except (TypeError, ValueError, OverflowError):
        raise DataError(f"{where} has bbox {values!r}", "expected [x, y, width, height] in pixels") from None
    edges = np.array([x, y, x + width, y + height])
    if not (np.abs(edges) < _LARGEST_PIXEL).all() or width <= 0 or height <= 0:  # NaN is not less
        raise DataError(f"{where} has bbox {values!r}", "width and height must be positive and all values finite")
    return edges.astype(np.float32)


def _trust(score: Any, config: SetConfig, where: str) -> float | None:
    """How much a detector's box counts: 0 for none, None for a region in which nothing is known; raises DataError.

    It rises in a line from 0 at `ignore` to 1 at `sure`, about as the share of such boxes that are right does.
    """
    if type(score) not in _NUMBER or not 0 <= score <= 1:
        raise DataError(f"{where} has score {score!r}", "expected a number from 0 to 1")
    if score < config.positive:
        return None if score >= config.ignore else 0.0
    return float(min(1.0, max(0.1, (score - config.ignore) / max(1e-6, config.sure - config.ignore))))


def _polygons(values: Any, where: str) -> list[Any] | None:
    """A mask's polygons, flat x, y lists; None where there is no mask, or one in another form."""
    if not isinstance(values, list) or not values:
        return None
    for points in values:
        flat = isinstance(points, list) and all(
            type(value) in _NUMBER and abs(value) < _LARGEST_PIXEL for value in points
        )
        if not flat or len(points) < 6 or len(points) % 2:
            raise DataError(
                f"{where} has a polygon {str(points)[:60]}", "expected pixels x, y, x, y, ... of 3 or more corners"
            )
    return values


def _stack(boxes: list[np.ndarray]) -> np.ndarray:
    return np.stack(boxes) if boxes else np.zeros((0, 4), np.float32)


def _load_mot(config: SetConfig, data: DataConfig, classes: Sequence[str]) -> list[Record]:
    """A MOTChallenge sequence, as `vidtrack eval tracks` reads it; its rows of score 0 are ignored regions."""
    folder = Path(config.path)
    truth = folder / "gt" / "gt.txt"
    if config.mot_class not in classes:
        raise DataError(f"set {config.name}: the model has no class {config.mot_class!r}")
    label = list(classes).index(config.mot_class)
    table = read_rows(truth)
    check_tracks(table, truth)
    _check_boxes(table, truth)
    clip = picture_frames(folder) or extract_frames(folder, Path(data.cache), data.cache_size)
    if table.last_frame > len(clip.paths):
        raise DataError(f"{truth} names frame {table.last_frame} of {len(clip.paths)}")
    labelled = np.array([name == config.mot_class for name in classes])
    records = []
    for index, (path, rows) in enumerate(zip(clip.paths, table.by_frame(len(clip.paths)), strict=True)):
        boxes = (rows.boxes_xyxy - MOT_PIXEL).astype(np.float32)
        counted = rows.scores > 0
        records.append(
            Record(
                path=path,
                size=clip.size,
                boxes_xyxy=boxes[counted],
                labels=np.full(int(counted.sum()), label, np.int64),
                labelled=labelled,
                complete=config.complete,
                ignored_xyxy=boxes[~counted],
                ids=rows.ids[counted],
                set_name=config.name,
                sequence=config.name,
                seconds=index / clip.rate,
            )
        )
    return records


def _check_boxes(rows: MotRows, path: Path) -> None:
    """Raise DataError for a box without an area, or one where no picture reaches."""
    sizes = rows.boxes_xyxy[:, 2:] - rows.boxes_xyxy[:, :2]
    wrong = (sizes <= 0).any(axis=1) | (np.abs(rows.boxes_xyxy) >= _LARGEST_PIXEL).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        width, height = sizes[row]
        raise DataError(
            f"{path} has a box of {width:g} x {height:g} at {rows.boxes_xyxy[row, :2].tolist()} "
            f"in frame {rows.frames[row]}",
            "width and height must be positive, and in pixels",
        )


def draw_weights(sets: Sequence[Sequence[Record]], configs: Sequence[SetConfig], data: DataConfig) -> np.ndarray:
    """How often each record, all sets in a row, is drawn relative to the others; sums to 1.

    Repeat-factor sampling over classes (Gupta et al., CVPR 2019): a picture counts max over its classes of
    (balance_share / share of pictures with that class) ** balance, never under 1; times its set's weight.
    """
    records = [record for part in sets for record in part]
    present = [np.unique(record.labels) for record in records]
    classes = len(records[0].labelled)
    share = np.bincount(np.concatenate(present).astype(np.int64), minlength=classes) / len(records)
    factor = np.maximum(1.0, (data.balance_share / np.maximum(share, 1e-9)) ** data.balance)
    repeat = np.array([factor[found].max(initial=1.0) for found in present])
    weight = np.concatenate([np.full(len(part), config.weight) for part, config in zip(sets, configs, strict=True)])
    total = repeat * weight
    if not total.sum() > 0:
        raise DataError("no training picture has a positive weight")
    return total / total.sum()

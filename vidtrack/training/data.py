"""Annotated pictures and video frames as one list of records, with what their annotation leaves unsaid."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.errors import DataError
from vidtrack.training.config import DataConfig, SetConfig
from vidtrack.training.frames import extract_frames, picture_frames

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
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise DataError(f"no annotation file at {path}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise DataError(f"{path} is not JSON: {error}") from None
    for key, needed in _COCO_FIELDS.items():
        if not isinstance(values, dict) or not isinstance(values.get(key), list):
            raise DataError(f"{path} has no list {key!r}", "expected a COCO detection file")
        for number, row in enumerate(values[key]):
            wrong = [
                name for name, kind in needed.items() if not isinstance(row, dict) or type(row.get(name)) not in kind
            ]
            if wrong:
                raise DataError(f"{path}: {key}[{number}] has no proper {', '.join(wrong)}: {str(row)[:80]}")
    return values


def _load_coco(config: SetConfig, classes: Sequence[str]) -> list[Record]:
    path = Path(config.path)
    values = read_coco(path)
    folder = Path(config.pictures) if config.pictures else path.parent
    slot = {name: index for index, name in enumerate(classes) if name}
    category = {item["id"]: item["name"] for item in values["categories"]}
    rows: dict[int | str, list[dict[str, Any]]] = {image["id"]: [] for image in values["images"]}
    if len(rows) < len(values["images"]):
        raise DataError(f"{path}: {len(values['images'])} pictures share {len(rows)} ids")
    for row in values["annotations"]:
        for key, known, what in (("category_id", category, "category"), ("image_id", rows, "picture")):
            if row[key] not in known:
                raise DataError(f"{path}: annotation {row.get('id')} has unknown {what} {row[key]!r}")
        rows[row["image_id"]].append(row)

    records = []
    for image in values["images"]:
        named = _labelled(image, list(category.values()), path)
        boxes, labels, masks, ignored = [], [], [], []
        for row in rows[image["id"]]:
            where = f"{path}: annotation {row.get('id')}"
            box = _box_from_xywh(row.get("bbox"), where)
            name = category[row["category_id"]]
            if name not in slot:
                continue
            if row.get("iscrowd") or row.get("ignore"):
                ignored.append(box)
            else:
                boxes.append(box)
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
                complete=bool(image.get("complete", config.complete)),
                ignored_xyxy=_stack(ignored),
                masks=tuple(masks),
                set_name=config.name,
            )
        )
    return records


def _labelled(image: Mapping[str, Any], categories: Sequence[str], path: Path) -> Sequence[str]:
    """Classes annotated in a picture: those it lists, or else all."""
    named = image.get("labelled_classes", categories)
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


def _polygons(values: Any, where: str) -> list[Any] | None:
    """A mask's polygons, flat x, y lists; None where there is no mask, or one in another form."""
    if not isinstance(values, list) or not values:
        return None
    for points in values:
        flat = isinstance(points, list) and all(type(number) in _NUMBER for number in points)
        if not flat or len(points) < 6 or len(points) % 2:
            raise DataError(
                f"{where} has a polygon {str(points)[:60]}", "expected x, y, x, y, ... of 3 or more corners"
            )
    return values


def _stack(boxes: list[np.ndarray]) -> np.ndarray:
    return np.stack(boxes) if boxes else np.zeros((0, 4), np.float32)


def _load_mot(config: SetConfig, data: DataConfig, classes: Sequence[str]) -> list[Record]:
    """A MOTChallenge sequence: rows frame,id,x,y,w,h,conf,...; rows with conf 0 are ignored regions."""
    folder = Path(config.path)
    if config.mot_class not in classes:
        raise DataError(f"set {config.name}: the model has no class {config.mot_class!r}")
    label = list(classes).index(config.mot_class)
    table = _read_mot_rows(folder / "gt" / "gt.txt")
    clip = picture_frames(folder) or extract_frames(folder, Path(data.cache), data.cache_size)
    if table[:, 0].max(initial=0) > len(clip.paths):
        raise DataError(f"{folder}: gt.txt names frame {int(table[:, 0].max())} of {len(clip.paths)}")
    labelled = np.array([name == config.mot_class for name in classes])
    records = []
    for index, path in enumerate(clip.paths):
        rows = table[table[:, 0] == index + 1]
        boxes = np.concatenate([rows[:, 2:4], rows[:, 2:4] + rows[:, 4:6]], axis=1).astype(np.float32)
        boxes[:, :2] -= 1  # MOTChallenge counts pixels from 1
        boxes[:, 2:] -= 1
        counted = rows[:, 6] != 0
        records.append(
            Record(
                path=path,
                size=clip.size,
                boxes_xyxy=boxes[counted],
                labels=np.full(int(counted.sum()), label, np.int64),
                labelled=labelled,
                complete=config.complete,
                ignored_xyxy=boxes[~counted],
                ids=rows[counted, 1].astype(np.int64),
                set_name=config.name,
                sequence=config.name,
                seconds=index / clip.rate,
            )
        )
    return records


def _read_mot_rows(path: Path) -> np.ndarray:
    """Rows (N, >= 7) of a MOTChallenge file; raises DataError for anything else."""
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "loadtxt: input contained no data")
            table = np.loadtxt(path, delimiter=",", ndmin=2)
    except OSError:
        raise DataError(f"no MOTChallenge annotation at {path}") from None
    except ValueError as error:
        raise DataError(f"{path} is not a MOTChallenge table: {error}") from None
    if not table.size:
        return np.zeros((0, 7))
    if table.shape[1] < 7 or not (np.abs(table[:, :7]) < _LARGEST_PIXEL).all():
        raise DataError(f"{path} must have at least 7 finite columns", "frame,id,x,y,width,height,conf,...")
    wrong = (table[:, 4:6] <= 0).any(1) | (table[:, 0] < 1)
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        frame, width, height = table[row, [0, 4, 5]]
        raise DataError(f"{path} line {row + 1} has frame {frame:g}, width {width:g} and height {height:g}")
    return table


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

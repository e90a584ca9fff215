"""A report on training data before it is used: counts, problems and a contact sheet."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from vidtrack.core import boxes as box_ops
from vidtrack.core.atomic_files import write_whole
from vidtrack.core.errors import DataError, OutputError, UsageError
from vidtrack.datasets.records import Record, SetConfig, load_set
from vidtrack.model.image_inference import read_image
from vidtrack.training.augment import Sample, show, whole_view
from vidtrack.training.batches import BatchMaker
from vidtrack.training.recipe import AugmentConfig, TrainConfig
from vidtrack.training.sampling import draw_weights

CELL = 240  # side in pixels of one image on the contact sheet
COLUMNS = 8
NAMED = 5  # images named per kind of problem
SHEET_SUFFIXES = (".jpg", ".jpeg", ".png")


@dataclass(frozen=True)
class SetReport:
    """Contents of one set. `per_class`, `labelled` (images) and `median_side` (pixels) follow the class list.

    `readable` are those of its `records` whose images can be read.
    """

    name: str
    role: str  # training or validation
    images: int
    boxes: int
    ignored: int
    incomplete: int  # images whose annotation misses objects
    per_class: tuple[int, ...]
    labelled: tuple[int, ...]
    median_side: tuple[float, ...]
    problems: tuple[str, ...]
    records: tuple[Record, ...] = field(default=(), repr=False)
    readable: tuple[Record, ...] = field(default=(), repr=False)


def check_sets(config: TrainConfig) -> list[SetReport]:
    """Report on every set of a recipe; for a set that cannot be read, the report says so."""
    reports = []
    trained: set[bytes] = set()  # digests of images that no validation set should have
    for role, sets in (("training", config.data.train), ("validation", config.data.validation)):
        for item in sets:
            try:
                records = load_set(item, config.model.classes, config.data.frame_cache)
            except DataError as error:
                reports.append(_unreadable(item, role, str(error), len(config.model.classes)))
                continue
            known = frozenset(trained) if role == "validation" else frozenset()
            reports.append(_report(item.name, role, records, len(config.model.classes), known))
            if role == "training" and config.data.validation:
                trained.update(_digest(record.path) for record in records if os.path.isfile(record.path))
    return reports


def class_problems(config: TrainConfig, reports: Sequence[SetReport]) -> list[str]:
    """Problems with the model's classes, such as a misspelt one that no training image labels."""
    training = [report for report in reports if report.role == "training"]
    slots = [slot for slot, name in enumerate(config.model.classes) if name]
    unlabelled = [slot for slot in slots if not any(report.labelled[slot] for report in training)]
    unseen = [slot for slot in slots if not any(report.per_class[slot] for report in training)]
    return [
        f"no training set {verb} {', '.join(config.model.classes[slot] for slot in found)}"
        for verb, found in (
            ("labels", unlabelled),
            ("has a box of", [slot for slot in unseen if slot not in unlabelled]),
        )
        if found
    ]


def _unreadable(item: SetConfig, role: str, problem: str, classes: int) -> SetReport:
    nothing = (0,) * classes
    return SetReport(item.name, role, 0, 0, 0, 0, nothing, nothing, (0.0,) * classes, (problem,))


def _report(name: str, role: str, records: Sequence[Record], classes: int, trained: Set[bytes]) -> SetReport:
    labels = np.concatenate([record.labels for record in records] or [np.zeros(0, np.int64)])
    problems, readable = _problems(records, trained)
    sides = np.concatenate([np.sqrt(box_ops.area(record.boxes_xyxy)) for record in records] or [np.zeros(0)])
    return SetReport(
        name=name,
        role=role,
        images=len(records),
        boxes=len(labels),
        ignored=sum(len(record.ignored_xyxy) for record in records),
        incomplete=sum(not record.complete for record in records),
        per_class=tuple(np.bincount(labels, minlength=classes).tolist()),
        labelled=tuple(int(sum(record.labelled[slot] for record in records)) for slot in range(classes)),
        median_side=tuple(
            float(np.median(sides[labels == slot])) if (labels == slot).any() else 0.0 for slot in range(classes)
        ),
        problems=tuple(problems),
        records=tuple(records),
        readable=tuple(readable),
    )


def _digest(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def _problems(records: Sequence[Record], trained: Set[bytes]) -> tuple[list[str], list[Record]]:
    """Problems of a set, and its records whose images can be read."""
    found: dict[str, list[str]] = {}
    readable = []

    def note(kind: str, record: Record) -> None:
        found.setdefault(kind, []).append(record.path.name)

    for record in records:
        width, height = record.size
        if not os.path.isfile(record.path):  # of a Path, is_file raises for names that no file can have
            note("missing images", record)
        else:
            try:
                shown = read_image(record, flags=cv2.IMREAD_REDUCED_COLOR_8).shape
            except DataError:
                note("unreadable images", record)
            else:
                readable.append(record)
                if abs(shown[1] / shown[0] - width / height) > 0.1 * width / height:
                    note("images whose shape is not the annotation's", record)
                if trained and _digest(record.path) in trained:
                    note("images that are trained on too", record)
        boxes = record.boxes_xyxy
        margin = 0.1 * max(width, height)
        if (boxes[:, :2] < -margin).any() or (boxes[:, 2:] > [width + margin, height + margin]).any():
            note("images with boxes far outside", record)
        size = boxes[:, 2:] - boxes[:, :2]
        if (size.min(axis=1, initial=np.inf) < 1).any():
            note("images with boxes under one pixel", record)
        if len(boxes) and not record.labelled[record.labels].all():
            note("images with boxes of a class they do not list as labelled", record)
        if len(np.unique(np.column_stack([boxes, record.labels]), axis=0)) < len(boxes):
            note("images with the same box twice", record)
    problems = [
        f"{len(names)} {kind}: {', '.join(names[:NAMED])}{', ...' if len(names) > NAMED else ''}"
        for kind, names in found.items()
    ]
    if not any(len(record.boxes_xyxy) for record in records):
        problems.append("no box that counts in any image" if records else "no images")
    return problems, readable


def contact_sheet(config: TrainConfig, reports: Sequence[SetReport], path: Path, count: int = 8) -> None:
    """Draw evenly spaced images of every training set, before and after augmentation, with boxes and classes.

    `reports` are those of `check_sets`; images that cannot be read are left out. Raises DataError if that leaves
    none, and UsageError if the sheet would replace an image of the sets.
    """
    if path.exists() and any(_is_same(record.path, path) for report in reports for record in report.records):
        raise UsageError(f"{path} is an image of the recipe's sets", "give the contact sheet another name")
    training = [report for report in reports if report.role == "training"]
    usable = [(one.readable, item) for one, item in zip(training, config.data.train, strict=True) if one.readable]
    if not usable:
        raise DataError("no image of the training sets can be drawn", "see the report above")
    sets = [records for records, _ in usable]
    plain = AugmentConfig(min_side=0.0)
    cells = []
    for records in sets:
        for index in np.linspace(0, len(records) - 1, min(count, len(records))).astype(int):
            record = records[index]
            scale = CELL / max(record.size)
            size = (max(1, round(record.size[0] * scale)), max(1, round(record.size[1] * scale)))
            sample = show(record, read_image(record), whole_view(record, size), plain)
            cells.append(draw(sample, config.model.classes))
    maker = BatchMaker(
        [record for records in sets for record in records],
        draw_weights(sets, [item for _, item in usable], config.data),
        min(COLUMNS, config.batch),
        config.augment,
        config.tracks,
        config.steps,
        config.seed,
    )
    last_steps = range(config.steps)[-3:]  # the canvases have grown by then
    for batch in map(maker, reversed(last_steps)):
        for part in (batch.previous, batch):
            if part is None:
                continue
            for image, target in zip(part.images, part.targets, strict=True):
                inside = (image.amax((1, 2)) > 0).sum(), (image.amax((0, 2)) > 0).sum()
                shown = Sample(
                    image=image[: inside[0], : inside[1]].numpy(),
                    boxes_cxcywh=target.boxes.numpy(),
                    labels=target.labels.numpy(),
                    ids=target.ids.numpy(),
                    ignored_cxcywh=target.ignored.numpy(),
                    labelled=target.labelled.numpy(),
                    complete=target.complete,
                    ignored_labels=target.ignored_labels.numpy(),
                    trust=target.trust.numpy(),
                )
                cells.append(draw(shown, config.model.classes))
    write_sheet(cells, path)


def _is_same(one: Path, other: Path) -> bool:
    return os.path.isfile(one) and os.path.samefile(one, other)


def draw(sample: Sample, classes: Sequence[str]) -> np.ndarray:
    """A sample (H, W, 3), BGR, with its boxes (green; red for incomplete annotation) and ignored regions (grey)."""
    image = np.ascontiguousarray(sample.image[..., ::-1])
    extent = np.array([image.shape[1], image.shape[0]] * 2)
    for box in box_ops.cxcywh_to_xyxy(sample.ignored_cxcywh) * extent:
        cv2.rectangle(image, _corner(box[:2]), _corner(box[2:]), (128, 128, 128), 2)
    colour = (60, 200, 60) if sample.complete else (60, 60, 230)
    for box, label, identity in zip(
        box_ops.cxcywh_to_xyxy(sample.boxes_cxcywh) * extent, sample.labels, sample.ids, strict=True
    ):
        cv2.rectangle(image, _corner(box[:2]), _corner(box[2:]), colour, 1)
        text = f"{classes[label]} {identity}"
        cv2.putText(
            image, text, _corner(box[:2] + np.array([1, 9])), cv2.FONT_HERSHEY_SIMPLEX, 0.32, colour, 1, cv2.LINE_AA
        )
    return image


def _corner(point: np.ndarray) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))


def write_sheet(cells: Sequence[np.ndarray], path: Path) -> None:
    """Lay images out in rows of `COLUMNS`, each shrunk to fit a cell."""
    rows = -(-len(cells) // COLUMNS)
    sheet = np.full((rows * CELL, COLUMNS * CELL, 3), 30, np.uint8)
    for index, cell in enumerate(cells):
        scale = CELL / max(cell.shape[:2])
        size = (max(1, int(cell.shape[1] * scale)), max(1, int(cell.shape[0] * scale)))
        small = cv2.resize(cell, size, interpolation=cv2.INTER_AREA)
        y, x = index // COLUMNS * CELL, index % COLUMNS * CELL
        sheet[y : y + small.shape[0], x : x + small.shape[1]] = small
    try:
        _, data = cv2.imencode(path.suffix, sheet)
    except cv2.error:  # too many rows for a JPEG
        raise OutputError(f"{path} cannot hold {len(cells)} images", "give fewer --images, or a .png") from None
    write_whole(path, data.tobytes())

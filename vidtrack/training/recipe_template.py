"""A first recipe for a user's own data: fine-tunes a checkpoint, with settings that suit the number of images."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from itertools import compress
from pathlib import Path

import numpy as np
import torch
from msgspec.structs import replace

from vidtrack.core.atomic_files import write_whole
from vidtrack.core.class_names import class_filter, plain_name
from vidtrack.core.errors import DataError
from vidtrack.datasets.coco import CocoFile, image_path, read_coco
from vidtrack.datasets.mot import read_labels, read_rows
from vidtrack.datasets.records import SetConfig, load_sets
from vidtrack.model.checkpoint import load_weights
from vidtrack.model.config import DetectorConfig
from vidtrack.training.batches import STRIDE
from vidtrack.training.recipe import (
    AugmentConfig,
    DataConfig,
    LossConfig,
    OptimConfig,
    TrackConfig,
    TrainConfig,
)

EPOCHS = 60  # times each image is seen, as far as STEPS allows
STEPS = (400, 20_000)
BATCH = 8
MOT_CLASS = "person"
_SCALES = (0.7, 0.85, 1.0, 1.15)  # of the canvases, relative to the size that the model looks at
# relative to the COCO file
_IMAGE_FOLDERS = (".", "images", "{name}", "../images", "../images/{name}", "../{name}")


def starter_recipe(
    train: Sequence[Path],
    validation: Sequence[Path] = (),
    init: str = "default",
    classes: Sequence[str] | None = None,
    images: Path | None = None,
    steps: int | None = None,
) -> TrainConfig:
    """A recipe that fine-tunes the checkpoint `init` on COCO files and MOTChallenge folders.

    `classes` are, unless given, those with boxes in the COCO files, and `person` if there is a MOTChallenge folder.
    `images` is where the COCO files' names start, for images at none of the usual places. Raises DataError for data
    that cannot be used, UsageError for a class that it lacks, and WeightsError.
    """
    names = _classes_of(train, classes)
    model = replace(load_weights(init).config, num_classes=len(names), classes=names)
    model = replace(model, denoising=model.two_stage)
    data = DataConfig(
        train=_sets_of(train, images, names),
        validation=_sets_of(validation, images, names),
    )
    records = [record for part in load_sets(data.train, names, data.frame_cache) for record in part]
    if steps is None:
        steps = int(np.clip(len(records) * EPOCHS // BATCH, *STEPS))
    learns_tracks = (
        model.two_stage and model.track_queries == "trained" and any(item.kind == "mot" for item in data.train)
    )
    return TrainConfig(
        model=model,
        data=data,
        augment=AugmentConfig(canvases=_canvases(model, [record.size for record in records])),
        loss=LossConfig(encoder_repeat=4 if model.two_stage else 1, denoising_queries=60 if model.denoising else 0),
        tracks=TrackConfig(share=0.2 if learns_tracks else 0.0),
        optim=OptimConfig(
            lr=1e-4,
            schedule="onecycle",
            warmup=0.05,
            ema=0.998,
            precision="bfloat16" if torch.cuda.is_available() else "float32",
        ),
        init=init,
        steps=steps,
        batch=BATCH,
        evaluate_steps=-(-steps // 4) if validation else 0,
        log_steps=max(1, min(20, steps // 10)),
    )


def write_recipe(config: TrainConfig, path: Path) -> None:
    """Write all settings of a recipe as JSON; raises OutputError."""
    write_whole(path, json.dumps(config.to_dict(), indent=1, ensure_ascii=False) + "\n")


def _classes_of(paths: Sequence[Path], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Classes with boxes, in the files' order, or of all classes those that are wanted, in the order given.

    Some tools write a first category that stands for the whole file. MOTChallenge folders name no classes: where there
    is nothing else, any will do. Raises DataError, and UsageError for a class that no file has.
    """
    if wanted is not None and all(path.is_dir() for path in paths):
        return tuple(dict.fromkeys(wanted))
    names: dict[str, bool] = {}  # True for those with boxes
    for path in paths:
        if path.is_dir():
            names |= _mot_classes(path, names)
            continue
        file = read_coco(path)
        used = {annotation.category_id for annotation in file.annotations}
        for category in file.categories:
            names[category.name] = names.get(category.name, False) or category.id in used
    if wanted is not None:
        chosen = compress(names, class_filter(list(names), wanted, "the data"))
        order = [plain_name(name) for name in wanted]
        return tuple(sorted(chosen, key=lambda name: order.index(plain_name(name))))
    if not any(names.values()):
        raise DataError(f"{', '.join(map(str, paths))}: no image has a box", "label some objects first")
    return tuple(name for name, has_boxes in names.items() if has_boxes)


def _mot_classes(folder: Path, known: dict[str, bool]) -> dict[str, bool]:
    """Classes that gt/labels.txt names, True for those with boxes; without it `MOT_CLASS`."""
    truth = folder / "gt" / "gt.txt"
    labels = read_labels(truth)
    if labels is None:
        return {MOT_CLASS: True}
    used = set(read_rows(truth).classes.tolist())
    return {name: known.get(name, False) or number in used for number, name in enumerate(labels, start=1) if name}


def _sets_of(paths: Sequence[Path], images: Path | None, classes: Sequence[str]) -> tuple[SetConfig, ...]:
    """Sets under names of their own, though files of several folders are often named alike."""
    seen: Counter[str] = Counter()
    sets = []
    for path in paths:
        item = _set_of(path, images, classes)
        seen[item.name] += 1
        sets.append(item if seen[item.name] == 1 else replace(item, name=f"{item.name}-{seen[item.name]}"))
    return tuple(sets)


def _set_of(path: Path, images: Path | None, classes: Sequence[str]) -> SetConfig:
    place = str(path.resolve())
    if not path.is_dir():
        folder = _find_images(path, read_coco(path), images)
        return SetConfig(name=f"{path.parent.name}-{path.stem}", path=place, images=str(folder))
    if not (path / "gt" / "gt.txt").exists():
        raise DataError(f"{path} is a folder without gt/gt.txt", "give a COCO file or a MOTChallenge sequence")
    return SetConfig(path.name, place, "mot", mot_class=MOT_CLASS if MOT_CLASS in classes else classes[0])


def _find_images(path: Path, file: CocoFile, given: Path | None) -> Path:
    """The folder that contains the first image."""
    first, name = next((image.file_name for image in file.images), None), path.stem.removeprefix("instances_")
    if not first:
        raise DataError(f"{path} lists no image files")
    usual = [path.parent / pattern.format(name=name) for pattern in _IMAGE_FOLDERS]
    folders = usual if given is None else [given, *usual]
    for folder in folders:
        if image_path(folder, first).is_file():
            return folder.resolve()
    raise DataError(
        f"{path}: its first image, {first}, is not in {', '.join(str(folder) for folder in folders)}",
        "give the folder of the images with --images",
    )


def _canvases(model: DetectorConfig, sizes: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """(height, width) about as large as the model will see such images, in their usual shape and square."""
    aspect = float(np.median([width / height for width, height in sizes]))
    longest = model.max_size / model.size
    canvases = []
    for scale in _SCALES:
        short = model.size * scale
        long = short * min(max(aspect, 1 / aspect), longest)
        canvases.append((short, long) if aspect >= 1 else (long, short))
    canvases.append((model.size, model.size))
    rounded = [(round(height / STRIDE) * STRIDE, round(width / STRIDE) * STRIDE) for height, width in canvases]
    return tuple((max(STRIDE, height), max(STRIDE, width)) for height, width in dict.fromkeys(rounded))

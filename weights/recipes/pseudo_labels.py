r"""Fill in what a COCO file leaves unlabelled, with what a model finds (self-training as in STAC, Sohn et al. 2020).

    python weights/recipes/pseudo_labels.py model.safetensors train.json images/ filled.json --classes person,car

An object of a class that its picture does not label is added where the model finds it at two picture sizes, with a
mean score of `--score` or more. Where it is less sure, down to `--doubt`, a crowd region leaves the question open.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack import load_model
from vidtrack.model.pictures import detect_pictures
from vidtrack.training.data import read_coco

SIZES = (352, 448)  # shorter sides in pixels
SAME = 0.6  # IoU from which two boxes are of one object


@dataclass(frozen=True)
class _Picture:
    path: Path
    size: tuple[int, int]


def overlaps(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """IoU (N, M) of xywh boxes."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum((boxes[:, :2] + boxes[:, 2:4])[:, None], (others[:, :2] + others[:, 2:4])[None])
    shared = np.clip(high - low, 0, None).prod(-1)
    areas = boxes[:, 2:4].prod(-1)[:, None] + others[:, 2:4].prod(-1)[None]
    return np.asarray(shared / np.maximum(areas - shared, 1e-9))


def agreed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Rows (N, 5) of one class: x, y, width, height, score; each object of `first` once, with the mean of both scores.

    The score is 0 where `second` did not find it.
    """
    kept: list[np.ndarray] = []
    for row in first[np.argsort(-first[:, 4])]:
        if kept and overlaps(row[None], np.stack(kept)).max() > SAME:
            continue
        same = second[overlaps(row[None], second)[0] > SAME]
        kept.append(np.array([*row[:4], (row[4] + same[:, 4].max(initial=0.0)) / 2]))
    return np.stack(kept) if kept else np.zeros((0, 5))


def main() -> None:
    """Parse, detect, fill in, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("annotations", type=Path)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--classes", required=True, help="class names, separated by commas")
    parser.add_argument("--score", type=float, default=0.5)
    parser.add_argument("--doubt", type=float, default=0.1)
    arguments = parser.parse_args()

    values = read_coco(arguments.annotations)
    model = load_model(arguments.model, device="cpu")
    wanted = set(arguments.classes.split(","))
    category = {item["name"]: item["id"] for item in values["categories"]}
    slots = {slot: name for slot, name in enumerate(model.config.classes) if name in wanted & category.keys()}
    images: list[dict[str, Any]] = [
        image for image in values["images"] if wanted - set(image.get("labelled_classes", category))
    ]
    pictures = [
        _Picture(arguments.pictures / image["file_name"], (image["width"], image["height"])) for image in images
    ]
    found = [detect_pictures(model, pictures, size=size, report=lambda done: print(done, end="\r")) for size in SIZES]

    labelled: dict[Any, list[list[float]]] = {image["id"]: [] for image in values["images"]}
    for row in values["annotations"]:
        labelled[row["image_id"]].append(row["bbox"])
    number = max((row.get("id", 0) for row in values["annotations"]), default=0)
    counts = {name: [0, 0] for name in slots.values()}
    for image, first, second in zip(images, *found, strict=True):
        own = np.array(labelled[image["id"]], dtype=np.float64).reshape(-1, 4)
        missing = {slot: name for slot, name in slots.items() if name not in image["labelled_classes"]}
        for slot, name in missing.items():
            rows = agreed(*(part[part[:, 5] == slot][:, :5] for part in (first, second)))
            for row in rows[rows[:, 4] >= arguments.doubt]:
                if overlaps(row[None], own).max(initial=0.0) > SAME:  # it is another object, and known
                    continue
                number += 1
                unsure = int(row[4] < arguments.score)
                counts[name][unsure] += 1
                values["annotations"].append(
                    {
                        "id": number,
                        "image_id": image["id"],
                        "category_id": category[name],
                        "bbox": [round(float(value), 2) for value in row[:4]],
                        "area": round(float(row[2] * row[3]), 2),
                        "iscrowd": unsure,
                    }
                )
        image["labelled_classes"] = [*image["labelled_classes"], *missing.values()]
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    arguments.output.write_text(json.dumps(values), encoding="utf-8")
    for name, (sure, unsure) in counts.items():
        print(f"{name}: {sure} objects, {unsure} doubtful regions")


if __name__ == "__main__":
    main()

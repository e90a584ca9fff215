"""Join human boxes and the teachers' into one COCO file per set, without what the teachers are known to get wrong.

    python weights/recipes/prepare_labels.py "$VIDTRACK_SHARED/data" PHOTOGRAPHS OUT

PHOTOGRAPHS holds the listed photographs as OWNER/NAME/path. Human boxes keep their place: a class annotated by hand
in an image takes no box from a teacher, unless its annotation is known to miss objects. Boxes of teachers carry
their score, which `vidtrack train` grades by the recipe's thresholds.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.boxes import pairwise_iou

SAME_OBJECT = 0.8  # IoU from which a box of another class is the same object again
LEAST = 0.15  # lower scores are not in the teachers' files
ONLY = {  # sets of one theme, in which other classes are mistakes
    "chanakya2734/Image-classification-using-CNN": ("person", "cat", "dog"),
}
UNKNOWN = {"vincent317/GTEA_GAZE_PLUS-VOC2007-format-": ("person",)}  # only arms and hands are seen
BACKGROUND = {"jbhuang0604/SelfExSR": 0.25}  # only images in which no teacher sees anything from this score on
KEPT_INCOMPLETE = ("bottles", "ufc")  # sets of everyday/ with many objects that neither people nor teachers marked
LICENCE_UNSTATED = ("animal-pose", "caltech-airplanes")  # sets of everyday/; the others may be used commercially
HUMAN_ONLY = ("ships-vessel", "ships-types", "ship2", "boats-usv")
_WORDNET = re.compile(r"n(\d{8})")
# WordNet's animals, and those among them that are a COCO class: birds, dogs, cats, bears, zebra, horse, ox, sheep,
# elephants
_ANIMALS = (1440764, 2536864)
_KNOWN_ANIMALS = (
    (1514668, 1623880), (1795545, 1860187), (2002556, 2058221), (2085620, 2113978), (2123045, 2124075),
    (2132136, 2134418), (2389026, 2391049), (2403003, 2403003), (2412080, 2415577), (2504013, 2504458),
)  # fmt: skip


def main(data: Path, photographs: Path, out: Path) -> None:
    """Write OUT/everyday.json, its part for commercial use, and one file per repository."""
    out.mkdir(parents=True, exist_ok=True)
    teachers = read(data / "teacher-labels" / "everyday-train.json.gz")
    everyday = joined(read(data / "everyday" / "train.json"), teachers)
    write(out / "everyday.json", everyday)
    write(out / "everyday-commercial.json", without_sources(everyday, LICENCE_UNSTATED))
    labels = read(data / "teacher-labels" / "unlabelled.json.gz")
    boxes = by_image(labels)
    names = {item["id"]: item["name"] for item in labels["categories"]}
    sets: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for image in labels["images"]:
        owner, name, path = image["file_name"].split("/", 2)
        if not path.lower().endswith((".jpg", ".jpeg")):
            image["file_name"] += ".jpg"
        if usable(f"{owner}/{name}", path, boxes[image["id"]]):
            sets[f"{owner}/{name}"].append(image)
    for repository, images in sets.items():
        unknown = set(UNKNOWN.get(repository, ()))
        if repository in ONLY:
            unknown = set(names.values()) - set(ONLY[repository])
        known = [name for name in names.values() if name not in unknown]
        rows = []
        for image in images:
            if not (photographs / image["file_name"]).is_file():
                raise SystemExit(f"{photographs / image['file_name']} is missing")
            image["labelled_classes"] = known
            own = [row for row in boxes[image["id"]] if names[row["category_id"]] in known]
            rows += without_doubles(own)
        write(
            out / f"{repository.replace('/', '+')}.json",
            {"images": images, "annotations": rows, "categories": labels["categories"]},
        )


def usable(repository: str, path: str, rows: list[dict[str, Any]]) -> bool:
    """False for images whose objects the teachers are known to name wrongly."""
    if repository in BACKGROUND:
        return all(row["score"] < BACKGROUND[repository] for row in rows)
    number = _WORDNET.search(path) if repository.endswith("imagenet-sample-images") else None
    if number is None or not _ANIMALS[0] <= int(number[1]) <= _ANIMALS[1]:
        return True
    return any(low <= int(number[1]) <= high for low, high in _KNOWN_ANIMALS)


def joined(human: dict[str, Any], teachers: dict[str, Any]) -> dict[str, Any]:
    """Human boxes, with the teachers' for the classes that an image is not annotated for."""
    names = {item["id"]: item["name"] for item in human["categories"]}
    own, found = by_image(human), by_image(teachers)
    rows = []
    for image in human["images"]:
        source, by_hand = image["source"], set(image["labelled_classes"])
        rows += own[image["id"]]
        if source in HUMAN_ONLY:
            continue
        candidates = [
            row for row in found[image["id"]] if not image["complete"] or names[row["category_id"]] not in by_hand
        ]
        rows += without_doubles(candidates, own[image["id"]])
        image["labelled_classes"] = list(names.values())
        image["complete"] = source not in KEPT_INCOMPLETE
    rows = [{**row, "id": number} for number, row in enumerate(rows, 1)]
    return {"images": human["images"], "annotations": rows, "categories": human["categories"]}


def without_sources(values: dict[str, Any], sources: tuple[str, ...]) -> dict[str, Any]:
    """The images of other sources, and their annotations."""
    images = [image for image in values["images"] if image["source"] not in sources]
    kept = {image["id"] for image in images}
    return {**values, "images": images, "annotations": [r for r in values["annotations"] if r["image_id"] in kept]}


def without_doubles(rows: list[dict[str, Any]], sure: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The rows, best first, that overlap no better one of another class, and none of `sure` of any class."""
    kept: list[dict[str, Any]] = []
    sure = sure or []
    for row in sorted(rows, key=lambda row: -row["score"]):
        others = [*sure, *(one for one in kept if one["category_id"] != row["category_id"])]
        limits = np.array([0.6] * len(sure) + [SAME_OBJECT] * (len(others) - len(sure)))
        if not others or (pairwise_iou(edges([row]), edges(others))[0] < limits).all():
            kept.append(row)
    return kept


def edges(rows: list[dict[str, Any]]) -> np.ndarray:
    """xyxy boxes (N, 4)."""
    boxes = np.array([row["bbox"] for row in rows], np.float32)
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def by_image(values: dict[str, Any]) -> dict[int, list[dict[str, Any]]]:
    """Annotations of every image."""
    rows: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in values["annotations"]:
        rows[row["image_id"]].append(row)
    return rows


def read(path: Path) -> dict[str, Any]:
    """JSON, perhaps gzipped."""
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_text("utf-8"))


def write(path: Path, values: dict[str, Any]) -> None:
    """Compact JSON."""
    path.write_text(json.dumps(values, separators=(",", ":")))
    print(f"{path.name}: {len(values['images'])} images, {len(values['annotations'])} boxes")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:4]))

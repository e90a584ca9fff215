"""Small COCO files, scored."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vidtrack.evaluation.coco_truth import CocoTruth, read_results
from vidtrack.evaluation.detection import DetectionScores, score_detections

PERSON, CAR = 1, 3


def box(picture: Any, category: int, side: float, at: float = 0, **more: Any) -> dict[str, Any]:
    return {"image_id": picture, "category_id": category, "bbox": [at, 0, side, side], **more}


def found(picture: Any, category: int, side: float, at: float = 0, score: float = 0.9) -> dict[str, Any]:
    return box(picture, category, side, at, score=score)


def coco(path: Path, annotations: list[dict[str, Any]], pictures: int = 2, **labelled: list[str]) -> Path:
    """Images `p0`, `p1`, ...; `labelled` gives their labelled classes."""
    images: list[dict[str, Any]] = [
        {"id": f"p{n}", "file_name": f"{n}.png", "width": 300, "height": 300} for n in range(pictures)
    ]
    for image in images:
        if image["id"] in labelled:
            image["labelled_classes"] = labelled[image["id"]]
    categories = [{"id": PERSON, "name": "person"}, {"id": CAR, "name": "car"}]
    path.write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))
    return path


def written(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value))
    return path


def scored(truth: CocoTruth, folder: Path, results: list[dict[str, Any]]) -> DetectionScores:
    rows, _ = read_results(written(folder / "results.json", results), truth)
    return score_detections(truth.dataset, rows, truth.labelled)

"""Detection quality of a model on a recipe's validation sets, beside OpenCV's HOG people detector.

    export VIDTRACK_SHARED=...            # the recipe's data
    python -m venv hog && hog/bin/pip install 'opencv-python-headless<5'
    python benchmarks/detection.py weights/recipes/small.json --hog-python hog/bin/python

Prints a Markdown report. Intervals are the 2.5 and 97.5 percentiles over images drawn with replacement. With several
models, such as exported files beside their checkpoint, one row per model and set, images one by one:

    python benchmarks/detection.py weights/recipes/small.json --set coco --model small small.onnx small.xml int8.xml
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vidtrack.datasets.records import Record, load_sets
from vidtrack.model.detectors import load_model
from vidtrack.model.image_inference import detect_images
from vidtrack.training.evaluate import score
from vidtrack.training.recipe import load_config

TWELVE = (  # classes of everyday/ with enough boxes to say something
    "person", "car", "motorcycle", "bus", "truck", "boat", "airplane", "dog", "cat", "horse", "cow", "sheep",
)  # fmt: skip
HOG_SCRIPT = Path(__file__).with_name("hog_people.py")


@dataclass(frozen=True)
class Row:
    """AP of one class on one set, with the interval (low, high) of AP50."""

    set_name: str
    class_name: str
    boxes: int
    images: int
    ap: float
    ap50: float
    interval: tuple[float, float]

    def markdown(self) -> str:
        """A table row."""
        low, high = self.interval
        return (
            f"| {self.set_name} | {self.class_name} | {self.boxes} | {self.images} | {self.ap:.3f} | "
            f"{self.ap50:.3f} | {low:.2f}-{high:.2f} |"
        )


def evaluate(
    name: str, records: Sequence[Record], found: Sequence[np.ndarray], classes: Sequence[str], resamples: int
) -> list[Row]:
    """One row a class that has boxes in the set."""
    result = score(records, found, classes)
    rng = np.random.default_rng(0)
    drawn: dict[str, list[float]] = {item.name: [] for item in result.classes}
    for _ in range(resamples):
        chosen = rng.integers(len(records), size=len(records))
        for item in score([records[i] for i in chosen], [found[i] for i in chosen], classes).classes:
            drawn[item.name].append(item.ap50)
    return [
        Row(name, item.name, item.boxes, item.images, item.ap, item.ap50, _interval(drawn[item.name]))
        for item in result.classes
    ]


def by_recipe(found: Sequence[np.ndarray], own: Sequence[str], classes: Sequence[str]) -> list[np.ndarray]:
    """Detections with the model's own class numbers changed to the recipe's, so that a class it lacks counts as 0."""
    slot = np.array([classes.index(name) for name in own])
    return [np.column_stack([rows[:, :5], slot[rows[:, 5].astype(int)]]) for rows in found]


def compare(
    name: str, records: Sequence[Record], models: Sequence[str], precision: str, classes: Sequence[str]
) -> None:
    """Print one row per model: AP and AP50 of the mean class and of people, and processor time per image."""
    for model_name in models:
        model = load_model(model_name, "cpu", precision)
        started = time.process_time()
        found = by_recipe(detect_images(model, records, batch=1), model.class_names, classes)
        milliseconds = 1000 * (time.process_time() - started) / len(records)
        rows = score(records, found, classes).classes
        person = next(row for row in rows if row.name == "person")
        mean, mean50 = np.mean([row.ap for row in rows]), np.mean([row.ap50 for row in rows])
        columns = [Path(model_name).name, model.precision, name, f"{mean:.3f}", f"{mean50:.3f}"]
        columns += [f"{person.ap:.3f}", f"{person.ap50:.3f}", f"{milliseconds:.0f}"]
        print(f"| {' | '.join(columns)} |", flush=True)


def _interval(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return (float("nan"), float("nan"))
    low, high = np.percentile(values, [2.5, 97.5])
    return (float(low), float(high))


def detect_hog(python: str, records: Sequence[Record], person: int) -> list[np.ndarray]:
    """HOG's people as rows (N, 6): x, y, width, height in annotation pixels, score, class."""
    paths = json.dumps([str(record.path) for record in records])
    answer = subprocess.run([python, str(HOG_SCRIPT)], input=paths, capture_output=True, text=True, check=True)
    rows = []
    for found, record in zip(json.loads(answer.stdout), records, strict=True):
        boxes = np.array(found, dtype=np.float64).reshape(-1, 5)
        scale = record.size[0] / _width(record)
        rows.append(np.column_stack([boxes[:, :4] * scale, boxes[:, 4], np.full(len(boxes), person)]))
    return rows


def _width(record: Record) -> int:
    import cv2

    return int(cv2.imread(str(record.path)).shape[1])


def main() -> None:
    """Parse, detect, score, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--model", nargs="+", default=["default"])
    parser.add_argument("--set", nargs="+", help="names of validation sets; default: all")
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--hog-python", help="a Python that has OpenCV 4")
    parser.add_argument("--resamples", type=int, default=100)
    arguments = parser.parse_args()

    config = load_config(arguments.recipe)
    classes = config.model.classes
    chosen = [item for item in config.data.validation if arguments.set is None or item.name in arguments.set]
    loaded = load_sets(chosen, classes, config.data.frame_cache)
    sets = dict(zip([item.name for item in chosen], loaded, strict=True))
    if len(arguments.model) > 1:
        print("| model | precision | set | AP | AP50 | person AP | person AP50 | processor ms per image |")
        print("|---|---|---|---|---|---|---|---|")
        for name, records in sets.items():
            compare(name, records, arguments.model, arguments.precision, classes)
        return
    model = load_model(arguments.model[0], "cpu", arguments.precision)
    print("| set | class | boxes | images | AP | AP50 | AP50 95 % interval |")
    print("|---|---|---|---|---|---|---|")
    for name, records in sets.items():
        found = by_recipe(detect_images(model, records), model.class_names, classes)
        rows = evaluate(name, records, found, classes, arguments.resamples)
        for row in rows:
            print(row.markdown())
        print(f"| {name} | mean of {len(rows)} | | | | {np.mean([row.ap50 for row in rows]):.3f} | |")
        if name == "everyday":
            print(f"| {name} | mean of 12 | | | | {np.mean([r.ap50 for r in rows if r.class_name in TWELVE]):.3f} | |")
        if arguments.hog_python and name != "everyday":
            person = classes.index("person")
            hog = detect_hog(arguments.hog_python, records, person)
            people = [row for row in evaluate(name, records, hog, classes, arguments.resamples)]
            print(next(row for row in people if row.class_name == "person").markdown().replace("person", "person, HOG"))


if __name__ == "__main__":
    main()

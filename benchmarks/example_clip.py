"""How many objects of the example clip a track log has: every tenth frame was annotated by hand.

    vidtrack detect examples/bikes.mp4 -o out
    python benchmarks/example_clip.py out/bikes.tracks.jsonl

`example_clip.json` maps a frame number to its objects: name, then left, top, right and bottom in pixels. An object is
found if a shown box of its class has an IoU of at least 0.5 with it; a van is a car or a truck, as COCO has no vans.
The first two frames show nothing but a roof from above. A shown box that finds nothing counts as false.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

from vidtrack import TrackLog
from vidtrack.core.boxes import pairwise_iou

ANNOTATION = Path(__file__).with_suffix(".json")
ENOUGH = 0.5  # IoU
MEANT = {"van": ("car", "truck")}


def matched(objects: list[list], boxes: np.ndarray, names: list[str]) -> list[bool]:
    """Whether each object has a box (N, 4) of its own, the best overlap first."""
    truth = np.array([one[1:] for one in objects], float)
    overlap = pairwise_iou(truth, boxes) if len(boxes) else np.zeros((len(objects), 0))
    right = [[name in MEANT.get(one[0], (one[0],)) for name in names] for one in objects]
    overlap = overlap * np.array(right, float).reshape(overlap.shape)
    found = [False] * len(objects)
    while overlap.size and overlap.max() >= ENOUGH:
        row, column = np.unravel_index(overlap.argmax(), overlap.shape)
        found[row] = True
        overlap[row], overlap[:, column] = 0, 0
    return found


def main(log: TrackLog) -> None:
    """Print the share found by name, and the false boxes."""
    shown: dict[int, list[tuple[str, np.ndarray]]] = {}
    for track in log.tracks:
        for frame, box in zip(track.frame_indices, track.boxes_xyxy, strict=True):
            shown.setdefault(int(frame), []).append((track.label, box))
    total: Counter[str] = Counter()
    good: Counter[str] = Counter()
    false = 0
    for frame, objects in json.loads(ANNOTATION.read_text()).items():
        boxes = shown.get(int(frame), [])
        found = matched(objects, np.array([box for _, box in boxes]).reshape(-1, 4), [name for name, _ in boxes])
        total.update(one[0] for one in objects)
        good.update(one[0] for one, is_found in zip(objects, found, strict=True) if is_found)
        false += len(boxes) - sum(found)
    for name, count in total.most_common():
        print(f"{name:<12}{good[name]:>3} of {count}")
    print(f"{'all':<12}{good.total():>3} of {total.total()}: {good.total() / total.total():.0%}; {false} false boxes")


if __name__ == "__main__":
    main(TrackLog.load(sys.argv[1]))

"""Run a model over MOT sequences for benchmarks/tracking.py: its detections, and its own tracks in both modes.

    python benchmarks/tracking_model.py DATA OUT [--model NAME_OR_PATH] [--class person]

DATA holds MOTChallenge folders with their video NAME/NAME.mp4. OUT gets NAME.txt (detections), and
association/NAME.txt and propagation/NAME.txt (tracks), all in the MOT format.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from vidtrack.evaluation.mot import result_rows, write_rows
from vidtrack.model.checkpoint import load_model
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.inference import FrameEncoder
from vidtrack.tracking.config import MODES, TrackerConfig
from vidtrack.tracking.propagation import FrameOutput
from vidtrack.tracking.state import TrackedBoxes
from vidtrack.tracking.tracker import Tracker
from vidtrack.types import Frame
from vidtrack.video import VideoReader

LEAST_SCORE = 0.05


@torch.inference_mode()
def detect(model: DeformableDETR, memory: Memory, frame: Frame, allowed: np.ndarray) -> TrackedBoxes:
    """What the object queries found, without identities."""
    height, width = frame.image.shape[:2]
    output = model.decode(memory, model.object_queries(memory))
    found = FrameOutput(output, (width, height), allowed).detections(0, LEAST_SCORE)
    nobody = np.full(len(found), -1)
    return TrackedBoxes(nobody, found.classes, found.scores, found.boxes_xyxy, nobody)


def main() -> None:
    """Track every sequence."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--class", dest="class_name", default="person")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    allowed = np.array([name == arguments.class_name for name in model.config.classes])
    encoder = FrameEncoder(model)
    spent: dict[str, float] = defaultdict(float)
    for folder in sorted(path.parent for path in arguments.data.glob("*/seqinfo.ini")):
        trackers = {mode: Tracker(model, replace(TrackerConfig(), mode=mode), allowed) for mode in MODES}
        tracked: dict[str, list] = {"": [], **{mode: [] for mode in MODES}}
        with VideoReader(folder / f"{folder.name}.mp4") as reader:
            for frame in reader:
                begin = time.perf_counter()
                memory = encoder.encode(*encoder.batch(frame.image))
                spent["encode"] += time.perf_counter() - begin
                tracked[""].append(detect(model, memory, frame, allowed))
                for mode, tracker in trackers.items():
                    begin = time.perf_counter()
                    tracked[mode].append(tracker.step(memory, frame))
                    spent[mode] += time.perf_counter() - begin
        for name, frames in tracked.items():
            path = arguments.out / name / f"{folder.name}.txt"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_rows(path, result_rows(list(range(1, len(frames) + 1)), frames))
        times = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in spent.items())
        print(f"{folder.name}: {len(tracked[''])} frames; so far {times}", flush=True)


if __name__ == "__main__":
    main()

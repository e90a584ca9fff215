"""Read a track log into numpy arrays: `python examples/read_a_log.py NAME.tracks.jsonl`."""

from __future__ import annotations

import sys

import numpy as np

from vidtrack import TrackLog


def main(path: str) -> None:
    """Print, for each track, when it was seen and how far it went."""
    log = TrackLog.load(path)
    if log.problem:
        print(log.problem, file=sys.stderr)
    centres = (log.boxes_xyxy[:, :2] + log.boxes_xyxy[:, 2:]) / 2  # (N, 2) pixels
    seconds = log.frame_seconds[log.frame_rows]  # (N,)
    for identity in np.unique(log.ids):
        own = log.ids == identity
        name = log.class_names[np.bincount(log.classes[own]).argmax()]
        steps = np.linalg.norm(np.diff(centres[own], axis=0), axis=1)
        print(f"{identity:4} {name:14} {seconds[own][0]:7.2f} s to {seconds[own][-1]:7.2f} s  {steps.sum():7.0f} px")


if __name__ == "__main__":
    main(sys.argv[1])

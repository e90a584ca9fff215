"""Tracking quality beside the peers: the same detections through vidtrack's association and other packages' trackers.

    python benchmarks/tracking.py DATA [--detections FOLDER --score SCORE] [--fit SEQUENCE...] [--peers NAME...]

DATA holds MOTChallenge folders (seqinfo.ini, gt/gt.txt, det/det.txt). FOLDER holds other detections, NAME.txt for each
sequence: benchmarks/tracking_model.py makes them of a model. With --fit, the peers' thresholds are those of a grid with
the best HOTA + IDF1 on those sequences (long); without, those found so on the public detections. Needs `trackers`,
`boxmot` and `vidtrack[evaluation]`; peers of a package that is not there are left out. No network is involved.
"""

from __future__ import annotations

import argparse
import logging
import warnings
from importlib.util import find_spec
from pathlib import Path

from tracking_data import Maker, folders, load, run, table
from tracking_peers import FITTED, PEERS, fit, peer

from vidtrack.config import RunConfig
from vidtrack.tracking.association import Associator
from vidtrack.tracking.config import TrackerConfig


def ours(score: float) -> Maker:
    """vidtrack's association with its defaults; `score` is the least one of a new track."""
    config = RunConfig().at_score(score).tracker
    return lambda footage: Associator(config).step


def main() -> None:
    """Fit the peers, run everything, print and write the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--detections", type=Path, metavar="FOLDER", help="instead of the public ones")
    parser.add_argument("--score", type=float, default=TrackerConfig().birth_score, help="the detector's own least one")
    parser.add_argument("--fit", nargs="+", default=[], metavar="SEQUENCE", help="search the peers' grids on these")
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS, metavar="NAME")
    parser.add_argument("--report", type=Path, help="append the tables to this file")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers warn on every frame about frame rates they are told
    logging.disable(logging.WARNING)
    all_footage = [load(folder, arguments.detections) for folder in folders(arguments.data)]
    training = [footage for footage in all_footage if footage.sequence.name in arguments.fit]
    runs = {"vidtrack association": run(ours(arguments.score), all_footage)}
    lines = []
    for name in arguments.peers:
        if find_spec(PEERS[name]) is None:
            continue
        runs[f"{name}, defaults"] = run(peer(name, {}), all_footage)
        options = fit(name, training) if training else FITTED[name]
        runs[f"{name}, fitted"] = run(peer(name, options), all_footage)
        lines.append(f"- {name}, fitted: {', '.join(f'{key}={value}' for key, value in options.items())}")
    lines = [*table(runs, all_footage), "", *lines]
    print("\n".join(lines))
    if arguments.report:
        with arguments.report.open("a", encoding="utf-8") as report:
            report.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()

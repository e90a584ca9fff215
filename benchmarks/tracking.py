"""Tracking quality beside the peers, everything in one command: the tables of benchmarks/tracking.md.

    python benchmarks/tracking.py DATA CACHE --report benchmarks/tracking.md

DATA holds MOTChallenge folders: seqinfo.ini, gt/gt.txt, public detections det/det.txt, and the video NAME/NAME.mp4. The
network of --model runs once over each video; what it found stays in CACHE in a folder named after the hash of the
weights, with the tracks of `vidtrack detect` (remove it after a change of the tracker). The same detections, public
and the model's, go through vidtrack's association and the peers, each with its defaults and with the thresholds of its
grid that have the best HOTA + IDF1 on the --training sequences. Needs `trackers`, `boxmot` and `vidtrack[evaluation]`;
peers whose package is missing are left out.

The report is a file with places for the sections, from `<!-- NAME -->` to `<!-- end -->`; each is replaced, the rest
is left alone. --sections makes only some.
"""

from __future__ import annotations

import argparse
import functools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from tracking_camera import moving
from tracking_cost import cost
from tracking_data import Footage, Run, distinct, folders, load, run, summary, table
from tracking_model import LEAST_SCORE, detect_runs, found_by
from tracking_peers import OURS, available, fit_all, quiet, tracker, with_hindsight

from vidtrack.model.checkpoint import load_deformable_detr
from vidtrack.model.detector import DeformableDETR
from vidtrack.tracking.config import TrackerConfig

SECTIONS = ("public", "own", "cost", "camera")
TRAINING = ("ADL-Rundle-6", "PETS09-S2L1")


def compare(
    ours: dict[str, Run], all_footage: list[Footage], training: list[str], least_score: float, processes: int
) -> Iterator[str]:
    """Our commands, and every tracker on the same boxes; `least_score` is the detector's own for a new track."""
    say(f"searching the grids of {len(available())} trackers on {', '.join(training)}")
    chosen = fit_all([one for one in all_footage if one.sequence.name in training], least_score, processes)
    runs = dict(ours)
    for name in available():
        for row, options in ((name, {}), (f"{name}, fitted", chosen[name])):
            runs[row] = run(tracker(name, options, least_score), all_footage)
            say(f"{row}: {runs[row].microseconds:.0f} µs per frame")
    yield from summary(runs, all_footage, next(iter(runs)))
    yield ""
    yield from table(runs, all_footage)
    yield ""
    for name, options in chosen.items():
        choice = ", ".join(f"{key}={value}" for key, value in options.items())
        yield f"- {name}, fitted: {choice or 'its defaults'}"


def sections(arguments: argparse.Namespace) -> dict[str, Callable[[], Iterator[str]]]:
    """What can be made, by its name in the report."""
    data, training, processes = arguments.data, arguments.training, arguments.processes

    @functools.cache
    def own() -> tuple[DeformableDETR, list[Footage], Path]:
        model = load_deformable_detr(arguments.model)
        cache = found_by(model, data, arguments.cache, arguments.class_name, say)
        return model, [load(folder, cache) for folder in folders(data)], cache

    def model_section() -> Iterator[str]:
        model, all_footage, cache = own()
        ours = detect_runs(all_footage, cache)
        all_footage = [distinct(one, TrackerConfig(), LEAST_SCORE) for one in all_footage]  # the peers do not do it
        yield f"Weights `{model.origin.name}`, sha256 {cache.name}..., least score {model.default_score}.\n"
        yield from compare(ours, all_footage, training, model.default_score, processes)

    def public_section() -> Iterator[str]:
        public, score = [load(folder) for folder in folders(data)], TrackerConfig().new_track_threshold
        yield from compare({f"{OURS} track": with_hindsight(public, score)}, public, training, score, processes)

    return {
        "public": public_section,
        "own": model_section,
        "cost": cost,
        "camera": lambda: moving(data),
    }


def put(report: Path, name: str, lines: list[str]) -> None:
    """Replace a section of the report."""
    text = report.read_text(encoding="utf-8")
    place = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not place.search(text):
        sys.exit(f"{report} has no place for the section {name!r}")
    body = "\n".join(lines).strip("\n")
    report.write_text(place.sub(lambda found: f"{found[1]}\n{body}\n\n{found[2]}", text), encoding="utf-8")


def say(line: str) -> None:
    """Progress."""
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """Make the sections, print them, put them into the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--class", dest="class_name", default="person")
    parser.add_argument(
        "--training", nargs="+", default=list(TRAINING), metavar="SEQUENCE", help="thresholds fit these"
    )
    parser.add_argument("--sections", nargs="+", choices=SECTIONS)
    parser.add_argument("--processes", type=int, default=2, help="that search the grids")
    parser.add_argument("--report", type=Path)
    arguments = parser.parse_args()
    quiet()
    for name, make in sections(arguments).items():
        if arguments.sections and name not in arguments.sections:
            continue
        lines = list(make())
        print("\n".join(lines), flush=True)
        if arguments.report:
            put(arguments.report, name, lines)


if __name__ == "__main__":
    main()

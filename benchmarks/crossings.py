"""People who cross and hide: identity switches beside the peers, the tables of benchmarks/crossings.md.

    python benchmarks/crossings.py DATA CACHE --report benchmarks/crossings.md

DATA holds MOTChallenge folders, as for tracking.py. People are cut out of the sequences and walk over their empty
scenes: of --training for the clips that thresholds may be fitted on, of the others for the clips that count. The
trackers get boxes made from the truth, and what the network of --model finds in the rendered frames; the latter stays
in CACHE in a folder named after the hash of the weights. Needs the packages that tracking.py needs. --fit adds a row
per tracker with the thresholds of its grid that are best on the clips for fitting, and takes much longer.

--contact-sheet writes an image of all clips instead.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from crossing_clips import KINDS, RATE, Clip, make_clips, truth_of
from cutouts import cut_scene
from mot_files import result_rows
from tracking import put, say
from tracking_data import Footage, Run, distinct, folders, run, scores
from tracking_peers import OURS, available, fit_all, quiet, tracker

from vidtrack.core.detections import Detections
from vidtrack.core.types import Frame
from vidtrack.datasets.mot import MotRows
from vidtrack.model.checkpoint import load_deformable_detr
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.inference import FrameEncoder
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracking.association_tracker import AssociationTracker
from vidtrack.tracking.config import HindsightConfig, TrackerConfig
from vidtrack.tracking.given_detections import GivenDetections
from vidtrack.tracking.hindsight import Hindsight
from vidtrack.tracking.tracker import Tracker, make_tracker

TRAINING = ("ADL-Rundle-6", "PETS09-S2L1")
FITTED, COUNTED, LOOKED_AT = 2, 3, 2  # clips of each kind: to fit, that count, that the network looks at
SECTIONS = ("truth", "model")
LEAST_SCORE = 0.1
COMMANDS = (f"{OURS} detect", f"{OURS} detect --live")


def table(runs: dict[str, Run], clips: list[Footage]) -> Iterator[str]:
    """A Markdown table: scores over all clips, switches by kind."""
    yield f"| tracker | HOTA | AssA | IDF1 | IDSW | {' | '.join(KINDS)} |"
    yield "|---|" + "---:|" * (4 + len(KINDS))
    for name, one in runs.items():
        s = scores(one, clips)
        kinds = [scores(one, [c for c in clips if c.sequence.name.startswith(f"{kind} ")]).switches for kind in KINDS]
        cells = [f"{100 * s.hota:.1f}", f"{100 * s.assa:.1f}", f"{100 * s.idf1:.1f}", s.switches, *kinds]
        yield f"| {name} | {' | '.join(str(cell) for cell in cells)} |"


def compare(
    ours: dict[str, Run], fitted: list[Footage], counted: list[Footage], least_score: float, processes: int
) -> Iterator[str]:
    """Every tracker with its defaults, and with what is best on the clips for fitting, if there are any."""
    chosen = fit_all(fitted, least_score, processes) if fitted else {}
    runs = dict(ours)
    for name in available():
        runs[name] = run(tracker(name, {}, least_score), counted)
        if name in chosen:
            runs[f"{name}, fitted"] = run(tracker(name, chosen[name], least_score), counted)
        say(f"{name} done")
    yield from table(runs, counted)


def with_images(clips: list[Clip], counted: list[Footage], least_score: float) -> dict[str, Run]:
    """Ours as `vidtrack detect` runs it: it sees the images, and what comes after, unless it is live."""
    config = RunConfig().at_score(least_score, ()).tracker
    found = {one.sequence.name: one.detections for one in counted}
    results: dict[str, dict[str, MotRows]] = {row: {} for row in COMMANDS}
    for clip in clips:
        tracking = AssociationTracker(GivenDetections(("person",)), config, np.ones(1, dtype=bool))
        for row, tracks in zip(COMMANDS, followed(tracking, clip, found[clip.name]), strict=True):
            results[row][clip.name] = tracks
    return {row: Run(rows, 0.0) for row, rows in results.items()}


def followed(tracking: Tracker, clip: Clip, memories: Iterable[Any]) -> tuple[MotRows, MotRows]:
    """The tracks in a clip, with hindsight and live; `memories` is what its detector takes per frame."""
    revision, done, live = Hindsight(HindsightConfig()), [], []
    for index, (image, memory) in enumerate(zip(clip.frames(), memories, strict=True)):
        live.append(tracking.step(memory, Frame(index, index, 1 / Fraction(RATE), image)))
        done += revision.push(live[-1], tracking.earlier, tracking.exchange)
    return result_rows([*done, *revision.flush()]), result_rows(live)


@torch.inference_mode()
def looked_at_by(model: DeformableDETR, clips: list[Clip], cache: Path) -> tuple[list[Footage], dict[str, Run]]:
    """The clips with what the model finds in their frames, one detection an object, and its own tracker's tracks."""
    cache.mkdir(parents=True, exist_ok=True)
    allowed = np.array([name == "person" for name in model.class_names])
    config = RunConfig().at_score(model.default_score, model.class_names).tracker
    encoder, footage = FrameEncoder(model), []
    results: dict[str, dict[str, MotRows]] = {row: {} for row in COMMANDS}
    for clip in clips:
        place = cache / f"{clip.name}.pkl"
        if not place.exists():
            memories = [encoder.encode(*encoder.batch(image)) for image in clip.frames()]
            found = [model.detect(memory, clip.size, LEAST_SCORE, allowed) for memory in memories]
            tracks = followed(make_tracker(model, config, allowed), clip, memories)
            place.write_bytes(pickle.dumps((found, tracks)))
            say(clip.name)
        kept, tracks = pickle.loads(place.read_bytes())  # of this program's own making
        people = [Detections.of(one.boxes_xyxy, one.scores) for one in kept]
        footage.append(distinct(replace(truth_of(clip), detections=people), TrackerConfig(), LEAST_SCORE))
        for row, rows in zip(COMMANDS, tracks, strict=True):
            results[row][clip.name] = rows
    return footage, {f"{row}, {model.default_tracker}": Run(rows, 0.0) for row, rows in results.items()}


def contact_sheet(clips: list[Clip], path: Path) -> None:
    rows = []
    for clip in clips:
        images = list(clip.frames())
        rows.append(np.hstack([cv2.resize(images[i], (200, 150)) for i in range(4, len(images), 7)]))
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def main() -> None:
    """Make the clips, run the trackers, print the tables, put them into the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--model", default="default")
    parser.add_argument("--training", nargs="+", default=list(TRAINING), metavar="SEQUENCE")
    parser.add_argument("--sections", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument("--fit", action="store_true", help="also try the thresholds of all grids")
    parser.add_argument("--processes", type=int, default=2, help="that search the grids")
    parser.add_argument("--report", type=Path)
    parser.add_argument("--contact-sheet", type=Path)
    arguments = parser.parse_args()
    quiet()
    scenes = {folder.name: cut_scene(folder) for folder in folders(arguments.data)}
    say(", ".join(f"{name}: {len(scene.people)} people" for name, scene in scenes.items()))
    fitted = make_clips([scenes[name] for name in arguments.training], FITTED, 1)
    counted = make_clips([scene for name, scene in scenes.items() if name not in arguments.training], COUNTED, 2)
    if arguments.contact_sheet:
        contact_sheet([*fitted, *counted], arguments.contact_sheet)
        return
    if not arguments.fit:
        fitted = []
    if "truth" in arguments.sections:
        boxes, score = [truth_of(clip) for clip in counted], TrackerConfig().new_track_threshold
        ours = with_images(counted, boxes, score)
        lines = compare(ours, [truth_of(clip) for clip in fitted], boxes, score, arguments.processes)
        show("truth", lines, arguments.report)
    if "model" in arguments.sections:
        model = load_deformable_detr(arguments.model)
        cache = arguments.cache / f"crossings-{(model.origin.sha256 or 'unnamed')[:12]}"
        looked_at = [clip for clip in counted if int(clip.name.split()[-1]) <= LOOKED_AT]
        to_fit, _ = looked_at_by(model, fitted, cache / "fitted")
        boxes, ours = looked_at_by(model, looked_at, cache / "counted")
        plain = with_images(looked_at, boxes, model.default_score)
        ours |= {f"{row}, association": one for row, one in plain.items()}
        lines = compare(ours, to_fit, boxes, model.default_score, arguments.processes)
        show("model", lines, arguments.report)


def show(section: str, lines: Iterator[str], report: Path | None) -> None:
    """Print a section and put it into the report."""
    done = list(lines)
    print("\n".join(done), flush=True)
    if report:
        put(report, section, done)


if __name__ == "__main__":
    main()

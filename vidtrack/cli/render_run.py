"""Run `vidtrack render`: write the files, show progress and warnings, write the report."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidtrack.cli.options import ProgressStyle
from vidtrack.core.errors import UsageError
from vidtrack.core.wording import plural

if TYPE_CHECKING:
    from vidtrack.render.inputs import RenderInputs
    from vidtrack.render.jobs import Item
    from vidtrack.render.review import Doubt
    from vidtrack.render.stills import Still
    from vidtrack.tracklog import TrackLog
    from vidtrack.video.config import EncodeConfig

_DOUBTS_SHOWN = 3


def check_places(targets: Sequence[Path], report: Path | None, inputs: RenderInputs, overwrite: bool) -> None:
    """Make the folders; raises UsageError if an output exists or would replace an input."""
    from vidtrack.core.atomic_files import refuse_existing
    from vidtrack.render.encode import make_folder

    outputs = [*targets, *([] if report is None else [report])]
    read = {os.path.realpath(path) for path in (inputs.log_path, inputs.footage.info.path)}
    for output in outputs:
        if os.path.realpath(output) in read:
            raise UsageError(f"{output} is the input log or clip", "choose another name")
    if report is not None and (os.path.isdir(report) or report.suffix.lower() != ".json"):
        raise UsageError(f"--report cannot write to {report}", "give a .json file")
    if not overwrite:
        refuse_existing(outputs)
    for folder in {output.parent for output in outputs}:
        make_folder(folder)


def run_items(
    inputs: RenderInputs, items: Sequence[Item], video: EncodeConfig, style: ProgressStyle
) -> list[dict[str, Any]]:
    """Write the videos one by one; finished ones survive an interrupt."""
    from vidtrack.cli.reporter import reporter
    from vidtrack.render.encode import render_video

    records = []
    said: set[str] = set()
    for item in items:
        with reporter(style) as shown:
            try:
                made = render_video(inputs.footage, item.job, video, shown.follow(item.job.path))
            except KeyboardInterrupt:
                shown.say(f"{item.job.path}: interrupted, not written")
                raise
            for warning in made.warnings:
                if warning not in said:
                    said.add(warning)
                    shown.say(f"{inputs.log_path.name}: warning: {warning}")
            record = {
                "output": str(made.path),
                **item.values,
                "frames": made.frames,
                "frames_unlogged": made.unlogged,
                "seconds": round(made.seconds, 3),
                "warnings": list(made.warnings),
            }
            speed = f"{made.seconds:.1f} s ({made.frames / made.seconds:.1f} fps)"
            shown.made(f"{plural(made.frames, 'frame')}, {speed}, {item.note} -> {made.path}", record)
        records.append(record)
    return records


def run_stills(
    inputs: RenderInputs, targets: dict[int, Path], margin: float, whole_frame: bool, style: ProgressStyle
) -> list[dict[str, Any]]:
    """Write the best image of every track; finished ones survive an interrupt."""
    from vidtrack.cli.reporter import reporter
    from vidtrack.core.stages import Stages, Stopwatch
    from vidtrack.render.encode import mismatches
    from vidtrack.render.stills import best_stills, candidates_of, write_stills
    from vidtrack.tracklog.trajectories import continuous_trajectories

    log, footage = inputs.chosen, inputs.footage
    everyone = continuous_trajectories(inputs.log)
    candidates = candidates_of([path for path in everyone if path.identity in targets], everyone, log)
    records = []
    with reporter(style) as shown:
        with footage.open() as reader, Stages(Stopwatch()) as stages:
            frames = stages.first("decode", reader)
            stills = best_stills(frames, candidates, log, footage.scale, margin, whole_frame)
            try:
                for still, path in write_stills(stills, targets.__getitem__):
                    records.append(record := _still_record(still, path, log))
                    shown.made(f"track {record['id']} at {record['t']:.2f} s -> {path}", record)
            except KeyboardInterrupt:
                shown.say(
                    f"{footage.info.path}: interrupted, {plural(len(targets) - len(records), 'image')} not written"
                )
                raise
            warnings = [*mismatches(log, footage.info), *(problem.message for problem in reader.problems)]
        missed = sorted(set(targets) - {record["id"] for record in records})
        if missed:
            warnings.append(f"no image of track {', '.join(map(str, missed))}: the clip ends before the log")
        for warning in warnings:
            shown.say(f"{inputs.log_path.name}: warning: {warning}")
    return records


def _still_record(still: Still, path: Path, log: TrackLog) -> dict[str, Any]:
    row = still.candidate.row
    return {
        "output": str(path),
        "id": still.candidate.identity,
        "i": int(log.frame_indices[row]),
        "pts": int(log.frame_pts[row]),
        "t": round(float(log.frame_seconds[row]), 6),
        "box": [round(float(edge), 2) for edge in still.candidate.box_xyxy],
    }


def doubt_line(doubts: Sequence[Doubt], inputs: RenderInputs, records: Sequence[dict[str, Any]]) -> str:
    """One line for people: how many frames to check, and which first."""
    from vidtrack.render.encode import mismatches
    from vidtrack.render.review import frames_in_doubt

    log = inputs.chosen
    if not len(log.ids):
        return "nothing hidden: the log has no tracks"
    if not doubts:
        differs = mismatches(log, inputs.footage.info) or any(record["frames_unlogged"] for record in records)
        return "no doubtful frames in the log, but see the warning above" if differs else "no doubtful frames"
    seconds = log.frame_seconds
    longest = sorted(doubts, key=lambda doubt: doubt.first_row - doubt.last_row)[:_DOUBTS_SHOWN]
    shown = [
        f"track {doubt.identity} {doubt.reason} at {seconds[doubt.first_row]:.2f}"
        + (f"-{seconds[doubt.last_row]:.2f} s" if doubt.last_row > doubt.first_row else " s")
        for doubt in sorted(longest, key=lambda doubt: doubt.first_row)
    ]
    more = f", and {len(doubts) - len(shown)} more" if len(doubts) > len(shown) else ""
    count = frames_in_doubt(log, doubts)
    return f"check {plural(count, 'doubtful frame')}: {', '.join(shown)}{more}"


def write_record(
    path: Path, inputs: RenderInputs, records: list[dict[str, Any]], doubts: Sequence[Doubt] | None
) -> None:
    """Write the report: the outputs, and the frames in which hidden tracks are doubtful."""
    from vidtrack.cli.summary import write_json
    from vidtrack.render.review import doubt_record, frames_in_doubt

    record: dict[str, Any] = {
        "log": str(inputs.log_path),
        "log_status": inputs.log.status,
        "source": str(inputs.footage.info.path),
        "made": records,
    }
    if doubts is not None:
        record["tracks_hidden"] = len(set(inputs.chosen.ids.tolist()))
        record["frames_in_doubt"] = frames_in_doubt(inputs.chosen, doubts)
        record["doubts"] = [doubt_record(doubt, inputs.chosen) for doubt in doubts]
    write_json(path, record)

"""What is printed when the work is done: closing lines, the table of a batch, its report, and the timing breakdown."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidtrack.core.atomic_files import write_whole
from vidtrack.core.errors import printable
from vidtrack.core.status import Status
from vidtrack.core.wording import plural

if TYPE_CHECKING:
    from vidtrack.batch.config import BatchResult
    from vidtrack.batch.engine import Outcome
    from vidtrack.pipeline.track_video import TrackResult

_STEPS = {
    "decode": "decode",
    "preprocess": "resize and normalise",
    "encode": "backbone and encoder",
    "track": "decoder and tracker",
    "log": "track log",
    "draw": "draw",
    "encode video": "encode video",
}
_LISTED = 50  # clips in the table of a batch
_UNBROKEN = 2000  # columns of a file or pipe, where a folded path could not be found again
_WAITS = {
    "decode held up": "decoder, for inference",
    "wait for decode": "inference, for the decoder",
    "wait for infer": "tracker, for inference",
    "link held up": "tracker, for the output",
    "wait for link": "output, for the tracker",
}


def print_profile(result: TrackResult) -> None:
    """Print the time by kind of work; threads overlap, so the shares add up to more than the total."""
    from rich.console import Console
    from rich.table import Table

    title = f"{printable(result.source.name)}: {plural(result.frames, 'frame')} in {result.seconds:.2f} s"
    table = Table(title=title, title_justify="left")
    for column in ("work", "seconds", "ms/frame", "share of time"):
        table.add_column(column, justify="left" if column == "work" else "right")

    def add(title: str, name: str) -> None:
        if name in result.times:
            seconds = result.times[name][0]
            each = 1000 * seconds / max(1, result.frames)
            table.add_row(title, f"{seconds:.2f}", f"{each:.2f}", f"{seconds / result.seconds:.0%}")

    for name, title in _STEPS.items():
        add(title, name)
    table.add_section()
    for name, title in _WAITS.items():
        add(f"waiting: {title}", name)
    Console(stderr=True).print(table)


def print_summary(result: BatchResult) -> None:
    """The clips of this run, the failed ones at the end, and a line of totals."""
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True)
    if not console.is_terminal:
        console.width = _UNBROKEN
    table = Table()
    for column in ("clip", "status", "frames", "tracks", "fps", "output"):
        table.add_column(column, justify="right" if column in ("frames", "tracks", "fps") else "left", overflow="fold")
    listed = sorted(result.outcomes, key=lambda outcome: outcome.error is not None)[-_LISTED:]
    for outcome in listed:
        done = outcome.result
        figures = (
            ("", "", "") if done is None else (str(done.frames), str(done.tracks), f"{done.frames_per_second:.1f}")
        )
        said = [outcome.error.message] if outcome.error is not None else map(str, outcome.job.outputs)
        made = "\n".join(map(printable, said))
        table.add_row(printable(str(outcome.job.source)), outcome.status, *figures, made)
    if listed:
        console.print(table, markup=False)
    from vidtrack.batch.manifest import FOLDER
    from vidtrack.batch.overview import INDEX

    counted = _counts(result)
    named = ", ".join(f"{count} {status}" for status, count in counted.items())
    clips = plural(counted.total(), "clip")
    index = f"results and status of every clip: {printable(str(result.root / FOLDER / INDEX))}"
    again = "; --retry-quarantined retries quarantined clips" if result.quarantined else ""
    console.print(f"{index}\n{clips}: {named}{again}", markup=False, highlight=False, soft_wrap=True)


def summary_record(result: BatchResult) -> dict[str, Any]:
    """The totals as plain values."""
    from vidtrack.batch.manifest import FOLDER
    from vidtrack.batch.overview import INDEX, REPORT

    folder = result.root / FOLDER
    return {"counts": dict(_counts(result)), "report": str(folder / REPORT), "index": str(folder / INDEX)}


def _counts(result: BatchResult) -> Counter[str]:
    """Clips by result."""
    counted = Counter(outcome.status for outcome in result.outcomes)
    counted.update({"done before": len(result.done_before), "quarantined before": len(result.quarantined)})
    counted.update({"not done": result.left - counted[Status.INTERRUPTED]})
    return +counted


def write_report(path: Path, outcomes: Sequence[Outcome]) -> None:
    """The result of each clip, as a JSON array."""
    write_json(path, [outcome_record(outcome) for outcome in outcomes])


def write_json(path: Path, value: Any) -> None:
    """Write a report; raises OutputError."""
    write_whole(path, json.dumps(value, ensure_ascii=False, indent=1) + "\n")


def outcome_record(outcome: Outcome) -> dict[str, Any]:
    """An outcome as plain values."""
    result, job = outcome.result, outcome.job
    record: dict[str, Any] = {"source": str(job.source), "status": outcome.status}
    if outcome.error is not None:
        record |= {"error": outcome.error.message, "hint": outcome.error.hint}
    if result is not None:
        record |= {
            "video": None if result.video is None else str(job.video),
            "log": None if result.log is None else str(job.log),
            "frames": result.frames,
            "tracks": result.tracks,
            "seconds": round(result.seconds, 3),
            "fps": round(result.frames_per_second, 2),
            "problems": [problem.message for problem in result.problems],
        }
    return record


def complaints(outcome: Outcome) -> list[str]:
    """Lines about what is wrong with a clip."""
    if outcome.error is not None:
        source, error = str(outcome.job.source), outcome.error
        named = "" if source in error.message else f"{' '.join(source.splitlines())}: "
        return [f"vidtrack: error: {named}{error}"]
    if outcome.result is None:
        return []
    problems = outcome.result.problems
    shown = [f"{outcome.job.source.name}: warning: {problem.message}" for problem in problems[:5]]
    if len(problems) > len(shown):
        shown.append(f"{outcome.job.source.name}: {len(problems) - len(shown)} more warnings, as events in the log")
    return shown


def closing_line(outcome: Outcome) -> str:
    """What came of a clip, in a line; empty if it failed."""
    name = outcome.job.source.name
    if outcome.status == "skipped":
        return f"{name}: done before, skipped"
    if outcome.result is None:
        return ""
    result = outcome.result
    made = ", ".join(str(target) for target in outcome.job.outputs)
    ended = "" if result.status == Status.COMPLETE else f"{result.status}: "
    return (
        f"{name}: {ended}{plural(result.frames, 'frame')}, {plural(result.tracks, 'track')}, {result.seconds:.1f} s "
        f"({result.frames_per_second:.1f} fps){' -> ' if made else ''}{made}"
    )


def clock(seconds: float) -> str:
    """H:MM:SS, or M:SS below an hour."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"

"""Small benchmarks on disk for tests of `vidtrack eval`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from tests.tracklog.written import header, tracks
from vidtrack.core.types import ObjectState
from vidtrack.tracklog import LogWriter, Status

BOX = (10.0, 10.0, 30.0, 50.0)  # of a track log, xyxy; in MOT's pixels 11,11,20,40
ROW = "{frame},{identity},11,11,20,40,{score},-1,-1,-1\n"
SIZE = (64, 64)


def still(identity: int, frames: Iterable[int], score: float = 1) -> str:
    """Rows of one object that does not move."""
    return "".join(ROW.format(frame=frame, identity=identity, score=score) for frame in frames)


HALF = still(4, range(1, 4))  # three of the five frames


def sequence(folder: Path, name: str, rows: str | None = None, frames: int | None = 5) -> Path:
    """A sequence folder; `frames` None leaves out seqinfo.ini."""
    (folder / name / "gt").mkdir(parents=True)
    (folder / name / "gt/gt.txt").write_text(still(1, range(1, 6)) if rows is None else rows)
    if frames is not None:
        (folder / name / "seqinfo.ini").write_text(
            f"[Sequence]\nname={name}\nframeRate=5\nseqLength={frames}\nimWidth={SIZE[0]}\nimHeight={SIZE[1]}\n"
        )
    return folder / name


def log(path: Path, frames: Iterable[int] = range(5), size: tuple[int, int] = SIZE, classes: tuple = (0, 1)) -> Path:
    """A track log in which each frame has one object of each class, all in the same place, with ids from 1."""
    start = header()
    start = replace(start, source=replace(start.source, size=size))
    with LogWriter(path, start) as writer:
        for index in frames:
            objects = [(number + 1, kind, 0.9, BOX, ObjectState.DETECTED) for number, kind in enumerate(classes)]
            writer.frame(tracks(index, *objects))
        writer.close(Status.COMPLETE)
    return path


def written(path: Path, text: str) -> Path:
    """The path of a file with this text, in folders made for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path

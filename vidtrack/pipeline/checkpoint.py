"""Long clips in chunks: at each edge everything needed to go on is saved, so that an interrupted clip is taken up."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from vidtrack.core.checkpoint_folder import WorkFolder
from vidtrack.core.errors import LogError, OutputError
from vidtrack.core.journal import Journal
from vidtrack.core.types import Frame
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.lookahead import Lookahead
from vidtrack.pipeline.outputs import Outputs, Tracked
from vidtrack.tracking.tracker import Tracker
from vidtrack.tracklog import read_ends
from vidtrack.tracklog.header import Header
from vidtrack.video import VideoReader

_LEAST_FRAMES = 32  # of a chunk: encoders need a few to find their pace


class Parts(NamedTuple):
    """Whatever remembers something from frame to frame."""

    tracker: Tracker
    revision: Lookahead
    sink: Outputs


class Checkpointer(AbstractContextManager["Checkpointer"]):
    """The chunks of one clip; without a folder there is only one, and nothing is saved.

    `note` says what was found of an earlier run, `resumed` how many frames of it are used.
    """

    def __init__(
        self,
        folder: WorkFolder | None,
        identity: Mapping[str, Any],
        config: RunConfig,
        state: Mapping[str, Any] | None = None,
        note: str = "",
    ) -> None:
        self._folder, self._identity, self._state, self.note = folder, identity, state, note
        self._start, self._length = config.start_seconds or 0, Fraction(str(config.chunk_seconds))
        self._number = self._frames = 0  # of the chunk, and in it
        self._seconds_before = 0.0
        self._began = time.perf_counter()
        self._parts: Parts | None = None
        self.resumed = 0

    @property
    def seconds(self) -> float:
        """Time the clip took so far, in earlier runs and this one."""
        return self._seconds_before + time.perf_counter() - self._began

    def journal(self, name: str) -> Journal | None:
        """Where the output of that name is kept too; None where nothing is saved."""
        return None if self._folder is None else self._folder.journal(name)

    def join(self, parts: Parts, reader: VideoReader) -> None:
        """Take the parts of the work, and put them where the earlier run was at its last edge."""
        self._parts = parts
        if self._state is None:
            return
        state = self._state
        try:
            parts.tracker.restore(state["tracker"])
            parts.revision.restore(state["revision"])
            point = parts.sink.restore(state["sink"])
            reader.resume_after(point)
            self._number, self._seconds_before = state["number"], state["seconds"]
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            assert self._folder is not None
            raise OutputError(f"the state in {self._folder.path} is damaged", "--overwrite begins anew") from None
        self.resumed = point.frames
        self.note = (
            self.note or f"taken up after {point.frames} frames, at {float(point.pts * reader.info.time_base):.3f} s"
        )

    def edge(self, frame: Frame) -> Mapping[str, Any] | None:
        """What the tracker knows now, where a chunk begins with `frame`, its next one."""
        assert self._parts is not None
        number = int((frame.seconds - self._start) / self._length)
        if self._folder is None or number <= self._number or self._frames < _LEAST_FRAMES:
            self._frames += 1
            return None
        self._number, self._frames = number, 1
        return {"number": number, "tracker": self._parts.tracker.state()}

    def saved(self, items: Iterator[Tracked]) -> Iterator[Tracked]:
        """Pass on what the tracker gives; at an edge, when all before it is written, save the state first."""
        for item in items:
            if item.edge is not None:
                self._save(item.edge)
            yield item

    def done(self) -> None:
        """The outputs are whole: what was saved goes."""
        if self._folder is not None:
            self._folder.remove()

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.close()

    def _save(self, edge: Mapping[str, Any]) -> None:
        assert self._parts is not None and self._folder is not None
        sink = self._parts.sink.end_chunk()
        if sink is not None:
            revision = self._parts.revision.state()
            self._folder.save(self._identity, {**edge, "seconds": self.seconds, "revision": revision, "sink": sink})


def open_checkpointer(
    log: Path | TextIO | None,
    video: Path | None,
    reader: VideoReader,
    header: Header | None,
    config: RunConfig,
    overwrite: bool,
) -> Checkpointer:
    """Decide how to begin: anew, or where an earlier run was interrupted.

    Raises OutputError where that run left outputs or work that `config.resume` and `overwrite` do not allow to use or
    to repoint.
    """
    targets = [target for target in (video, log) if isinstance(target, Path)]
    if header is None or not targets or (log is not None and not isinstance(log, Path)):
        return Checkpointer(None, {}, config)
    folder = WorkFolder(targets[0])
    if folder.exists and not config.resume and not overwrite:
        raise OutputError(
            f"{folder.path} is there, of a run that did not end", "--resume goes on with it, --overwrite begins anew"
        )
    identity = _identity(header, config, targets)
    state, note = _earlier(folder, identity, overwrite) if config.resume else (None, "")
    if config.resume and not overwrite:
        _refuse_finished(log, targets, identity, folder, state is not None)
    if state is None:
        folder.remove()
        if not _is_long(reader, config):
            return Checkpointer(None, {}, config, note=note)
        folder.begin()
    return Checkpointer(folder, identity, config, state, note)


def _earlier(folder: WorkFolder, identity: Mapping[str, Any], overwrite: bool) -> tuple[dict[str, Any] | None, str]:
    """The state to go on from, and what to tell."""
    try:
        state = folder.earlier(identity)
    except OutputError as error:
        if not overwrite:
            raise
        return None, f"{error.message}: begun anew"
    return state, folder.note if state is not None else "nothing to resume: begun at the start"


def _refuse_finished(
    log: Path | TextIO | None, targets: list[Path], identity: Mapping[str, Any], folder: WorkFolder, taken_up: bool
) -> None:
    """Raise OutputError for outputs that are there and are not what an interrupted run of the same work left."""
    there = [target for target in targets if target.exists()]
    if not there or (taken_up and log not in there):
        return
    try:
        header, footer = read_ends(log) if isinstance(log, Path) and log in there else (None, None)
    except LogError:
        header, footer = None, None
    same = header is not None and all(identity[key] == value for key, value in _work(header).items())
    ended = footer is not None and footer.status.is_finished
    if same and ended:
        folder.remove()  # a kill came after the outputs were whole
    if ended or not same:
        raise OutputError(f"{there[0]} already exists", "choose another name, or overwrite it")


def _is_long(reader: VideoReader, config: RunConfig) -> bool:
    """Whether the clip may go on for more than a chunk."""
    seconds = reader.expected_seconds
    return seconds is None or seconds > config.chunk_seconds


def _identity(header: Header, config: RunConfig, targets: list[Path]) -> dict[str, Any]:
    """What must be the same for a run to be gone on with, as JSON has it."""
    run = {"device": header.run.device, "precision": header.run.precision, "versions": dict(header.run.versions)}
    making = {
        "vidtrack": header.tool_version,
        "video": asdict(config.video),
        "chunk_seconds": config.chunk_seconds,
        "hwaccel": config.hwaccel,
        "outputs": [target.name for target in targets],
    }
    return {**_work(header), **json.loads(json.dumps({**run, **making}))}


def _work(header: Header) -> dict[str, Any]:
    """Which clip, which model, which choices."""
    work = {
        "parameters": header.run.parameters,
        "weights": header.model.sha256,
        "clip": header.source.hash.to_dict(),
    }
    return dict(json.loads(json.dumps(work)))

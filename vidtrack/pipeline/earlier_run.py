"""What an earlier run of the same clip left behind, and whether this run may use or replace it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from vidtrack.core.atomic_files import refuse_taken
from vidtrack.core.checkpoint_folder import CheckpointFolder
from vidtrack.core.errors import LogError, OutputError
from vidtrack.core.journal import Journal
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracklog import read_ends
from vidtrack.tracklog.header import Header
from vidtrack.video import VideoReader


@dataclass(frozen=True)
class SavedWork(AbstractContextManager["SavedWork"]):
    """The saved work of a clip; without a folder nothing is saved.

    `state` is the last checkpoint of the earlier run, None to start from the beginning; `note` says what was found.
    """

    folder: CheckpointFolder | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    state: dict[str, Any] | None = None
    note: str = ""

    @property
    def path(self) -> Path | None:
        """The folder's path."""
        return None if self.folder is None else self.folder.path

    def journal(self, name: str) -> Journal | None:
        """Where the output `log` or `video` is kept too; None if nothing is saved."""
        return None if self.folder is None else self.folder.journal(name)

    def save(self, state: Any) -> None:
        """Add a checkpoint."""
        if self.folder is not None:
            self.folder.save(self.identity, state)

    def __exit__(self, *_: object) -> None:
        if self.folder is not None:
            self.folder.close()


def find_saved_work(
    log: Path | TextIO | None,
    video: Path | None,
    reader: VideoReader,
    header: Header | None,
    config: RunConfig,
    overwrite: bool,
) -> SavedWork:
    """Decide whether to start from the beginning or where an earlier run was interrupted.

    Raises OutputError if that run left work, and UsageError if it left outputs, that `config.resume` and `overwrite`
    do not allow to use or to replace.
    """
    targets = [target for target in (video, log) if isinstance(target, Path)]
    if header is None or not targets or (log is not None and not isinstance(log, Path)):
        return SavedWork()
    folder = CheckpointFolder(targets[0])
    if folder.exists and not config.resume and not overwrite:
        raise OutputError(
            f"{folder.path} was left by an interrupted run", "--resume continues it, --overwrite starts over"
        )
    identity = _identity(header, config, targets)
    state, note = _load(folder, identity, overwrite) if config.resume else (None, "")
    if config.resume and not overwrite:
        _refuse_finished(log, targets, identity, folder, state is not None)
    if state is None:
        folder.remove()
        if not _is_long(reader, config):
            return SavedWork(note=note)
        folder.create()
    return SavedWork(folder, identity, state, note)


def _load(folder: CheckpointFolder, identity: Mapping[str, Any], overwrite: bool) -> tuple[dict[str, Any] | None, str]:
    """The checkpoint to resume from, and what to say about it."""
    try:
        state = folder.load(identity)
    except OutputError as error:
        if not overwrite:
            raise
        return None, f"{error.message}; starting over"
    return state, folder.note if state is not None else "nothing to resume; starting from the beginning"


def _refuse_finished(
    log: Path | TextIO | None,
    targets: list[Path],
    identity: Mapping[str, Any],
    folder: CheckpointFolder,
    resumes: bool,
) -> None:
    """Raise UsageError if there are outputs that are not what an interrupted run of the same work left."""
    existing = [target for target in targets if target.exists()]
    if not existing or (resumes and log not in existing):
        return
    try:
        header, footer = read_ends(log) if isinstance(log, Path) and log in existing else (None, None)
    except LogError:
        header, footer = None, None
    same = header is not None and all(identity[key] == value for key, value in _work(header).items())
    ended = footer is not None and footer.status.is_finished
    if same and ended:
        folder.remove()  # the earlier run was killed after its outputs were complete
    if ended or not same:
        refuse_taken(existing)


def _is_long(reader: VideoReader, config: RunConfig) -> bool:
    """Whether the clip may be longer than a chunk."""
    seconds = reader.expected_seconds
    return seconds is None or seconds > config.chunk_seconds


def _identity(header: Header, config: RunConfig, targets: list[Path]) -> dict[str, Any]:
    """What two runs must have in common for one to continue the other, as JSON has it."""
    run = {"device": header.run.device, "precision": header.run.precision, "versions": dict(header.run.versions)}
    encoding = {
        "vidtrack": header.tool_version,
        "video": asdict(config.video),
        "look": asdict(config.look),
        "chunk_seconds": config.chunk_seconds,
        "hwaccel": config.hwaccel,
        "outputs": [target.name for target in targets],
    }
    return {**_work(header), **json.loads(json.dumps({**run, **encoding}))}


def _work(header: Header) -> dict[str, Any]:
    """Which clip, which model, which parameters."""
    work = {
        "parameters": header.run.parameters,
        "weights": header.model.sha256,
        "classes": header.model.classes,
        "clip": header.source.hash.to_dict(),
    }
    return dict(json.loads(json.dumps(work)))

"""The checkpoint folder of a long clip: journals of its outputs, and the states at its last chunk boundaries."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from vidtrack.core.atomic_files import replacing
from vidtrack.core.errors import OutputError
from vidtrack.core.journal import Journal, Mark, holds
from vidtrack.core.state_io import BrokenStateError, pack, unpack

SUFFIX = ".resume"
_STATE = "state-{:06}"
_OWN = re.compile(r"(log|video)\.journal|state-\d{6,}(\.partial)?")
_KEPT = 2  # states: the previous one is used if the last is damaged
_START_OVER = "--overwrite starts over"


class CheckpointFolder:
    """A folder beside the outputs, created when work starts and removed when it is done.

    `note` says what was wrong with the last checkpoint, if an older one is used.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + SUFFIX)
        self.note = ""
        self._journals: dict[str, Journal] = {}
        self._marks: dict[str, Mark] = {}
        self._saved = 0  # states so far

    @property
    def exists(self) -> bool:
        """Whether there is a file or folder of that name."""
        return os.path.lexists(self.path)

    def load(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        """The last state that is intact and agrees with the journals; None if no chunk was finished.

        Raises OutputError if the state belongs to other work than `identity` says, or none is intact.
        """
        broken = ""
        for path in self._states():
            try:
                number, state = self._checked(unpack(path.read_bytes()), identity)
            except OSError as error:
                broken = broken or f"{path} cannot be read: {error.strerror or error}"
            except BrokenStateError as error:
                broken = broken or f"{path} cannot be used: {error}"
            else:
                self._saved = number
                self.note = f"{broken}; resumed one chunk earlier" if broken else ""
                return state
        if broken:
            raise OutputError(broken, _START_OVER)
        return None

    def create(self) -> None:
        """Create the folder, emptying what an earlier run left in it."""
        self.remove()
        self._marks, self._saved = {}, 0
        try:
            self.path.mkdir()
        except FileNotFoundError:
            raise OutputError(f"the folder of {self.path} does not exist", "create it first") from None
        except OSError as error:
            raise OutputError(f"{self.path} cannot be created: {error.strerror}", "move or delete it") from None

    def journal(self, name: str) -> Journal:
        """The journal `log` or `video`, as it was at the state that was loaded, or empty."""
        opened = Journal(self._journal_path(name), self._marks.get(name))
        self._journals[name] = opened
        return opened

    def save(self, identity: Mapping[str, Any], state: Any) -> None:
        """Save a state, of plain values, arrays and dataclasses of these, with the journals as they are now; atomic."""
        journals = {name: asdict(journal.mark()) for name, journal in self._journals.items()}
        number = self._saved + 1
        data = pack({"number": number, "identity": dict(identity), "journals": journals, "state": state})
        target = self.path / _STATE.format(number)
        with replacing(target) as partial, partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self.path)
        self._saved = number
        (self.path / _STATE.format(number - _KEPT)).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journals; a folder without a finished chunk is removed."""
        for journal in self._journals.values():
            journal.close()
        if self._saved == 0:
            self.remove()

    def remove(self) -> None:
        """Delete the folder, unless it holds files that are not ours."""
        for journal in self._journals.values():
            journal.close()
        with contextlib.suppress(OSError):
            for path in self.path.iterdir():
                if _OWN.fullmatch(path.name):
                    path.unlink()
            self.path.rmdir()

    def _states(self) -> list[Path]:
        """State files, the last one first."""
        return sorted(self.path.glob("state-*[0-9]"), reverse=True) if self.path.is_dir() else []

    def _checked(self, held: dict[str, Any], identity: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Number and state of what was saved, after checking that it belongs to this work and is intact."""
        try:
            for difference in _differences(held["identity"], identity):
                raise OutputError(
                    f"{self.path} belongs to a different run: {difference}", f"use the same, or {_START_OVER}"
                )
            marks = {name: Mark(**mark) for name, mark in held["journals"].items()}
            number, state = int(held["number"]), dict(held["state"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BrokenStateError("it is damaged") from None
        for name, mark in marks.items():
            if not holds(self._journal_path(name), mark):
                raise BrokenStateError(f"{name}.journal does not match it")
        self._marks = marks
        return number, state

    def _journal_path(self, name: str) -> Path:
        return self.path / f"{name}.journal"


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for key in sorted({*before, *now}):
        old, new, name = before.get(key), now.get(key), f"{within}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _differences(old, new, f"{name}.")
        elif old != new:
            yield f"{name} was {_shown(old)}, now {_shown(new)}"


def _shown(value: Any) -> str:
    text = "not given" if value is None else str(value)
    return text if len(text) <= 40 else f"{text[:40]}..."


def _sync_folder(path: Path) -> None:
    """Make a rename survive a power failure, if the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

"""The working folder of a long clip: journals of what is done, and the states at its last chunk edges."""

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
_KEPT = 2  # states: the one before the last serves where the last is damaged
_BEGIN_ANEW = "--overwrite begins anew"


class WorkFolder:
    """A folder beside the outputs, made when work begins and gone when it is done.

    `note` says what came of the search for earlier work.
    """

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(output.name + SUFFIX)
        self.note = ""
        self._journals: dict[str, Journal] = {}
        self._marks: dict[str, Mark] = {}
        self._saved = 0  # states so far

    @property
    def exists(self) -> bool:
        """Whether something is there already."""
        return os.path.lexists(self.path)

    def earlier(self, identity: Mapping[str, Any]) -> dict[str, Any] | None:
        """The last state that is whole and agrees with the journals; None where no chunk was finished.

        Raises OutputError where the state is of other work than `identity` says, and where none is whole.
        """
        broken = ""
        for path in self._states():
            try:
                number, state = self._checked(unpack(path.read_bytes()), identity)
            except OSError as error:
                broken = broken or f"{path} cannot be read: {error.strerror or error}"
            except BrokenStateError as error:
                broken = broken or f"{path} is of no use: {error}"
            else:
                self._saved = number
                self.note = f"{broken}; taken up a chunk earlier" if broken else ""
                return state
        if broken:
            raise OutputError(broken, _BEGIN_ANEW)
        return None

    def begin(self) -> None:
        """Make the folder, or empty what an earlier run left of it."""
        self.remove()
        self._marks, self._saved = {}, 0
        try:
            self.path.mkdir()
        except FileNotFoundError:
            raise OutputError(f"the folder of {self.path} does not exist", "create it first") from None
        except OSError as error:
            raise OutputError(f"{self.path} cannot be made: {error.strerror}", "move it away") from None

    def journal(self, name: str) -> Journal:
        """The journal `log` or `video`, as it was at the state taken up, or empty."""
        opened = Journal(self._journal_path(name), self._marks.get(name))
        self._journals[name] = opened
        return opened

    def save(self, identity: Mapping[str, Any], state: Mapping[str, Any]) -> None:
        """Put a state beside the journals as they are now; it is there as a whole or not at all."""
        journals = {name: asdict(journal.mark()) for name, journal in self._journals.items()}
        number = self._saved + 1
        data = pack({"number": number, "identity": dict(identity), "journals": journals, "state": dict(state)})
        target = self.path / _STATE.format(number)
        with replacing(target) as partial, partial.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(self.path)
        self._saved = number
        (self.path / _STATE.format(number - _KEPT)).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the journals; a folder in which no chunk was finished is of no use and goes."""
        for journal in self._journals.values():
            journal.close()
        if self._saved == 0:
            self.remove()

    def remove(self) -> None:
        """Delete the folder; what is not ours in it stays, and so does then the folder."""
        for journal in self._journals.values():
            journal.close()
        with contextlib.suppress(OSError):
            for path in self.path.iterdir():
                if _OWN.fullmatch(path.name):
                    path.unlink()
            self.path.rmdir()

    def _states(self) -> list[Path]:
        """Files of states, the last one first."""
        return sorted(self.path.glob("state-*[0-9]"), reverse=True) if self.path.is_dir() else []

    def _checked(self, held: dict[str, Any], identity: Mapping[str, Any]) -> tuple[int, dict[str, Any]]:
        """Number and state of what was saved, once it is proven to be of this work and whole."""
        try:
            for difference in _differences(held["identity"], identity):
                raise OutputError(f"{self.path} is of other work: {difference}", f"make it the same, or {_BEGIN_ANEW}")
            marks = {name: Mark(**mark) for name, mark in held["journals"].items()}
            number, state = int(held["number"]), dict(held["state"])
        except (KeyError, TypeError, ValueError, AttributeError):
            raise BrokenStateError("it is damaged") from None
        for name, mark in marks.items():
            if not holds(self._journal_path(name), mark):
                raise BrokenStateError(f"{name}.journal does not fit it")
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
    """Make a rename outlast a power failure, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

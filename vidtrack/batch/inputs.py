"""Files that inputs name: all below a folder, those that match a pattern, and the choice among them."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from vidtrack.batch.manifest import FOLDER


@dataclass
class FolderWalk:
    """Walks a folder and all below it in the order of names, but what is hidden or a batch's own.

    `closed` has the folders that may not be read, once the walk is over.
    """

    root: Path
    closed: list[Path] = field(default_factory=list)

    def __iter__(self) -> Iterator[tuple[Path, Path]]:
        """Files, each with the folders between the root and it."""
        for parent, folders, names in os.walk(self.root, onerror=self._note):
            folders[:] = sorted(name for name in folders if not name.startswith(".") and name != FOLDER)
            below = Path(parent).relative_to(self.root)
            yield from ((Path(parent, name), below) for name in sorted(names) if not name.startswith("."))

    def _note(self, error: OSError) -> None:
        self.closed.append(Path(error.filename))


def matching_files(pattern: str) -> list[Path]:
    """Files that match a pattern, in order."""
    found = sorted(Path(name) for name in glob.glob(os.path.expanduser(pattern), recursive=True))
    return [path for path in found if not os.path.isdir(path)]


def is_wanted(path: PurePath, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether a path matches a pattern of `include`, if there are any, and none of `exclude`; `*` matches slashes."""
    name = path.as_posix()
    if include and not any(fnmatchcase(name, pattern) for pattern in include):
        return False
    return not any(fnmatchcase(name, pattern) for pattern in exclude)

"""The models known by name: those that ship, and the published ones that are downloaded on first use."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import platformdirs

from vidtrack.core.errors import WeightsError
from vidtrack.model.coco_classes import COCO_CLASSES
from vidtrack.model.config import DetectorConfig
from vidtrack.model.download import Progress, RemoteMissingError, download, file_sha256

CACHE_VARIABLE = "VIDTRACK_CACHE"
ENDPOINT_VARIABLE = "HF_ENDPOINT"  # the hub's own variable for a mirror
HUB = "https://huggingface.co"


@dataclass(frozen=True)
class ModelEntry:
    """One line of the manifest.

    `files` are names to try in turn: beside the manifest where the model ships, else under `source` on the hub.
    `sha256` is None if the hub's header gives it. `config` is None if the file carries its own. `use` says in a
    line what the model may be used for, if that is less than anything.
    """

    name: str
    summary: str
    files: tuple[str, ...]
    licence: str
    sha256: str | None = None
    source: str | None = None
    config: DetectorConfig | None = None
    recipe: str | None = None
    use: str | None = None

    @property
    def ships(self) -> bool:
        """Whether the file is part of the installation."""
        return self.source is None

    def address(self, file: str) -> str:
        """URL of `file`."""
        return f"{os.environ.get(ENDPOINT_VARIABLE, HUB).rstrip('/')}/{self.source}/resolve/main/{file}"


def weights_folder() -> Path:
    """The folder of the manifest and the shipped weights: in the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "weights", package.parent / "weights"):
        if (folder / "manifest.json").is_file():
            return folder
    raise WeightsError("this installation has no weights/manifest.json", "reinstall vidtrack")


def cache_folder() -> Path:
    """Folder of downloads: VIDTRACK_CACHE, or the platform's cache folder."""
    chosen = os.environ.get(CACHE_VARIABLE)
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("vidtrack"))


def entries() -> tuple[ModelEntry, ...]:
    """Every model of the manifest, the default first."""
    manifest = _manifest()
    listed = [_entry(name, values) for name, values in manifest["models"].items()]
    return tuple(sorted(listed, key=lambda entry: entry.name != manifest["default"]))


def find(name: str) -> ModelEntry | None:
    """The entry of a name, `default` and the hub's full names (`SenseTime/...`) included, or None."""
    listed = entries()
    if name == "default":
        return listed[0]
    return next((entry for entry in listed if name in (entry.name, entry.source)), None)


def cached_path(entry: ModelEntry) -> Path | None:
    """The model's file if it is already on this machine."""
    folder = weights_folder() if entry.ships else cache_folder() / entry.name
    return next((folder / file for file in entry.files if (folder / file).is_file()), None)


def fetch(entry: ModelEntry, progress: Progress | None = None) -> Path:
    """The model's file, downloaded and verified first if needed; raises WeightsError."""
    path = cached_path(entry)
    if path is not None:
        return path
    if entry.ships:
        raise WeightsError(
            f"the shipped weights {entry.files[0]} are not in this installation",
            f"put the file into {weights_folder()} or reinstall vidtrack",
        )
    folder = cache_folder() / entry.name
    for file in entry.files:
        try:
            return download(entry.address(file), folder / file, entry.sha256, progress)
        except RemoteMissingError as error:
            missing = error
    raise missing


class Located(NamedTuple):
    """A model on this machine: its file or folder, the name or path the user gave, and its entry if it has one."""

    path: Path
    name: str
    entry: ModelEntry | None = None

    @property
    def config(self) -> DetectorConfig | None:
        """What the registry knows of a file that does not say it."""
        return None if self.entry is None else self.entry.config


def locate(name_or_path: str | Path, progress: Progress | None = None) -> Located:
    """The checkpoint of a registry name, downloaded if needed, or of a path; names take precedence."""
    entry = find(name_or_path) if isinstance(name_or_path, str) else None
    if entry is not None:
        return Located(fetch(entry, progress), entry.name, entry)
    path = Path(os.path.expanduser(name_or_path))
    if not os.path.exists(path):
        names = ", ".join(entry.name for entry in entries())
        raise WeightsError(f"unknown model {str(name_or_path)!r}: neither a known name nor a path", f"known: {names}")
    if not path.is_file() and not path.is_dir():
        raise WeightsError(f"{path} is not a file or folder", "give a checkpoint or a name of `vidtrack weights list`")
    return Located(path, str(name_or_path))


def content_sha256(path: Path) -> str:
    """sha256 of a checkpoint file; of a folder's weights, that of their hashes in order of name."""
    if path.is_file():
        return file_sha256(path)
    files = sorted(file for file in path.iterdir() if file.suffix in (".safetensors", ".bin"))
    return hashlib.sha256("".join(file_sha256(file) for file in files).encode()).hexdigest()


def verify(entry: ModelEntry) -> str:
    """Hash the model's file against the manifest, or against what was noted when it was downloaded.

    Returns the sha256; raises WeightsError if the file is absent, differs or has no known hash.
    """
    path = cached_path(entry)
    if path is None:
        raise WeightsError(f"{entry.name} is not on this machine", f"run `vidtrack weights pull {entry.name}`")
    note = path.with_name(path.name + ".sha256")
    expected = entry.sha256 or (note.read_text(encoding="ascii").strip() if note.is_file() else None)
    actual = file_sha256(path)
    if expected is None:
        raise WeightsError(f"no hash of {path} is known, its own is {actual}", "compare that with what its source says")
    if actual != expected:
        raise WeightsError(f"{path} has sha256 {actual}, not {expected}", "delete it and pull it again")
    return actual


def _manifest() -> Mapping[str, Any]:
    path = weights_folder() / "manifest.json"
    manifest: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _entry(name: str, values: Mapping[str, Any]) -> ModelEntry:
    config = values.get("config")
    if config is not None:
        config = DetectorConfig.from_dict({**config, "classes": COCO_CLASSES})  # all that are published are for COCO
    return ModelEntry(**{**values, "name": name, "files": tuple(values["files"]), "config": config})

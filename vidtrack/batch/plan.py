"""From what a person typed to a list of clips with the files they will become; nothing is opened or written."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import IO, TextIO

from vidtrack.batch.inputs import FolderWalk, is_wanted, matching_files
from vidtrack.batch.remote import Address, Location, fixed_part, is_address, list_below, location_of, look_up, matching
from vidtrack.core.atomic_files import refuse_taken
from vidtrack.core.errors import InputError, UsageError
from vidtrack.tracklog import SUFFIXES as LOG_SUFFIXES
from vidtrack.tracklog import is_log_path
from vidtrack.video.codecs import CONTAINERS
from vidtrack.video.image_sequence import VIDEO_SUFFIXES, is_sequence
from vidtrack.video.images import IMAGE_SUFFIXES

VIDEO_MARK = ".tracked"  # NAME.tracked.mp4
LOG_ENDING = ".tracks.jsonl"  # NAME.tracks.jsonl
_OWN_VIDEO = re.compile(rf".*{re.escape(VIDEO_MARK)}\.\w+", re.IGNORECASE)
_RENDERED = re.compile(r".*\.(drawn|hidden|matte|crop-\d+|track-\d+)\.\w+", re.IGNORECASE)  # by `vidtrack render`
_PICTURE_NUMBER = re.compile(r"[-_. ]*(%0?\d*d|[*?\[].*)$")


EXISTS_HINT = "--overwrite replaces it, --skip-existing skips finished clips"


class Existing(StrEnum):
    """What to do if an output already exists."""

    REFUSE = "refuse"
    OVERWRITE = "overwrite"
    SKIP = "skip"


@dataclass(frozen=True)
class Job:
    """A clip and the files, or streams, to make of it; None is not wanted."""

    source: Location
    video: Location | IO[bytes] | None
    log: Location | TextIO | None

    @property
    def outputs(self) -> tuple[Location, ...]:
        """The files to make."""
        return tuple(target for target in (self.video, self.log) if isinstance(target, Path | Address))


@dataclass(frozen=True)
class LocalJob(Job):
    """A job of which all is on this machine."""

    source: Path
    video: Path | IO[bytes] | None
    log: Path | TextIO | None

    @property
    def outputs(self) -> tuple[Path, ...]:
        """The files to make."""
        return tuple(target for target in (self.video, self.log) if isinstance(target, Path))


@dataclass(frozen=True)
class _Clip:
    source: Location
    below: Path = Path()  # folders between the folder given as input and the clip


def plan(
    inputs: Sequence[str],
    output: str | None,
    video_suffix: str | None = ".mp4",
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> list[Job]:
    """The jobs of `vidtrack detect INPUT... -o OUTPUT`.

    An input is a file, a pattern, an image sequence, or a folder, which is searched for videos with all below it; all
    but image sequences may be addresses, as `output` may be. Our own outputs are passed over. `output` is a folder, in
    which the tree of an input folder is repeated, or for a single clip a file: a video, the log then beside it, or a
    log, then alone. None is beside each clip.
    `video_suffix` None makes no video. Only clips count whose path below their folder matches a pattern of
    `include`, if there are any, and none of `exclude`; `*` also stands for slashes.

    Raises UsageError if two clips would become one file or a clip its own output, and InputError for no clips.
    """
    if "" in (*inputs, output):
        raise UsageError("an input is an empty string", "is a shell variable empty?")
    if len(inputs) == 1 and is_log_path(Path(inputs[0])) and os.path.isfile(inputs[0]):
        raise UsageError(
            f"{inputs[0]} is a track log, not a clip", "vidtrack show, render, report and export take logs"
        )
    found = _unique(clip for text in inputs for clip in _expand(text))
    clips = [clip for clip in found if is_wanted(clip.below / clip.source.name, include, exclude)]
    if not clips:
        raise InputError(f"--include and --exclude leave none of {len(found)} clips", "check their patterns")
    if output is not None and _is_file_target(output, inputs, clips):
        jobs = [_file_job(clips[0].source, location_of(output), video_suffix)]
    else:
        jobs = [_folder_job(clip, None if output is None else location_of(output), video_suffix) for clip in clips]
    _check_collisions(jobs)
    return jobs


def refuse_existing(jobs: Sequence[Job]) -> None:
    """Raise UsageError if an output already exists."""
    refuse_taken([target for job in jobs for target in job.outputs if exists(target)], EXISTS_HINT)


def exists(place: Location) -> bool:
    """True for an existing file, folder or link; at an address, for a file."""
    return look_up(place) is not None if isinstance(place, Address) else os.path.lexists(place)


def is_own_output(path: Location) -> bool:
    """True for a file named as this program names what it makes."""
    return bool(_OWN_VIDEO.fullmatch(path.name)) or path.name.endswith(".partial") or is_log_path(Path(path.name))


def _is_made(path: Location) -> bool:
    """True for files that are clips only if named explicitly: someone may track an earlier rendering."""
    return is_own_output(path) or bool(_RENDERED.fullmatch(path.name))


def _expand(text: str) -> Iterator[_Clip]:
    if is_address(text):
        yield from _at_address(Address.parse(text))
        return
    path = Path(os.path.expanduser(text))  # of Path's own, expanduser and exists raise for odd names
    if os.path.isdir(path):
        yield from _in_folder(path)
    elif not os.path.exists(path) and glob.has_magic(text):
        yield from _matching(text)
    elif not is_own_output(path) or not os.path.lexists(path):
        yield _Clip(path)


def _in_folder(folder: Path) -> Iterator[_Clip]:
    found = False
    walk = FolderWalk(folder)
    for path, below in walk:
        if path.suffix.lower() in VIDEO_SUFFIXES and not _is_made(path):
            found = True
            yield _Clip(path, below)
    yield from map(_Clip, walk.closed)  # each fails with the reason
    if not found and not walk.closed:
        if not any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir()):
            raise InputError(
                f"{folder} holds no clips",
                f"videos end in {', '.join(sorted(VIDEO_SUFFIXES))}; --photos looks for photos in all folders below",
            )
        yield _Clip(folder)


def _at_address(root: Address) -> Iterator[_Clip]:
    if (file := look_up(root)) is not None:
        if not is_own_output(file):
            yield _Clip(file)
        return
    is_pattern = glob.has_magic(root.path)
    folder = fixed_part(root) if is_pattern else root
    found = False
    for address in matching(root) if is_pattern else list_below(root):
        below = address.below(folder)
        hidden = any(part.startswith(".") for part in (*below.parts, address.name))
        if address.suffix.lower() in VIDEO_SUFFIXES and not hidden and not _is_made(address):
            found = True
            yield _Clip(address, Path() if is_pattern else below)
    if not found:
        raise InputError(
            f"{root} {'matches' if is_pattern else 'holds'} no clips",
            f"videos end in {', '.join(sorted(VIDEO_SUFFIXES))}",
        )


def _matching(pattern: str) -> Iterator[_Clip]:
    files = [path for path in matching_files(pattern) if path.is_file() and not _is_made(path)]
    if not files:
        raise InputError(f"{pattern} matches no clip", "check the pattern")
    if all(path.suffix.lower() in IMAGE_SUFFIXES for path in files):
        yield _Clip(Path(pattern))  # one image sequence
    else:
        yield from map(_Clip, files)


def _unique(clips: Iterable[_Clip]) -> list[_Clip]:
    seen: dict[str, _Clip] = {}
    resolve = _Resolver()
    for clip in clips:
        seen.setdefault(resolve(clip.source), clip)
    if not seen:
        raise InputError("the inputs contain no clips", "outputs of earlier runs (.tracked.) are skipped")
    return list(seen.values())


def _is_file_target(output: str, inputs: Sequence[str], clips: Sequence[_Clip]) -> bool:
    path = location_of(output)
    if (isinstance(path, Path) and os.path.isdir(path)) or output.endswith(("/", os.sep)) or not path.suffix:
        return False
    if path.suffix.lower() not in CONTAINERS and not is_log_path(Path(path.name)):
        known = ", ".join([*CONTAINERS, *LOG_SUFFIXES])
        raise UsageError(
            f"{output}: a {path.suffix} file cannot be written", f"use {known}; end a folder's name with /"
        )
    if len(inputs) > 1 or (is_folder(inputs[0]) and clips[0].source != location_of(inputs[0])):
        raise UsageError(f"{output} is a single file, but there may be several clips", "give a folder")
    return True


def is_folder(text: str) -> bool:
    """True for an input that is a folder; an address is taken for one, unless it is that of a clip."""
    return is_address(text) or os.path.isdir(os.path.expanduser(text))


def _file_job(source: Location, output: Location, video_suffix: str | None) -> Job:
    if is_log_path(Path(output.name)):
        return Job(source, None, output)
    if video_suffix is None:
        raise UsageError(
            f"{output} is a video, but --no-video was given", "give a .jsonl name, or leave out --no-video"
        )
    return Job(source, output, output.with_name(output.stem.removesuffix(VIDEO_MARK) + LOG_ENDING))


def _folder_job(clip: _Clip, folder: Location | None, video_suffix: str | None) -> Job:
    parent = clip.source.parent if folder is None else folder / clip.below
    name = _name_of(clip.source)
    video = None if video_suffix is None else parent / f"{name}{VIDEO_MARK}{video_suffix}"
    return Job(clip.source, video, parent / f"{name}{LOG_ENDING}")


def _name_of(source: Location) -> str:
    if isinstance(source, Address):
        return source.stem
    if os.path.isdir(source):
        return source.resolve().name
    if is_sequence(source):
        return _PICTURE_NUMBER.sub("", source.stem) or source.resolve().parent.name
    return source.stem


class _Resolver:
    """`os.path.realpath` that looks at each folder once: every look at ten thousand clips counts."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def __call__(self, place: Location) -> str:
        if isinstance(place, Address):
            return str(place)
        folder, name = os.path.split(place)
        if name in ("", os.pardir, os.curdir) or os.path.islink(place):
            return os.path.realpath(place)
        if folder not in self._folders:
            self._folders[folder] = os.path.realpath(folder)
        return os.path.join(self._folders[folder], name)


def _check_collisions(jobs: Sequence[Job]) -> None:
    makers: dict[str, Location] = {}
    resolve = _Resolver()
    sources = {os.path.normcase(resolve(job.source)) for job in jobs}
    for job in jobs:
        for target in job.outputs:
            place = os.path.normcase(resolve(target))
            if place in sources:
                raise UsageError(f"{target} is an input and would be overwritten", "give another output")
            if place in makers:
                raise UsageError(
                    f"{makers[place]} and {job.source} would both become {target}", "rename one, or run them separately"
                )
            makers[place] = job.source

"""Finds the photos that a command names, and where their results go; writes nothing."""

from __future__ import annotations

import glob
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from vidtrack.batch.inputs import FolderWalk, is_wanted, matching_files
from vidtrack.core.errors import InputError, UsageError
from vidtrack.tracklog import is_log_path
from vidtrack.video.codecs import CONTAINERS
from vidtrack.video.image_sequence import VIDEO_SUFFIXES, image_files
from vidtrack.video.images import IMAGE_SUFFIXES, is_still_image

MARK = ".detected"  # NAME.detected.jpg
RECORD = "detections.json"
_OWN = re.compile(rf".*{re.escape(MARK)}\.\w+", re.IGNORECASE)


@dataclass(frozen=True)
class PhotoJob:
    """A photo, its name in the record, and where its annotated image goes; None if none is wanted."""

    source: Path
    name: str
    annotated: Path | None


@dataclass(frozen=True)
class PhotoPlan:
    """Photos and their COCO file, None for standard output; `is_batch` if a later run may have more photos."""

    jobs: tuple[PhotoJob, ...]
    record: Path | None
    is_batch: bool


def plan_photos(
    inputs: Sequence[str],
    output: str | None,
    draw: bool = True,
    forced: bool = False,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> PhotoPlan | None:
    """The photos of `vidtrack detect INPUT... -o OUTPUT`; None if the inputs are clips.

    Image files are photos, and so are the images of a folder without videos unless one rising number tells their names
    apart: those are the frames of a clip. `forced` takes all images in and below folders. `output` is a folder, in
    which the tree of an input folder is repeated; a COCO file, without images; for one photo an image; or `-`. None is
    beside each photo. Raises UsageError or InputError.
    """
    if not forced and not _are_photos(inputs, output):
        return None
    found = {os.path.realpath(photo): (photo, below) for text in inputs for photo, below in _expand(text)}
    wanted = [(photo, below) for photo, below in found.values() if is_wanted(below / photo.name, include, exclude)]
    if not wanted:
        raise InputError(
            f"{', '.join(inputs)}: no photos" + (" match --include and --exclude" if found else ""),
            f"photos end in {', '.join(sorted(IMAGE_SUFFIXES))}",
        )
    folders = [text for text in inputs if os.path.isdir(os.path.expanduser(text))]
    is_batch = bool(folders) or len(wanted) > 1
    root = _root([photo for photo, _ in wanted], folders)
    if output == "-":
        return PhotoPlan(_jobs(wanted, root, None, False), None, is_batch)
    place = None if output is None else Path(os.path.expanduser(output))
    suffix = (
        "" if place is None or os.path.isdir(place) or str(output).endswith(("/", os.sep)) else place.suffix.lower()
    )
    if place is not None and suffix == ".json":
        return PhotoPlan(_jobs(wanted, root, None, False), place, is_batch)
    if place is not None and suffix in _written_suffixes():
        return _to_one_image(wanted, place, is_batch, draw)
    if suffix:
        raise UsageError(f"photos cannot be written to {output}", "use a folder, .json, .jpg, .png or .webp")
    name = RECORD if is_batch else f"{wanted[0][0].stem}.{RECORD}"
    return PhotoPlan(_jobs(wanted, root, place, draw), (place or root) / name, is_batch)


def is_annotated(path: Path) -> bool:
    """True for a file named as annotated images are."""
    return bool(_OWN.fullmatch(path.name))


def _are_photos(inputs: Sequence[str], output: str | None) -> bool:
    if output not in (None, "-"):
        suffix = Path(output or "").suffix.lower()
        if suffix in CONTAINERS or (is_log_path(Path(output or "")) and suffix != ".json"):
            return False
    places = [Path(os.path.expanduser(text)) for text in inputs]
    return bool(places) and all(
        _holds_photos(place) if os.path.isdir(place) else is_still_image(place) for place in places
    )


def _holds_photos(folder: Path) -> bool:
    """Whether a folder has images, but neither videos nor the numbered frames of a clip."""
    try:
        if not any(
            path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and not path.is_dir()
            for path in folder.iterdir()
        ):
            return False
        for _, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            if any(os.path.splitext(name)[1].lower() in VIDEO_SUFFIXES for name in names):
                return False
        images = image_files(folder)
    except (OSError, InputError):
        return False  # planning clips says what is wrong
    return images.numbering is None or len(images.paths) == 1


def _expand(text: str) -> Iterator[tuple[Path, Path]]:
    """Photos with the folders between the input and them."""
    if "://" in text:
        raise UsageError(f"photos at {text} cannot be read", "copy them to this machine first")
    path = Path(os.path.expanduser(text))
    if os.path.isdir(path):
        walk = FolderWalk(path)
        yield from ((photo, below) for photo, below in walk if _is_photo(photo))
        yield from ((folder, Path()) for folder in walk.closed)  # each fails with the reason
    elif not os.path.exists(path) and glob.has_magic(text):
        yield from ((photo, Path()) for photo in matching_files(text) if _is_photo(photo))
    elif os.path.isfile(path) and path.suffix.lower() in VIDEO_SUFFIXES:
        raise UsageError(f"{text} is a video, and --photos takes photos", "drop --photos")
    else:
        yield path, Path()


def _is_photo(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not is_annotated(path)


def _root(photos: Sequence[Path], folders: Sequence[str]) -> Path:
    """The folder that names in the record are relative to."""
    if len(folders) == 1 and all(photo.is_relative_to(os.path.expanduser(folders[0])) for photo in photos):
        return Path(os.path.expanduser(folders[0]))
    if len({photo.parent for photo in photos}) == 1:
        return photos[0].parent
    return Path(os.path.commonpath([photo.absolute().parent for photo in photos]))


def _jobs(wanted: Sequence[tuple[Path, Path]], root: Path, base: Path | None, draw: bool) -> tuple[PhotoJob, ...]:
    places = {photo: (photo.parent if base is None else base / below) for photo, below in wanted}
    usual = {photo: places[photo] / f"{photo.stem}{MARK}{_suffix(photo)}" for photo, _ in wanted}
    taken = Counter(os.path.normcase(place) for place in usual.values())
    jobs, makers = [], set()
    for photo, _ in wanted:
        target = usual[photo]
        if taken[os.path.normcase(target)] > 1 and _suffix(photo) != photo.suffix:  # IMG_1.HEIC beside IMG_1.jpg
            target = places[photo] / f"{photo.name}{MARK}{_suffix(photo)}"
        if draw and os.path.normcase(target) in makers:
            raise UsageError(f"several photos would be written to {target}", "run them separately, or give --no-video")
        makers.add(os.path.normcase(target))
        name = os.path.relpath(photo.absolute(), root.absolute()).replace(os.sep, "/")
        jobs.append(PhotoJob(photo, name, target if draw else None))
    return tuple(jobs)


def _to_one_image(wanted: Sequence[tuple[Path, Path]], place: Path, is_batch: bool, draw: bool) -> PhotoPlan:
    if is_batch:
        raise UsageError(f"{place} is a single image, but there may be several photos", "give a folder")
    if not draw:
        raise UsageError(f"{place} is an image, but --no-video was given", "give a .json name")
    photo = wanted[0][0]
    if os.path.realpath(photo) == os.path.realpath(place):
        raise UsageError(f"{place} is an input and would be overwritten", "give another output")
    record = place.with_name(f"{place.stem.removesuffix(MARK)}.{RECORD}")
    return PhotoPlan((PhotoJob(photo, photo.name, place),), record, False)


def _suffix(photo: Path) -> str:
    """The suffix of the annotated image: the photo's own if that can be written, else JPEG's."""
    own = photo.suffix.lower()
    return own if own in _written_suffixes() else ".jpg"


def _written_suffixes() -> tuple[str, ...]:
    from vidtrack.render.photo import SUFFIXES  # imports OpenCV, which planning clips does not need

    return SUFFIXES

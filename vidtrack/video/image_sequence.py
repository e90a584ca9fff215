"""A numbered or globbed set of images, read as one clip."""

from __future__ import annotations

import glob
import itertools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from vidtrack.core.errors import InputError
from vidtrack.core.types import FileNumbering
from vidtrack.video.ffmpeg_log import ProblemLog, summary
from vidtrack.video.images import DECODE_ERRORS, IMAGE_SUFFIXES, DecodedImage, decode_image
from vidtrack.video.limits import DEFAULT_LIMITS, Limits

VIDEO_SUFFIXES = frozenset(
    ".3g2 .3gp .asf .avi .dv .f4v .flv .m2ts .m2v .m4v .mkv .mov .mp4 .mpeg .mpg .mts .mxf .ogv .ts .vob .webm .wmv "
    ".y4m".split()
)
DEFAULT_FRAMERATE = Fraction(25)
_PRINTF_NUMBER = re.compile(r"%(0?)(\d{0,2})d")
_RANGES_NAMED = 5


@dataclass(frozen=True)
class ImageFiles:
    """The images of a clip by frame, None for a number that is missing; `numbering` is None if the names have none."""

    paths: tuple[Path | None, ...]
    numbering: FileNumbering | None = None
    notes: tuple[str, ...] = ()


def is_sequence(path: Path) -> bool:
    """True for a folder, a printf pattern (`img_%04d.png`) or a glob (`img_*.png`) that is not itself a file."""
    return not os.path.isfile(path) and (
        os.path.isdir(path) or bool(_PRINTF_NUMBER.search(path.name)) or _is_glob(path.name)
    )


def image_paths(path: Path) -> list[Path]:
    """The images `path` stands for, in numeric order.

    Raises InputError if there is none.
    """
    if path.is_dir():
        found = [p for p in path.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".")]
    elif path.is_file():
        found = [path]
    elif _PRINTF_NUMBER.search(path.name):
        name = _printf_regex(path.name)
        found = [p for p in path.parent.iterdir() if name.fullmatch(p.name)] if path.parent.is_dir() else []
    else:
        found = [Path(p) for p in glob.glob(str(path))]
        found = [p for p in found if p.suffix.lower() in IMAGE_SUFFIXES]
    found = [image for image in found if not image.is_dir()]
    if not found:
        what = "is a folder without images" if path.is_dir() else "matches no image"
        raise InputError(f"{path} {what}", "give a video file, a folder of images or a pattern such as img_%04d.png")
    for image in found:
        if not image.is_file() and image.exists():  # a pipe would be waited for without end
            raise InputError(f"{image} is not a regular file", "remove it from the sequence")
    return sorted(found, key=_natural_order)


def image_files(path: Path) -> ImageFiles:
    """The images `path` stands for, placed by the numbers in their names.

    If more numbers are missing than present, as with photos picked from a card, the images follow each other instead.
    """
    paths = image_paths(path)
    numbered = None if path.is_file() else _numbered([image.name for image in paths])
    if numbered is None:
        return ImageFiles(tuple(paths))
    numbering, numbers = numbered
    missing = numbers[-1] - numbers[0] + 1 - len(numbers)
    if missing == 0:
        return ImageFiles(tuple(paths), numbering)
    if missing > len(paths):
        note = f"{missing} numbers are missing between {paths[0].name} and {paths[-1].name}: the images are read as "
        return ImageFiles(tuple(paths), None, (note + "consecutive frames",))
    by_number = dict(zip(numbers, paths, strict=True))
    placed = tuple(by_number.get(number) for number in range(numbers[0], numbers[-1] + 1))
    named = _ranges([number for number in range(numbers[0], numbers[-1] + 1) if number not in by_number])
    note = f"{missing} image{' is' if missing == 1 else 's are'} missing: number {named}"
    return ImageFiles(placed, numbering, (note,))


def are_numbered(names: Sequence[str]) -> bool:
    """True if one rising number alone tells the names apart, and most numbers between are there."""
    numbered = _numbered(sorted(names, key=lambda name: _natural_order(Path(name))))
    return numbered is not None and numbered[1][-1] - numbered[1][0] < 2 * len(names)


def sequence_frames(
    paths: Sequence[Path | None],
    problems: ProblemLog,
    framerate: Fraction,
    first: int = 0,
    limits: Limits = DEFAULT_LIMITS,
    decoded: Mapping[Path, DecodedImage] | None = None,
) -> Iterator[av.VideoFrame]:
    """Decode the images from ordinal `first` on, but those `decoded` before.

    pts counts 1/framerate, and an unreadable image leaves a gap.
    """
    for ordinal in range(first, len(paths)):
        path = paths[ordinal]
        if path is None:
            continue
        try:
            frame, _, complaints = (decoded or {}).get(path) or decode_image(path, limits)
        except (*DECODE_ERRORS, InputError) as error:
            problems.next_index = ordinal
            said = error.message if isinstance(error, InputError) else f"cannot be decoded: {error}"
            problems.add(f"{path.name}: {said}", pts=ordinal)
            continue
        if complaints:
            problems.next_index = ordinal
            problems.add(f"{path.name} is damaged, part of it may be missing: {summary(list(complaints))}", pts=ordinal)
        frame.pts = ordinal
        frame.time_base = 1 / framerate
        yield frame


def _numbered(names: list[str]) -> tuple[FileNumbering, list[int]] | None:
    """How the names are numbered, and their numbers; None unless one rising number alone tells them apart."""
    parts = [re.split(r"(\d+)", name) for name in names]
    if len({len(part) for part in parts}) != 1:
        return None
    differing = [n for n, column in enumerate(zip(*parts, strict=True)) if len(set(column)) > 1]
    place = differing[0] if differing else len(parts[0]) - 2  # of a single image, the last number
    if len(differing) > 1 or place < 1 or place % 2 == 0:
        return None
    width = min(len(part[place]) for part in parts)
    numbers = [int(part[place]) for part in parts]
    padded = all(part[place] == f"{number:0{width}d}" for part, number in zip(parts, numbers, strict=True))
    if not padded or any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        return None
    before, after = ("".join(part).replace("%", "%%") for part in (parts[0][:place], parts[0][place + 1 :]))
    number = f"%0{width}d" if width > 1 else "%d"
    return FileNumbering(f"{before}{number}{after}", numbers[0]), numbers


def _ranges(numbers: list[int]) -> str:
    """Numbers for people: 3, 5-7, 9."""
    ordinals = itertools.count()
    runs = [list(run) for _, run in itertools.groupby(numbers, key=lambda number: number - next(ordinals))]
    named = [str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs]
    more = f" and {len(named) - _RANGES_NAMED} more ranges" if len(named) > _RANGES_NAMED else ""
    return ", ".join(named[:_RANGES_NAMED]) + more


def _is_glob(name: str) -> bool:
    return any(c in name for c in "*?[")


def _printf_regex(name: str) -> re.Pattern[str]:
    parts: list[str] = []
    end = 0
    for match in _PRINTF_NUMBER.finditer(name):
        parts.append(re.escape(name[end : match.start()]).replace("%%", "%"))
        width = int(match[2] or 1)
        parts.append(rf"\d{{{width},}}" if match[1] else r"\d+")
        end = match.end()
    parts.append(re.escape(name[end:]).replace("%%", "%"))
    return re.compile("".join(parts))


def _natural_order(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", str(path))]

"""Detections of a clip from a file: MOTChallenge det.txt, COCO annotations, COCO results."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from vidtrack.core.detections import Detections, DetectionSequence
from vidtrack.core.errors import DataError, UsageError
from vidtrack.datasets.coco import CocoAnnotation, CocoFile, CocoImage, Id, convert, is_box, read_coco, read_json
from vidtrack.datasets.mot import MOT_PIXEL, read_labels, read_rows, read_sequence_info

NAMELESS = "object"  # the class of a file that names none
_FORMATS = "expected a COCO .json file or MOT rows: frame,id,left,top,width,height,score"
_RESULT = 'a result is {"image_id", "category_id", "bbox": [x, y, width, height], "score"}'
_JSON_SUFFIXES = (".json",)
_DIGITS = 15  # of a number that is read; longer ones are too high for a frame anyway
_MOST_FRAMES = 10_000_000  # 46 hours at 60 frames per second; dates and image ids taken for frames are higher


class CocoResult(msgspec.Struct, frozen=True):
    """A detection of a COCO results file."""

    image_id: Id
    category_id: Id
    bbox: list[float]
    score: float


@dataclass(frozen=True)
class _Box:
    """A detection before frames and classes have their numbers."""

    frame: int
    category: Id
    xywh: Sequence[float]
    score: float


def read_detections(
    path: Path, images: Path | None = None, score_range: tuple[float, float] | None = None
) -> DetectionSequence:
    """Read detections; `images` is the COCO file that names the images and categories of a results file.

    Scores are mapped from `score_range` to [0, 1] and clipped; None takes them as they are. Raises DataError for a file
    that is none of the formats, has no detections, mixes videos, or has scores outside [0, 1].
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder", f"give one file; {_FORMATS}")
    if path.suffix.lower() in _JSON_SUFFIXES:
        sequence = _read_json_file(path, images)
    elif path.name.lower().endswith((".jsonl", ".gz")):
        raise DataError(f"{path} is not a file of detections", _FORMATS)
    else:
        if images is not None:
            raise UsageError(f"--images is for COCO results; {path} is not a .json file")
        sequence = _read_mot(path)
    if not any(map(len, sequence.frames.values())):
        raise DataError(f"{path} has no detections", _FORMATS)
    return replace(sequence, frames=_with_scores(sequence, score_range))


def _read_mot(path: Path) -> DetectionSequence:
    """MOT counts frames and pixels from 1; a frame without rows was looked at if it is in step with the others."""
    rows = read_rows(path)
    names, classes = _mot_classes(path, rows.classes)
    if rows.last_frame > _MOST_FRAMES:
        raise _too_late(path, rows.last_frame)
    known, nothing = np.unique(rows.frames), Detections.of(np.zeros((0, 4)), np.zeros(0))
    step = max(1, int(np.gcd.reduce(np.diff(known)))) if len(known) > 1 else 1
    first = int(known[0]) % step if len(known) else 0
    frames: dict[int, Detections] = {}
    for frame, (low, high) in enumerate(_bounds(rows.frames, rows.last_frame), start=1):
        if frame % step == first:
            part = slice(low, high)
            boxes = rows.boxes_xyxy[part] - MOT_PIXEL
            frames[frame - 1] = Detections.of(boxes, rows.scores[part], classes[part]) if low < high else nothing
    scores = rows.scores
    if len(scores) and (scores == -1).all():  # what writers put where they have no score
        frames = {index: replace(one, scores=np.ones(len(one))) for index, one in frames.items()}
    sequence = DetectionSequence(path, frames, names)
    for info_file in (path.with_name("seqinfo.ini"), path.absolute().parent.parent / "seqinfo.ini"):
        if info_file.is_file():
            info = read_sequence_info(info_file)
            rate = None if info.frames_per_second is None else Fraction(str(info.frames_per_second))
            return replace(sequence, size=info.size, frames_per_second=rate)
    return sequence


def _bounds(frames: np.ndarray, last: int) -> list[tuple[int, int]]:
    """Where the rows of each frame from 1 to `last` start and end."""
    edges = np.searchsorted(frames, np.arange(1, last + 2)).tolist()
    return list(itertools.pairwise(edges))


def _mot_classes(path: Path, column: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Names and the class (N,) of each row: numbers from 1 of a labels.txt beside the file, or one class for all."""
    names = read_labels(path)
    if names is None:
        return (NAMELESS,), np.zeros(len(column), dtype=np.int64)
    wrong = (column % 1 != 0) | (column < 1) | (column > len(names))
    if wrong.any():
        raise DataError(f"{path} has class {column[wrong][0]:g}", f"labels.txt names classes 1 to {len(names)}")
    return names, column.astype(np.int64) - 1


def _read_json_file(path: Path, images: Path | None) -> DetectionSequence:
    values = read_json(path)
    if isinstance(values, list):
        results = convert(values, list[CocoResult], path, _RESULT)
        if images is None:
            return _without_images(path, results)
        return _of_images(path, read_coco(images), results)
    if isinstance(values, dict) and "annotations" in values:
        if images is not None:
            raise UsageError(f"{path} lists its own images", "drop --images")
        file = read_coco(path)
        return _of_images(path, file, [each for each in file.annotations if not each.is_ignored])
    raise DataError(f"{path} is neither COCO annotations nor COCO results", _RESULT)


def _without_images(path: Path, results: Sequence[CocoResult]) -> DetectionSequence:
    """Results alone: the image id is the frame's number, and classes have no names."""
    numbers: dict[Id, int] = {}
    for result in results:
        number = _whole(result.image_id)
        if number is None or number < 0:
            raise DataError(
                f"{path}: image_id {result.image_id!r} is not a frame number", "--images FILE lists the images"
            )
        numbers[result.image_id] = number
    numbers = _from_first(path, numbers)
    known = {result.category_id: f"category {result.category_id}" for result in results}
    names = {key: known[key] for key in sorted(known, key=str)}
    looked_at = range(max(numbers.values(), default=-1) + 1)
    return _sequence(path, looked_at, names, [_box(path, numbers, each) for each in results])


def _of_images(path: Path, file: CocoFile, found: Sequence[CocoAnnotation] | Sequence[CocoResult]) -> DetectionSequence:
    numbers = _frame_numbers(path, file.images)
    names = {category.id: category.name for category in file.categories}
    for each in found:
        if each.image_id not in numbers or each.category_id not in names:
            what = "image" if each.image_id not in numbers else "category"
            raise DataError(
                f"{path} has a result of {what} {getattr(each, what + '_id')!r}, which --images does not list"
            )
    sequence = _sequence(path, numbers.values(), names, [_box(path, numbers, each) for each in found])
    sizes = {(image.width, image.height) for image in file.images}
    width, height = next(iter(sizes)) if len(sizes) == 1 else (None, None)
    if len(sizes) > 1:
        raise DataError(f"{path} has images of {len(sizes)} sizes", "expected the frames of one clip")
    return replace(sequence, size=None if not width or not height else (round(width), round(height)))


def _frame_numbers(path: Path, images: Sequence[CocoImage]) -> dict[Id, int]:
    """Ordinal of the frame of each image: its `frame_id`, else the last number in its name; the first may be 0 or 1."""
    videos = {image.video_id for image in images}
    if len(videos) > 1:
        raise DataError(f"{path} has the images of {len(videos)} videos", "give one file per video")
    numbers: dict[Id, int] = {}
    for image in images:
        digits = re.findall(r"\d+", Path((image.file_name or "").replace("\\", "/")).stem)
        number = image.frame_id if image.frame_id is not None else int(digits[-1][:_DIGITS]) if digits else None
        if number is None or number < 0:
            raise DataError(
                f"{path}: image {image.id!r} has no frame number", "expected frame_id, or names such as 000001.jpg"
            )
        numbers[image.id] = number
    if len(set(numbers.values())) < len(numbers):
        raise DataError(f"{path} has several images of one frame", "expected the frames of one clip")
    return _from_first(path, numbers)


def _from_first(path: Path, numbers: Mapping[Id, int]) -> dict[Id, int]:
    """Ordinals of numbered frames, of which the first may be 0 or 1."""
    first, last = min(numbers.values(), default=0), max(numbers.values(), default=0)
    if last > _MOST_FRAMES:
        raise _too_late(path, last)
    return {key: number - min(first, 1) for key, number in numbers.items()}


def _too_late(path: Path, frame: int) -> DataError:
    return DataError(
        f"{path} has frame {frame}, and a clip may have {_MOST_FRAMES:,} frames", "number the frames from 0 or 1"
    )


def _box(path: Path, numbers: Mapping[Id, int], found: CocoAnnotation | CocoResult) -> _Box:
    xywh: Any = found.xywh if isinstance(found, CocoAnnotation) else found.bbox
    frame, score = numbers[found.image_id], found.score
    if xywh is None or not is_box(xywh):
        raise DataError(f"{path}: a box of image {found.image_id!r} is {xywh}", _RESULT)
    return _Box(frame, found.category_id, xywh, 1.0 if score is None else score)


def _sequence(
    path: Path, looked_at: Iterable[int], names: Mapping[Id, str], boxes: Sequence[_Box]
) -> DetectionSequence:
    places = {key: place for place, key in enumerate(names)}
    by_frame: dict[int, list[_Box]] = defaultdict(list)
    for box in boxes:
        by_frame[box.frame].append(box)
    frames = {}
    for index in sorted(looked_at):
        found = by_frame.get(index, [])
        xywh = np.array([box.xywh for box in found], dtype=np.float64).reshape(-1, 4)
        edges = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
        classes = np.array([places[box.category] for box in found], dtype=np.int64)
        frames[index] = Detections.of(edges, np.array([box.score for box in found]), classes)
    return DetectionSequence(path, frames, tuple(names.values()))


def _with_scores(sequence: DetectionSequence, score_range: tuple[float, float] | None) -> Mapping[int, Detections]:
    low, high = score_range or (0.0, 1.0)
    scores = np.concatenate([found.scores for found in sequence.frames.values()])
    if not np.isfinite(scores).all():
        raise DataError(f"{sequence.path} has a score that is not a number", _FORMATS)
    if score_range is None and not ((scores >= 0) & (scores <= 1)).all():
        raise DataError(
            f"{sequence.path} has scores from {scores.min():g} to {scores.max():g}, not from 0 to 1",
            "--score-range LOW,HIGH says which score counts as 0 and which as 1, e.g. 0,100",
        )
    return {
        index: replace(found, scores=np.clip((found.scores - low) / (high - low), 0, 1))
        for index, found in sequence.frames.items()
    }


def _whole(value: Id) -> int | None:
    """A number without a fraction, or text of digits, as an int."""
    if isinstance(value, str):
        return int(value) if re.fullmatch(rf"\d{{1,{_DIGITS}}}", value) else None
    return int(value) if isinstance(value, int) or value.is_integer() else None

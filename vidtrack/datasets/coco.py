"""COCO detection files, read and checked in one place for evaluation and training."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from vidtrack.core.class_names import listed
from vidtrack.core.errors import DataError

Id = int | float | str  # some tools write 1.0
Flag = Literal[0, 1] | bool | None
Polygons = list[list[float]]
T = TypeVar("T")

_LARGEST = 2.0**53  # of any number in a box, so that its area is still a number
_EXPECTED = "expected a COCO detection file"


class CocoImage(msgspec.Struct, frozen=True, omit_defaults=True):
    """An image of the file. `labelled_classes` and `complete` are vidtrack's own, for partly labelled data.

    `video_id` and `frame_id` are those of COCO-VID and TAO.
    """

    id: Id
    file_name: str | None = None
    width: float | None = None
    height: float | None = None
    video_id: Id | None = None
    frame_id: int | None = None
    labelled_classes: list[str] | None = None
    complete: Flag = None


class CocoCategory(msgspec.Struct, frozen=True, omit_defaults=True):
    """A class of the file."""

    id: Id
    name: str


class CocoAnnotation(msgspec.Struct, frozen=True, omit_defaults=True):
    """An object; `segmentation` is a list of polygons, or a run-length encoding, which is kept as it is."""

    image_id: Id
    category_id: Id
    id: Id | None = None
    bbox: list[float] | None = None
    area: float | None = None
    iscrowd: Flag = None
    ignore: Flag = None
    segmentation: Polygons | dict[str, Any] | None = None
    score: float | None = None  # of a detector that made the annotation

    @property
    def is_ignored(self) -> bool:
        """True for crowds and for boxes marked with `ignore`: neither an object nor background."""
        return bool(self.iscrowd or self.ignore)

    @property
    def polygons(self) -> Polygons | None:
        """The mask as flat x, y lists; None without a mask or with a run-length encoded one."""
        return self.segmentation if isinstance(self.segmentation, list) and self.segmentation else None

    @property
    def xywh(self) -> tuple[float, float, float, float] | None:
        """The box, or the bounds of the polygons if there is no `bbox`."""
        if self.bbox and len(self.bbox) == 4:
            x, y, width, height = self.bbox
            return x, y, width, height
        if self.bbox or not self.polygons:
            return None
        xs = [x for polygon in self.polygons for x in polygon[::2]]
        ys = [y for polygon in self.polygons for y in polygon[1::2]]
        return min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)


class CocoFile(msgspec.Struct, frozen=True):
    """A checked annotation file: ids are unique, references resolve, boxes are finite and polygons have corners."""

    images: list[CocoImage]
    annotations: list[CocoAnnotation]
    categories: list[CocoCategory]

    @property
    def class_names(self) -> list[str]:
        """Names of the categories in the file's order."""
        return [category.name for category in self.categories]

    def labelled_in(self, image: CocoImage) -> Sequence[str]:
        """Classes annotated in `image`: those it lists, or all."""
        return self.class_names if image.labelled_classes is None else image.labelled_classes


F = TypeVar("F", bound=CocoFile)


def read_coco(path: Path) -> CocoFile:
    """Read and check an annotation file; raises DataError naming the entry that is wrong."""
    return read_coco_as(CocoFile, path)


def read_coco_as(kind: type[F], path: Path) -> F:
    """The same for a file with fields of its own."""
    file = convert(read_json(path), kind, path, _EXPECTED)
    for entries, what in ((file.images, "images"), (file.categories, "categories")):
        ids = {entry.id for entry in entries}
        if len(ids) < len(entries):
            raise DataError(f"{path}: {len(entries)} {what} share {len(ids)} ids", "each needs its own id")
    names = set(file.class_names)
    for image in file.images:
        if image.labelled_classes is not None and not set(image.labelled_classes) <= names:
            raise DataError(
                f"{path}: labelled_classes of image {image.id} are {_short(image.labelled_classes)}",
                f"expected categories of the file: {listed(file.class_names)}",
            )
    images, categories = {image.id for image in file.images}, {category.id for category in file.categories}
    for index, annotation in enumerate(file.annotations):
        where = f"{path}: annotation {index if annotation.id is None else annotation.id}"
        if annotation.image_id not in images:
            raise DataError(f"{where} refers to image {annotation.image_id!r}, which the file does not list")
        if annotation.category_id not in categories:
            raise DataError(f"{where} refers to category {annotation.category_id!r}, which the file does not list")
        _check_shape(annotation, where)
    return file


def _check_shape(annotation: CocoAnnotation, where: str) -> None:
    for polygon in annotation.polygons or ():
        if len(polygon) < 6 or len(polygon) % 2 or not is_finite(polygon):
            raise DataError(
                f"{where} has polygon {_short(polygon)}", "expected pixels x, y, x, y, ... of 3 or more corners"
            )
    box = annotation.xywh
    if box is None:
        hint = "expected [x, y, width, height] in pixels, or polygons in segmentation"
        raise DataError(f"{where} has bbox {_short(annotation.bbox)}", hint)
    if not is_box(box):
        raise DataError(f"{where} has bbox {_short(box)}", "values must be finite, width and height not negative")
    if annotation.area is not None and not is_finite([annotation.area]):
        raise DataError(f"{where} has area {annotation.area}", "expected a finite number of pixels")


def is_finite(values: Iterable[float]) -> bool:
    """True if every value is a number that fits into a box; NaN does not."""
    return all(abs(value) <= _LARGEST for value in values)


def is_box(xywh: Sequence[float]) -> bool:
    """True for four finite values with a width and height of at least 0."""
    return len(xywh) == 4 and is_finite(xywh) and min(xywh[2:]) >= 0


def convert(values: Any, kind: type[T], path: Path, hint: str) -> T:
    """JSON values as `kind`; raises DataError with the path of the first value that does not fit."""
    try:
        return msgspec.convert(values, kind)
    except msgspec.ValidationError as error:
        raise DataError(f"{path}: {error}", hint) from None


def read_json(path: Path) -> Any:
    """Parsed content of a JSON file; raises DataError if it cannot be read or is not JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}", "check the name") from None
    except (ValueError, RecursionError):
        raise DataError(f"{path} is not JSON", "expected a COCO file") from None


def image_path(folder: Path, file_name: str) -> Path:
    """`file_name` below `folder`; backslashes of files written on Windows separate folders too."""
    path = folder / file_name
    return folder / file_name.replace("\\", "/") if "\\" in file_name and not path.exists() else path


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else f"{text[:57]}..."

"""The COCO file that `vidtrack detect` makes of photos: what was found in which photo, and by what."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from vidtrack.batch.pending import Fingerprint, identity_of
from vidtrack.batch.photo_plan import PhotoJob
from vidtrack.core.errors import DataError
from vidtrack.core.metadata import utc_now, version_of
from vidtrack.datasets.coco import CocoAnnotation, CocoCategory, CocoFile, CocoImage, read_coco_as
from vidtrack.pipeline.detect_photos import Photo

_MOST_CLASSES = 100_000


class MadeBy(msgspec.Struct, frozen=True):
    """The model and a hash of its weights and of the parameters."""

    model: str
    weights: str
    parameters: str

    @classmethod
    def of(cls, model: str, shaped_by: Fingerprint) -> MadeBy:
        """The model named `model` in a run with this fingerprint."""
        return cls(model, shaped_by.weights, shaped_by.parameters)


class PhotoImage(CocoImage, frozen=True, omit_defaults=True):
    """A photo; `source` is its path relative to the file, `bytes` and `mtime_ns` tell whether it has changed since."""

    width: int | None = None
    height: int | None = None
    source: str | None = None
    bytes: int | None = None
    mtime_ns: int | None = None

    def is_of(self, job: PhotoJob) -> bool:
        """Whether this is the photo as it is on disk."""
        return (self.bytes, self.mtime_ns) == identity_of(job.source)


class _Info(msgspec.Struct, frozen=True):
    description: str
    version: str
    date_created: str
    vidtrack: MadeBy


class _File(CocoFile, frozen=True):
    info: _Info
    images: list[PhotoImage]  # type: ignore[assignment]


@dataclass(frozen=True)
class _Entry:
    image: PhotoImage
    objects: tuple[CocoAnnotation, ...]


@dataclass
class PhotoRecord:
    """Objects by the name of their photo."""

    made_by: MadeBy
    class_names: Sequence[str] = ()
    entries: dict[str, _Entry] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> PhotoRecord | None:
        """The record of an earlier run; None if there is none.

        Raises DataError for one that cannot be read or was changed, and for a file of another program.
        """
        if not os.path.lexists(path):
            return None
        file = read_coco_as(_File, path)
        names: dict[int, str] = {}
        for category in file.categories:
            if not isinstance(category.id, int) or not 1 <= category.id <= _MOST_CLASSES:
                raise DataError(f"{path} has category {category.id!r}", "vidtrack counts categories from 1")
            names[category.id] = category.name
        class_names = [names.get(number, "") for number in range(1, max(names, default=0) + 1)]
        objects: dict[object, list[CocoAnnotation]] = {image.id: [] for image in file.images}
        for annotation in file.annotations:
            objects[annotation.image_id].append(annotation)
        entries = {str(image.file_name): _Entry(image, tuple(objects[image.id])) for image in file.images}
        return cls(file.info.vidtrack, class_names, entries)

    def add(self, job: PhotoJob, photo: Photo, source: str) -> None:
        """Add the result of a photo, in place of an earlier one; `source` is its path relative to the record."""
        size, mtime_ns = identity_of(job.source)
        image = PhotoImage(0, job.name, *photo.size, source=source, bytes=size, mtime_ns=mtime_ns)
        found = photo.detections
        objects = []
        for (left, top, right, bottom), kind, score in zip(
            found.boxes_xyxy.tolist(), found.classes.tolist(), found.scores.tolist(), strict=True
        ):
            box = [round(value, 2) for value in (left, top, right - left, bottom - top)]
            area = round((right - left) * (bottom - top), 2)
            objects.append(CocoAnnotation(0, kind + 1, bbox=box, area=area, iscrowd=0, score=round(score, 4)))
        self.entries[job.name] = _Entry(image, tuple(objects))

    def has(self, job: PhotoJob) -> bool:
        """Whether the photo is done, unchanged since, and its annotated image exists."""
        entry = self.entries.get(job.name)
        return entry is not None and entry.image.is_of(job) and (job.annotated is None or job.annotated.exists())

    def text(self) -> str:
        """The COCO file; image ids follow the order of names, categories are the model's classes from 1."""
        images: list[PhotoImage] = []
        annotations: list[CocoAnnotation] = []
        replace = msgspec.structs.replace
        for number, name in enumerate(sorted(self.entries), start=1):
            entry = self.entries[name]
            images.append(replace(entry.image, id=number))
            annotations += [
                replace(found, id=before, image_id=number)
                for before, found in enumerate(entry.objects, start=len(annotations) + 1)
            ]
        categories = [CocoCategory(n, name) for n, name in enumerate(self.class_names, start=1) if name]
        info = _Info("objects detected by vidtrack", version_of("vidtrack"), utc_now(), self.made_by)
        file = _File(images=images, annotations=annotations, categories=categories, info=info)
        return json.dumps(msgspec.to_builtins(file), ensure_ascii=False) + "\n"

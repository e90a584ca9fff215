"""Detects in photos, writes annotated images and one COCO file; a second run does only what is left."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidtrack.batch.pending import Fingerprint, identity_of
from vidtrack.batch.photo_plan import PhotoJob, PhotoPlan
from vidtrack.batch.plan import EXISTS_HINT, Existing
from vidtrack.core.atomic_files import check_writable, make_folder, refuse_existing, write_whole
from vidtrack.core.errors import ExistsError, OutputError, VidtrackError
from vidtrack.core.metadata import utc_now, version_of
from vidtrack.model.choice import ModelChoice
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.detect_photos import FailedPhoto, Photo, detect_photos
from vidtrack.render.photo import annotated_image

_SAVE_EVERY = 10.0  # seconds: the most work that a crash loses
_ELSEWHERE = "choose another output; --overwrite replaces it"


@dataclass(frozen=True)
class PhotoOutcome:
    """The result of a photo: the number of objects found, or an error."""

    job: PhotoJob
    objects: int = 0
    warnings: tuple[str, ...] = ()
    error: VidtrackError | None = None


@dataclass
class PhotoRecord:
    """Objects by photo, as a COCO detection file with scores."""

    made_by: dict[str, Any]  # model, weights and parameters
    class_names: tuple[str, ...]
    images: dict[str, dict[str, Any]] = field(default_factory=dict)  # by name
    objects: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, job: PhotoJob, photo: Photo, source: str) -> None:
        """Add the result of a photo, in place of an earlier one; `source` is its path relative to the record."""
        size, mtime_ns = identity_of(job.source)
        width, height = photo.size
        found = photo.detections
        corners = found.boxes_xyxy.tolist()
        self.images[job.name] = {
            "file_name": job.name, "width": width, "height": height, "source": source, "bytes": size,
            "mtime_ns": mtime_ns,
        }  # fmt: skip
        self.objects[job.name] = [
            {
                "category_id": int(kind) + 1,
                "bbox": [round(value, 2) for value in (left, top, right - left, bottom - top)],
                "area": round((right - left) * (bottom - top), 2),
                "iscrowd": 0,
                "score": round(float(score), 4),
            }
            for (left, top, right, bottom), kind, score in zip(corners, found.classes, found.scores, strict=True)
        ]

    def has(self, job: PhotoJob) -> bool:
        """Whether the photo is done, unchanged since, and its annotated image exists."""
        image = self.images.get(job.name)
        if image is None or not _is_of(image, job):
            return False
        return job.annotated is None or job.annotated.exists()

    def document(self) -> dict[str, Any]:
        """The COCO file; image ids follow the order of names, categories are the model's classes from 1."""
        images: list[dict[str, Any]] = []
        annotations: list[dict[str, Any]] = []
        for number, name in enumerate(sorted(self.images), start=1):
            images.append({"id": number, **self.images[name]})
            for row in self.objects[name]:
                annotations.append({"id": len(annotations) + 1, "image_id": number, **row})
        categories = [{"id": n, "name": name} for n, name in enumerate(self.class_names, start=1) if name]
        info = {
            "description": "objects detected by vidtrack",
            "version": version_of("vidtrack"),
            "date_created": utc_now(),
            "vidtrack": self.made_by,
        }
        return {"info": info, "images": images, "annotations": annotations, "categories": categories}

    def text(self) -> str:
        """The COCO file as JSON."""
        return json.dumps(self.document(), ensure_ascii=False) + "\n"


class PhotoRun:
    """Detects in the photos of a plan that are not done; `save` keeps what is done, also after an interrupt.

    Raises ExistsError if an output exists that no earlier run made, unless `existing` says what to do with it.
    """

    def __init__(self, plan: PhotoPlan, model: ModelChoice, config: RunConfig, existing: Existing) -> None:
        from vidtrack.model import registry

        self._plan, self._choice, self._config = plan, model, config
        located = registry.locate(model.name)
        shaped_by = Fingerprint.of(config, registry.content_sha256(located.path), model.prompt)
        self._made_by = {"model": located.name, "weights": shaped_by.weights, "parameters": shaped_by.parameters}
        earlier = None if plan.record is None else _read_record(plan.record)
        same = earlier is not None and earlier.made_by == self._made_by and existing is not Existing.OVERWRITE
        if existing is Existing.REFUSE and (earlier is None or (not plan.is_batch and earlier.images)):
            targets = [plan.record, *(job.annotated for job in plan.jobs)]
            refuse_existing([target for target in targets if target is not None], EXISTS_HINT)
        if existing is not Existing.OVERWRITE and earlier is not None:
            self._refuse_loss(earlier, same)
        self.record = earlier if earlier is not None and same else PhotoRecord(self._made_by, ())
        self.done_before = tuple(job for job in plan.jobs if self.record.has(job))
        done = set(self.done_before)
        self.left = [job for job in plan.jobs if job not in done]
        self._saved = time.monotonic()

    def _refuse_loss(self, earlier: PhotoRecord, same: bool) -> None:
        """Raise ExistsError if a run would replace the results of photos that it does not have."""
        jobs = {job.name: job for job in self._plan.jobs}
        for name, image in earlier.images.items():
            job = jobs.get(name)
            if job is None and not same:
                raise ExistsError(f"{self._plan.record} holds {name}, found with another model or settings", _ELSEWHERE)
            if job is None or image.get("source", self._seen_from_record(job)) == self._seen_from_record(job):
                continue
            if not _is_of(image, job):
                raise ExistsError(f"{self._plan.record} holds another {name}, of {image['source']}", _ELSEWHERE)

    def _seen_from_record(self, job: PhotoJob) -> str:
        folder = Path() if self._plan.record is None else self._plan.record.parent
        return Path(os.path.relpath(job.source, folder)).as_posix()

    def outcomes(self) -> Iterator[PhotoOutcome]:
        """Work on what is left, photo by photo."""
        if not self.left:
            return
        if self._plan.record is not None:
            make_folder(self._plan.record.parent)
            check_writable(self._plan.record)
        model = self._choice.load()
        self.record.class_names = model.class_names
        self.save()  # from now on annotated images beside it are ours
        found = detect_photos((job.source for job in self.left), model, self._config)
        for job, photo in zip(self.left, found, strict=False):
            yield self._finish(job, photo)
            if time.monotonic() - self._saved > _SAVE_EVERY:
                self.save()

    def save(self) -> None:
        """Write the COCO file, unless it goes to standard output or would hold nothing of a single photo."""
        if self._plan.record is not None and (self._plan.is_batch or self.record.images):
            write_whole(self._plan.record, self.record.text())
        self._saved = time.monotonic()

    def _finish(self, job: PhotoJob, photo: Photo | FailedPhoto) -> PhotoOutcome:
        if isinstance(photo, FailedPhoto):
            self.record.images.pop(job.name, None)
            return PhotoOutcome(job, error=photo.error)
        if job.annotated is not None:
            try:
                look, names = self._config.look, self.record.class_names
                suffix = job.annotated.suffix
                write_whole(job.annotated, annotated_image(photo.frame, photo.objects, names, look, suffix, job.source))
            except OutputError as error:
                return PhotoOutcome(job, error=error)
        self.record.add(job, photo, self._seen_from_record(job))
        return PhotoOutcome(job, len(photo.objects), photo.warnings)


def _is_of(image: dict[str, Any], job: PhotoJob) -> bool:
    """Whether a row of the record is of the photo as it is on disk."""
    return (image.get("bytes"), image.get("mtime_ns")) == identity_of(job.source)


def _read_record(path: Path) -> PhotoRecord | None:
    """The record of an earlier run; None if there is none, or another program wrote the file."""
    try:
        document = json.loads(path.read_text("utf-8"))
        made_by = document["info"]["vidtrack"]
        names = {category["id"]: category["name"] for category in document["categories"]}
        classes = tuple(names.get(number, "") for number in range(1, max(names, default=0) + 1))
        record = PhotoRecord(dict(made_by), classes)
        by_number = {}
        for image in document["images"]:
            by_number[image.pop("id")] = image["file_name"]
            record.images[image["file_name"]] = image
            record.objects[image["file_name"]] = []
        for row in document["annotations"]:
            del row["id"]
            record.objects[by_number[row.pop("image_id")]].append(row)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return record

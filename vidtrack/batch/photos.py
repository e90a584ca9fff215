"""Detects in photos, writes annotated images and one COCO file; a second run does only what is left."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from vidtrack.batch.pending import Fingerprint
from vidtrack.batch.photo_plan import PhotoJob, PhotoPlan
from vidtrack.batch.photo_record import MadeBy, PhotoRecord
from vidtrack.batch.plan import EXISTS_HINT, Existing
from vidtrack.core.atomic_files import check_writable, make_folder, refuse_existing, write_whole
from vidtrack.core.errors import DataError, ExistsError, OutputError, VidtrackError
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


class PhotoRun:
    """Detects in the photos of a plan that are not done; `save` keeps what is done, also after an interrupt.

    Raises ExistsError if an output exists that no earlier run made, unless `existing` says what to do with it.
    """

    def __init__(self, plan: PhotoPlan, model: ModelChoice, config: RunConfig, existing: Existing) -> None:
        from vidtrack.model import registry

        self._plan, self._choice, self._config = plan, model, config
        located = registry.locate(model.name)
        shaped_by = Fingerprint.of(config, registry.content_sha256(located.path), model.prompt)
        made_by = MadeBy.of(located.name, shaped_by)
        earlier = None if existing is Existing.OVERWRITE else _earlier(plan)
        same = earlier is not None and earlier.made_by == made_by
        if existing is Existing.REFUSE and (earlier is None or (not plan.is_batch and earlier.entries)):
            targets = [plan.record, *(job.annotated for job in plan.jobs)]
            refuse_existing([target for target in targets if target is not None], EXISTS_HINT)
        if earlier is not None:
            self._refuse_loss(earlier, same)
        self.record = earlier if earlier is not None and same else PhotoRecord(made_by)
        self.done_before = tuple(job for job in plan.jobs if self.record.has(job))
        done = set(self.done_before)
        self.left = [job for job in plan.jobs if job not in done]
        self._saved = time.monotonic()

    def _refuse_loss(self, earlier: PhotoRecord, same: bool) -> None:
        """Raise ExistsError if a run would replace the results of photos that it does not have."""
        jobs = {job.name: job for job in self._plan.jobs}
        for name, entry in earlier.entries.items():
            job, source = jobs.get(name), entry.image.source
            if job is None and not same:
                raise ExistsError(f"{self._plan.record} holds {name}, found with another model or settings", _ELSEWHERE)
            if job is None or source is None or source == self._seen_from_record(job) or entry.image.is_of(job):
                continue
            raise ExistsError(f"{self._plan.record} holds another {name}, of {source}", _ELSEWHERE)

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
        if self._plan.record is not None and (self._plan.is_batch or self.record.entries):
            write_whole(self._plan.record, self.record.text())
        self._saved = time.monotonic()

    def _finish(self, job: PhotoJob, photo: Photo | FailedPhoto) -> PhotoOutcome:
        if isinstance(photo, FailedPhoto):
            self.record.entries.pop(job.name, None)
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


def _earlier(plan: PhotoPlan) -> PhotoRecord | None:
    """What an earlier run found; raises ExistsError for a file of which nobody knows what it holds."""
    try:
        return None if plan.record is None else PhotoRecord.read(plan.record)
    except DataError as error:
        said = f"{plan.record} already exists, and vidtrack cannot continue it: {error.message}"
        raise ExistsError(said, _ELSEWHERE) from None

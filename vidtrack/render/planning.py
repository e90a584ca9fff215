"""From a log and its clip to the files to make of them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from vidtrack.render.crop import CropConfig, CropPlan, plan_crop
from vidtrack.render.encode import Take
from vidtrack.render.jobs import Layer, clip_takes, crop_take, whole_take
from vidtrack.render.naming import target_in, target_of
from vidtrack.render.scene import Scene
from vidtrack.render.spans import span_of
from vidtrack.tracklog import select
from vidtrack.tracklog.trajectories import continuous_trajectories
from vidtrack.video.codecs import suffix_for


@dataclass(frozen=True)
class Item:
    """A video to make, a note for people on its tracks, and the same as values."""

    take: Take
    note: str
    values: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """Where the files go and what of the clip they show.

    `output` is a file or a folder, None is beside the log; `start` and `end`, in seconds, are of videos without a
    track's own time. Raises UsageError where one file is named for what may be many.
    """

    scene: Scene
    output: str | None
    codec: str | None
    start: Fraction | None
    end: Fraction | None

    def pictures(self) -> dict[int, Path]:
        """A picture for each chosen track."""
        return self._targets("track", ".png")

    def whole(self, layer: Layer, mark: str) -> Item:
        """One video of all the picture."""
        identities = self._identities
        take = whole_take(self.scene.footage, layer, self._target(mark), self.start, self.end)
        return Item(take, f"{len(identities)} track{'' if len(identities) == 1 else 's'}", {"ids": identities})

    def clips(self, layer: Layer, handles: Fraction) -> list[Item]:
        """A video a track, of all the picture."""
        targets = self._targets("track", suffix_for(self.codec))
        takes = clip_takes(
            self.scene.footage, layer, continuous_trajectories(self.scene.chosen), targets.__getitem__, handles
        )
        return [Item(take, f"track {n}", {"id": n}) for take, n in zip(takes, targets, strict=True)]

    def crops(self, layer: Layer, config: CropConfig, handles: Fraction) -> list[Item]:
        """A window for each track that follows it over its own time."""
        footage, chosen = self.scene.footage, self.scene.chosen
        targets = self._targets("crop", suffix_for(self.codec))
        items = []
        for path in continuous_trajectories(chosen):
            crop = plan_crop(path, chosen, footage.info, config, footage.scale, whole_clip=False)
            take = crop_take(footage, layer, crop, targets[path.identity], span_of(path, chosen, handles))
            items.append(Item(take, *_notes(path.identity, crop)))
        return items

    def crop(self, layer: Layer, config: CropConfig, identity: int) -> Item:
        """A window that follows any one track of the log through the clip."""
        followed = select(self.scene.log, [identity])
        (path,) = continuous_trajectories(followed)
        footage, target = self.scene.footage, self._target(f"crop-{identity}")
        crop = plan_crop(path, followed, footage.info, config, footage.scale)
        return Item(crop_take(footage, layer, crop, target, (self.start, self.end)), *_notes(identity, crop))

    @property
    def _identities(self) -> list[int]:
        return sorted(set(self.scene.chosen.ids.tolist()))

    def _targets(self, mark: str, suffix: str) -> dict[int, Path]:
        return {n: target_in(self.scene.log_path, self.output, f"{mark}-{n}", suffix) for n in self._identities}

    def _target(self, mark: str) -> Path:
        return target_of(self.scene.log_path, self.output, mark, suffix_for(self.codec))


def _notes(identity: int, crop: CropPlan) -> tuple[str, dict[str, int]]:
    """What to say of a crop, to people and as values."""
    missed = f", cut off in {crop.frames_cut} of {crop.frames_followed} frames" if crop.frames_cut else ""
    values = {"id": identity, "frames_cut": crop.frames_cut, "frames_followed": crop.frames_followed}
    return f"track {identity}{missed}", values

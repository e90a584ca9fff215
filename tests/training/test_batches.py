"""What a batch is made of: pictures drawn, put together, paired and pasted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from tests.training.conftest import CLASSES, shapes_picture, write_coco
from vidtrack.training.batches import BatchMaker
from vidtrack.training.config import AugmentConfig, DataConfig, SetConfig, TrackConfig, TrainConfig
from vidtrack.training.data import Record, load_set
from vidtrack.training.loop import Run

PLAIN = AugmentConfig(
    canvases=((64, 96),), scale=(1.0, 1.0), aspect=1.0, flip=0.0, photometric=0.0, grey=0.0, min_side=0.0
)


def maker(records: list[Record], augment: AugmentConfig = PLAIN, tracks: TrackConfig | None = None) -> BatchMaker:
    weights = np.full(len(records), 1 / len(records))
    return BatchMaker(records, weights, 4, augment, tracks or TrackConfig(), steps=100, seed=0)


def stills(folder: Path, **image_fields: object) -> list[Record]:
    return load_set(SetConfig("set", str(write_coco(folder, **image_fields))), DataConfig(), CLASSES)


def clip(folder: Path, frames: int) -> list[Record]:
    """A clip of ten frames a second, in which the object of a frame has its number as its id."""
    records = []
    for index in range(frames):
        path = folder / f"{index}.png"
        cv2.imwrite(str(path), shapes_picture(index)[0])
        box = np.array([[30, 20, 60, 50]], np.float32)
        one = Record(path, (96, 64), box, np.zeros(1, np.int64), np.ones(3, bool), ids=np.array([index]))
        records.append(replace(one, sequence="clip", seconds=index / 10))
    return records


def test_a_step_is_always_the_same_batch(tmp_path: Path) -> None:
    records = stills(tmp_path)
    first, again, other = (maker(records, AugmentConfig())(step) for step in (5, 5, 6))
    assert torch.equal(first.images, again.images)
    assert not torch.equal(first.images, other.images)


def test_a_mosaic_is_made_of_pictures_labelled_alike(tmp_path: Path) -> None:
    """Else an unlabelled car would be background in the quarter beside it."""
    records = stills(tmp_path / "all")
    for record in stills(tmp_path / "cars", labelled_classes=["car"]):
        cars = record.labels == 1
        records.append(replace(record, boxes_xyxy=record.boxes_xyxy[cars], labels=record.labels[cars]))
    made = [maker(records, replace(PLAIN, mosaic=1.0))(step) for step in range(4)]
    targets = [target for batch in made for target in batch.targets]
    assert {len(target.labels) for target in targets} == {8, 4}
    for target in targets:
        assert len(target.labels) == (8 if target.labelled.all() else 4)
        assert target.labelled[target.labels].all()


@pytest.mark.parametrize(("seconds", "frames"), [(0.2, 2), (0.45, 4), (0.05, 0)])
def test_pairs_are_as_close_in_time_as_asked(tmp_path: Path, seconds: float, frames: int) -> None:
    tracks = TrackConfig(share=1.0, jitter=0.0, max_gap_seconds=seconds)
    batches = [maker(clip(tmp_path, 12), tracks=tracks)(step) for step in range(12)]
    gaps = set()
    for batch in batches:
        assert batch.previous is not None
        for before, now in zip(batch.previous.targets, batch.targets, strict=True):
            gaps.add(abs(int(before.ids[0]) - int(now.ids[0])))
    assert gaps == (set(range(1, frames + 1)) or {0})  # alone in its time, a frame is its own pair


def test_pairs_begin_when_asked(tmp_path: Path) -> None:
    make = maker(stills(tmp_path), tracks=TrackConfig(share=1.0, begin=0.5))
    assert make(49).previous is None
    assert make(50).previous is not None


def test_objects_are_pasted_from_pictures_with_masks(tmp_path: Path) -> None:
    bare, donor = stills(tmp_path)[:2]
    bare = replace(bare, boxes_xyxy=bare.boxes_xyxy[:0], labels=bare.labels[:0], masks=())
    x0, y0, x1, y1 = donor.boxes_xyxy[0].tolist()
    donor = replace(donor, masks=([[x0, y0, x1, y0, x1, y1, x0, y1]], None))

    def found(paste: float) -> list[int]:
        make = BatchMaker([bare, donor], np.array([1.0, 0.0]), 4, replace(PLAIN, paste=paste), TrackConfig(), 100, 0)
        return [label for step in range(4) for target in make(step).targets for label in target.labels.tolist()]

    assert found(0.0) == []
    assert 0 < len(found(1.0)) < 16  # about half of the objects are taken
    assert set(found(1.0)) == {0}  # of the one object with a mask


def test_a_batch_in_half_precision_leaves_whole_gradients(recipe: TrainConfig, tmp_path: Path) -> None:
    losses = []
    for precision in ("float32", "bfloat16"):
        config = replace(recipe, optim=replace(recipe.optim, precision=precision))
        torch.manual_seed(0)
        run = Run(config, tmp_path / precision, False, lambda line: None)
        losses.append(run._backward(run.maker(0))["total"])
        gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
        assert gradients
        assert all(gradient.dtype == torch.float32 and gradient.isfinite().all() for gradient in gradients)
        run.close()
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.1)

"""What stands in a batch: which images go together, and that a step alone decides it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from msgspec import structs

from vidtrack.datasets.records import Record
from vidtrack.training.batches import Batch, BatchMaker, Target, prefetch
from vidtrack.training.loop import train
from vidtrack.training.metrics import read_metrics
from vidtrack.training.recipe import AugmentConfig, TrackConfig, TrainConfig

PLAIN = AugmentConfig(canvases=((64, 64),), scale=(1.0, 1.0), aspect=1.0, flip=0.0, photometric=0.0, grey=0.0)
NO_PAIRS = TrackConfig(share=0.0)
ALL, FIRST = np.array([True, True, True]), np.array([True, False, False])


def record(path: Path, grey: int = 0, **fields: Any) -> Record:
    """An image of one grey with one box."""
    cv2.imwrite(str(path), np.full((64, 64, 3), grey, np.uint8))
    known = Record(path, (64, 64), np.array([[8, 8, 40, 40]], np.float32), np.array([0]), ALL, masks=(None,))
    return replace(known, **fields)


def maker(records: list[Record], augment: AugmentConfig = PLAIN, tracks: TrackConfig = NO_PAIRS) -> BatchMaker:
    return BatchMaker(records, np.ones(len(records)), 4, augment, tracks, steps=10, seed=5)


def names(targets: list[Target]) -> list[str]:
    return [Path(target.source).stem for target in targets]


def assert_same(first: Batch, second: Batch) -> None:
    torch.testing.assert_close(first.images, second.images, rtol=0, atol=0)
    assert names(first.targets) == names(second.targets)


def test_a_mosaic_is_of_pictures_labelled_alike(tmp_path: Path) -> None:
    kinds = ((ALL, True), (ALL, False), (FIRST, True))
    records = [
        record(tmp_path / f"{index}.png", 50 + 10 * index, labelled=kinds[index % 3][0], complete=kinds[index % 3][1])
        for index in range(9)
    ]
    make = maker(records, structs.replace(PLAIN, mosaic=1.0))
    several = 0
    for batch in map(make, range(6)):
        for image, target in zip(batch.images, batch.targets, strict=True):
            shown = [(int(grey) - 50) // 10 for grey in image.unique()]
            several += len(shown) > 1
            for index in shown:
                labelled, complete = kinds[index % 3]
                assert (target.labelled.tolist(), target.complete) == (labelled.tolist(), complete)
            assert len(target.boxes) == 4
    assert several > 12


def test_pairs_are_of_one_clip_and_close_in_time(tmp_path: Path) -> None:
    records = [
        record(tmp_path / f"{clip}{frame}.png", sequence=clip, seconds=0.1 * frame)
        for clip in "ab"
        for frame in range(8)
    ]
    records.append(record(tmp_path / "b9.png", sequence="b", seconds=60.0))
    records.append(record(tmp_path / "c0.png"))
    gaps = set()
    for batch in map(maker(records, tracks=TrackConfig(share=1.0, max_gap_seconds=0.25)), range(10)):
        assert batch.previous is not None
        for now, before in zip(names(batch.targets), names(batch.previous.targets), strict=True):
            assert now[0] == before[0]
            gaps.add(abs(int(now[1]) - int(before[1])))
            assert (now == before) == (now in ("b9", "c0"))  # nothing else is close
    assert gaps == {0, 1, 2}


def test_pairs_come_in_when_they_should(tmp_path: Path) -> None:
    make = maker([record(tmp_path / "a.png")], tracks=TrackConfig(share=1.0, begin=0.5))
    assert [make(step).previous is not None for step in range(10)] == [False] * 5 + [True] * 5


def test_masked_objects_are_pasted_into_other_pictures(tmp_path: Path) -> None:
    square = [[8.0, 8.0, 40.0, 8.0, 40.0, 40.0, 8.0, 40.0]]
    nothing = {"boxes_xyxy": np.zeros((0, 4), np.float32), "labels": np.zeros(0, np.int64), "masks": ()}
    records = [
        record(tmp_path / "empty.png", 50, **nothing),
        record(tmp_path / "donor.png", 200, labels=np.array([2]), masks=(square,)),
    ]
    pasted = 0
    for batch in map(maker(records, structs.replace(PLAIN, paste=1.0)), range(6)):
        for image, target in zip(batch.images, batch.targets, strict=True):
            if names([target]) == ["empty"]:
                assert target.labels.tolist() in ([], [2])
                assert bool((image == 200).any()) == (len(target.labels) == 1)
                pasted += len(target.labels)
    assert pasted > 2


def test_pasted_objects_move_between_the_frames_of_a_pair(tmp_path: Path) -> None:
    square = [[8.0, 8.0, 40.0, 8.0, 40.0, 40.0, 8.0, 40.0]]
    records = [
        record(tmp_path / "still.png", 50, masks=(None,)),
        record(tmp_path / "donor.png", 200, labels=np.array([2]), masks=(square,)),
    ]
    make = maker(records, tracks=TrackConfig(share=1.0, jitter=0.0, paste=1.0))
    moved = hidden = appeared = left = 0
    for batch in map(make, range(12)):
        assert batch.previous is not None
        for image, now, before in zip(batch.images, batch.targets, batch.previous.targets, strict=True):
            if names([now]) != ["still"]:
                continue
            here, there = (dict(zip(one.ids.tolist(), one.boxes, strict=True)) for one in (now, before))
            assert (len(here), len(there)) == (len(now.ids), len(before.ids))
            hidden += 0 not in here
            assert (0 in here) == (len(now.ignored) == 0)
            appeared, left = appeared + (1 in here.keys() - there.keys()), left + (1 in there.keys() - here.keys())
            moved += 1 in here.keys() & there.keys() and not torch.equal(here[1], there[1])
            if 1 in here:
                x, y = (int(at) for at in here[1][:2] * 64)
                assert image[y, x].tolist() == [200] * 3
                assert now.labels[now.ids == 1].tolist() == [2]
    assert min(moved, hidden, appeared, left) > 0


def test_canvases_grow_and_pictures_are_padded(tmp_path: Path) -> None:
    wide = replace(record(tmp_path / "wide.png"), size=(64, 32))
    make = maker([record(tmp_path / "a.png"), wide], structs.replace(PLAIN, grow_from=0.5))
    first, last = make(0), make(9)
    assert (first.images.shape, last.images.shape) == ((4, 32, 32, 3), (4, 64, 64, 3))
    assert last.padding is not None
    expected = [0.5 if name == "wide" else 0.0 for name in names(last.targets)]
    assert last.padding.float().mean((1, 2)).tolist() == expected
    assert len(set(expected)) == 2


def test_a_step_alone_decides_its_batch(tmp_path: Path) -> None:
    records = [record(tmp_path / f"{index}.png", 20 * index) for index in range(8)]
    augment = structs.replace(AugmentConfig(), canvases=((64, 64),), mosaic=0.5)
    make = maker(records, augment, TrackConfig(share=0.5))
    ahead = dict(prefetch(make, 3, 9, workers=3))
    assert list(ahead) == [3, 4, 5, 6, 7, 8]
    for step, batch in ahead.items():
        assert_same(batch, maker(records, augment, TrackConfig(share=0.5))(step))
    other = BatchMaker(records, np.ones(8), 4, augment, TrackConfig(share=0.5), steps=10, seed=5, rank=1)
    assert names(other(3).targets) != names(ahead[3].targets)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_training_in_bfloat16(recipe: TrainConfig, tmp_path: Path, share: float) -> None:
    losses = {}
    for precision in ("float32", "bfloat16"):
        config = structs.replace(
            recipe,
            steps=1,
            optim=structs.replace(recipe.optim, precision=precision),
            tracks=TrackConfig(share=share),
        )
        train(config, tmp_path / precision)
        lines = read_metrics(tmp_path / precision / "metrics.jsonl")
        losses[precision] = next(line["losses"]["total"] for line in lines if "losses" in line)
    assert losses["bfloat16"] == pytest.approx(losses["float32"], rel=0.2)
    assert losses["bfloat16"] != losses["float32"]

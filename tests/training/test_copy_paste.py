from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from vidtrack.datasets.records import Record
from vidtrack.training.copy_paste import paste_objects


def record(boxes: list[list[float]], labels: list[int], masks: tuple | None = None) -> Record:
    return Record(
        Path("x"),
        (100, 80),
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(labels),
        np.ones(3, bool),
        masks=masks,
    )


def polygon(box: list[float]) -> list[list[float]]:
    x0, y0, x1, y1 = box
    return [[x0, y0, x1, y0, x1, y1, x0, y1]]


def test_pasted_pixels_and_boxes_agree() -> None:
    box = [10.0, 20.0, 40.0, 60.0]
    base, red = np.zeros((80, 100, 3), np.uint8), np.full((80, 100, 3), (200, 0, 0), np.uint8)
    pasted = 0
    for seed in range(8):
        found, image = paste_objects(
            np.random.default_rng(seed), record([], []), base, record([box], [2], (polygon(box),)), red
        )
        if not len(found.labels):
            assert image is base
            continue
        pasted += 1
        np.testing.assert_allclose(found.boxes_xyxy, [box])
        assert found.labels.tolist() == [2]
        rows, columns = np.nonzero(image[..., 0])
        assert (columns.min(), rows.min()) == (10, 20)
        assert (columns.max(), rows.max()) == (40, 60)
    assert 0 < pasted < 8
    assert base.max() == 0


def test_corners_far_beyond_the_picture() -> None:
    image = np.zeros((4, 5000, 3), np.uint8)
    wide = replace(record([], []), size=(5000, 4))
    donor = replace(record([[0, 0, 1, 1]], [2], (polygon([-9e5, -9e5, 9e5, 9e5]),)), size=(1, 1))
    shown = [paste_objects(np.random.default_rng(seed), wide, image, donor, image + 200)[1] for seed in range(4)]
    assert {int(picture.min()) for picture in shown} == {0, 200}  # all of it is pasted, or nothing


def test_pictures_are_pasted_at_the_size_they_are_stored_in() -> None:
    stored, box = np.zeros((40, 50, 3), np.uint8), [10.0, 20.0, 40.0, 60.0]
    scaled = replace(record([[100_000, 200_000, 300_000, 500_000]], [0]), size=(1_000_000, 800_000))
    for seed in range(4):
        found, image = paste_objects(
            np.random.default_rng(seed), scaled, stored, record([box], [2], (polygon(box),)), stored + 200
        )
        assert image.shape == stored.shape
        if 2 in found.labels:
            np.testing.assert_allclose(found.boxes_xyxy, [[100_000, 200_000, 400_000, 600_000]])
            np.testing.assert_allclose(found.ignored_xyxy, scaled.boxes_xyxy)
            assert (image[10:31, 5:21] == 200).all()
            return
    raise AssertionError("nothing was pasted in four draws")


def test_hidden_objects_become_ignored() -> None:
    big, small, free = [10.0, 10.0, 60.0, 70.0], [20.0, 20.0, 40.0, 50.0], [70.0, 10.0, 90.0, 60.0]
    image = np.zeros((80, 100, 3), np.uint8)
    for seed in range(8):
        found, _ = paste_objects(
            np.random.default_rng(seed),
            record([small, free], [0, 1]),
            image,
            record([big], [2], (polygon(big),)),
            image,
        )
        if 2 in found.labels:
            assert found.labels.tolist() == [1, 2]
            np.testing.assert_allclose(found.ignored_xyxy, [small])
            return
    raise AssertionError("nothing was pasted in eight draws")


def test_a_donor_without_masks_gives_nothing() -> None:
    image = np.zeros((80, 100, 3), np.uint8)
    here = record([[1, 1, 5, 5]], [0])
    assert paste_objects(np.random.default_rng(0), here, image, record([[1, 1, 5, 5]], [0], (None,)), image)[0] is here

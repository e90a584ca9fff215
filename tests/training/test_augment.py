from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.training.conftest import shapes_picture
from vidtrack.datasets.records import Record
from vidtrack.training.augment import View, jitter_view, mosaic, photometric, random_view, show, whole_view
from vidtrack.training.recipe import AugmentConfig

CONFIG = AugmentConfig()


@pytest.fixture
def record() -> tuple[Record, np.ndarray]:
    image, boxes, labels = shapes_picture(5, (160, 120))
    xywh = np.array(boxes, np.float32)
    xyxy = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
    return Record(Path("shapes"), (160, 120), xyxy, np.array(labels), np.ones(3, bool)), image


def colour_inside(sample: object, index: int) -> np.ndarray:
    """Mean colour in the middle of a sample's box."""
    image, box = sample.image, sample.boxes_cxcywh[index]  # type: ignore[attr-defined]
    centre = (box[:2] * [image.shape[1], image.shape[0]]).astype(int)
    return image[centre[1] - 1 : centre[1] + 2, centre[0] - 1 : centre[0] + 2].reshape(-1, 3).mean(0)


def test_random_views_keep_boxes_on_their_objects(record: tuple[Record, np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    checked = 0
    for _ in range(60):
        view = random_view(rng, record[0], (96, 128), CONFIG)
        sample = show(*record, view, CONFIG)
        assert sample.image.shape == (view.size[1], view.size[0], 3)
        assert sample.image.shape[0] <= 96
        assert sample.image.shape[1] <= 128
        for index, label in enumerate(sample.labels):
            assert int(colour_inside(sample, index).argmax()) == (0, 2)[label]  # red persons, blue cars
            checked += 1
    assert checked > 60


def test_a_box_outside_the_picture_leaves_a_view_inside(record: tuple[Record, np.ndarray]) -> None:
    known, image = record
    far = replace(known, boxes_xyxy=known.boxes_xyxy + np.float32(5000))
    for seed in range(8):
        view = random_view(np.random.default_rng(seed), far, (48, 48), AugmentConfig(scale=(1.5, 2.0)))
        assert not len(show(far, image, view, AugmentConfig()).labels)


def test_flip_mirrors_picture_and_boxes(record: tuple[Record, np.ndarray]) -> None:
    plain = show(*record, whole_view(record[0], (160, 120)), CONFIG)
    flipped = show(*record, View((0, 0, 160, 120), (160, 120), flip=True), CONFIG)
    np.testing.assert_array_equal(flipped.image, plain.image[:, ::-1])
    np.testing.assert_allclose(flipped.boxes_cxcywh[:, 0], 1 - plain.boxes_cxcywh[:, 0], atol=1e-6)
    np.testing.assert_allclose(flipped.boxes_cxcywh[:, 1:], plain.boxes_cxcywh[:, 1:], atol=1e-6)


def test_a_file_smaller_than_its_annotation_says(record: tuple[Record, np.ndarray]) -> None:
    import cv2

    half = cv2.resize(record[1], (80, 60), interpolation=cv2.INTER_AREA)
    whole = show(*record, View((10, 10, 100, 90), (100, 90)), CONFIG)
    small = show(record[0], half, View((10, 10, 100, 90), (100, 90)), CONFIG)
    np.testing.assert_array_equal(whole.boxes_cxcywh, small.boxes_cxcywh)
    assert np.abs(whole.image.astype(int) - small.image).mean() < 12


def test_boxes_mostly_cut_away_become_ignored(record: tuple[Record, np.ndarray]) -> None:
    box = record[0].boxes_xyxy[0]
    edge = float(box[2] - 0.2 * (box[2] - box[0]))  # a fifth of the first box is left
    sample = show(*record, View((edge, 0, 160 - edge, 120), (100, 100)), CONFIG)
    assert sample.labels.tolist() == [1]
    assert len(sample.ignored_cxcywh) == 1
    assert sample.ignored_cxcywh[0, 0] < 0.1


def test_jittered_views_stay_inside(record: tuple[Record, np.ndarray]) -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        x, y, width, height = jitter_view(rng, random_view(rng, record[0], (64, 64), CONFIG), record[0], 0.2).window
        assert x >= 0
        assert y >= 0
        assert x + width <= 160 + 1e-6
        assert y + height <= 120 + 1e-6


def test_mosaic_keeps_boxes_on_their_objects(record: tuple[Record, np.ndarray]) -> None:
    rng = np.random.default_rng(2)
    parts = [show(*record, random_view(rng, record[0], (60, 80), CONFIG), CONFIG) for _ in range(4)]
    whole = mosaic(parts, (120, 160))
    assert whole.image.shape == (120, 160, 3)
    assert len(whole.labels) == sum(len(part.labels) for part in parts)
    for index, label in enumerate(whole.labels):
        assert int(colour_inside(whole, index).argmax()) == (0, 2)[label]


def test_photometric_changes_colours_only(record: tuple[Record, np.ndarray]) -> None:
    sample = show(*record, whole_view(record[0], (160, 120)), CONFIG)
    changed = photometric(np.random.default_rng(3), sample, AugmentConfig(photometric=1.0))
    assert changed.image.shape == sample.image.shape
    assert changed.image.dtype == np.uint8
    assert np.abs(changed.image.astype(int) - sample.image).mean() > 1
    np.testing.assert_array_equal(changed.boxes_cxcywh, sample.boxes_cxcywh)
    untouched = photometric(np.random.default_rng(3), sample, AugmentConfig(photometric=0.0, grey=0.0))
    assert untouched is sample


def test_motion_blur_smears_along_a_line_and_leaves_objects_where_they_are() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[45:56, 95:106] = 200
    record = Record(
        Path("x.png"), (200, 100), np.array([[95.0, 45, 106, 56]], np.float32), np.array([0]), np.ones(1, bool)
    )
    sample = show(record, image, whole_view(record, (200, 100)), CONFIG)
    config = AugmentConfig(photometric=0.0, grey=0.0, motion_blur=1.0)
    for seed in range(20):
        blurred = photometric(np.random.default_rng(seed), sample, config)
        np.testing.assert_array_equal(blurred.boxes_cxcywh, sample.boxes_cxcywh)
        rows, columns = np.nonzero(blurred.image[..., 0])
        light = blurred.image[..., 0].astype(float)
        assert light.sum() == pytest.approx(sample.image[..., 0].sum(), rel=0.03)
        centre = (light * np.arange(200)).sum() / light.sum(), (light.T * np.arange(100)).sum() / light.sum()
        assert centre == pytest.approx((100, 50), abs=0.6)
        assert columns.max() - columns.min() <= 22 and rows.max() - rows.min() <= 22
        assert not np.array_equal(blurred.image, sample.image)

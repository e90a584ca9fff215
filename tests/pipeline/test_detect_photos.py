from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.media import example_frames
from vidtrack.model.detector import DeformableDETR
from vidtrack.pipeline.config import RunConfig
from vidtrack.pipeline.detect_photos import FailedPhoto, Photo, detect_photos

CONFIG = RunConfig(score=0.3)


def write_photos(folder: Path) -> list[Path]:
    paths = [folder / name for name in ("a.png", "b.png", "c.png")]
    for path, size, image in zip(paths, [(160, 68), (68, 160), (300, 200)], example_frames(3), strict=True):
        Image.fromarray(image).resize(size).save(path)
    return paths


def test_each_photo_is_searched_alone(tmp_path: Path, tiny_model: DeformableDETR) -> None:
    paths = write_photos(tmp_path)
    together = [photo for photo in detect_photos(paths, tiny_model, CONFIG) if isinstance(photo, Photo)]
    assert [photo.size for photo in together] == [(160, 68), (68, 160), (300, 200)]
    for path, photo in zip(paths, together, strict=True):
        (alone,) = detect_photos([path], tiny_model, CONFIG)
        assert isinstance(alone, Photo) and len(alone.objects)
        assert np.array_equal(alone.objects.boxes_xyxy, photo.objects.boxes_xyxy)


def test_objects_come_best_first_with_numbers_in_that_order(tmp_path: Path, tiny_model: DeformableDETR) -> None:
    photo = next(detect_photos(write_photos(tmp_path), tiny_model, CONFIG))
    assert isinstance(photo, Photo)
    scores = photo.detections.scores.tolist()
    assert scores == sorted(scores, reverse=True) and min(scores) >= 0.3
    assert photo.objects.ids.tolist() == list(range(1, len(scores) + 1))


def test_a_failure_stays_in_its_place(tmp_path: Path, tiny_model: DeformableDETR) -> None:
    first, second, _ = write_photos(tmp_path)
    found = list(detect_photos([first, tmp_path / "none.jpg", tmp_path, second], tiny_model, CONFIG))
    assert [isinstance(one, FailedPhoto) for one in found] == [False, True, True, False]
    assert isinstance(found[1], FailedPhoto) and "does not exist" in str(found[1].error)
    assert isinstance(found[2], FailedPhoto) and "is a folder" in str(found[2].error)

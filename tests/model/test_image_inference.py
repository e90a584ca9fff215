from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image

from tests.media import example_frames
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.image_inference import detect_images, read_image


class File(NamedTuple):
    """An image file and the size that its annotation states."""

    path: Path
    size: tuple[int, int]


def test_images_stand_as_they_were_annotated(tmp_path: Path) -> None:
    stored = example_frames(1)[0]  # 160x68
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6  # to be shown turned to the right
    Image.fromarray(stored).save(tmp_path / "phone.png", exif=turned)
    upright = read_image(File(tmp_path / "phone.png", (68, 160)))
    np.testing.assert_array_equal(upright, np.rot90(stored, -1))
    np.testing.assert_array_equal(read_image(File(tmp_path / "phone.png", (160, 68))), stored)


def test_boxes_are_in_annotation_pixels_whatever_the_size_of_the_file_or_batch(
    tmp_path: Path, tiny_model: DeformableDETR
) -> None:
    files = []
    for number, image in enumerate(example_frames(3)):
        Image.fromarray(image).save(tmp_path / f"{number}.png")
        files.append(File(tmp_path / f"{number}.png", (160, 68)))
    done: list[int] = []
    together = detect_images(tiny_model, files, batch=2, report=done.append)
    assert done == [2, 3]
    for file, rows in zip(files, together, strict=True):
        (alone,) = detect_images(tiny_model, [file])
        np.testing.assert_allclose(rows, alone, atol=1e-3)
        (larger,) = detect_images(tiny_model, [file._replace(size=(320, 136))])
        np.testing.assert_allclose(larger[:, :4], 2 * alone[:, :4], rtol=1e-6)
        assert (np.diff(alone[:, 4]) <= 0).all()  # best first
        assert (alone[:, 2:4] > 0).all() and set(alone[:, 5]) <= {0, 1, 2, 3}

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.training.conftest import mot_folder
from vidtrack.core.errors import DataError
from vidtrack.datasets.mot_images import FrameCache, sequence_images

CACHE = FrameCache(Path("unused"), 64)
INFO = "[Sequence]\nseqLength={length}\nframeRate=10\nimWidth=64\nimHeight=48\n"


def images(folder: Path, *names: str, length: int | None = None) -> Path:
    (folder / "img1").mkdir(parents=True)
    for name in names:
        cv2.imwrite(str(folder / "img1" / name), np.zeros((48, 64, 3), np.uint8))
    if length is not None:
        (folder / "seqinfo.ini").write_text(INFO.format(length=length))
    return folder


@pytest.mark.parametrize("pattern", ["{}.jpg", "{:06d}.jpg", "clip2_frame{}.jpg", "{:02d}.PNG"])
def test_images_are_matched_by_the_number_in_their_name(tmp_path: Path, pattern: str) -> None:
    names = [pattern.format(frame) for frame in range(1, 13)]
    clip = sequence_images(images(tmp_path / "clip", *names, length=12), CACHE)
    assert {frame: path.name for frame, path in clip.paths.items()} == dict(enumerate(names, start=1))
    assert (clip.size, clip.frames_per_second) == ((64, 48), 10.0)


def test_without_a_length_gaps_between_images_stay_gaps(tmp_path: Path) -> None:
    clip = sequence_images(images(tmp_path / "clip", "1.jpg", "2.jpg", "5.jpg"), CACHE)
    assert sorted(clip.paths) == [1, 2, 5]
    assert (clip.size, clip.frames_per_second) == ((64, 48), 25.0)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("1.jpg", "2.jpg", "4.jpg"), r"no image of frame 3, .* says seqLength 4 \(1 image missing"),
        (("1.jpg", "2.jpg", "3.jpg"), "no image of frame 4"),
        (("0.jpg", "1.jpg", "2.jpg", "3.jpg"), r"an image of frame 0 \(frames are numbered 1 to 4\)"),
        (("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"), "an image of frame 5"),
        (("1.jpg", "2.jpg", "3.jpg", "03.jpg"), r"3\.jpg and 03\.jpg are both frame 3"),
        (("1.jpg", "2.jpg", "3.jpg", "last.jpg"), r"last\.jpg has no frame number in its name"),
    ],
)
def test_images_that_contradict_the_length_are_refused(tmp_path: Path, names: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataError, match=said):
        sequence_images(images(tmp_path / "clip", *names, length=4), CACHE)


def test_a_folder_of_images_and_one_of_labels(tmp_path: Path) -> None:
    clip = sequence_images(mot_folder(tmp_path / "clip", ""), CACHE)
    assert sorted(clip.paths) == [1, 2, 3]

"""The labels of the shipped weights' recipe: people's and the teachers', joined."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = runpy.run_path(str(Path(__file__).parents[2] / "weights" / "recipes" / "prepare_labels.py"))
CATEGORIES = [{"id": 1, "name": "person"}, {"id": 3, "name": "car"}, {"id": 8, "name": "truck"}]
NEAR, FAR = [10, 10, 40, 40], [100, 10, 40, 40]


def files(complete: bool, source: str = "street") -> tuple[dict[str, Any], dict[str, Any]]:
    """An image in which people labelled one car, and what the teachers see in it."""
    image = {"id": 1, "file_name": "a.jpg", "source": source, "labelled_classes": ["car"], "complete": complete}
    human = {"images": [image], "categories": CATEGORIES, "annotations": [row(3, NEAR)]}
    found = [row(3, FAR, 0.9), row(8, NEAR, 0.8), row(1, FAR, 0.7), row(8, FAR, 0.6)]
    return human, {"images": [image], "categories": CATEGORIES, "annotations": found}


def row(category: int, box: list[float], score: float | None = None) -> dict[str, Any]:
    values = {"id": 1, "image_id": 1, "category_id": category, "bbox": box}
    return values if score is None else {**values, "score": score}


@pytest.mark.parametrize(
    ("complete", "kept"),
    [
        (True, [(3, None), (1, 0.7)]),  # no car but people's; no truck on their car, none where a person is likelier
        (False, [(3, None), (3, 0.9)]),  # cars were missed: the teachers' car is one, and better than what is on it
    ],
)
def test_people_come_first_and_teachers_fill_in(complete: bool, kept: list[tuple[int, float | None]]) -> None:
    joined = SCRIPT["joined"](*files(complete))
    assert [(found["category_id"], found.get("score")) for found in joined["annotations"]] == kept
    assert [found["id"] for found in joined["annotations"]] == [1, 2]
    image = joined["images"][0]
    assert image["complete"] and image["labelled_classes"] == ["person", "car", "truck"]


def test_sets_that_nobody_labelled_whole_stay_so() -> None:
    assert not SCRIPT["joined"](*files(False, "ufc"))["images"][0]["complete"]
    ships = SCRIPT["joined"](*files(True, "ship2"))
    assert len(ships["annotations"]) == 1
    assert ships["images"][0]["labelled_classes"] == ["car"]


@pytest.mark.parametrize(
    ("repository", "path", "score", "expected"),
    [
        ("EliSchwartz/imagenet-sample-images", "n01440764_tench.JPEG", 0.9, False),
        ("EliSchwartz/imagenet-sample-images", "n02123045_tabby.JPEG", 0.9, True),
        ("EliSchwartz/imagenet-sample-images", "n02814533_beach_wagon.JPEG", 0.9, True),
        ("jbhuang0604/SelfExSR", "img_001_SRF_2_HR.png", 0.3, False),
        ("jbhuang0604/SelfExSR", "img_001_SRF_2_HR.png", 0.2, True),
        ("BIDS/BSDS500", "n01440764.jpg", 0.3, True),
    ],
)
def test_images_that_teachers_name_wrongly_are_left_out(
    repository: str, path: str, score: float, expected: bool
) -> None:
    assert SCRIPT["usable"](repository, path, [row(1, NEAR, score)]) == expected


def test_a_source_is_left_out_with_its_boxes() -> None:
    images = [{"id": 1, "source": "animal-pose"}, {"id": 2, "source": "highway"}]
    rows = [{"image_id": 2, "id": 1}, {"image_id": 1, "id": 2}]
    left = SCRIPT["without_sources"]({"images": images, "annotations": rows, "categories": []}, ("animal-pose",))
    assert left == {"images": images[1:], "annotations": rows[:1], "categories": []}

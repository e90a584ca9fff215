from __future__ import annotations

from vidtrack.model.coco_classes import COCO_CLASSES


def test_80_classes_stand_at_the_numbers_of_coco() -> None:
    assert len(COCO_CLASSES) == 91 and sum(map(bool, COCO_CLASSES)) == 80
    assert {1: "person", 17: "cat", 44: "bottle", 67: "dining table", 90: "toothbrush"}.items() <= dict(
        enumerate(COCO_CLASSES)
    ).items()
    assert [n for n, name in enumerate(COCO_CLASSES) if not name] == [0, 12, 26, 29, 30, 45, 66, 68, 69, 71, 83]

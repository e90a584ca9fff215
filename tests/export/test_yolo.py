"""YOLO's labels, read back by supervision."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.export.scenes import exported, moving, scene_of, write_log


def test_yolo_is_read_by_supervision(tmp_path: Path) -> None:
    supervision = pytest.importorskip("supervision", reason="reads YOLO data sets")
    log = write_log(tmp_path / "a.tracks.jsonl", {1: moving(5)}, range(0, 9, 2))
    scene = scene_of(log)
    folder = exported(log, "yolo", tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for label in folder.glob("*.txt"):
        cv2.imwrite(str(images / f"{label.stem}.jpg"), np.zeros((scene.size[1], scene.size[0], 3), np.uint8))
    data = supervision.DetectionDataset.from_yolo(str(images), str(folder), str(folder / "data.yaml"))
    assert data.classes == list(scene.class_names)
    found = {Path(name).stem: detections for name, _, detections in data}
    assert sorted(found) == [f"{scene.name}_{index:06}" for index in range(0, 9, 2)]
    for index in (0, 2, 4):
        np.testing.assert_allclose(found[f"{scene.name}_{index:06}"].xyxy[0], moving(5)[index], atol=0.01)
    assert len(found[f"{scene.name}_000008"]) == 0

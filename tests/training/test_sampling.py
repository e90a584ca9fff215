from __future__ import annotations

from pathlib import Path

import pytest

from tests.training.conftest import CLASSES, edit, write_coco
from vidtrack.datasets.mot_images import FrameCache
from vidtrack.datasets.records import Record, SetConfig, load_set
from vidtrack.training.recipe import DataConfig
from vidtrack.training.sampling import draw_weights


def load(path: Path) -> list[Record]:
    return load_set(SetConfig("set", str(path)), CLASSES, FrameCache(path.parent, 64))


def test_rare_classes_and_weights_are_drawn_more(tmp_path: Path) -> None:
    common = load(write_coco(tmp_path / "a", pictures=30))
    path = write_coco(tmp_path / "b", pictures=1)
    rare = load(edit(path, lambda v: [row.update(category_id=18) for row in v["annotations"]]))
    configs = (SetConfig("a", ""), SetConfig("b", ""))
    weights = draw_weights([common, rare], configs, DataConfig(train=configs, balance=0.5, balance_share=0.2))
    assert weights.sum() == pytest.approx(1)
    assert weights[-1] / weights[0] == pytest.approx((0.2 * 31) ** 0.5)
    heavier = draw_weights(
        [common, rare], (configs[0], SetConfig("b", "", weight=4.0)), DataConfig(train=configs, balance=0.0)
    )
    assert heavier[-1] / heavier[0] == pytest.approx(4)

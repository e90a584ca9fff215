from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from vidtrack.training.plot import COLOURS, _ticks, plot_metrics


def test_long_names_stand_side_by_side(tmp_path: Path) -> None:
    names = ["a name too long for a column of its own", "another"]
    results = {name: {"ap50": 0.1 + 0.5 * index} for index, name in enumerate(names)}
    plot_metrics([{"step": 4, "evaluation": results}], tmp_path / "metrics.png")
    legend = cv2.imread(str(tmp_path / "metrics.png"))[-30:].astype(int)
    first, second = (np.flatnonzero((abs(legend - colour).sum(-1) < 9).any(0)) for colour in COLOURS[:2])
    assert first.max() < second.min()


@pytest.mark.parametrize("last", [1, 2, 3, 7, 99, 1000, 16_500])
def test_steps_are_marked_by_a_few_whole_numbers(last: int) -> None:
    ticks = _ticks(last, least=1)
    assert ticks[0] == 0 and all(tick == round(tick) and tick <= last for tick in ticks)
    assert 2 <= len(ticks) == len(set(ticks)) <= 6

from __future__ import annotations

import numpy as np
import pytest

from vidtrack.render.virtual_camera import follow

SPEED, TURN = 200.0, 400.0  # pixels a second, pixels a second squared


def targets() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    steady = np.linspace(100, 900, 200)
    return {
        "noise": 500 + random.normal(0, 8, 200),
        "walk": np.clip(500 + np.cumsum(random.normal(0, 25, 200)), 0, 1000),
        "jump": np.repeat([100.0, 900.0], 100),
        "to and fro": 500 + 480 * np.sin(np.arange(200) / 4),
        "steady": steady,
        "outside": np.linspace(-300, 1500, 200),
    }


@pytest.mark.parametrize("name", targets())
@pytest.mark.parametrize("uneven", [False, True])
def test_the_camera_keeps_its_limits(name: str, uneven: bool) -> None:
    steps = np.full(200, 0.04)
    if uneven:
        steps = np.random.default_rng(2).uniform(0.02, 0.08, 200)
    seconds = np.cumsum(steps)
    path = follow(targets()[name], np.ones(200), seconds, (150, 850), SPEED, TURN)
    assert path.min() >= 150 and path.max() <= 850
    speed = np.diff(path) / np.diff(seconds)
    turn = np.diff(speed) / ((steps[1:-1] + steps[2:]) / 2)
    assert np.abs(speed).max() <= SPEED * 1.001
    assert np.abs(turn).max() <= TURN * 1.001


def test_the_camera_does_not_tremble() -> None:
    seconds = np.arange(200) / 25
    path = follow(targets()["noise"], np.ones(200), seconds, (150, 850), SPEED, TURN)
    assert np.ptp(path) < 12
    assert np.abs(np.diff(path)).max() < 0.6


def test_the_camera_keeps_up_with_what_moves_evenly() -> None:
    seconds = np.arange(200) / 25
    path = follow(targets()["steady"], np.ones(200), seconds, (0, 1000), SPEED, TURN)
    np.testing.assert_allclose(path, targets()["steady"], atol=8)


def test_a_camera_for_next_to_no_frames() -> None:
    for count in (1, 2):
        np.testing.assert_array_equal(
            follow(np.full(count, 7.0), np.ones(count), np.arange(count) / 25, (0, 9), 1, 1), 7
        )

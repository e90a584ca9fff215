"""The Kalman filter against its textbook matrix form, and its use of seconds."""

from __future__ import annotations

import numpy as np
import pytest

from vidtrack.tracking import motion

BOXES = np.array([[100.0, 200.0, 40.0, 80.0], [500.0, 300.0, 90.0, 30.0]])


def textbook(boxes: list[np.ndarray], seconds: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of x (position, velocity) of the first box after 2x2 matrix predict and update steps."""
    side = np.sqrt(boxes[0][0, 2] * boxes[0][0, 3])
    mean = np.array([boxes[0][0, 0], 0.0])
    cov = np.diag([(motion.MEASUREMENT_STD * side) ** 2, (motion.BIRTH_SPEED_STD * side) ** 2])
    for box, dt in zip(boxes[1:], seconds, strict=True):
        power = (motion.ACCELERATION_STD * side) ** 2
        transition = np.array([[1.0, dt], [0.0, 1.0]])
        mean = transition @ mean
        cov = transition @ cov @ transition.T + power * np.array([[dt**3 / 3, dt**2 / 2], [dt**2 / 2, dt]])
        gain = cov[:, :1] / (cov[0, 0] + (motion.MEASUREMENT_STD * side) ** 2)
        mean = mean + gain[:, 0] * (box[0, 0] - mean[0])
        cov = cov - gain @ cov[:1]
    return mean, cov


def test_agrees_with_the_matrix_form():
    seen = [BOXES + np.array([dx, 0, 0, 0]) for dx in (0.0, 6.0, 11.0, 25.0)]
    seconds = [0.04, 0.04, 0.12]
    state = motion.start(seen[0])
    for box, dt in zip(seen[1:], seconds, strict=True):
        state = motion.correct(motion.predict(state, dt), box)
    mean, cov = textbook(seen, seconds)
    assert state.position[0, 0] == pytest.approx(mean[0])
    assert state.velocity[0, 0] == pytest.approx(mean[1])
    assert state.covariance[0, 0] == pytest.approx([cov[0, 0], cov[0, 1], cov[1, 1]])


def test_one_long_step_equals_many_short_ones():
    state = motion.start(BOXES)
    state = motion.Motion(state.position, np.array([[30.0, -10, 0, 0], [5.0, 0, 0, 0]]), state.covariance)
    short = state
    for _ in range(10):
        short = motion.predict(short, 0.05)
    long = motion.predict(state, 0.5)
    assert short.position[:, :2] == pytest.approx(long.position[:, :2])
    assert short.covariance[:, :2] == pytest.approx(long.covariance[:, :2])


def test_learns_a_velocity_in_pixels_a_second():
    state = motion.start(BOXES)
    for step in range(1, 60):
        state = motion.correct(motion.predict(state, 0.1), BOXES + np.array([5.0 * step, -2.0 * step, 0, 0]))
    assert state.velocity[:, :2] == pytest.approx(np.array([[50.0, -20.0]] * 2), abs=1.0)


def test_sizes_stop_changing_and_never_turn_negative():
    state = motion.start(BOXES)
    state = motion.Motion(state.position, np.array([[0.0, 0, -500, -500]] * 2), state.covariance)
    state = motion.predict(state, 3.0)
    assert (state.position[:, 2:] > 0).all()
    assert np.abs(state.velocity[:, 2:]).max() < 500 * 0.01


def test_deviation_grows_with_distance_and_shrinks_with_time_unseen():
    state = motion.start(BOXES)
    side = np.sqrt(40.0 * 80.0)
    here = motion.mahalanobis_distance(state, BOXES + np.array([0.1 * side, 0, 0, 0]))
    assert here.shape == (2, 2)
    assert here[0, 0] == pytest.approx(np.sqrt(0.5))  # as far as one measurement errs, of two
    later = motion.mahalanobis_distance(motion.predict(state, 1.0), BOXES + np.array([0.1 * side, 0, 0, 0]))
    assert later[0, 0] < here[0, 0] / 3
    assert here[0, 1] > 50


def test_no_time_no_boxes_no_change():
    state = motion.start(BOXES)
    assert motion.predict(state, 0.0) is state
    assert len(motion.predict(motion.start(BOXES[:0]), 1.0).position) == 0

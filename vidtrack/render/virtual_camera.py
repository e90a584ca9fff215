"""The path of a virtual camera that follows a target smoothly, within its limits, inside the image."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.sparse import csc_array, diags_array
from scipy.sparse.linalg import spsolve

_SMOOTH_SECONDS = 0.4  # motion shorter than about this is not followed
_ROUNDS = 40
_SLACK = 0.5  # units of the target
_REACH = 5  # frames on either side that become stiffer together


def follow(
    target: np.ndarray,
    weights: np.ndarray,
    seconds: np.ndarray,
    bounds: tuple[float, float],
    max_speed: float,
    max_acceleration: float,
) -> np.ndarray:
    """Positions (F,) near `target` (F,) at times `seconds` (F,), all within `bounds`.

    A smoothing spline in discrete form (Whittaker 1923, Eilers 2003), made stiffer round by round where it is faster,
    or turns more sharply, than allowed, and tighter where it leaves the bounds; what is left over is scaled down. Units
    are those of `target` and seconds.
    """
    wish = np.clip(target, *bounds)
    if len(wish) < 3 or float(np.ptp(wish)) == 0:
        return np.full(len(wish), float(np.average(wish)))
    velocity, acceleration = _differences(seconds)
    share = np.gradient(seconds)  # seconds each frame stands for
    pull = weights * share
    slow, stiff = np.zeros(len(seconds) - 1), np.full(len(seconds) - 2, _SMOOTH_SECONDS**4)
    for _ in range(_ROUNDS):
        penalty = velocity.T @ diags_array(slow * share[1:]) @ velocity
        penalty += acceleration.T @ diags_array(stiff * share[1:-1]) @ acceleration
        path = spsolve(csc_array(diags_array(pull) + penalty), pull * wish)
        too_fast = np.abs(velocity @ path) > max_speed
        too_sharp = np.abs(acceleration @ path) > max_acceleration
        too_far = (path < bounds[0] - _SLACK) | (path > bounds[1] + _SLACK)
        if not (too_fast.any() or too_sharp.any() or too_far.any()):
            break
        size = 2 * _REACH + 1
        slow = np.where(maximum_filter1d(too_fast, size), np.maximum(1.5 * slow, 0.01), slow)
        stiff = np.where(maximum_filter1d(too_sharp, size), 1.5 * stiff, stiff)
        pull = np.where(too_far, 2 * pull, pull)
    return _scaled(path, float(np.average(wish, weights=weights)), bounds, (
        max_speed / max(float(np.abs(velocity @ path).max()), 1e-9),
        max_acceleration / max(float(np.abs(acceleration @ path).max()), 1e-9),
    ))  # fmt: skip


def _differences(seconds: np.ndarray) -> tuple[csc_array, csc_array]:
    """Matrices that make velocities (F - 1,) and accelerations (F - 2,) of positions (F,), at uneven times."""
    steps = np.diff(seconds)
    count = len(seconds)
    velocity = diags_array([-1 / steps, 1 / steps], offsets=[0, 1], shape=(count - 1, count))
    between = (steps[1:] + steps[:-1]) / 2
    change = diags_array([-1 / between, 1 / between], offsets=[0, 1], shape=(count - 2, count - 1))
    return csc_array(velocity), csc_array(change @ velocity)


def _scaled(path: np.ndarray, middle: float, bounds: tuple[float, float], most: tuple[float, float]) -> np.ndarray:
    """The path drawn in towards `middle`, as far as limits and bounds ask for it."""
    low, high = bounds
    below, above = middle - float(path.min()), float(path.max()) - middle
    share = min(1.0, *most, (middle - low) / below if below > 0 else 1.0, (high - middle) / above if above > 0 else 1.0)
    return np.clip(middle + share * (path - middle), low, high)

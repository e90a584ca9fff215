"""A constant-velocity Kalman filter for many boxes at once, with time in seconds.

The four coordinates cxcywh are filtered independently, so each covariance is a 2x2 matrix kept as three numbers
and no linear algebra is needed. Noise scales with the box: its side is sqrt(w * h).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

MEASUREMENT_STD = 0.1  # of a detected coordinate, in box sides
ACCELERATION_STD = 0.25  # velocity picked up in a second, in box sides per second
BIRTH_SPEED_STD = 1.0  # of the unknown velocity of a new box, in box sides per second
SIZE_DAMPING_SECONDS = 0.5  # a change of size fades this fast; position keeps its velocity


@dataclass(frozen=True)
class Motion:
    """Filter state of N boxes: position (N, 4) cxcywh pixels, velocity (N, 4) pixels per second.

    covariance (N, 4, 3): variance of position, covariance of both, variance of velocity.
    """

    position: np.ndarray
    velocity: np.ndarray
    covariance: np.ndarray


def start(boxes_cxcywh: np.ndarray) -> Motion:
    """Filters for boxes (N, 4) seen for the first time."""
    side = _side(boxes_cxcywh)
    covariance = np.zeros((*boxes_cxcywh.shape, 3))
    covariance[..., 0] = (MEASUREMENT_STD * side) ** 2
    covariance[..., 2] = (BIRTH_SPEED_STD * side) ** 2
    return Motion(boxes_cxcywh.astype(np.float64), np.zeros(boxes_cxcywh.shape), covariance)


def predict(motion: Motion, seconds: float) -> Motion:
    """The filters after `seconds` without a measurement (white-noise acceleration, Bar-Shalom 2001, section 6.2.2)."""
    if len(motion.position) == 0 or seconds <= 0:
        return motion
    fade = np.array([1.0, 1.0, *[np.exp(-seconds / SIZE_DAMPING_SECONDS)] * 2])
    power = (ACCELERATION_STD * _side(motion.position)) ** 2
    position = motion.position + motion.velocity * seconds
    position[:, 2:] = np.maximum(position[:, 2:], motion.position[:, 2:] / 2)
    variance, cross, speed = motion.covariance[..., 0], motion.covariance[..., 1], motion.covariance[..., 2]
    covariance = np.empty_like(motion.covariance)
    covariance[..., 0] = variance + seconds * (2 * cross + seconds * speed) + power * seconds**3 / 3
    covariance[..., 1] = fade * (cross + seconds * speed) + power * seconds**2 / 2
    covariance[..., 2] = fade**2 * speed + power * seconds
    return Motion(position, motion.velocity * fade, covariance)


def correct(motion: Motion, boxes_cxcywh: np.ndarray) -> Motion:
    """The filters after measuring boxes (N, 4)."""
    variance, cross, speed = motion.covariance[..., 0], motion.covariance[..., 1], motion.covariance[..., 2]
    total = variance + (MEASUREMENT_STD * _side(motion.position)) ** 2
    gain, speed_gain = variance / total, cross / total
    innovation = boxes_cxcywh - motion.position
    covariance = np.stack([(1 - gain) * variance, (1 - gain) * cross, speed - speed_gain * cross], axis=-1)
    return Motion(motion.position + gain * innovation, motion.velocity + speed_gain * innovation, covariance)


def mahalanobis_distance(motion: Motion, boxes_cxcywh: np.ndarray) -> np.ndarray:
    """Mahalanobis distances (N, M) of the centres of boxes (M, 4) from the predicted ones."""
    variance = motion.covariance[:, :2, 0] + (MEASUREMENT_STD * _side(motion.position)) ** 2  # (N, 2)
    away = [(motion.position[:, k, None] - boxes_cxcywh[:, k]) ** 2 / variance[:, k, None] for k in (0, 1)]
    return np.sqrt(away[0] + away[1])


def _side(boxes_cxcywh: np.ndarray) -> np.ndarray:
    """Square root of the area (N, 1)."""
    return np.sqrt(np.maximum(boxes_cxcywh[:, 2:3] * boxes_cxcywh[:, 3:4], 1.0))

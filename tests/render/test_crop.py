from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.media import example_frames
from tests.render.scenes import log_in_memory
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame, VideoInfo
from vidtrack.render.crop import CropConfig, CropPlan, plan_crop, window_size
from vidtrack.tracklog.trajectories import continuous_trajectories


def info(width: int, height: int, aspect: Fraction = Fraction(1)) -> VideoInfo:
    return VideoInfo(
        Path("x.mp4"), "mp4", "h264", "yuv420p", (width, height), (width, height), 0, aspect, Fraction(1, 25), 0,
        Fraction(25), None, None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("size", "config", "window"),
    [
        ((1920, 1080), CropConfig(), (606, 1080)),
        ((1920, 1080), CropConfig(Fraction(1)), (1080, 1080)),
        ((1920, 1080), CropConfig(Fraction(4)), (1920, 480)),
        ((1080, 1920), CropConfig(Fraction(16, 9)), (1080, 606)),
        ((641, 271), CropConfig(Fraction(1), zoom=2), (134, 134)),
    ],
)
def test_the_largest_window(size: tuple[int, int], config: CropConfig, window: tuple[int, int]) -> None:
    assert window_size(info(*size), config) == window


def test_shape_counts_as_displayed() -> None:
    assert window_size(info(720, 576, Fraction(16, 15)), CropConfig(Fraction(1))) == (540, 576)


@pytest.mark.parametrize(
    "config", [CropConfig(Fraction(1, 100)), CropConfig(Fraction(200)), CropConfig(Fraction(1), zoom=90)]
)
def test_impossible_windows(config: CropConfig) -> None:
    with pytest.raises(UsageError, match="a window of"):
        window_size(info(640, 272), config)


@pytest.mark.parametrize(
    "choices", [{"size": (101, 100)}, {"size": (100, 100)}, {"size": (18000, 32000)}, {"zoom": 0.5}, {"max_speed": 0.0}]
)
def test_impossible_choices(choices: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        CropConfig(**choices)  # type: ignore[arg-type]


def fixed(middle: tuple[float, float], window: tuple[int, int], size: tuple[int, int]) -> CropPlan:
    return CropPlan(window, size, Fraction(1), np.zeros(1), np.zeros(1, int), np.array([middle]), 0, 1)


def cut(image: np.ndarray, plan: CropPlan) -> np.ndarray:
    return plan.cut(Frame(0, 0, Fraction(1, 25), image)).image


def test_a_window_on_whole_pixels_is_a_piece_of_the_picture() -> None:
    (image,) = example_frames(1, 640, 272)
    made = cut(image, fixed((300, 136), (152, 272), (152, 272)))
    np.testing.assert_array_equal(made, image[:, 224:376])
    assert cut(image, fixed((300, 136), (152, 272), (540, 960))).shape == (960, 540, 3)


@pytest.mark.parametrize("shift", [(0.5, 0.0), (0.3, 0.7), (0.0, 0.25)])
@pytest.mark.parametrize("corner", [(0, 0), (200, 60), (487, 143)])
def test_a_window_between_pixels(shift: tuple[float, float], corner: tuple[int, int]) -> None:
    (image,) = example_frames(1, 640, 272)
    x, y = (min(c + s, limit) for c, s, limit in zip(corner, shift, (488, 144), strict=True))
    made = cut(image, fixed((x + 76, y + 64), (152, 128), (152, 128)))
    matrix = np.array([[1, 0, x], [0, 1, y]])
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    expected = cv2.warpAffine(image, matrix, (152, 128), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    assert made.shape == expected.shape
    assert np.abs(made.astype(int) - expected).mean() < 1.0


def test_a_walker_stays_in_the_window(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    boxes = {i: np.array([10 + 2.6 * i, 40, 40 + 2.6 * i, 110]) + random.normal(0, 1.5, 4) for i in range(100)}
    log = log_in_memory(tmp_path, {1: {i: box for i, box in boxes.items() if i % 9}}, 110)
    plan = plan_crop(continuous_trajectories(log)[0], log, info(320, 136), CropConfig())
    assert plan.window == (76, 136) and plan.frames_followed == 88 and plan.frames_cut <= 2
    for i, box in boxes.items():
        middle = plan.middles[i, 0]
        assert (middle - 38 <= box[0] + 1 and box[2] - 1 <= middle + 38) or box[0] < 2
    assert np.abs(np.diff(plan.middles[:, 0], 2)).max() < 0.3
    assert (plan.middles[:, 1] == 68).all()
    own = plan_crop(continuous_trajectories(log)[0], log, info(320, 136), CropConfig(), whole_clip=False)
    assert len(own.middles) == 98


def test_the_window_jumps_at_a_cut_and_rests_in_the_middle_without_a_track(tmp_path: Path) -> None:
    sights = {i: (20, 40, 50, 100) for i in range(10)} | {i: (250, 40, 280, 100) for i in range(10, 20)}
    log = log_in_memory(tmp_path, {1: sights}, 30, cuts=(10, 20))
    plan = plan_crop(continuous_trajectories(log)[0], log, info(320, 136), CropConfig())
    np.testing.assert_allclose(plan.middles[:, 0], [38] * 10 + [265] * 10 + [160] * 10, atol=0.1)
    ticks = int(log.frame_pts[1])
    between = Frame(0, 10 * ticks - ticks // 3, log.time_base, example_frames(1, 320, 136)[0])
    np.testing.assert_array_equal(plan.cut(between).image, between.image[:, :76])

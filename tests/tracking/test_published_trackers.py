"""TrackFormer and MOTR, held to what their official code answered for the same small networks and frames.

The figures were printed by timmeinhardt/trackformer at e468bf1 and megvii-research/MOTR at 8690da3, with ResNet-18 and
with the weights and frames of `tests.model.published`; `benchmarks/official_trackers.py` compares the full networks.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from tests.model.published import CONFIGS, SIZE, SURE, frames, save_official
from tests.tracking.boxes import Boxes
from vidtrack.core.errors import UsageError
from vidtrack.core.state_io import pack, unpack
from vidtrack.core.types import Frame
from vidtrack.model.checkpoint import build, read_checkpoint
from vidtrack.model.description import describe
from vidtrack.model.outputs import DetectorOutput
from vidtrack.pipeline.config import RunConfig
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.published_trackers import QueryTracker
from vidtrack.tracking.tracker import make_tracker
from vidtrack.tracklog.zones import parse_region

KINDS = ("trackformer", "motr")
WIDTH, HEIGHT = SIZE


class Official(NamedTuple):
    """Ids shown, the first three boxes, the sum of all boxes' edges, queries asked, and the sum of their logits."""

    ids: list[int]
    boxes: list[list[float]]
    edges: float
    queries: int
    logits: float


@pytest.fixture(scope="module", params=KINDS)
def checkpoint(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """A kind of tracker, and a checkpoint of it."""
    return request.param, save_official(request.param, tmp_path_factory.mktemp("weights") / "official.pth")


def tracker_of(kind: str, path: Path, **choices) -> QueryTracker:
    config = TrackerConfig(mode=kind, **{"new_track_threshold": SURE[kind], "scene_cuts": False} | choices)
    return make_tracker(build(read_checkpoint(path), path).eval(), config)


def step(tracker: QueryTracker, frame: Frame, pixels: torch.Tensor):
    with torch.inference_mode():
        return tracker.step(tracker.model.encode(pixels), frame)


def test_frames_are_tracked_as_the_official_code_does(checkpoint: tuple[str, Path]) -> None:
    kind, path = checkpoint
    tracker, answers = tracker_of(kind, path), []
    decode = tracker.model.decode_with_tracks

    def remember(*inputs) -> DetectorOutput:
        answers.append(decode(*inputs))
        return answers[-1]

    tracker.model.decode_with_tracks = remember
    for (frame, pixels), official in zip(frames(len(OFFICIAL[kind])), OFFICIAL[kind], strict=True):
        found = step(tracker, frame, pixels)
        assert found.ids.tolist() == official.ids
        np.testing.assert_allclose(found.boxes_xyxy[:3], np.reshape(official.boxes, (-1, 4)), atol=WIDTH * 1e-4)
        np.testing.assert_allclose(found.boxes_xyxy.sum(), official.edges, atol=0.5)
        logits = answers[-1].logits[-1, 0, :, 0]
        assert len(logits) == official.queries
        np.testing.assert_allclose(float(logits.sum()), official.logits, atol=official.queries * 1e-4)


def test_a_run_continues_from_a_saved_state(checkpoint: tuple[str, Path]) -> None:
    kind, path = checkpoint
    clip, whole, first, rest = frames(4), tracker_of(kind, path), tracker_of(kind, path), tracker_of(kind, path)
    expected = [step(whole, *one) for one in clip][2:]
    for one in clip[:2]:
        step(first, *one)
    rest.restore(unpack(pack({"tracker": first.state()}))["tracker"])
    assert not rest.is_fresh
    for wanted, one in zip(expected, clip[2:], strict=True):
        found = step(rest, *one)
        assert found.ids.tolist() == wanted.ids.tolist()
        np.testing.assert_allclose(found.boxes_xyxy, wanted.boxes_xyxy, atol=1e-3)


def test_ids_start_from_1_again_after_a_reset(checkpoint: tuple[str, Path]) -> None:
    tracker = tracker_of(*checkpoint)
    one = frames(1)[0]
    first = step(tracker, *one)
    tracker.reset()
    assert tracker.is_fresh
    again = step(tracker, *one)
    assert again.ids.tolist() == first.ids.tolist()
    assert again.ids[0] == 1


def test_a_cut_ends_all_tracks(checkpoint: tuple[str, Path]) -> None:
    tracker = tracker_of(*checkpoint, scene_cuts=True)
    frame, pixels = frames(1)[0]
    before = step(tracker, frame, pixels)
    noise = np.random.default_rng(1).integers(0, 256, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    other = Frame(1, 1, frame.time_base, np.kron(noise, np.ones((8, 8, 1), np.uint8)))
    assert tracker.starts_shot(other.image)
    after = step(tracker, other, pixels)
    assert tracker.cut
    assert after.ids.min() > before.ids.max()
    np.testing.assert_allclose(after.boxes_xyxy, before.boxes_xyxy, atol=1e-3)  # the same pixels, as if the first


def test_regions_and_the_number_of_tracks_hold(checkpoint: tuple[str, Path]) -> None:
    frame, pixels = frames(1)[0]
    everything = step(tracker_of(*checkpoint), frame, pixels)
    left = step(tracker_of(*checkpoint, regions=(parse_region(f"0,0,{WIDTH // 2},{HEIGHT}"),)), frame, pixels)
    assert 0 < len(left) < len(everything)
    few = tracker_of(*checkpoint, max_tracks=2)
    step(few, frame, pixels)
    assert len(few.tracks) <= 2


@pytest.mark.parametrize("kind", KINDS)
def test_weights_of_another_kind_are_one_clear_line(kind: str, checkpoint: tuple[str, Path]) -> None:
    with pytest.raises(UsageError, match=f"--tracker {kind} needs weights of that tracker"):
        make_tracker(Boxes(), TrackerConfig(mode=kind))
    if kind != checkpoint[0]:
        with pytest.raises(UsageError, match=f"use --tracker {checkpoint[0]}"):
            tracker_of(kind, checkpoint[1])


def test_the_weights_choose_their_tracker(checkpoint: tuple[str, Path]) -> None:
    kind, path = checkpoint
    model = build(read_checkpoint(path), path).eval()
    chosen = make_tracker(model)
    assert isinstance(chosen, QueryTracker)
    assert chosen.config.mode == RunConfig().for_detector(model).tracker.mode == kind
    with pytest.raises(UsageError, match=f"--tracker propagation does not suit weights of {kind}"):
        make_tracker(model, TrackerConfig(mode="propagation"))
    assert dict(describe(str(path)))["tracker"] == f"{kind}; --tracker association works too"


def test_their_weights_also_detect_for_association(checkpoint: tuple[str, Path]) -> None:
    model = build(read_checkpoint(checkpoint[1])).eval()
    pixels = frames(1)[0][1]
    with torch.inference_mode():
        memory = model.encode(pixels)
    allowed = np.array([bool(name) for name in CONFIGS[checkpoint[0]].classes])
    found = model.detect(memory, SIZE, SURE[checkpoint[0]], allowed)
    assert len(found) and set(found.classes.tolist()) == {0}


OFFICIAL = {
    "trackformer": [
        Official(
            [*range(1, 11)],
            [
                [16.4596, 32.722, 74.4792, 88.433],
                [0.0, 24.1369, 64.8539, 78.9096],
                [39.3417, 23.1962, 101.2226, 89.1888],
            ],
            2197.571,
            20,
            -10.8402,
        ),
        Official(
            [*range(1, 21)],
            [
                [27.4624, 26.3383, 76.6668, 94.2187],
                [0.0, 9.8028, 64.282, 79.3781],
                [47.9663, 26.0762, 95.6776, 92.6614],
            ],
            4334.08,
            30,
            -10.0619,
        ),
        Official(
            [*range(1, 6), *range(7, 29)],
            [
                [28.3353, 23.521, 78.4448, 92.9836],
                [0.0, 6.2981, 63.1077, 76.5026],
                [37.6713, 26.2585, 86.8449, 93.5474],
            ],
            5707.935,
            40,
            -10.3431,
        ),
        Official(
            [*range(1, 6), *range(7, 16), *range(17, 25), *range(26, 38)],
            [
                [27.0847, 23.2994, 74.9609, 93.2783],
                [0.0, 3.1236, 53.9195, 76.4121],
                [24.1044, 26.6877, 72.2839, 94.4717],
            ],
            6969.392,
            47,
            -12.2295,
        ),
        Official(
            [*range(1, 6), *range(7, 16), 17, *range(19, 25), *range(26, 34), *range(35, 46)],
            [
                [20.3072, 25.4401, 67.1644, 94.7966],
                [0.0, 1.6982, 44.2384, 76.1318],
                [12.9292, 27.0768, 61.0597, 95.9996],
            ],
            7991.701,
            54,
            -15.9615,
        ),
    ],
    "motr": [
        Official(
            [*range(1, 64)],
            [[50.2258, 4.857, 109.4033, 80.3113], [0.0, 0.0, 54.7315, 55.5353], [0.0, 6.6384, 45.1208, 86.4658]],
            8384.547,
            300,
            185.4039,
        ),
        Official(
            [*range(64, 101)],
            [[62.1129, 4.9194, 116.9019, 84.9722], [0.0, 0.0, 60.9828, 56.1129], [0.0, 6.7669, 44.7366, 89.411]],
            5378.389,
            363,
            156.0464,
        ),
        Official(
            [*range(101, 134)],
            [[0.0, 0.0, 64.048, 57.4276], [0.0, 6.6118, 42.6745, 89.5947], [41.1408, 0.0, 128.0, 67.1445]],
            4835.753,
            400,
            137.7513,
        ),
        Official(
            [*range(134, 159)],
            [[0.0, 0.0, 62.7577, 57.0418], [0.0, 0.0, 45.0863, 73.0405], [47.2648, 0.0, 128.0, 63.5827]],
            3444.412,
            433,
            105.4855,
        ),
        Official(
            [*range(159, 179)],
            [[0.0, 0.0, 65.6901, 55.3188], [5.1561, 0.0, 64.2567, 74.5721], [0.0, 0.0, 61.432, 41.2496]],
            2696.297,
            458,
            84.6755,
        ),
        Official(
            [*range(179, 202)],
            [[41.552, 0.0, 128.0, 64.1413], [13.0315, 3.7563, 74.5679, 84.242], [4.1288, 0.0, 66.312, 72.2054]],
            3143.357,
            478,
            104.3288,
        ),
        Official(
            [*range(202, 229)],
            [[0.0, 0.0, 61.4276, 56.4179], [40.3644, 0.0, 128.0, 60.4634], [0.4279, 0.0, 55.6507, 74.1629]],
            3948.612,
            460,
            114.9795,
        ),
    ],
}

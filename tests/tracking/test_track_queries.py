"""Track queries through small random models: shapes, aim, who may see whom, and the tracker around them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from msgspec import structs

from tests.model.outputs import output
from tests.networks import TINY_PAPER
from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError
from vidtrack.core.types import Frame
from vidtrack.model.decoder import Queries
from vidtrack.model.detector import DeformableDETR, Memory
from vidtrack.model.outputs import FrameOutput
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.state import Tracks
from vidtrack.tracking.track_queries import believed, findings, join_queries, track_queries
from vidtrack.tracking.tracker import make_tracker

SMALL = structs.replace(
    TINY_PAPER,
    backbone="resnet50",
    feature_levels=1,
    num_levels=2,
    dropout=0.0,
    num_queries=6,
    classes=("cat", "dog", ""),
)
KINDS = {
    "one_stage": SMALL,
    "refined": structs.replace(SMALL, box_refine=True),
    "two_stage": structs.replace(SMALL, box_refine=True, two_stage=True),
    "mixed": structs.replace(SMALL, box_refine=True, two_stage=True, mixed_query_selection=True),
    "trained": structs.replace(
        SMALL, box_refine=True, two_stage=True, mixed_query_selection=True, track_queries="trained"
    ),
}
BOTH = np.array([0, 1])
SIZE = (96, 64)  # width, height
SHAPES = ((8, 12), (4, 6))
EAGER = TrackerConfig(
    high_score=0.0,
    low_score=0.0,
    new_track_threshold=0.0,
    confirm_score=0.0,
    track_query_score=0.0,
    track_query_iou=0.0,
)


@pytest.fixture(scope="module", params=KINDS, ids=str)
def model(request) -> DeformableDETR:
    torch.manual_seed(0)
    return DeformableDETR(KINDS[request.param]).eval()


@pytest.fixture
def memory(model) -> Memory:
    """An encoder's output without the cost of a backbone."""
    torch.manual_seed(1)
    tokens = torch.randn(1, sum(h * w for h, w in SHAPES), SMALL.hidden_dim)
    ratios = torch.ones(1, len(SHAPES), 2)
    if not model.config.two_stage:
        return Memory(tokens, None, SHAPES, ratios)
    with torch.no_grad():
        proposals = model._propose(tokens, None, SHAPES, ratios)
    return Memory(tokens, None, SHAPES, ratios, proposals.logits, proposals.boxes)


def some_tracks(n: int = 2) -> Tracks:
    boxes = np.array([[10.0, 20, 30, 60], [50, 10, 90, 40]])[:n]
    found = Detections(
        boxes,
        np.full(n, 0.9),
        np.array([0, 1])[:n],
        np.random.default_rng(0).normal(size=(n, SMALL.hidden_dim)).astype(np.float32),
        np.array([4, 2])[:n],
    )
    return Tracks.born(found, SMALL.num_classes, 0.0)


def frame(index: int) -> Frame:
    return Frame(index, index, Fraction(1, 10), np.zeros((SIZE[1], SIZE[0], 3), np.uint8))


def test_track_queries_aim_at_the_predicted_boxes(model):
    queries = track_queries(model, some_tracks(), BOTH, SIZE, torch.zeros(1))
    expected = torch.tensor([[[20 / 96, 40 / 64, 20 / 96, 40 / 64], [70 / 96, 25 / 64, 40 / 96, 30 / 64]]])
    dims = 4 if model.config.two_stage else 2
    torch.testing.assert_close(queries.reference, expected[..., :dims])
    assert queries.content.shape == queries.position.shape == (1, 2, SMALL.hidden_dim)


def test_track_queries_come_from_where_the_weights_know_them(model):
    tracks = some_tracks()
    queries = track_queries(model, tracks, BOTH, SIZE, torch.zeros(1))
    if model.config.track_queries == "trained":
        expected = torch.from_numpy(tracks.content)
    elif model.config.mixed_query_selection:
        expected = model.content_embed.weight[[4, 2]]
    elif model.config.two_stage:
        expected = model.box_queries(queries.reference).content[0]
    else:
        expected = model.query_embed.weight[[4, 2], SMALL.hidden_dim :]
        torch.testing.assert_close(queries.position[0], model.query_embed.weight[[4, 2], : SMALL.hidden_dim])
    torch.testing.assert_close(queries.content[0], expected)


def test_boxes_beyond_the_frame_stay_usable(model):
    tracks = some_tracks()
    tracks.position[:] = [[-500, 900, 10, 10], [48, 32, 1e6, 1e-9]]
    queries = track_queries(model, tracks, BOTH, SIZE, torch.zeros(1))
    assert (queries.reference > 0).all() and (queries.reference < 1).all()
    assert torch.isfinite(queries.position).all()


@torch.no_grad()
def test_detection_is_the_same_with_and_without_tracks(model, memory):
    objects = model.object_queries(memory)
    joined = join_queries(track_queries(model, some_tracks(), BOTH, SIZE, objects.content), objects)
    alone, beside = model.decode(memory, objects), model.decode(memory, joined)
    torch.testing.assert_close(alone.logits, beside.logits[:, :, 2:])
    torch.testing.assert_close(alone.boxes, beside.boxes[:, :, 2:])


@torch.no_grad()
def test_track_queries_do_not_see_object_queries(model, memory):
    objects = model.object_queries(memory)
    tracks = track_queries(model, some_tracks(), BOTH, SIZE, objects.content)
    strangers = Queries(torch.randn_like(objects.content), objects.position, objects.reference)
    one = model.decode(memory, join_queries(tracks, objects)).embeddings[:, :2]
    other = model.decode(memory, join_queries(tracks, strangers)).embeddings[:, :2]
    torch.testing.assert_close(one, other)


def test_a_carried_query_answers_for_its_own_class():
    tracks = some_tracks()
    boxes = [[20 / 96, 40 / 64, 20 / 96, 40 / 64], [70 / 96, 25 / 64, 40 / 96, 30 / 64]]
    found = FrameOutput(output([[2.0, 5, 0], [5, -2, 0]], boxes), SIZE, np.ones(3, bool))
    carried = believed(findings(found, tracks, BOTH), tracks, BOTH, TrackerConfig(track_query_score=0.5))
    assert carried.rows.tolist() == [0]  # the second is sure of the first one's class, not of its own
    assert carried.found.scores == pytest.approx([float(torch.sigmoid(torch.tensor(2.0)))])


@pytest.mark.parametrize("mode", ["propagation", "association"])
def test_a_still_scene_keeps_its_ids(model, memory, mode):
    tracker = make_tracker(model, replace(EAGER, mode=mode))
    results = [tracker.step(memory, frame(i)) for i in range(4)]
    first = results[0]
    assert len(first) > 0 and first.ids.tolist() == list(range(1, len(first) + 1))
    assert set(first.classes.tolist()) <= {0, 1}, "a slot without a name was reported"
    assert (first.boxes_xyxy >= 0).all() and (first.boxes_xyxy <= [96, 64, 96, 64]).all()
    if mode == "association":
        for later in results[1:]:
            assert later.ids.tolist() == first.ids.tolist()
    for index, result in enumerate(results):
        assert (result.index, result.pts, result.time_base) == (index, index, Fraction(1, 10))
        assert result.scores.dtype == result.boxes_xyxy.dtype == np.float32


def test_the_same_frames_give_the_same_tracks_after_reset(model, memory):
    tracker = make_tracker(model, EAGER)
    runs = []
    for _ in range(2):
        runs.append([tracker.step(memory, frame(i)) for i in range(4)])
        tracker.reset()
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a.ids, b.ids)
        np.testing.assert_array_equal(a.boxes_xyxy, b.boxes_xyxy)


def test_class_filter(model, memory):
    only_dogs = make_tracker(model, EAGER, np.array([False, True, True])).step(memory, frame(0))
    assert set(only_dogs.classes.tolist()) == {1}
    with pytest.raises(UsageError, match="3 classes"):
        make_tracker(model, EAGER, np.ones(7, bool))

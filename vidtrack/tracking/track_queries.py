"""Carry live tracks into the next frame's decoder as queries, and read what they found there."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from vidtrack.core.detections import Detections
from vidtrack.model.decoder import Queries
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.outputs import FrameOutput
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.matching import accept_track_queries
from vidtrack.tracking.state import TrackQueryOutput, Tracks


def track_queries(
    model: DeformableDETR, tracks: Tracks, rows: np.ndarray, size: tuple[int, int], like: Tensor
) -> Queries:
    """One query for each of the `rows`, aimed at its predicted box in a frame of `size` (width, height).

    Tensors are on the device and of the dtype of `like`.

    Weights trained for tracking continue the last decoder output. Others get what they know from detection: a
    two-stage model a proposal at the predicted box, a one-stage model the query that found the object, its
    reference point moved to the predicted centre.
    """
    width, height = size
    scaled = np.clip(tracks.position[rows] / (width, height, width, height), 1e-4, 1 - 1e-4)
    boxes = torch.from_numpy(scaled).float().to(like.device)[None]  # (1, T, 4) cxcywh in (0, 1); 16 bits shift boxes
    if model.config.track_queries == "trained":
        return model.box_queries(boxes, torch.from_numpy(tracks.content[rows]).to(like)[None])
    found_by = torch.from_numpy(tracks.queries[rows]).to(like.device)
    if model.config.mixed_query_selection:
        return model.box_queries(boxes, model.content_embed(found_by)[None])
    if model.config.two_stage:
        return model.box_queries(boxes)
    position, content = model.query_embed(found_by)[None].chunk(2, dim=-1)
    return Queries(content, position, boxes[..., :2])


def join_queries(carried: Queries, objects: Queries) -> Queries:
    """Track queries, then object queries, for one decoder pass in which neither see the other, as in training.

    So detection is the same with and without tracks, and a track query does not take the object query at its object
    for a rival and move on to a neighbour.
    """
    is_track = torch.arange(len(carried) + len(objects), device=carried.content.device) < len(carried)
    return Queries.cat(carried, objects, attention_mask=is_track[:, None] != is_track[None, :])


def findings(output: FrameOutput, tracks: Tracks, rows: np.ndarray) -> Detections:
    """What the first queries, one for each of the `rows`, found of its class, whether to be believed or not."""
    queries, classes = np.arange(len(rows)), tracks.classes[rows]
    return Detections(
        output.boxes_xyxy[queries],
        output.probabilities[queries, classes].astype(np.float64),
        classes,
        output.embeddings[queries],
        np.full(len(rows), -1, dtype=np.int64),
    )


def believed(found: Detections, tracks: Tracks, rows: np.ndarray, config: TrackerConfig) -> TrackQueryOutput:
    """The findings, one for each of the `rows`, that are sure and near where motion expects the object."""
    accepted = accept_track_queries(tracks.predicted_xyxy[rows], found, config)
    return TrackQueryOutput(rows[accepted], found[accepted])

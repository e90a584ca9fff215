"""A training recipe: one JSON file that says what to train, on what and how."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from vidtrack.core.errors import UsageError
from vidtrack.model.config import DetectorConfig
from vidtrack.training.fields import (
    Canvas,
    Factor,
    OneOf,
    Queries,
    Range,
    Repeat,
    Share,
    Side,
    Steps,
    Threads,
    Weight,
    build,
    check_ranges,
)

_MAY_CHANGE = re.compile(  # when a run goes on
    r"data\.train\[\d+\]\.(path|pictures)|data\.validation.*|data\.cache|init|workers|threads|device"
    r"|checkpoint_minutes|evaluate_steps|evaluate_pictures|log_steps"
)


@dataclass(frozen=True)
class SetConfig:
    """One data set: `coco` (annotations + pictures folder) or `mot` (a MOTChallenge folder with pictures or a video).

    `weight` multiplies how often its pictures are drawn. `complete` false means that even labelled classes miss
    some objects, for sets whose pictures do not say so themselves.
    """

    name: str
    path: str  # coco: the JSON file; mot: the sequence folder
    kind: Annotated[str, OneOf(("coco", "mot"))] = "coco"
    pictures: str = ""  # coco: where `file_name` starts; empty: the JSON's folder
    weight: Weight = 1.0
    complete: bool = True
    mot_class: str = "person"
    # boxes with a score, labelled by a detector: taken from `positive` on, in full from `sure` on, and regions in which
    # nothing is known of their class between `ignore` and `positive`
    positive: Share = 0.35
    sure: Share = 0.5
    ignore: Share = 0.2


@dataclass(frozen=True)
class DataConfig:
    """Training and validation sets, how they are mixed, and where decoded video frames are kept."""

    train: Annotated[tuple[SetConfig, ...], Range(1, 10_000)] = ()
    validation: tuple[SetConfig, ...] = ()
    cache: str = "runs/cache"  # video frames as JPEG, longest side `cache_size`
    cache_size: Side = 640
    balance: Annotated[float, Range(0, 10)] = 0.5  # exponent of repeat-factor sampling by rarest class; 0 is off
    balance_share: Share = 0.1  # classes in a smaller share of the pictures are repeated

    def __post_init__(self) -> None:
        for part, sets in (("train", self.train), ("validation", self.validation)):
            names = [item.name for item in sets]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise UsageError(f"two {part} sets of the training recipe are named {twice[0]}", "name them apart")


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes to a training picture; canvases are (height, width) and one is drawn for each batch."""

    canvases: Annotated[tuple[Canvas, ...], Range(1, 1000)] = ((288, 288), (240, 336), (336, 240), (256, 320))
    # canvases start at this share of their size and grow over the first 60 % of the steps
    grow_from: Annotated[float, Range(0.01, 1)] = 1.0
    scale: tuple[Factor, Factor] = (0.6, 1.6)  # large-scale jitter (Ghiasi et al., CVPR 2021), 1 fits the canvas
    aspect: Annotated[float, Range(1, 100)] = 1.15  # independent stretch of the sides, at most this ratio
    flip: Share = 0.5
    photometric: Share = 0.5
    grey: Share = 0.03
    mosaic: Share = 0.0  # share of pictures made of four of the same set (YOLOv4)
    paste: Share = 0.0  # share of pictures given objects cut from another by their masks (Ghiasi et al.)
    min_visible: Share = 0.3  # a box keeping less of its area in the crop becomes an ignored region
    min_side: Annotated[float, Range(0, 8192)] = 4.0  # pixels on the canvas; smaller boxes become ignored regions

    def __post_init__(self) -> None:
        if self.scale[0] > self.scale[1]:
            raise UsageError(f"augment.scale in the training recipe is {self.scale}", "give two numbers, rising")


@dataclass(frozen=True)
class LossConfig:
    """Costs, weights and query groups of set prediction; defaults are the paper's."""

    cost_class: Weight = 2.0
    cost_l1: Weight = 5.0
    cost_giou: Weight = 2.0
    weight_class: Weight = 2.0
    weight_l1: Weight = 5.0
    weight_giou: Weight = 2.0
    focal_alpha: Share = 0.25
    focal_gamma: Annotated[float, Range(0, 10)] = 2.0
    # a matched query should score 1 with "focal", IoU ** 1.5 of its box with "matchability" (DEIM, arXiv 2412.04234)
    class_loss: Annotated[str, OneOf(("focal", "matchability"))] = "focal"
    encoder_repeat: Repeat = 1  # every box is matched to this many proposals (one-to-many, H-DETR, Jia et al. 2023)
    encoder_class_agnostic: bool = False  # the paper's: every proposal target is class 0
    hybrid_queries: Queries = 0  # extra proposals decoded apart with one-to-many targets (H-DETR)
    hybrid_repeat: Repeat = 4
    denoising_queries: Queries = 0  # DN-DETR (Li et al., CVPR 2022); half of them contrastive negatives (DINO)
    denoising_label_noise: Share = 0.25
    denoising_box_noise: Share = 0.4
    incomplete_negative: Share = 0.0  # weight of the background loss where a picture's annotation misses objects
    exclusive_classes: bool = False  # an annotated object is of no other class, labelled in its picture or not


@dataclass(frozen=True)
class TrackConfig:
    """Training to carry queries from frame to frame (TrackFormer, Meinhardt et al., CVPR 2022)."""

    share: Share = 0.0  # of the batches, made of pairs
    begin: Share = 0.0  # share of the steps after which pairs come in
    max_tracks: Annotated[int, Range(1, 10_000)] = 24
    score_threshold: Share = 0.0  # previous matched queries under this score are not carried
    drop: Share = 0.2  # of carried queries, so that new objects appear
    false: Annotated[float, Range(0, 10)] = 0.1  # extra carried queries that hold nothing, relative to the true ones
    jitter: Share = 0.2  # crop shift between the two views of a still, relative to the crop
    max_gap_seconds: Annotated[float, Range(0, 3600)] = 0.6  # between the two frames of a real pair


@dataclass(frozen=True)
class OptimConfig:
    """AdamW, its parameter groups and schedule."""

    lr: Annotated[float, Range(0, 1)] = 2e-4
    backbone_factor: Weight = 0.1  # 0 freezes the backbone
    # leading children of the backbone that never learn (5 is DETR's ResNet: up to layer1)
    backbone_frozen: Annotated[int, Range(0, 1000)] = 0
    backbone_from: Share = 0.0  # share of the steps after which the backbone starts to learn
    slow_factor: Weight = 0.1  # sampling_offsets and reference_points
    weight_decay: Annotated[float, Range(0, 1)] = 1e-4
    clip: Weight = 0.1  # largest gradient norm; 0 is off
    schedule: Annotated[str, OneOf(("multistep", "onecycle", "flat"))] = "multistep"
    milestones: tuple[Share, ...] = (0.8,)  # shares of the steps at which lr falls tenfold; flat: where its fall begins
    warmup: Share = 0.02  # share of the steps
    final: Share = 0.01  # one-cycle and flat: last lr relative to the highest
    ema: Share = 0.0  # decay of the averaged weights; 0 is off
    accumulate: Annotated[int, Range(1, 10_000)] = 1
    precision: Annotated[str, OneOf(("float32", "bfloat16"))] = "float32"


@dataclass(frozen=True)
class TrainConfig:
    """Everything `vidtrack train` needs; unknown fields in its file are an error."""

    model: DetectorConfig
    data: DataConfig
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    tracks: TrackConfig = field(default_factory=TrackConfig)
    optim: OptimConfig = field(default_factory=OptimConfig)
    init: str = ""  # checkpoint to fine-tune from, or safetensors with torchvision's backbone names
    steps: Steps = 1000  # optimiser steps
    batch: Annotated[int, Range(1, 4096)] = 8  # pictures per step and process, before accumulation
    seed: Annotated[int, Range(0, 2**32 - 1)] = 0
    workers: Threads = 0
    threads: Threads = 0  # torch threads; 0 leaves torch's choice
    device: str = "auto"
    checkpoint_minutes: Annotated[float, Range(0, 1e6)] = 3.0
    evaluate_steps: Annotated[int, Range(0, 10**9)] = 0  # 0 evaluates only at the end
    evaluate_pictures: Annotated[int, Range(0, 10**9)] = 0  # at most so many of each validation set; 0 is all
    log_steps: Steps = 20

    def __post_init__(self) -> None:
        check_ranges(TrainConfig, self)
        _check_fit(self)

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary that `json.dumps` takes."""
        return asdict(self)


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """Read a recipe, `${NAME}` standing for environment variables; raises UsageError naming the wrong field."""
    try:
        values = _expand(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise UsageError(f"no training recipe at {path}") from None
    except OSError as error:
        raise UsageError(f"the training recipe {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    except RecursionError:
        raise UsageError(f"{path} holds no training recipe", "it is nested too deeply") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} holds no training recipe", "expected a JSON object with model and data")
    return build(TrainConfig, {**values, **(overrides or {})})


def config_from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """Rebuild from `TrainConfig.to_dict`."""
    return build(TrainConfig, values)


def changed_fields(before: TrainConfig, now: TrainConfig) -> dict[str, Any]:
    """Fields, with their values before, in which a recipe differs from the one that a run began with.

    Those that change nothing of what is learned do not count: where files lie, validation, threads and so on.
    """
    old, new = _flat(before.to_dict()), _flat(now.to_dict())
    names = [name for name in old | new if old.get(name) != new.get(name)]
    return {name: old.get(name, "not there") for name in names if not _MAY_CHANGE.fullmatch(name)}


def _flat(value: Any, where: str = "") -> dict[str, Any]:
    """`{"data.train[0].name": ...}` of nested dictionaries and lists of them."""
    if isinstance(value, dict):
        parts = [_flat(item, f"{where}.{name}" if where else name) for name, item in value.items()]
    elif isinstance(value, tuple) and any(isinstance(item, dict) for item in value):
        parts = [_flat(item, f"{where}[{index}]") for index, item in enumerate(value)]
    else:
        return {where: value}
    return {name: item for part in parts for name, item in part.items()}


def _expand(value: Any) -> Any:
    if isinstance(value, str):
        return re.sub(r"\$\{(\w+)\}", lambda match: _environment(match[1]), value)
    if isinstance(value, list):
        return [_expand(item) for item in value]
    if isinstance(value, dict):
        return {key: _expand(item) for key, item in value.items()}
    return value


def _environment(name: str) -> str:
    if name not in os.environ:
        raise UsageError(f"the recipe uses ${{{name}}}, which is not set", f"export {name}=... and run again")
    return os.environ[name]


def _check_fit(config: TrainConfig) -> None:
    """Raise UsageError for what the recipe asks of its model and the model has no part for."""
    if not any(config.model.classes):
        raise UsageError("model.classes in the training recipe is empty", "name the classes to learn")
    for name, amount, needed in (
        ("loss.hybrid_queries", config.loss.hybrid_queries, ("mixed_query_selection",)),
        ("loss.denoising_queries", config.loss.denoising_queries, ("denoising", "two_stage")),
        ("tracks.share", config.tracks.share, ("two_stage",)),
    ):
        lacking = [part for part in needed if not getattr(config.model, part)]
        if amount and lacking:
            raise UsageError(
                f"{name} in the training recipe is {amount}, and the model is without {lacking[0]}",
                f"set model.{lacking[0]} to true, or {name} to 0",
            )

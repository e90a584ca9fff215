"""A training recipe: one JSON file that says what to train, on what and how."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from vidtrack.errors import UsageError
from vidtrack.model.config import DetectorConfig

KINDS = ("coco", "mot")
SCHEDULES = ("multistep", "onecycle")
PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class SetConfig:
    """One data set: `coco` (annotations + pictures folder) or `mot` (a MOTChallenge folder with pictures or a video).

    `weight` multiplies how often its pictures are drawn. `complete` false means that even labelled classes miss
    some objects, for sets whose pictures do not say so themselves.
    """

    name: str
    path: str  # coco: the JSON file; mot: the sequence folder
    kind: str = "coco"
    pictures: str = ""  # coco: where `file_name` starts; empty: the JSON's folder
    weight: float = 1.0
    complete: bool = True
    mot_class: str = "person"

    def __post_init__(self) -> None:
        _check_choice(f"kind of set {self.name}", self.kind, KINDS)
        _check_least(self, weight=0)


@dataclass(frozen=True)
class DataConfig:
    """Training and validation sets, how they are mixed, and where decoded video frames are kept."""

    train: tuple[SetConfig, ...] = ()
    validation: tuple[SetConfig, ...] = ()
    cache: str = "runs/cache"  # video frames as JPEG, longest side `cache_size`
    cache_size: int = 640
    balance: float = 0.5  # exponent of repeat-factor sampling by rarest class (Gupta et al., CVPR 2019); 0 is off
    balance_share: float = 0.1  # classes in a smaller share of the pictures are repeated

    def __post_init__(self) -> None:
        _check_least(self, cache_size=1, balance=0, balance_share=0)
        for part, sets in (("train", self.train), ("validation", self.validation)):
            names = [item.name for item in sets]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise UsageError(f"two {part} sets of the training recipe are named {twice[0]}", "name them apart")


@dataclass(frozen=True)
class AugmentConfig:
    """Random changes to a training picture; canvases are (height, width) and one is drawn for each batch."""

    canvases: tuple[tuple[int, int], ...] = ((288, 288), (240, 336), (336, 240), (256, 320))
    grow_from: float = 1.0  # canvases start at this share of their size and grow over the first 60 % of the steps
    scale: tuple[float, float] = (0.6, 1.6)  # large-scale jitter (Ghiasi et al., CVPR 2021), 1 fits the canvas
    aspect: float = 1.15  # independent stretch of the sides, at most this ratio
    flip: float = 0.5
    photometric: float = 0.5
    grey: float = 0.03
    mosaic: float = 0.0  # share of pictures made of four of the same set (YOLOv4)
    paste: float = 0.0  # share of pictures given objects cut from another by their masks (Ghiasi et al.)
    min_visible: float = 0.3  # a box keeping less of its area in the crop becomes an ignored region
    min_side: float = 4.0  # pixels on the canvas; smaller boxes become ignored regions

    def __post_init__(self) -> None:
        if not self.canvases or min(map(min, self.canvases)) < 1:
            raise UsageError(f"canvases in the training recipe are {self.canvases}", "give (height, width) in pixels")
        if not 0 < self.scale[0] <= self.scale[1]:
            raise UsageError(f"scale in the training recipe is {self.scale}", "give two positive numbers, rising")
        if not 0 < self.grow_from <= 1 or self.aspect < 1:
            raise UsageError(
                f"grow_from {self.grow_from} and aspect {self.aspect} in the training recipe do not fit",
                "grow_from lies in (0, 1], aspect is 1 or more",
            )


@dataclass(frozen=True)
class LossConfig:
    """Costs, weights and query groups of set prediction; defaults are the paper's."""

    cost_class: float = 2.0
    cost_l1: float = 5.0
    cost_giou: float = 2.0
    weight_class: float = 2.0
    weight_l1: float = 5.0
    weight_giou: float = 2.0
    focal_alpha: float = 0.25
    focal_gamma: float = 2.0
    encoder_repeat: int = 1  # every box is matched to this many proposals (one-to-many, H-DETR, Jia et al. 2023)
    encoder_class_agnostic: bool = False  # the paper's: every proposal target is class 0
    hybrid_queries: int = 0  # extra proposals decoded apart with one-to-many targets (H-DETR)
    hybrid_repeat: int = 4
    denoising_queries: int = 0  # DN-DETR (Li et al., CVPR 2022); half of them contrastive negatives (DINO)
    denoising_label_noise: float = 0.25
    denoising_box_noise: float = 0.4
    incomplete_negative: float = 0.0  # weight of the background loss where a picture's annotation misses objects
    exclusive_classes: bool = False  # an annotated object is of no other class, labelled in its picture or not

    def __post_init__(self) -> None:
        _check_least(self, encoder_repeat=1, hybrid_queries=0, hybrid_repeat=1, denoising_queries=0)


@dataclass(frozen=True)
class TrackConfig:
    """Training to carry queries from frame to frame (TrackFormer, Meinhardt et al., CVPR 2022)."""

    share: float = 0.0  # of the batches, made of pairs
    begin: float = 0.0  # share of the steps after which pairs come in
    max_tracks: int = 24
    score_threshold: float = 0.0  # previous matched queries under this score are not carried
    drop: float = 0.2  # of carried queries, so that new objects appear
    false: float = 0.1  # extra carried queries that hold nothing, relative to the true ones
    jitter: float = 0.2  # crop shift between the two views of a still, relative to the crop
    max_gap_seconds: float = 0.6  # between the two frames of a real pair


@dataclass(frozen=True)
class OptimConfig:
    """AdamW, its parameter groups and schedule."""

    lr: float = 2e-4
    backbone_factor: float = 0.1  # 0 freezes the backbone
    backbone_frozen: int = 0  # leading children of the backbone that never learn (5 is DETR's ResNet: up to layer1)
    backbone_from: float = 0.0  # share of the steps after which the backbone starts to learn
    slow_factor: float = 0.1  # sampling_offsets and reference_points
    weight_decay: float = 1e-4
    clip: float = 0.1
    schedule: str = "multistep"  # or "onecycle"
    milestones: tuple[float, ...] = (0.8,)  # shares of the steps at which lr falls tenfold
    warmup: float = 0.02  # share of the steps
    final: float = 0.01  # one-cycle: last lr relative to the highest
    ema: float = 0.0  # decay of the averaged weights; 0 is off
    accumulate: int = 1
    precision: str = "float32"  # or "bfloat16"

    def __post_init__(self) -> None:
        _check_choice("schedule", self.schedule, SCHEDULES)
        _check_choice("precision", self.precision, PRECISIONS)
        _check_least(self, accumulate=1, lr=0, ema=0, clip=0, backbone_frozen=0)


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
    steps: int = 1000  # optimiser steps
    batch: int = 8  # pictures per step and process, before accumulation
    seed: int = 0
    workers: int = 0
    threads: int = 0  # torch threads; 0 leaves torch's choice
    device: str = "auto"
    checkpoint_minutes: float = 3.0
    evaluate_steps: int = 0  # 0 evaluates only at the end
    evaluate_pictures: int = 0  # at most so many of each validation set; 0 is all
    log_steps: int = 20

    def __post_init__(self) -> None:
        _check_least(
            self, steps=1, batch=1, log_steps=1, seed=0, workers=0, threads=0, evaluate_steps=0, evaluate_pictures=0
        )

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary that `json.dumps` takes."""
        return asdict(self)


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """Read a recipe, `${NAME}` standing for environment variables; raises UsageError naming the wrong field."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no training recipe at {path}") from None
    except OSError as error:
        raise UsageError(f"the training recipe {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} holds no training recipe", "expected a JSON object with model and data")
    return _build(TrainConfig, {**_expand(values), **(overrides or {})}, "")


def config_from_dict(values: Mapping[str, Any]) -> TrainConfig:
    """Rebuild from `TrainConfig.to_dict`."""
    return _build(TrainConfig, values, "")


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


def _check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise UsageError(f"unknown {what} in the training recipe: {value!r}", f"known: {', '.join(choices)}")


def _check_least(config: Any, **least: float) -> None:
    for name, value in least.items():
        if getattr(config, name) < value:
            raise UsageError(f"{name} in the training recipe is {getattr(config, name)}, not {value} or more")


def _build(kind: type, values: Any, where: str) -> Any:
    if kind is DetectorConfig:
        return DetectorConfig.from_dict(values)
    if not isinstance(values, Mapping):
        raise UsageError(f"{where[:-1]} in the training recipe must be an object with fields, not {values!r}")
    known = {item.name for item in fields(kind)}
    unknown = sorted(set(values) - known)
    if unknown:
        raise UsageError(
            f"unknown field {where}{unknown[0]} in the training recipe", f"known: {', '.join(sorted(known))}"
        )
    hints = get_type_hints(kind)
    built = {name: _convert(hints[name], value, f"{where}{name}.") for name, value in values.items()}
    try:
        return kind(**built)
    except TypeError as error:
        raise UsageError(f"the training recipe lacks a field: {error}") from None


def _convert(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return _build(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        inner, *others = get_args(hint)  # X, ... for any number of X; X, X for two
        wanted = None if others == [...] else 1 + len(others)
        if not isinstance(value, list | tuple) or wanted not in (None, len(value)):
            number = "a list" if wanted is None else f"a list of {wanted}"
            raise UsageError(f"{where[:-1]} in the training recipe must be {number}, not {value!r}")
        return tuple(_convert(inner, item, where) for item in value)
    if hint is float and type(value) is int:
        return float(value)
    if type(value) is not hint or value != value or value in (math.inf, -math.inf):
        raise UsageError(f"{where[:-1]} in the training recipe must be {hint.__name__}, not {value!r}")
    return value

"""A training recipe: one JSON file that says what to train, on what and how."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vidtrack.core.errors import UsageError
from vidtrack.datasets.mot_images import FrameCache
from vidtrack.datasets.records import SetConfig
from vidtrack.model.config import DetectorConfig

_MAY_CHANGE = re.compile(  # when a run is resumed
    r"data\.train\[\d+\]\.(path|images)|data\.validation.*|data\.cache|init|workers|threads|device"
    r"|checkpoint_minutes|evaluate_steps|evaluate_images|log_steps"
)
_RENAMED = {"pictures": "images", "evaluate_pictures": "evaluate_images"}  # keys of recipes before 0.2

# Upper limits lie far beyond any use.
Share = Annotated[float, Meta(ge=0, le=1)]
Weight = Annotated[float, Meta(ge=0, le=1000)]
Factor = Annotated[float, Meta(ge=0.01, le=100)]
Side = Annotated[int, Meta(ge=1, le=8192)]  # pixels
Canvas = tuple[Side, Side]  # height, width
QueryCount = Annotated[int, Meta(ge=0, le=10_000)]
Repeat = Annotated[int, Meta(ge=1, le=100)]
Steps = Annotated[int, Meta(ge=1, le=10**9)]
Threads = Annotated[int, Meta(ge=0, le=256)]


class DataConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Training and validation sets, how they are mixed, and where decoded video frames are kept."""

    train: Annotated[tuple[SetConfig, ...], Meta(min_length=1, max_length=10_000)]
    validation: tuple[SetConfig, ...] = ()
    cache: str = "runs/cache"  # video frames as JPEG, longest side `cache_size`
    cache_size: Side = 640
    balance: Annotated[float, Meta(ge=0, le=10)] = 0.5  # exponent of repeat-factor sampling by rarest class; 0 is off
    balance_share: Share = 0.1  # classes in a smaller share of the images are repeated

    @property
    def frame_cache(self) -> FrameCache:
        """Where decoded video frames are kept."""
        return FrameCache(Path(self.cache), self.cache_size)

    def __post_init__(self) -> None:
        for part, sets in (("train", self.train), ("validation", self.validation)):
            names = [item.name for item in sets]
            if repeated := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"two {part} sets are named {repeated[0]}; give each its own name")


class AugmentConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Random changes to a training image; canvases are (height, width) and one is drawn for each batch."""

    canvases: Annotated[tuple[Canvas, ...], Meta(min_length=1, max_length=1000)] = (
        (288, 288),
        (240, 336),
        (336, 240),
        (256, 320),
    )
    # canvases start at this share of their size and grow over the first 60 % of the steps
    grow_from: Annotated[float, Meta(ge=0.01, le=1)] = 1.0
    scale: tuple[Factor, Factor] = (0.6, 1.6)  # large-scale jitter (Ghiasi et al., CVPR 2021), 1 fits the canvas
    aspect: Annotated[float, Meta(ge=1, le=100)] = 1.15  # independent stretch of the sides, at most this ratio
    flip: Share = 0.5
    photometric: Share = 0.5
    grey: Share = 0.03
    motion_blur: Share = 0.0  # share of images blurred as by a panning camera
    mosaic: Share = 0.0  # share of images made of four of the same set (YOLOv4)
    paste: Share = 0.0  # share of images given objects cut from another by their masks (Ghiasi et al.)
    min_visible: Share = 0.3  # a box keeping less of its area in the crop becomes an ignored region
    min_side: Annotated[float, Meta(ge=0, le=8192)] = 4.0  # pixels on the canvas; smaller boxes become ignored regions

    def __post_init__(self) -> None:
        if self.scale[0] > self.scale[1]:
            raise ValueError(f"scale {list(self.scale)} must be two rising numbers")


class LossConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Costs, weights and query groups of set prediction; defaults are the paper's."""

    cost_class: Weight = 2.0
    cost_l1: Weight = 5.0
    cost_giou: Weight = 2.0
    weight_class: Weight = 2.0
    weight_l1: Weight = 5.0
    weight_giou: Weight = 2.0
    focal_alpha: Share = 0.25
    focal_gamma: Annotated[float, Meta(ge=0, le=10)] = 2.0
    # a matched query should score 1 with "focal", IoU ** 1.5 of its box with "matchability" (DEIM, arXiv 2412.04234)
    class_loss: Literal["focal", "matchability"] = "focal"
    encoder_repeat: Repeat = 1  # every box is matched to this many proposals (one-to-many, H-DETR, Jia et al. 2023)
    encoder_class_agnostic: bool = False  # the paper's: every proposal target is class 0
    hybrid_queries: QueryCount = 0  # extra proposals decoded apart with one-to-many targets (H-DETR)
    hybrid_repeat: Repeat = 4
    denoising_queries: QueryCount = 0  # DN-DETR (Li et al., CVPR 2022); half are contrastive negatives (DINO)
    denoising_label_noise: Share = 0.25
    denoising_box_noise: Share = 0.4
    # weight of the background loss in images whose annotation misses objects, except of second boxes on annotated ones
    incomplete_negative: Share = 0.0
    exclusive_classes: bool = False  # an annotated object is of no other class, labelled in its image or not


class TrackConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Training to carry queries from frame to frame (TrackFormer, Meinhardt et al., CVPR 2022)."""

    share: Share = 0.0  # of the batches, made of pairs
    begin: Share = 0.0  # share of the steps after which pairs come in
    max_tracks: Annotated[int, Meta(ge=1, le=10_000)] = 24
    score_threshold: Share = 0.0  # previous matched queries under this score are not carried
    drop: Share = 0.2  # of carried queries, so that new objects appear
    false: Annotated[float, Meta(ge=0, le=10)] = 0.1  # extra queries that hold nothing, relative to the true ones
    # each edge of a carried box moves by up to this much of half its size, so that its content must tell whose it is
    box_noise: Annotated[float, Meta(ge=0, le=2)] = 0.0
    jitter: Share = 0.2  # crop shift between the two views of a still, relative to the crop
    paste: Share = 0.0  # of the pairs get masked objects pasted that move, hide others, appear and leave
    max_gap_seconds: Annotated[float, Meta(ge=0, le=3600)] = 0.6  # between the two frames of a real pair


class OptimConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """AdamW, its parameter groups and schedule."""

    lr: Share = 2e-4
    backbone_factor: Weight = 0.1  # 0 freezes the backbone
    # leading children of the backbone that never learn (5 is DETR's ResNet: up to layer1)
    backbone_frozen: Annotated[int, Meta(ge=0, le=1000)] = 0
    backbone_from: Share = 0.0  # share of the steps after which the backbone starts to learn
    slow_factor: Weight = 0.1  # sampling_offsets and reference_points
    class_factor: Weight = 1.0  # class heads; above 1 if many classes are new
    weight_decay: Share = 1e-4
    clip: Weight = 0.1  # largest gradient norm; 0 is off
    schedule: Literal["multistep", "onecycle", "flat"] = "multistep"
    milestones: tuple[Share, ...] = (0.8,)  # shares of the steps at which lr falls tenfold; flat: where its fall begins
    warmup: Share = 0.02  # share of the steps
    final: Share = 0.01  # one-cycle and flat: last lr relative to the highest
    ema: Share = 0.0  # decay of the averaged weights; 0 is off
    accumulate: Annotated[int, Meta(ge=1, le=10_000)] = 1
    precision: Literal["float32", "bfloat16"] = "float32"


class TrainConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Everything `vidtrack train` needs."""

    model: DetectorConfig
    data: DataConfig
    augment: AugmentConfig = AugmentConfig()
    loss: LossConfig = LossConfig()
    tracks: TrackConfig = TrackConfig()
    optim: OptimConfig = OptimConfig()
    init: str = ""  # checkpoint to fine-tune from, or safetensors with torchvision's backbone names
    steps: Steps = 1000  # optimiser steps
    batch: Annotated[int, Meta(ge=1, le=4096)] = 8  # images per step and process, before accumulation
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    workers: Threads = 0
    threads: Threads = 0  # torch threads; 0 leaves torch's choice
    device: str = "auto"
    checkpoint_minutes: Annotated[float, Meta(ge=0, le=1e6)] = 3.0
    evaluate_steps: Annotated[int, Meta(ge=0, le=10**9)] = 0  # 0 evaluates only at the end
    evaluate_images: Annotated[int, Meta(ge=0, le=10**9)] = 0  # maximum per validation set; 0 is all
    log_steps: Steps = 20

    def __post_init__(self) -> None:
        if not any(self.model.classes):
            raise ValueError("model.classes is empty; name the classes to learn")
        for name, amount, needed in (
            ("loss.hybrid_queries", self.loss.hybrid_queries, ("mixed_query_selection",)),
            ("loss.denoising_queries", self.loss.denoising_queries, ("denoising", "two_stage")),
            ("tracks.share", self.tracks.share, ("two_stage",)),
        ):
            lacking = [part for part in needed if not getattr(self.model, part)]
            if amount and lacking:
                raise ValueError(
                    f"{name} is {amount} but the model has no {lacking[0]}; "
                    f"set model.{lacking[0]} to true, or {name} to 0"
                )

    def to_dict(self) -> dict[str, Any]:
        """A plain dictionary that `json.dumps` takes."""
        values: dict[str, Any] = msgspec.to_builtins(self)
        return values


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """Read a recipe, with `${NAME}` replaced by environment variables; raises UsageError naming the wrong field."""
    try:
        values = _expand(json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        raise UsageError(f"no training recipe at {path}") from None
    except OSError as error:
        raise UsageError(f"cannot read the training recipe {path}: {error.strerror}") from None
    except ValueError as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    except RecursionError:
        raise UsageError(f"{path} is not a training recipe", "it is nested too deeply") from None
    if not isinstance(values, dict):
        raise UsageError(f"{path} is not a training recipe", "expected a JSON object with model and data")
    return config_from_dict({**values, **(overrides or {})}, str(path))


def config_from_dict(values: Mapping[str, Any], source: str = "the training recipe") -> TrainConfig:
    """Rebuild from `TrainConfig.to_dict`; raises UsageError naming `source` and the wrong field."""
    try:
        return msgspec.convert(_renamed(values), TrainConfig)
    except msgspec.ValidationError as error:
        raise UsageError(f"{source}: {error}") from None


def changed_fields(before: TrainConfig, now: TrainConfig) -> dict[str, Any]:
    """Fields, with their previous values, in which a recipe differs from the one that started a run.

    Fields that do not change what is learned are left out: file locations, validation, threads and so on.
    """
    old, new = _flat(before.to_dict()), _flat(now.to_dict())
    names = [name for name in old | new if old.get(name) != new.get(name)]
    return {name: old.get(name, "missing") for name in names if not _MAY_CHANGE.fullmatch(name)}


def _flat(value: Any, where: str = "") -> dict[str, Any]:
    """`{"data.train[0].name": ...}` of nested dictionaries and lists of them."""
    if isinstance(value, dict):
        parts = [_flat(item, f"{where}.{name}" if where else name) for name, item in value.items()]
    elif isinstance(value, list | tuple) and any(isinstance(item, dict) for item in value):
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


def _renamed(value: Any) -> Any:
    """The same with the keys of old recipes under their present names."""
    if isinstance(value, list):
        return [_renamed(item) for item in value]
    if isinstance(value, Mapping):
        return {_RENAMED.get(key, key): _renamed(item) for key, item in value.items()}
    return value


def _environment(name: str) -> str:
    if name not in os.environ:
        raise UsageError(f"the recipe uses ${{{name}}}, which is not set", f"export {name}=... and run again")
    return os.environ[name]

"""How often each image is drawn: rare classes and heavy sets more often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from vidtrack.core.errors import DataError
from vidtrack.datasets.records import Record, SetConfig
from vidtrack.training.recipe import DataConfig


def draw_weights(sets: Sequence[Sequence[Record]], configs: Sequence[SetConfig], data: DataConfig) -> np.ndarray:
    """Probability of each record, all sets concatenated, to be drawn.

    Repeat-factor sampling over classes (Gupta et al., CVPR 2019): an image counts max over its classes of
    (balance_share / share of images with that class) ** balance, never under 1; times its set's weight.
    """
    records = [record for part in sets for record in part]
    present = [np.unique(record.labels) for record in records]
    classes = len(records[0].labelled)
    share = np.bincount(np.concatenate(present).astype(np.int64), minlength=classes) / len(records)
    factor = np.maximum(1.0, (data.balance_share / np.maximum(share, 1e-9)) ** data.balance)
    repeat = np.array([factor[found].max(initial=1.0) for found in present])
    weight = np.concatenate([np.full(len(part), config.weight) for part, config in zip(sets, configs, strict=True)])
    total = repeat * weight
    if not total.sum() > 0:
        raise DataError("no training image has a positive weight")
    return total / total.sum()

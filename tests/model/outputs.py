"""Answers of a decoder made by hand."""

from __future__ import annotations

import torch

from vidtrack.model.outputs import DetectorOutput


def output(logits: list[list[float]], boxes: list[list[float]]) -> DetectorOutput:
    n = len(logits)
    return DetectorOutput(
        torch.tensor(logits)[None, None], torch.tensor(boxes)[None, None], torch.arange(n * 2.0).view(1, n, 2)
    )

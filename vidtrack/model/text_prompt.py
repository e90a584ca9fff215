"""Inputs of detectors with a text prompt, and how their outputs become classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from vidtrack.core.errors import UsageError

Inputs = dict[str, Tensor]


class TextPrompt(Protocol):
    """The phrases of a prompt, in the form that one family of models takes."""

    score: float  # threshold that the authors' post-processing uses
    nms_iou: float  # overlap above which it drops the weaker box of a class; 1 keeps all

    def inputs(self, batch: int) -> Inputs:
        """Arguments of the model for a batch of images."""

    def read(self, outputs: Any) -> tuple[Tensor, Tensor]:
        """Scores (B, Q, phrases) and boxes (B, Q, 4) as cxcywh."""


class GroundingPrompt:
    """Grounding DINO and MM-Grounding DINO: one sentence; a phrase scores as its best token does."""

    score, nms_iou = 0.25, 1.0

    def __init__(self, processor: Any, phrases: Sequence[str], max_tokens: int) -> None:
        if bad := [phrase for phrase in phrases if "." in phrase]:
            raise UsageError(f"prompt {bad[0]!r} has a full stop, which separates phrases for this model")
        text = "".join(f"{phrase.lower()}. " for phrase in phrases).strip()
        encoded = processor.tokenizer(text, return_tensors="pt", return_token_type_ids=True)
        if encoded["input_ids"].shape[1] > max_tokens:
            raise UsageError(
                f"the prompt has {encoded['input_ids'].shape[1]} tokens; this model reads {max_tokens}",
                "name fewer objects",
            )
        self._inputs: Inputs = dict(encoded)
        self._spans = _spans(encoded["input_ids"][0].tolist(), processor.tokenizer, phrases)

    def inputs(self, batch: int) -> Inputs:
        """The sentence, once per image."""
        return {name: value.expand(batch, -1) for name, value in self._inputs.items()}

    def read(self, outputs: Any) -> tuple[Tensor, Tensor]:
        """Scores by phrase instead of by token."""
        tokens = outputs.logits.float().sigmoid()  # (B, Q, tokens)
        scores = [tokens[..., start:end].amax(-1) for start, end in self._spans]
        return torch.stack(scores, -1), outputs.pred_boxes


def _spans(ids: list[int], tokenizer: Any, phrases: Sequence[str]) -> list[tuple[int, int]]:
    """First and last + 1 token of each phrase, which full stops end."""
    stop = tokenizer.convert_tokens_to_ids(".")
    ends = [place for place, token in enumerate(ids) if token == stop]
    starts = [1, *(end + 1 for end in ends)]  # after the token that begins every sentence
    spans = list(zip(starts, ends, strict=False))
    for phrase, (start, end) in zip(phrases, spans, strict=True):
        if start == end or all(token == tokenizer.unk_token_id for token in ids[start:end]):
            raise UsageError(f"this model's vocabulary has no word of {phrase!r}", "use other words")
    return spans


class ClassListPrompt:
    """OMDet-Turbo: every phrase is a class of its own; its post-processing drops overlapping boxes of a class."""

    score, nms_iou = 0.3, 0.5

    def __init__(self, processor: Any, phrases: Sequence[str]) -> None:
        options = {"padding": "max_length", "truncation": True, "max_length": 77, "return_tensors": "pt"}
        task = processor.tokenizer(f"Detect {', '.join(phrases)}.", **options)
        classes = processor.tokenizer(list(phrases), **options)
        self._count = len(phrases)
        self._task = {f"tasks_{name}": task[name] for name in ("input_ids", "attention_mask")}
        self._classes = {f"classes_{name}": classes[name] for name in ("input_ids", "attention_mask")}

    def inputs(self, batch: int) -> Inputs:
        """Task and classes, once per image."""
        return {
            **{name: value.expand(batch, -1) for name, value in self._task.items()},
            **{name: value.repeat(batch, 1) for name, value in self._classes.items()},
            "classes_structure": torch.full((batch,), self._count),
        }

    def read(self, outputs: Any) -> tuple[Tensor, Tensor]:
        """Scores of the classes that were asked for."""
        return outputs.decoder_class_logits.float().sigmoid()[..., : self._count], outputs.decoder_coord_logits


class ImageTextPrompt:
    """OWLv2 and OWL-ViT: every phrase is compared with every image patch."""

    score, nms_iou = 0.1, 1.0

    def __init__(self, processor: Any, phrases: Sequence[str], max_tokens: int) -> None:
        encoded = processor.tokenizer(
            list(phrases), padding="max_length", truncation=True, max_length=max_tokens, return_tensors="pt"
        )
        self._inputs = {name: encoded[name] for name in ("input_ids", "attention_mask")}

    def inputs(self, batch: int) -> Inputs:
        """All phrases, once per image."""
        return {name: value.repeat(batch, 1) for name, value in self._inputs.items()}

    def read(self, outputs: Any) -> tuple[Tensor, Tensor]:
        """Scores per phrase."""
        return outputs.logits.float().sigmoid(), outputs.pred_boxes


def text_prompt(config: Any, processor: Any, phrases: Sequence[str]) -> TextPrompt:
    """The prompt for the family of a transformers config; raises UsageError if the model cannot read it."""
    if config.model_type == "omdet-turbo":
        return ClassListPrompt(processor, phrases)
    if config.model_type in ("owlv2", "owlvit"):
        return ImageTextPrompt(processor, phrases, config.text_config.max_position_embeddings)
    return GroundingPrompt(processor, phrases, config.max_text_len)

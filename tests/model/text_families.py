"""A tiny detector of every family that reads text, with random weights, as a folder that its own code has saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import transformers as hf

from tests.model.families import SMALL, resnet, vary

_WORDS = ("red", "blue", "car", "bicycle", "helmet", "person", "dog")
_PLACES = {"[PAD]": 0, "[UNK]": 100, "[CLS]": 101, "[SEP]": 102, "[MASK]": 103, ".": 1012, "?": 1029}  # BERT's own


def _bert_tokenizer() -> Any:
    vocabulary = {f"filler{number}": number for number in range(1030) if number not in _PLACES.values()}
    vocabulary |= _PLACES | {word: 1030 + number for number, word in enumerate(_WORDS)}
    return hf.BertTokenizer(vocab=vocabulary)


def _clip_tokenizer(length: int) -> Any:
    letters = [chr(number) for number in range(ord("!"), ord("~") + 1)]
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    return hf.CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[], model_max_length=length
    )


def _swin(*stages: str) -> Any:
    return hf.SwinConfig(
        image_size=64, patch_size=4, embed_dim=8, depths=[1, 1, 1, 1], num_heads=[1, 1, 2, 2], window_size=4,
        out_features=[*stages],
    )  # fmt: skip


def _grounding(config: Any, model: Any) -> tuple[Any, Any]:
    text = hf.BertConfig(
        vocab_size=1040, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32
    )
    made = model(config(**SMALL, backbone_config=_swin("stage2", "stage3", "stage4"), text_config=text))
    images = hf.GroundingDinoImageProcessor(size={"shortest_edge": 64, "longest_edge": 128})
    return made, hf.GroundingDinoProcessor(images, _bert_tokenizer())


def _clip_text(kind: Any, length: int, width: int = 32) -> Any:
    return kind(
        vocab_size=190, hidden_size=width, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
        max_position_embeddings=length, bos_token_id=188, eos_token_id=189, pad_token_id=0, projection_dim=32,
    )  # fmt: skip


def _omdet() -> tuple[Any, Any]:
    config = hf.OmDetTurboConfig(
        backbone_config=resnet("stage2", "stage3", "stage4"),
        apply_layernorm_after_vision_backbone=False,  # which a Swin of timm needs
        text_config=_clip_text(hf.CLIPTextConfig, 77, 48),
        text_projection_in_dim=48,
        text_projection_out_dim=48,
        class_embed_dim=48,
        task_encoder_hidden_dim=48,
        encoder_hidden_dim=32,
        decoder_hidden_dim=32,
        encoder_in_channels=[16, 24, 32],
        vision_features_channels=[32, 32, 32],
        encoder_dim_feedforward=32,
        decoder_dim_feedforward=32,
        decoder_num_heads=2,
        decoder_num_layers=2,
        num_queries=20,
        image_size=64,
        d_model=32,
    )
    images = hf.DetrImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
    return hf.OmDetTurboForObjectDetection(config), hf.OmDetTurboProcessor(images, _clip_tokenizer(77))


def _owl() -> tuple[Any, Any]:
    vision = hf.Owlv2VisionConfig(
        hidden_size=32, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=64, patch_size=16
    )
    text = _clip_text(hf.Owlv2TextConfig, 16)
    config = hf.Owlv2Config(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=32)
    images = hf.Owlv2ImageProcessor(size={"height": 64, "width": 64})
    return hf.Owlv2ForObjectDetection(config), hf.Owlv2Processor(images, _clip_tokenizer(16))


FAMILIES = {
    "grounding-dino": lambda: _grounding(hf.GroundingDinoConfig, hf.GroundingDinoForObjectDetection),
    "mm-grounding-dino": lambda: _grounding(hf.MMGroundingDinoConfig, hf.MMGroundingDinoForObjectDetection),
    "omdet-turbo": _omdet,
    "owlv2": _owl,
}


def save(family: str, folder: Path) -> Path:
    """The family's tiny model and processor, saved by transformers."""
    torch.manual_seed(0)
    model, processor = FAMILIES[family]()
    vary(model).save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder

"""A tiny detector of every family of transformers, with random weights, as a folder that its own code has saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import transformers as hf

CLASSES = ("person", "car", "bicycle")
_LABELS = {"id2label": dict(enumerate(CLASSES)), "label2id": {name: number for number, name in enumerate(CLASSES)}}
SMALL: dict[str, Any] = {
    "d_model": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 32,
    "decoder_ffn_dim": 32,
    "encoder_layers": 1,
    "decoder_layers": 2,
    "num_queries": 20,
}
_HEADS: dict[str, Any] = {**SMALL, **_LABELS}
_HYBRID: dict[str, Any] = {  # RT-DETR and its descendants
    **_HEADS,
    "encoder_hidden_dim": 32,
    "encoder_in_channels": [16, 24, 32],
    "decoder_in_channels": [32, 32, 32],
    "num_denoising": 0,
}
_WINDOWED: dict[str, Any] = {  # RF-DETR and LW-DETR
    "d_model": 32,
    "decoder_layers": 2,
    "decoder_ffn_dim": 32,
    "decoder_self_attention_heads": 2,
    "decoder_cross_attention_heads": 4,
    "num_queries": 20,
    "group_detr": 1,
    **_LABELS,
}


def resnet(*stages: str) -> Any:
    """A backbone of these stages."""
    return hf.ResNetConfig(embeddings_size=8, hidden_sizes=[8, 16, 24, 32], depths=[1, 1, 1, 1], out_features=[*stages])


def _hgnet() -> Any:
    return hf.HGNetV2Config(
        stem_channels=[3, 8, 8],
        stage_in_channels=[8, 16, 16, 24],
        stage_mid_channels=[8, 8, 8, 8],
        stage_out_channels=[16, 16, 24, 32],
        stage_num_blocks=[1, 1, 1, 1],
        stage_downsample=[False, True, True, True],
        stage_light_block=[False, False, True, True],
        stage_kernel_size=[3, 3, 3, 3],
        stage_numb_of_layers=[1, 1, 1, 1],
        embedding_size=8,
        hidden_sizes=[16, 16, 24, 32],
        depths=[1, 1, 1, 1],
        out_features=["stage2", "stage3", "stage4"],
    )


def _deformable() -> Any:
    stages = resnet("stage2", "stage3", "stage4")
    return hf.DeformableDetrForObjectDetection(hf.DeformableDetrConfig(**_HEADS, backbone_config=stages))


def _rt_detr() -> Any:
    backbone = hf.RTDetrResNetConfig(
        embeddings_size=8,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        downsample_in_first_stage=False,
        out_features=["stage2", "stage3", "stage4"],
    )
    return hf.RTDetrForObjectDetection(hf.RTDetrConfig(**_HYBRID, backbone_config=backbone))


def _rt_detr_v2() -> Any:
    backbone = _rt_detr().config.backbone_config
    return hf.RTDetrV2ForObjectDetection(hf.RTDetrV2Config(**_HYBRID, backbone_config=backbone))


def _d_fine() -> Any:
    config = hf.DFineConfig(**_HYBRID, backbone_config=_hgnet(), decoder_n_points=[3, 6, 3])
    return hf.DFineForObjectDetection(config)


def _deimv2() -> Any:
    return hf.Deimv2ForObjectDetection(hf.Deimv2Config(**_HYBRID, backbone_config=_hgnet()))


def _rf_detr() -> Any:
    backbone = hf.RfDetrDinov2Config(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=64,
        patch_size=8,
        num_windows=2,
        out_features=["stage1", "stage2"],
        window_block_indexes=[0],
    )
    return hf.RfDetrForObjectDetection(hf.RfDetrConfig(**_WINDOWED, backbone_config=backbone))


def _lw_detr() -> Any:
    backbone = hf.LwDetrViTConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=64,
        pretrain_image_size=64,
        patch_size=8,
        num_windows=4,
        window_block_indices=[0],
        out_indices=[1, 2],
    )
    config = hf.LwDetrConfig(**_WINDOWED, backbone_config=backbone, projector_scale_factors=[1.0])
    return hf.LwDetrForObjectDetection(config)


def _conditional_detr() -> Any:
    return hf.ConditionalDetrForObjectDetection(hf.ConditionalDetrConfig(**_HEADS, backbone_config=resnet("stage4")))


def _dab_detr() -> Any:
    heads = {**_HEADS, "hidden_size": 32}
    del heads["d_model"]
    return hf.DabDetrForObjectDetection(hf.DabDetrConfig(**heads, backbone_config=resnet("stage4")))


def _yolos() -> Any:
    config = hf.YolosConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=[64, 96],
        patch_size=16,
        num_detection_tokens=20,
        **_LABELS,
    )
    return hf.YolosForObjectDetection(config)


_SMALL = {"shortest_edge": 64, "longest_edge": 128}
_SQUARE = {"height": 64, "width": 64}

# family: model, image processor and its size, deformable attentions
FAMILIES: dict[str, tuple[Callable[[], Any], str, dict[str, int], int]] = {
    "deformable-detr": (_deformable, "DeformableDetrImageProcessor", _SMALL, 3),
    "rt-detr": (_rt_detr, "RTDetrImageProcessor", _SQUARE, 2),
    "rt-detr-v2": (_rt_detr_v2, "RTDetrImageProcessor", _SQUARE, 2),
    "d-fine": (_d_fine, "RTDetrImageProcessor", _SQUARE, 2),
    "deimv2": (_deimv2, "RTDetrImageProcessor", _SQUARE, 2),
    "rf-detr": (_rf_detr, "RfDetrImageProcessor", _SQUARE, 2),
    "lw-detr": (_lw_detr, "DeformableDetrImageProcessor", _SQUARE, 2),
    "conditional-detr": (_conditional_detr, "ConditionalDetrImageProcessor", _SMALL, 0),
    "dab-detr": (_dab_detr, "ConditionalDetrImageProcessor", _SMALL, 0),
    "yolos": (_yolos, "YolosImageProcessor", _SMALL, 0),
}


def vary(model: Any) -> Any:
    """The model in evaluation mode, its weights away from the zeros of a fresh network."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "backbone" not in name and "vision" not in name:
                parameter.add_(torch.randn_like(parameter) * 0.1)
    return model.eval()


def save(family: str, folder: Path) -> Path:
    """The family's tiny model and image processor, saved by transformers."""
    make, processor, size, _ = FAMILIES[family]
    torch.manual_seed(0)
    vary(make()).save_pretrained(folder)
    getattr(hf, processor)(size=size).save_pretrained(folder)
    return folder


def saved_once(save: Callable[[str, Path], Path], root: Path) -> Callable[[str], Path]:
    """The folder of a family below `root`, made by `save` when it is first asked for."""

    def folder(family: str) -> Path:
        path = root / family
        return path if path.exists() else save(family, path)

    return folder

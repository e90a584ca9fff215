"""Same weights, same pixels, same answers as the transformers package, in all five published variants."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import msgspec
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from vidtrack.model.checkpoint import build, load_deformable_detr, read_checkpoint
from vidtrack.model.checkpoint_export import write_hugging_face, write_official

transformers = pytest.importorskip("transformers")
pytest.importorskip("timm")

VARIANTS = {
    "single scale": {"num_feature_levels": 1},
    "single scale, DC5": {"num_feature_levels": 1, "dilation": True},
    "multi-scale": {},
    "box refinement": {"with_box_refine": True},
    "two-stage": {"with_box_refine": True, "two_stage": True},
}
SMALL = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 3,
    "encoder_ffn_dim": 96,
    "decoder_ffn_dim": 96,
    "num_queries": 20,
    "two_stage_num_proposals": 20,
    "num_labels": 5,
}
TOLERANCE = 1e-4

Model = nn.Module


@cache
def small(variant: str) -> Model:
    """A small model of a variant; only ResNets from 50 layers up can be dilated."""
    return published(variant, **SMALL, backbone="resnet50" if "DC5" in variant else "resnet18")


def published(variant: str, **options: object) -> Model:
    """A transformers model in evaluation mode whose random weights leave nothing at a trivial value."""
    torch.manual_seed(0)
    values = {"use_timm_backbone": True, "use_pretrained_backbone": False, **options, **VARIANTS[variant]}
    refine = bool(values.get("with_box_refine"))
    # Version 5 ties all heads of a fresh model; refined ones differ by layer.
    config = transformers.DeformableDetrConfig(**values, tie_word_embeddings=not refine)
    model = transformers.DeformableDetrForObjectDetection(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "backbone" in name and parameter.ndim > 1:
                continue  # the initial scale keeps activations in range
            parameter.add_(torch.randn_like(parameter) * (0.3 if "sampling_offsets.bias" in name else 0.05))
        for name, buffer in model.named_buffers():
            if name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
            elif name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
    if refine:
        model.model.decoder.bbox_embed = model.bbox_embed
    if values.get("two_stage"):
        model.model.decoder.class_embed = model.class_embed
    return model


def hub_folder(model: Model, folder: Path, release: int) -> Path:
    """The model as a hub folder with the key names of transformers 4 or 5."""
    folder.mkdir()
    state = model.state_dict()
    if release == 4:
        config = dict(model.config.to_dict())
        config |= {"use_timm_backbone": True, "backbone": model.config.backbone_config.backbone}
        del config["backbone_config"]
        renamed = {
            "model.backbone.model.": "model.backbone.conv_encoder.model.",
            ".o_proj.": ".out_proj.",
            ".mlp.": ".",
        }
        for new, old in renamed.items():
            state = {name.replace(new, old): value for name, value in state.items()}
        (folder / "config.json").write_text(json.dumps(config))
    else:
        model.config.save_pretrained(folder)
    save_file({name: value.clone() for name, value in state.items()}, folder / "model.safetensors")
    return folder


def padded_batch(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Two images of different size in one batch; padding (2, H, W) is True outside."""
    pixels = torch.randn(2, 3, height, width)
    padding = torch.zeros(2, height, width, dtype=torch.bool)
    padding[0, height * 3 // 4 :] = True
    padding[1, :, width * 2 // 3 :] = True
    return pixels.masked_fill(padding[:, None], 0.0), padding


@torch.inference_mode()
def differences(theirs: Model, ours: Model, pixels: Tensor, padding: Tensor) -> tuple[float, float]:
    """Largest difference of last-layer logits and boxes; fails where the reference's answers are all alike."""
    expected = theirs(pixel_values=pixels, pixel_mask=(~padding).long())
    assert expected.logits.std() > 0.1
    assert expected.pred_boxes.flatten(0, 1).std(0).min() > 1e-3
    actual = ours(pixels, padding)
    return (
        float((actual.logits[-1] - expected.logits).abs().max()),
        float((actual.boxes[-1] - expected.pred_boxes).abs().max()),
    )


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_answers_from_hub_folders_of_both_releases(variant: str, tmp_path: Path) -> None:
    theirs = small(variant)
    batch = padded_batch(96, 128)
    for release in (4, 5):
        checkpoint = read_checkpoint(hub_folder(theirs, tmp_path / str(release), release))
        assert checkpoint.config.two_stage is (variant == "two-stage")
        assert checkpoint.config.dilation is ("DC5" in variant)
        assert max(differences(theirs, build(checkpoint).eval(), *batch)) < TOLERANCE


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_answers_from_what_transformers_saves(variant: str, tmp_path: Path) -> None:
    """Its `save_pretrained` leaves out shared heads, of a fresh model and of one loaded and saved again."""
    torch.manual_seed(0)
    backbone = "resnet50" if "DC5" in variant else "resnet18"
    options = {"use_timm_backbone": True, "use_pretrained_backbone": False, "backbone": backbone}
    config = transformers.DeformableDetrConfig(**options, **SMALL, **VARIANTS[variant])
    network = transformers.DeformableDetrForObjectDetection
    model = network(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "backbone" not in name:
                parameter.add_(torch.randn_like(parameter) * 0.05)
    model.save_pretrained(tmp_path / "fresh")
    again = network.from_pretrained(tmp_path / "fresh").eval()
    again.save_pretrained(tmp_path / "again")
    for theirs, folder in ((model, "fresh"), (again, "again")):
        ours = build(read_checkpoint(tmp_path / folder)).eval()
        assert max(differences(theirs, ours, *padded_batch(96, 128))) < TOLERANCE


@pytest.mark.parametrize("variant", VARIANTS)
def test_same_answers_through_the_official_layout(variant: str, tmp_path: Path) -> None:
    theirs = small(variant)
    ours = build(read_checkpoint(hub_folder(theirs, tmp_path / "hub", 4))).eval()
    write_official(ours, tmp_path / "official.pth")
    again = read_checkpoint(tmp_path / "official.pth")
    assert again.config == msgspec.structs.replace(ours.config, classes=())
    assert max(differences(theirs, build(again).eval(), *padded_batch(96, 128))) < TOLERANCE


@pytest.mark.parametrize("variant", VARIANTS)
def test_transformers_loads_what_we_write(variant: str, tmp_path: Path) -> None:
    ours = build(read_checkpoint(hub_folder(small(variant), tmp_path / "hub", 5))).eval()
    written = tmp_path / "written"
    write_hugging_face(ours, written)
    theirs, report = transformers.DeformableDetrForObjectDetection.from_pretrained(written, output_loading_info=True)
    assert not report["missing_keys"] and not report["unexpected_keys"] and not report["mismatched_keys"]
    assert max(differences(theirs.eval(), ours, *padded_batch(96, 128))) < TOLERANCE


@pytest.mark.parametrize("variant", ["multi-scale", "two-stage"])
def test_folded_model_gives_the_same_answers(variant: str, tmp_path: Path) -> None:
    theirs = small(variant)
    folder = hub_folder(theirs, tmp_path / "hub", 4)
    assert max(differences(theirs, load_deformable_detr(folder, "cpu", "float32"), *padded_batch(96, 128))) < TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_same_answers_at_real_size(variant: str, tmp_path: Path) -> None:
    theirs = published(variant, num_labels=91)
    ours = load_deformable_detr(hub_folder(theirs, tmp_path / "hub", 4), "cpu", "float32")
    assert max(differences(theirs, ours, *padded_batch(320, 480))) < TOLERANCE

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from tests.networks import TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.checkpoint import save_checkpoint
from vidtrack.model.checkpoint_export import write_hugging_face, write_official
from vidtrack.model.coco_classes import COCO_CLASSES
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.training.initial import initialise

COCO = replace(TINY_PAPER, heads=8, box_refine=True, num_classes=len(COCO_CLASSES), classes=COCO_CLASSES)
OWN = replace(COCO, num_classes=3, classes=("zebra", "forklift", "person"))


@pytest.fixture(scope="module")
def published() -> DeformableDETR:
    torch.manual_seed(0)
    model = DeformableDETR(COCO)
    for head in model.class_embed:
        torch.nn.init.normal_(head.bias)
    return model


@pytest.mark.parametrize("layout", ["vidtrack", "official", "huggingface"])
def test_any_checkpoint_starts_a_model_with_other_classes(
    published: DeformableDETR, tmp_path: Path, layout: str
) -> None:
    path = tmp_path / {"vidtrack": "m.safetensors", "official": "m.pth", "huggingface": "m"}[layout]
    write = {"vidtrack": save_checkpoint, "official": write_official, "huggingface": write_hugging_face}[layout]
    write(published, path)
    model = DeformableDETR(OWN)
    assert initialise(model, str(path)) == []
    given = published.state_dict()
    for name, value in model.state_dict().items():
        if not name.startswith("class_embed."):
            assert torch.equal(value, given[name]), name
            continue
        for own, theirs in ((0, COCO_CLASSES.index("zebra")), (2, COCO_CLASSES.index("person"))):
            assert torch.equal(value[own], given[name][theirs]), name
        named = [slot for slot, label in enumerate(COCO_CLASSES) if label]  # a new class begins as their mean
        torch.testing.assert_close(value[1], given[name][named].mean(0), msg=name)


def test_another_shape_is_refused_and_what_is_left_over_is_said(
    published: DeformableDETR, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save_checkpoint(published, tmp_path / "m.safetensors")
    with pytest.raises(WeightsError, match=r"linear1\.weight is \(32, 32\) in .* and \(64, 32\) in the recipe"):
        initialise(DeformableDETR(replace(OWN, feedforward_dim=64)), str(tmp_path / "m.safetensors"))
    initialise(DeformableDETR(replace(OWN, decoder_layers=1)), str(tmp_path / "m.safetensors"))
    assert "28 weights of " in caplog.text and "are not used: bbox_embed.1." in caplog.text


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(WeightsError, match="unknown model 'nonesuch'"):
        initialise(DeformableDETR(OWN), "nonesuch")


def test_a_backbone_alone(tiny: DetectorConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    from safetensors.torch import save_file

    source = DeformableDETR(tiny).backbone.body.state_dict()
    stored = {f"features.{name}": torch.randn_like(value) for name, value in source.items()}
    save_file(stored, tmp_path / "backbone.safetensors")
    model = DeformableDETR(tiny)
    fresh = initialise(model, str(tmp_path / "backbone.safetensors"))
    assert all(
        torch.equal(value, stored[f"features.{name}"]) for name, value in model.backbone.body.state_dict().items()
    )
    assert "level_embed" in fresh and not any(name.startswith("backbone.") for name in fresh)
    count = f"{len(fresh)} of {len(model.state_dict())} weights begin fresh: "
    assert [record.getMessage() for record in caplog.records] == [f"{count}{', '.join(fresh[:4])}, ..."]
    save_file(dict(list(stored.items())[1:]), tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match="lacks backbone weights"):
        initialise(model, str(tmp_path / "part.safetensors"))
    first = next(iter(stored))
    save_file(stored | {first: torch.zeros(5)}, tmp_path / "other.safetensors")
    with pytest.raises(WeightsError, match=rf"{first} is \(5,\) in .* and \(32, 3, 3, 3\) in the recipe"):
        initialise(model, str(tmp_path / "other.safetensors"))

"""The manifest: every entry is usable, and its configs build the published networks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from vidtrack.core.errors import WeightsError
from vidtrack.model import registry
from vidtrack.model.checkpoint import load_deformable_detr
from vidtrack.model.detector import DeformableDETR

PUBLISHED = {  # parameters in millions with the frozen norms' statistics left out, from the official table
    "deformable-detr-single-scale": 34,
    "deformable-detr-single-scale-dc5": 34,
    "deformable-detr": 40,
    "deformable-detr-with-box-refine": 41,
    "deformable-detr-with-box-refine-two-stage": 41,
}


def test_default_comes_first_and_ships() -> None:
    first = registry.entries()[0]
    assert registry.find("default") == first
    assert first.ships
    assert registry.find("nonesuch") is None


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_configs_have_the_published_size(name: str) -> None:
    entry = registry.find(name)
    assert entry is not None and entry.config is not None
    assert entry.config.classes[1] == "person" and entry.config.classes[90] == "toothbrush"
    assert sum(label != "" for label in entry.config.classes) == 80
    with torch.device("meta"):
        model = DeformableDETR(entry.config)
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    assert millions == pytest.approx(PUBLISHED[name], abs=0.9)
    assert entry.hub_model.repo.startswith("SenseTime/deformable-detr")


def test_shipped_weights_are_whole_and_load() -> None:
    entry = registry.find("default")
    assert entry is not None
    assert entry.sha256 is not None
    assert registry.verify(entry) == entry.sha256
    model = load_deformable_detr("default", "cpu")
    assert model.origin.name == entry.name and model.origin.sha256 == entry.sha256
    assert any(model.config.classes)


def test_shipped_weights_that_changed_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.find("default")
    assert entry is not None
    whole = registry.fetch(entry).read_bytes()
    (tmp_path / entry.files[0]).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    monkeypatch.setattr(registry, "cached_path", lambda entry: tmp_path / entry.files[0])
    with pytest.raises(WeightsError, match=f"not {entry.sha256}"):
        load_deformable_detr("default", "cpu")


def test_models_of_transformers_are_pinned_to_a_commit() -> None:
    theirs = [entry for entry in registry.entries() if not entry.files]
    assert len(theirs) >= 11
    for entry in theirs:
        assert re.fullmatch("[0-9a-f]{40}", entry.revision), entry.name
        assert entry.reads_text or entry.coco_ap, entry.name


@pytest.mark.parametrize("name", ["absent.onnx", "absent.xml", "absent.safetensors", "models/absent.pth", "./absent"])
def test_a_path_without_a_file_does_not_exist(name: str) -> None:
    with pytest.raises(WeightsError, match=rf"^model {name} does not exist"):
        registry.locate(name)


def test_owner_and_name_without_prefix_may_mean_the_hub() -> None:
    with pytest.raises(WeightsError, match=r"model owner/rt-detr does not exist \(is it hf:owner/rt-detr,"):
        registry.locate("owner/rt-detr")

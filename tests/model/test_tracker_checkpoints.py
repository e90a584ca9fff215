"""Checkpoints of TrackFormer and MOTR, loaded by path."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest
import torch
from msgspec.structs import replace

from tests.model.published import ARGUMENTS, CONFIGS, official_state, save_official
from tests.networks import TINY_PAPER
from vidtrack.core.errors import WeightsError
from vidtrack.model.checkpoint import build, read_checkpoint, save_checkpoint
from vidtrack.model.checkpoint_export import write_hugging_face, write_official
from vidtrack.model.detectors import load_model
from vidtrack.model.motr import MOTR
from vidtrack.model.tracker_checkpoints import model_class, tracker_notes
from vidtrack.model.trackformer import TrackFormer

KINDS = ("trackformer", "motr")


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_says_which_tracker_it_is(kind: str, tmp_path: Path) -> None:
    config = read_checkpoint(save_official(kind, tmp_path / "official.pth")).config
    sizes = {"trackformer": (800, 1333, 0.4), "motr": (800, 1536, 0.7)}[kind]
    assert (config.size, config.max_size, config.score) == sizes
    assert replace(config, size=TINY_PAPER.size, max_size=TINY_PAPER.max_size, score=TINY_PAPER.score) == CONFIGS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_published_tracker_loads_by_path_and_converts(kind: str, tmp_path: Path) -> None:
    model = load_model(save_official(kind, tmp_path / "official.pth"), "cpu", "float32")
    assert type(model) is {"trackformer": TrackFormer, "motr": MOTR}[kind]
    assert [name for name in model.class_names if name] == ["person"]
    plain = build(read_checkpoint(tmp_path / "official.pth"))
    save_checkpoint(plain, tmp_path / "own.safetensors")
    again = build(read_checkpoint(tmp_path / "own.safetensors"))
    assert again.config == plain.config
    for name, value in plain.state_dict().items():
        assert torch.equal(value, again.state_dict()[name])


def test_the_size_of_training_is_the_size_of_inference(tmp_path: Path) -> None:
    size = Namespace(val_width=1080, max_size=1920)
    notes = tracker_notes(ARGUMENTS["trackformer"] | {"img_transform": size}, official_state(CONFIGS["trackformer"]))
    assert (notes["size"], notes["max_size"]) == (1080, 1920)


def test_two_frames_are_told_by_the_weights_alone(tmp_path: Path) -> None:
    torch.save(official_state(CONFIGS["trackformer"]), tmp_path / "weights.pth")
    assert read_checkpoint(tmp_path / "weights.pth").config.frames == 2


def test_trackformer_of_one_frame_is_told_by_its_arguments(tmp_path: Path) -> None:
    config = replace(CONFIGS["trackformer"], frames=1)
    path = save_official("trackformer", tmp_path / "one.pth", official_state(config))
    found = read_checkpoint(path).config
    assert (found.track_queries, found.frames, found.swapped_offsets) == ("trackformer", 1, True)


@pytest.mark.parametrize("kind", KINDS)
def test_missing_tensors_are_one_clear_line(kind: str, tmp_path: Path) -> None:
    lost = {"trackformer": "query_embed.weight", "motr": "track_embed.linear_pos1.weight"}[kind]
    state = official_state(CONFIGS[kind])
    del state[lost]
    path = save_official(kind, tmp_path / "cut.pth", state)
    with pytest.raises(WeightsError) as caught:
        load_model(path, "cpu", "float32")
    assert lost in str(caught.value) and "missing" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "name", "value", "only"),
    [
        ("trackformer", "merge_frame_features", True, "only False is"),
        ("trackformer", "multi_frame_attention_separate_encoder", False, "only True is"),
        ("trackformer", "masks", True, "only False is"),
        ("motr", "update_query_pos", False, "only True is"),
        ("motr", "sigmoid_attn", True, "only False is"),
        ("motr", "memory_bank_type", "MemoryBank", "only None is"),
    ],
)
def test_a_variant_we_do_not_run_is_named(kind: str, name: str, value: object, only: str, tmp_path: Path) -> None:
    path = tmp_path / "variant.pth"
    arguments = Namespace(**ARGUMENTS[kind] | {name: value})
    torch.save({"model": official_state(CONFIGS[kind]), "args": arguments}, path)
    with pytest.raises(WeightsError, match=f"trained with {name}={value} is not supported .*{only}"):
        load_model(path, "cpu", "float32")


def test_a_memory_bank_is_refused_without_arguments_too(tmp_path: Path) -> None:
    state = official_state(CONFIGS["motr"]) | {"memory_bank.save_proj.weight": torch.zeros(1, 1)}
    torch.save(state, tmp_path / "bank.pth")
    with pytest.raises(WeightsError, match="a motr checkpoint with a memory bank is not supported"):
        load_model(tmp_path / "bank.pth", "cpu", "float32")


@pytest.mark.parametrize("write", [write_official, write_hugging_face])
def test_formats_of_detectors_have_no_place_for_a_tracker(write, tmp_path: Path) -> None:
    model = model_class(CONFIGS["motr"])(CONFIGS["motr"])
    with pytest.raises(WeightsError, match="no place for motr"):
        write(model, tmp_path / "out")

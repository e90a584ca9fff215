"""Key names of Deformable DETR weights: ours, the official repository's and Hugging Face's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

import torch
from torch import Tensor

from vidtrack.core.errors import WeightsError
from vidtrack.model.config import DetectorConfig

State = dict[str, Tensor]
Rules = Sequence[tuple[str, str]]


class KeyLayout(Enum):
    """Whose names a state dict uses."""

    OFFICIAL = "official"
    HUGGING_FACE = "Hugging Face"


_TO_OFFICIAL: Rules = (
    (r"^backbone\.body\.", "backbone.0.body."),
    (r"^input_proj\.levels\.", "input_proj."),
    (r"^((?:en|de)coder\.layers\.\d+\.)ffn\.", r"\1"),
    (r"^(level_embed|encoder|decoder|reference_points|enc_output|pos_trans)", r"transformer.\1"),
)
_FROM_OFFICIAL: Rules = (
    (r"^backbone\.0\.body\.", "backbone.body."),
    (r"^input_proj\.", "input_proj.levels."),
    (r"^transformer\.", ""),
    (r"^((?:en|de)coder\.layers\.\d+\.)(linear\d)\.", r"\1ffn.\2."),
)
_TO_HUGGING_FACE: Rules = (  # from the official names, to those published on the hub (transformers 4)
    (r"^backbone\.0\.body\.", "model.backbone.conv_encoder.model."),
    (r"^transformer\.", "model."),
    (r"^input_proj\.", "model.input_proj."),
    (r"^query_embed\.", "model.query_position_embeddings."),
    (r"^(model\.encoder\.layers\.\d+\.)norm1\.", r"\1self_attn_layer_norm."),
    (r"^(model\.encoder\.layers\.\d+\.)norm2\.", r"\1final_layer_norm."),
    (r"^(model\.decoder\.layers\.\d+\.)norm1\.", r"\1encoder_attn_layer_norm."),
    (r"^(model\.decoder\.layers\.\d+\.)norm2\.", r"\1self_attn_layer_norm."),
    (r"^(model\.decoder\.layers\.\d+\.)norm3\.", r"\1final_layer_norm."),
    (r"\.cross_attn\.", ".encoder_attn."),
    (r"\.linear1\.", ".fc1."),
    (r"\.linear2\.", ".fc2."),
)
_FROM_HUGGING_FACE: Rules = (  # either release's names, to the official ones
    (r"^model\.backbone\.(?:conv_encoder\.)?model\.", "backbone.0.body."),
    (r"^model\.input_proj\.", "input_proj."),
    (r"^model\.query_position_embeddings\.", "query_embed."),
    (r"^model\.", "transformer."),
    (r"(\.encoder\.layers\.\d+\.)self_attn_layer_norm\.", r"\1norm1."),
    (r"(\.encoder\.layers\.\d+\.)final_layer_norm\.", r"\1norm2."),
    (r"(\.decoder\.layers\.\d+\.)encoder_attn_layer_norm\.", r"\1norm1."),
    (r"(\.decoder\.layers\.\d+\.)self_attn_layer_norm\.", r"\1norm2."),
    (r"(\.decoder\.layers\.\d+\.)final_layer_norm\.", r"\1norm3."),
    (r"\.encoder_attn\.", ".cross_attn."),
    (r"(\.layers\.\d+\.)(?:mlp\.)?fc([12])\.", r"\1linear\2."),
    (r"\.self_attn\.o_proj\.", ".self_attn.out_proj."),
)
_IGNORED = re.compile(
    r"(total_params|total_ops|num_batches_tracked)$|^transformer\.decoder\.(class|bbox)_embed\."
    r"|^track_embed\.norm3\."  # MOTR creates it but never uses it
)
_HEADS = ("class_embed.", "bbox_embed.")
_ONLY_OURS = ("content_embed.", "label_embed.")


def layout_of(names: Iterable[str]) -> KeyLayout | None:
    """Whose names these are, or None."""
    names = set(names)
    if "transformer.level_embed" in names:
        return KeyLayout.OFFICIAL
    if "model.level_embed" in names:
        return KeyLayout.HUGGING_FACE
    return None


def from_official(state: Mapping[str, Tensor]) -> State:
    """Official names to ours; duplicated decoder heads and profiler counters are dropped."""
    return {_rename(name, _FROM_OFFICIAL): value for name, value in state.items() if not _IGNORED.search(name)}


def to_official(state: Mapping[str, Tensor], config: DetectorConfig) -> State:
    """Our names to the official ones, with the duplicates its code expects; raises WeightsError for our extensions."""
    extensions = [name for name in state if name.startswith(_ONLY_OURS)]
    if extensions:
        raise WeightsError(
            f"the official layout has no place for {', '.join(extensions)}",
            "mixed query selection and denoising are vidtrack's own; keep this model in vidtrack's format",
        )
    official = {_rename(name, _TO_OFFICIAL): value for name, value in state.items()}
    heads = {"bbox_embed.": config.box_refine, "class_embed.": config.two_stage}
    for head, shared_with_decoder in heads.items():
        if shared_with_decoder:
            copies = {f"transformer.decoder.{k}": v for k, v in official.items() if k.startswith(head)}
            official.update(copies)
    return official


def from_hugging_face(state: Mapping[str, Tensor]) -> State:
    """Hugging Face names, of transformers 4 (the hub's files) or 5, to ours."""
    official = {_rename(name, _FROM_HUGGING_FACE): value for name, value in state.items()}
    return _fill_tied_heads(from_official(_join_projections(_with_decoder_heads(official))))


def to_hugging_face(state: Mapping[str, Tensor], config: DetectorConfig) -> State:
    """Our names to those of the hub's files, which both transformers 4 and 5 load."""
    split = _split_projections(to_official(state, config))
    return {_rename(name, _TO_HUGGING_FACE): value for name, value in split.items()}


def _with_decoder_heads(official: State) -> State:
    """The same with the decoder's heads at the top level too; transformers 5 stores shared ones only in the decoder."""
    prefix = "transformer.decoder."
    heads = {
        name.removeprefix(prefix): value
        for name, value in official.items()
        if name.startswith(tuple(prefix + head for head in _HEADS))
    }
    return heads | official


def _fill_tied_heads(state: State) -> State:
    """The same with a copy of each head for every layer if only the first is stored: transformers 5 ties the others."""
    layers = {match[1] for name in state if (match := re.match(r"decoder\.layers\.(\d+)\.", name))}
    count = len(layers) + ("enc_output.weight" in state)
    for head in _HEADS:
        own = {name: value for name, value in state.items() if name.startswith(head)}
        if {name.split(".")[1] for name in own} == {"0"}:
            for name, value in own.items():
                rest = name.split(".", 2)[2]
                state.update({f"{head}{index}.{rest}": value for index in range(1, count)})
    return state


def _rename(name: str, rules: Rules) -> str:
    for pattern, replacement in rules:
        name = re.sub(pattern, replacement, name)
    return name


def _join_projections(state: Mapping[str, Tensor]) -> State:
    """Stack q, k and v of the decoder's self-attention; the official code keeps them as one matrix."""
    joined: State = {}
    for name, value in state.items():
        match = re.fullmatch(r"(.*\.self_attn\.)([qkv])_proj\.(weight|bias)", name)
        if match is None:
            joined[name] = value
            continue
        parts = [state.get(f"{match[1]}{part}_proj.{match[3]}") for part in "qkv"]
        whole = [part for part in parts if part is not None and part.shape == value.shape]
        if match[2] == "q" and len(whole) == 3:  # otherwise in_proj is reported as missing
            joined[f"{match[1]}in_proj_{match[3]}"] = torch.cat(whole)
    return joined


def _split_projections(state: Mapping[str, Tensor]) -> State:
    split: State = {}
    for name, value in state.items():
        match = re.fullmatch(r"(.*\.self_attn\.)in_proj_(weight|bias)", name)
        if match is None:
            split[name] = value
        else:
            for part, matrix in zip("qkv", value.chunk(3), strict=True):
                split[f"{match[1]}{part}_proj.{match[2]}"] = matrix
    return split

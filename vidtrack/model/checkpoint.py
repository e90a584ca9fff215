"""Checkpoints on disk: our own format, and one way to read every format we know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.overrides import TorchFunctionMode

from vidtrack import ops
from vidtrack.core.atomic_files import replacing
from vidtrack.core.errors import OutputError, UsageError, WeightsError
from vidtrack.model import checkpoint_formats as foreign
from vidtrack.model import convert, registry
from vidtrack.model import infer_config as describe
from vidtrack.model.config import DetectorConfig
from vidtrack.model.detector import DeformableDETR
from vidtrack.model.device import resolve_device
from vidtrack.model.fold import fold_batch_norm, fuse_activations, require_unfolded
from vidtrack.model.precision import resolve_precision, set_precision
from vidtrack.model.protocol import Origin
from vidtrack.model.tracker_checkpoints import model_class

if TYPE_CHECKING:
    from vidtrack.model.detectors import LoadOptions

FORMAT_KEY = "vidtrack"
FORMAT_VERSION = 1
NAMED_PROBLEMS = 4  # keys spelled out in an error before the rest is only counted


def load_deformable_detr(
    name_or_path: str | Path = "default",
    device: str | torch.device = "auto",
    precision: str = "auto",
    fold: bool = True,
) -> DeformableDETR:
    """A Deformable DETR ready for inference: a name of the registry or a checkpoint of any known format.

    `device` and `precision` are as `vidtrack.load_model` takes them. `fold` puts batch normalisation into the
    convolutions; such a model cannot be saved. Raises WeightsError and UsageError.
    """
    return _load(registry.locate(name_or_path), device, precision, fold)


def load_located(located: registry.Located, options: LoadOptions) -> DeformableDETR:
    """The entry of `detectors.DETECTORS`."""
    if options.prompt:
        raise UsageError(f"{located.name} does not read text: it has classes of its own", "use --classes")
    return _load(located, options.device, options.precision)


def _load(located: registry.Located, device: str | torch.device, precision: str, fold: bool = True) -> DeformableDETR:
    target = resolve_device(device)
    ops.announce(target.type)
    dtype = resolve_precision(precision, target)
    origin = origin_of(located)
    model = build(read_checkpoint(located.path, located.config), located.path).eval()
    model.origin = origin
    if fold:
        fold_batch_norm(model)
        fuse_activations(model.backbone)
    model.backbone.to(memory_format=torch.channels_last)  # the order of a frame's bytes, and of oneDNN and cuDNN
    set_precision(model.requires_grad_(False), dtype, target)
    return model


def origin_of(located: registry.Located) -> Origin:
    """Name and hash of a checkpoint; raises WeightsError if the manifest or the Hub has another hash."""
    expected = None if located.entry is None else located.entry.sha256
    return Origin(located.name, registry.content_sha256(located.path, expected))


def load_weights(name_or_path: str | Path) -> Checkpoint:
    """What `load_deformable_detr` builds from, for use as a starting point."""
    located = registry.locate(name_or_path)
    return read_checkpoint(located.path, located.config)


class Checkpoint(NamedTuple):
    """A config, the complete state dict that fits it, and the metadata stored with them."""

    config: DetectorConfig
    state: dict[str, Tensor]
    metadata: dict[str, Any]


def save_checkpoint(
    model: DeformableDETR,
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write safetensors with the config inside, atomically; equal models and metadata give equal bytes.

    Matrices are stored as `dtype`; vectors (biases, norms, running statistics) stay float32, as 16 bits would lose
    range and save next to nothing. Raises OutputError if the file cannot be written.
    """
    require_unfolded(model)
    state: dict[str, Tensor] = {}
    for name, value in tie_heads(model.state_dict(), model.config, drop=True).items():
        kept = dtype if value.is_floating_point() and value.ndim > 1 else value.dtype
        state[name] = value.detach().to("cpu", kept).contiguous()
    header = {
        "version": FORMAT_VERSION,
        "config": model.config.to_dict(),
        "metadata": dict(metadata or {}),
    }
    with replacing_checkpoint(path) as partial:
        save_file(state, partial, {FORMAT_KEY: json.dumps(header)})  # it writes several in any order


@contextmanager
def replacing_checkpoint(path: str | Path) -> Iterator[Path]:
    """A partial file to write, which replaces `path` if all goes well; raises OutputError otherwise."""
    with replacing(Path(path)) as partial:
        try:
            yield partial
        except (RuntimeError, SafetensorError) as error:  # torch.save raises RuntimeError for a full disk
            raise OutputError(f"cannot write checkpoint {path}: {error}") from error
        partial.chmod(0o644)  # safetensors writes files that only their owner may read


def read_checkpoint(path: str | Path, config: DetectorConfig | None = None) -> Checkpoint:
    """Read a checkpoint of any known kind from a file or folder, onto the CPU and in our key layout.

    Known kinds: our own, the official repository's `.pth`, and Hugging Face folders, `.safetensors` and `.bin`.
    Nothing in a file is executed. `config` serves where it is known and the file says nothing of it. Raises
    WeightsError that says what is wrong with the file.
    """
    path = Path(path)
    kind = foreign.sniff(path)
    if kind is foreign.FileKind.SAFETENSORS:
        own = _read_own(path)
        if own is not None:
            return own
    return _read_foreign(path, kind, config)


def _read_own(path: Path) -> Checkpoint | None:
    """Our own checkpoint, or None if the safetensors file has no config of ours."""
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(FORMAT_KEY)
            if header is None:
                return None
            state = {name: file.get_tensor(name) for name in file.keys()}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged: {error}", "download or copy it again") from None
    try:
        values = json.loads(header)
        version, config, metadata = values["version"], values["config"], values["metadata"]
    except (ValueError, KeyError, TypeError) as error:
        raise WeightsError(f"{path} has a damaged vidtrack header: {error}") from None
    if version != FORMAT_VERSION:
        raise WeightsError(
            f"{path} has format version {version}; this release reads {FORMAT_VERSION}", "upgrade vidtrack"
        )
    with _naming(path):
        detector = DetectorConfig.from_dict(config)
    return Checkpoint(detector, tie_heads(state, detector), metadata)


def _read_foreign(path: Path, kind: foreign.FileKind, config: DetectorConfig | None) -> Checkpoint:
    """A checkpoint in the official or Hugging Face key layout, converted to ours."""
    given, arguments = (
        (foreign.read_folder(path), {}) if kind is foreign.FileKind.FOLDER else foreign.read_tensors(path)
    )
    layout = convert.layout_of(given)
    if layout is convert.KeyLayout.OFFICIAL:
        state = convert.from_official(given)
    elif layout is convert.KeyLayout.HUGGING_FACE:
        state = convert.from_hugging_face(given)
    else:
        raise WeightsError(
            f"{path} is not a Deformable DETR: its {len(given)} keys begin with {_first(list(given))}",
            "known key layouts: vidtrack, official repository, Hugging Face",
        )
    if config is None:
        stored = {} if layout is convert.KeyLayout.OFFICIAL else _hugging_face_config(path)
        with _naming(path):
            if layout is convert.KeyLayout.OFFICIAL:
                notes = describe.notes_from_arguments(arguments, given)
            else:
                notes = describe.notes_from_hugging_face(stored)
            config = describe.config_from_state(state, notes)
    return Checkpoint(config, tie_heads(state, config), {"source": layout.value})


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Prefix errors about a file's settings with its name."""
    try:
        yield
    except WeightsError as error:
        raise WeightsError(f"{path}: {error.message}", error.hint) from None
    except (TypeError, ValueError, ArithmeticError) as error:
        raise WeightsError(
            f"{path}: its settings do not describe a network: {error}", "is its config damaged?"
        ) from None


def _hugging_face_config(path: Path) -> dict[str, Any]:
    file = (path if path.is_dir() else path.parent) / "config.json"
    if not file.is_file():
        raise WeightsError(f"no config.json beside {path}", "keep it in the folder of the Hugging Face weights")
    return foreign.read_json(file)


def tie_heads(state: Mapping[str, Tensor], config: DetectorConfig, drop: bool = False) -> dict[str, Tensor]:
    """Without box refinement every decoder layer shares one head: fill in the copies from head 0, or drop them."""
    if config.box_refine:
        return dict(state)
    heads = ("class_embed.", "bbox_embed.")
    kept = {k: v for k, v in state.items() if not k.startswith(heads) or k.split(".")[1] == "0"}
    if drop:
        return kept
    for name, value in list(kept.items()):
        if name.startswith(heads):
            head, _, rest = name.split(".", 2)
            kept.update({f"{head}.{layer}.{rest}": value for layer in range(1, config.decoder_layers)})
    return kept


class _NoRandomWeights(TorchFunctionMode):
    """Skips random initial values, which take time; the "meta" device skips them too but imports PyTorch's compiler."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func.__name__.endswith(("normal_", "uniform_")):
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def build(checkpoint: Checkpoint, source: str | Path = "checkpoint") -> DeformableDETR:
    """The model of a checkpoint, on the CPU in float32, in training mode; raises WeightsError if they disagree."""
    with _NoRandomWeights():
        model = model_class(checkpoint.config)(checkpoint.config)
    state = {name: value.float() if value.is_floating_point() else value for name, value in checkpoint.state.items()}
    check_state(model.state_dict(), state, source)
    model.load_state_dict(state, assign=True)
    return model


def check_state(expected: Mapping[str, Tensor], given: Mapping[str, Tensor], source: str | Path) -> None:
    """Raise WeightsError that names missing, unexpected, misshapen or non-finite entries of `given`."""
    missing = [name for name in expected if name not in given]
    unexpected = [name for name in given if name not in expected]
    shared = [name for name in expected if name in given]
    misshapen = [
        f"{name} {tuple(given[name].shape)} instead of {tuple(expected[name].shape)}"
        for name in shared
        if given[name].shape != expected[name].shape
    ]
    broken = [name for name in shared if given[name].is_floating_point() and not given[name].isfinite().all()]
    problems = {"missing": missing, "unexpected": unexpected, "misshapen": misshapen, "not finite": broken}
    found = "; ".join(f"{len(names)} {kind}: {_first(names)}" for kind, names in problems.items() if names)
    if found:
        raise WeightsError(f"{source} does not fit its config: {found}", "is it the right file, and whole?")


def _first(names: list[str]) -> str:
    shown = ", ".join(names[:NAMED_PROBLEMS])
    return shown if len(names) <= NAMED_PROBLEMS else f"{shown}, ..."

"""Run the official TrackFormer and MOTR beside ours: same random weights, same frames of a clip, one after another.

    git clone https://github.com/timmeinhardt/trackformer
    git clone https://github.com/megvii-research/MOTR
    python benchmarks/official_trackers.py trackformer trackformer
    python benchmarks/official_trackers.py motr MOTR

The official CUDA operator is replaced by that repository's own plain-PyTorch version of it.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import types
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torchvision
import yaml
from torch import Tensor, nn

from vidtrack.core.types import Frame, FrameTracks
from vidtrack.model.checkpoint import build, read_checkpoint
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.tracker import make_tracker
from vidtrack.video import VideoReader

CLIP = Path(__file__).parents[1] / "examples" / "bikes.mp4"
SIZE = (224, 128)  # width, height of the frames
STEP = 4  # frames of the clip from one to the next
TRACKFORMER_CONFIGS = ("train", "train_mot17", "train_deformable", "train_multi_frame", "train_tracking")
MOTR_FLAGS = (
    "--meta_arch=motr --dataset_file=e2e_joint --with_box_refine --update_query_pos --extra_track_attn --device=cpu "
    "--query_interaction_layer=QIM --merger_dropout=0 --dropout=0 --sampler_lengths=5"
).split()
Step = Callable[[Tensor], dict[int, np.ndarray]]  # pixels (1, 3, H, W) to boxes (4,) by id from 1
Answers = dict[str, Tensor]  # logits and boxes of all queries, tracks first


def put_operator(functions: Callable[[], Any]) -> None:
    """Serve the compiled operator by the repository's own plain version of it, once `functions` can be imported."""
    operator = types.ModuleType("MultiScaleDeformableAttention")

    def forward(value: Tensor, shapes: Tensor, *rest: Any) -> Tensor:
        locations, weights = rest[-3], rest[-2]
        return functions().ms_deform_attn_core_pytorch(value, [(int(h), int(w)) for h, w in shapes], locations, weights)

    operator.ms_deform_attn_forward = forward  # type: ignore[attr-defined]
    sys.modules[operator.__name__] = operator


def stub(name: str) -> None:
    """An empty module in the place of a package that only training and drawing need."""
    module = types.ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    module.__getattr__ = lambda attribute: type(attribute, (), {})  # type: ignore[method-assign]
    sys.modules.setdefault(name, module)


def namespace(values: Any) -> Any:
    """Nested dictionaries as nested namespaces, as the official checkpoints hold them."""
    return argparse.Namespace(**{k: namespace(v) for k, v in values.items()}) if isinstance(values, dict) else values


def trackformer(folder: Path) -> tuple[nn.Module, argparse.Namespace, Callable[[], Step], Answers]:
    """The official model, its arguments, and what makes a tracker; every step leaves its answers in the last."""
    sys.path.insert(0, str(folder / "src"))
    for name in ("visdom", "pycocotools.mask", "panopticapi", "panopticapi.utils", "lap", "motmetrics", "sacred"):
        stub(name)
    put_operator(lambda: __import__("trackformer.models.ops.functions", fromlist=["_"]))
    from trackformer.models import backbone, build_model
    from trackformer.models.tracker import Tracker

    backbone.is_main_process = lambda: False
    values: dict[str, Any] = {}
    for name in TRACKFORMER_CONFIGS:
        values |= yaml.safe_load((folder / "cfgs" / f"{name}.yaml").read_text())
    arguments = namespace(values | {"device": "cpu", "resume": ""})
    torch.manual_seed(0)
    model, _, post = build_model(arguments)
    model.tracking()
    settings = yaml.safe_load((folder / "cfgs" / "track.yaml").read_text())["tracker_cfg"]
    answers: Answers = {}

    def keep(module: nn.Module, inputs: Any, output: Any) -> None:
        answers.update(logits=output[0]["pred_logits"][0], boxes=output[0]["pred_boxes"][0])

    model.register_forward_hook(keep)

    def make() -> Step:
        tracker = Tracker(model, post, settings, False)
        tracker.reset()
        width, height = SIZE

        def step(pixels: Tensor) -> dict[int, np.ndarray]:
            blob = {"img": pixels, "orig_size": torch.tensor([[height, width]]), "dets": [torch.zeros(0, 4)]}
            tracker.step(blob)
            return {track.id + 1: track.pos.numpy() for track in tracker.tracks}

        return step

    return model, arguments, make, answers


def motr(folder: Path) -> tuple[nn.Module, argparse.Namespace, Callable[[], Step], Answers]:
    """The same for MOTR, whose answers are turned round to have the tracks first."""
    sys.path.insert(0, str(folder))
    put_operator(lambda: __import__("models.ops.functions.ms_deform_attn_func", fromlist=["_"]))
    version, torchvision.__version__ = torchvision.__version__, "0.9"  # it compares versions as numbers
    for name in ("motmetrics", "seaborn", "pandas", "tensorboardX"):
        stub(name)
    import main
    import models
    from models import backbone

    torchvision.__version__ = version
    backbone.is_main_process = lambda: False
    arguments = argparse.ArgumentParser(parents=[main.get_args_parser()]).parse_args(MOTR_FLAGS)
    torch.manual_seed(0)
    model = models.build_model(arguments)[0].eval()
    answers: Answers = {}
    forward = model._forward_single_image

    def keep(*given: Any, **named: Any) -> Any:
        result = forward(*given, **named)
        objects = model.num_queries
        for name, key in (("logits", "pred_logits"), ("boxes", "pred_boxes")):
            answers[name] = torch.cat([result[key][0, objects:], result[key][0, :objects]])
        return result

    model._forward_single_image = keep

    def make() -> Step:
        model.clear()
        last: list[Any] = [None]
        width, height = SIZE

        def step(pixels: Tensor) -> dict[int, np.ndarray]:
            if last[0] is not None:
                last[0].remove("boxes")
                last[0].remove("labels")
            tracks = last[0] = model.inference_single_image(pixels, (height, width), last[0])["track_instances"]
            area = (tracks.boxes[:, 2:] - tracks.boxes[:, :2]).prod(1)
            seen = (tracks.scores > 0.7) & (area > 100)
            return {int(i) + 1: b.numpy() for i, b in zip(tracks.obj_idxes[seen], tracks.boxes[seen], strict=True)}

        return step

    return model, arguments, make, answers


@torch.no_grad()
def shake(model: nn.Module, pixels: Tensor, answers: Answers, make: Callable[[], Step], score: float) -> None:
    """Move weights off their trivial initial values, and the class heads so that a tenth of the queries is sure."""
    for name, parameter in model.named_parameters():
        if "backbone" not in name:
            scale = 0.3 if "sampling_offsets.bias" in name else 0.05 if "bbox_embed" in name else 0.02
            parameter.add_(torch.randn_like(parameter) * scale)
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer.normal_(0, 0.1)
        elif name.endswith("running_var"):
            buffer.uniform_(0.5, 1.5)
    make()(pixels)
    last = model.class_embed[-1]
    wanted = float(torch.logit(torch.tensor(score)))
    last.bias.fill_(-9.0)
    last.bias[0] = wanted
    make()(pixels)
    last.bias[0] += wanted - answers["logits"][:, 0].quantile(0.9)


def frames(count: int) -> Iterator[tuple[Frame, Tensor]]:
    """Frames of the example clip, and their pixels (1, 3, H, W) at the same size."""
    from vidtrack.model.preprocess import normalise

    with VideoReader(CLIP) as reader:
        for index, frame in enumerate(itertools.islice(reader, 0, count * STEP, STEP)):
            image = cv2.resize(frame.image, SIZE, interpolation=cv2.INTER_AREA)
            pixels = normalise(torch.from_numpy(image).permute(2, 0, 1)[None].float())
            yield Frame(index, index, Fraction(1, 10), image), pixels


@torch.inference_mode()
def main() -> None:
    """Print one row of a Markdown table for each frame."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tracker", choices=("trackformer", "motr"))
    parser.add_argument("repository", type=Path)
    parser.add_argument("--frames", type=int, default=6)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    official, arguments, make, answers = {"trackformer": trackformer, "motr": motr}[given.tracker](
        given.repository.resolve()
    )
    clip = list(frames(given.frames))
    score = 0.4 if given.tracker == "trackformer" else 0.7
    shake(official, clip[0][1], answers, make, score)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "official.pth"
        torch.save({"model": official.state_dict(), "args": arguments}, path)
        ours = build(read_checkpoint(path)).eval()
    outputs: list[Any] = []
    decode = ours.decode_with_tracks
    ours.decode_with_tracks = lambda *inputs: outputs.append(decode(*inputs)) or outputs[-1]  # type: ignore[func-returns-value]
    tracker = make_tracker(ours, TrackerConfig(mode=given.tracker, new_track_threshold=score, scene_cuts=False))
    step = make()
    print("| frame | track queries | tracks | same ids | logits | boxes | boxes of tracks, pixels |")
    print("|---|---|---|---|---|---|---|")
    for frame, pixels in clip:
        expected = step(pixels)
        actual = tracker.step(ours.encode(pixels), frame)
        print(row(official.num_queries, frame.index, expected, actual, answers, outputs[-1]), flush=True)


def row(
    objects: int, number: int, expected: dict[int, np.ndarray], actual: FrameTracks, answers: Answers, output: Any
) -> str:
    """Largest absolute differences in one frame."""
    asked = len(answers["logits"]) - objects
    logits = float((answers["logits"] - output.logits[-1, 0]).abs().max())
    boxes = float((answers["boxes"] - output.boxes[-1, 0]).abs().max())
    same = sorted(expected) == actual.ids.tolist()
    pixels = "-"
    if same and expected:
        theirs = np.stack([expected[number] for number in sorted(expected)]).clip(0, np.tile(SIZE, 2))
        pixels = f"{np.abs(theirs - actual.boxes_xyxy).max():.1e}"
    return f"| {number} | {asked} | {len(actual)} | {'yes' if same else 'NO'} | {logits:.1e} | {boxes:.1e} | {pixels} |"


if __name__ == "__main__":
    main()

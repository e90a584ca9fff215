"""Detectors of the transformers package behind the `Detector` protocol.

transformers prepares the images and runs the model, except for its deformable attention, which is ours.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch
import transformers
from torch import Tensor
from torchvision.ops import nms

from vidtrack import ops
from vidtrack.core.detections import Detections
from vidtrack.core.errors import UsageError, WeightsError, first_line
from vidtrack.model.checkpoint import origin_of
from vidtrack.model.checkpoint_formats import read_json
from vidtrack.model.compiled_attention import use_compiled_attention
from vidtrack.model.detector_families import reads_text
from vidtrack.model.detectors import LoadOptions
from vidtrack.model.device import is_out_of_memory, resolve_device
from vidtrack.model.outputs import Found
from vidtrack.model.precision import resolve_precision
from vidtrack.model.preprocess import check_size
from vidtrack.model.protocol import Origin, Preprocessor
from vidtrack.model.registry import Located
from vidtrack.model.text_prompt import TextPrompt, text_prompt

_BOX_SCORE = 0.5  # threshold of transformers' own post-processing
_UNUSED = ("N/A", "")  # names of class slots that COCO skips


class TransformersDetector:
    """An object detector of transformers, by class or with a text prompt."""

    def __init__(
        self,
        model: Any,
        image_processor: Any,
        origin: Origin,
        dtype: torch.dtype,
        prompt: TextPrompt | None = None,
        phrases: Sequence[str] = (),
    ) -> None:
        self._model, self._processor, self._dtype, self._prompt = model, image_processor, dtype, prompt
        self.origin, self.class_names = origin, tuple(phrases) or _class_names(model.config)
        self.attentions = use_compiled_attention(model)
        accepted = inspect.signature(model.forward).parameters
        self._takes_mask = "pixel_mask" in accepted
        self._padded_square = type(image_processor).__name__.startswith("Owlv2")

    @property
    def num_classes(self) -> int:
        """Number of classes or phrases."""
        return len(self.class_names)

    @property
    def default_score(self) -> float:
        """The threshold of the model's own post-processing."""
        return _BOX_SCORE if self._prompt is None else self._prompt.score

    @property
    def default_tracker(self) -> str:
        """These models carry no queries."""
        return "association"

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self._model.device

    @property
    def precision(self) -> str:
        """Number format of matrix products; the rest stays float32."""
        return str(self._dtype).removeprefix("torch.")

    def preprocessor(self, size: int | None = None) -> Preprocessor:
        """The checkpoint's own image processor, its shorter side replaced by `size` pixels."""
        options: dict[str, Any] = {} if size is None else {"size": _scaled(self._processor.size, size)}

        def prepare(images: Sequence[np.ndarray]) -> tuple[Tensor, Tensor | None]:
            tensors = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
            batch = self._processor(tensors, return_tensors="pt", **options)
            pixels = batch["pixel_values"].to(self.device)
            if self._padded_square:
                return pixels, _square_padding(images, pixels)
            if "pixel_mask" not in batch or batch["pixel_mask"].all():
                return pixels, None
            return pixels, ~batch["pixel_mask"].to(self.device, torch.bool)

        return prepare

    @torch.inference_mode()
    def encode(self, pixels: Tensor, padding: Tensor | None = None) -> Found:
        """The whole model: its decoder, too, takes frames in batches."""
        inputs = {"pixel_values": pixels}
        if self._takes_mask and padding is not None:
            inputs["pixel_mask"] = (~padding).long()
        if self._prompt is not None:
            inputs |= {name: value.to(self.device) for name, value in self._prompt.inputs(len(pixels)).items()}
        with self._number_format():
            try:
                outputs = self._model(**inputs)
            except Exception as error:  # each family fails in its own way for an unsupported size
                if is_out_of_memory(error):
                    raise
                height, width = pixels.shape[-2:]
                raise UsageError(
                    f"{self.origin.name} fails at {width}x{height} pixels: {first_line(error)}",
                    "leave out --size, or try a multiple of 32",
                ) from error
        scores, boxes = _read_classes(outputs, self.num_classes) if self._prompt is None else self._prompt.read(outputs)
        boxes = boxes.float()
        if self._padded_square and padding is not None:
            boxes = boxes / _extent(padding)
        return Found(scores.float(), boxes)

    def _number_format(self) -> AbstractContextManager[Any]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self._dtype)

    def predict(self, memory: Found) -> tuple[Tensor, Tensor]:
        """Scores (B, Q, K) and boxes (B, Q, 4) as cxcywh."""
        return memory.scores, memory.boxes

    def detect(self, memory: Found, size: tuple[int, int], min_score: float, allowed: np.ndarray) -> Detections:
        """The best class of every query that has at least `min_score`."""
        found = memory.detections(size, min_score, allowed)
        if self._prompt is None or self._prompt.nms_iou >= 1:
            return found
        return found[_best_of_each_class(found, self._prompt.nms_iou)]


def load(located: Located, options: LoadOptions) -> TransformersDetector:
    """The entry of `detectors.DETECTORS`; raises WeightsError or UsageError."""
    target = resolve_device(options.device)
    # 16 bits halve a model's accuracy or double its speed, by family: float32 unless asked for
    dtype = torch.float32 if options.precision == "auto" else resolve_precision(options.precision, target)
    ops.announce(target.type)
    origin = origin_of(located)
    by_text = reads_text(read_json(located.path / "config.json"), located.name)
    if by_text and not options.prompt:
        raise UsageError(f"{located.name} finds what a text names", 'e.g. --prompt "red car, bicycle helmet"')
    if options.prompt and not by_text:
        raise UsageError(f"{located.name} does not read text: it has classes of its own", "use --classes")
    model = _model(located, by_text).to(target)
    with _reading(located):
        if not by_text:
            image_processor = transformers.AutoImageProcessor.from_pretrained(located.path, local_files_only=True)
            return TransformersDetector(model, image_processor, origin, dtype)
        processor = transformers.AutoProcessor.from_pretrained(located.path, local_files_only=True)
    prompt = text_prompt(model.config, processor, options.prompt or ())
    return TransformersDetector(model, processor.image_processor, origin, dtype, prompt, options.prompt or ())


def _model(located: Located, by_text: bool) -> Any:
    """The network with all its weights; transformers would initialise missing ones at random."""
    classes = transformers.AutoModelForZeroShotObjectDetection if by_text else transformers.AutoModelForObjectDetection
    with _reading(located):
        model, report = classes.from_pretrained(
            located.path, local_files_only=True, output_loading_info=True, ignore_mismatched_sizes=True
        )
    missing = sorted({*report["missing_keys"], *(name for name, *_ in report["mismatched_keys"])})
    if missing:
        raise WeightsError(
            f"{located.name} lacks weights that its config asks for: {', '.join(missing[:4])}",
            "is it a checkpoint of another task?",
        )
    broken = [name for name, value in model.named_parameters() if not value.isfinite().all()]
    if broken:
        raise WeightsError(f"{located.name} has weights that are not finite: {', '.join(broken[:4])}")
    return model.float().eval().requires_grad_(False)


@contextmanager
def _reading(located: Located) -> Iterator[None]:
    """Turn any error of transformers about a folder into one line, and silence its messages."""
    logging.getLogger("transformers").setLevel(logging.ERROR)
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    except ImportError as error:
        raise WeightsError(f"{located.name} needs another package: {first_line(error)}") from None
    except Exception as error:  # a damaged or foreign folder can make it raise anything
        raise WeightsError(
            f"transformers {transformers.__version__} cannot load {located.name}: {first_line(error)}",
            "is the folder complete?",
        ) from None


def _class_names(config: Any) -> tuple[str, ...]:
    names = {int(number): str(name) for number, name in config.id2label.items()}
    return tuple("" if names.get(slot, "") in _UNUSED else names[slot] for slot in range(max(names) + 1))


def _read_classes(outputs: Any, classes: int) -> tuple[Tensor, Tensor]:
    """Scores and boxes; a model with one logit more than classes has learned a softmax with "no object" last."""
    logits = outputs.logits.float()
    if logits.shape[-1] == classes + 1:
        return logits.softmax(-1)[..., :-1], outputs.pred_boxes
    return logits.sigmoid(), outputs.pred_boxes


def _scaled(given: Any, size: int) -> dict[str, int]:
    """An image processor's size with the shorter side `size`, in the form it has."""
    old = {name: value for name, value in dict(given).items() if value}
    if "shortest_edge" in old:
        longest = old.get("longest_edge", old["shortest_edge"])
        check_size(size, old["shortest_edge"])
        return {"shortest_edge": size, "longest_edge": round(longest * size / old["shortest_edge"])}
    shorter = min(old["height"], old["width"])
    check_size(size, shorter)
    return {name: round(old[name] * size / shorter) for name in ("height", "width")}


def _square_padding(images: Sequence[np.ndarray], pixels: Tensor) -> Tensor:
    """Padding (B, H, W) of images that were padded to squares at the right and below."""
    padding = torch.ones((len(images), *pixels.shape[-2:]), dtype=torch.bool, device=pixels.device)
    for mask, image in zip(padding, images, strict=True):
        height, width = image.shape[:2]
        scale = pixels.shape[-1] / max(height, width)
        mask[: round(height * scale), : round(width * scale)] = False
    return padding


def _extent(padding: Tensor) -> Tensor:
    """Share (B, 1, 4) of width, height, width and height that each image covers; padding (B, H, W)."""
    width = (~padding[:, 0]).float().mean(-1)
    height = (~padding[:, :, 0]).float().mean(-1)
    return torch.stack([width, height, width, height], dim=-1)[:, None]


def _best_of_each_class(found: Detections, iou: float) -> np.ndarray:
    """Rows that non-maximum suppression within each class keeps, in order."""
    kept = []
    for number in np.unique(found.classes):
        rows = np.flatnonzero(found.classes == number)
        boxes, scores = torch.from_numpy(found.boxes_xyxy[rows]), torch.from_numpy(found.scores[rows])
        kept.append(rows[nms(boxes, scores, iou).numpy()])
    return np.sort(np.concatenate(kept)) if kept else np.zeros(0, dtype=np.int64)

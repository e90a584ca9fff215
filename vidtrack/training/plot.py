"""Training curves as one image, drawn with OpenCV to need no further package."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from vidtrack.core.atomic_files import write_whole

WIDTH, HEIGHT, MARGIN = 900, 360, 60
LEFT, BOTTOM, RIGHT, TOP = MARGIN, HEIGHT - MARGIN, WIDTH - MARGIN, MARGIN // 2
COLOURS = ((200, 90, 30), (40, 130, 220), (60, 160, 60), (150, 60, 160), (60, 60, 200), (120, 120, 120))
FONT = (cv2.FONT_HERSHEY_SIMPLEX, 0.42)


def plot_metrics(lines: Sequence[dict[str, Any]], path: Path) -> None:
    """Total loss above, AP50 of every validation set below, over the same steps; raises OutputError."""
    loss = [(line["step"], line["losses"]["total"]) for line in lines if "losses" in line]
    scores: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        for name, result in line.get("evaluation", {}).items():
            scores.setdefault(name, []).append((line["step"], result["ap50"]))
    last = max((line["step"] for line in lines), default=1)
    highest = max((value for _, value in loss), default=1.0) or 1.0
    panels = [draw_panel("loss", {"total": loss}, last, highest * 1.05), draw_panel("AP50", scores, last, 1.0)]
    write_whole(path, cv2.imencode(".png", np.concatenate(panels))[1].tobytes())


def draw_panel(title: str, curves: dict[str, list[tuple[int, float]]], last: int, highest: float) -> np.ndarray:
    """One chart (H, W, 3) of named curves of (step, value) points, from 0 to `last` and to `highest`."""
    panel = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)

    def place(step: float, value: float) -> tuple[int, int]:
        return round(LEFT + (RIGHT - LEFT) * step / last), round(BOTTOM + (TOP - BOTTOM) * value / highest)

    for value in _ticks(highest):
        y = place(0, value)[1]
        cv2.line(panel, (LEFT, y), (RIGHT, y), (225, 225, 225), 1)
        _write(panel, f"{value:g}", (LEFT - 8, y + 4), align=1.0)
    for step in _ticks(last, least=1):
        _write(panel, f"{step:.0f}", (place(step, 0)[0], BOTTOM + 18), align=0.5)
    _write(panel, title, (LEFT, TOP - 6))
    start = LEFT
    for index, (name, curve) in enumerate(curves.items()):
        colour = COLOURS[index % len(COLOURS)]
        places = [place(*point) for point in curve]
        cv2.polylines(panel, [np.array(places, np.int32).reshape(-1, 1, 2)], False, colour, 2, cv2.LINE_AA)
        if len(places) < (RIGHT - LEFT) // 20:  # as many as can be told apart
            for point in places:
                cv2.circle(panel, point, 4, colour, cv2.FILLED, cv2.LINE_AA)
        start += _write(panel, name, (start, HEIGHT - 12), colour) + 20
    return panel


def _ticks(highest: float, least: float = 0.0) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, and of `least` or more, from 0 to `highest`: five steps or fewer."""
    power = 10.0 ** math.floor(math.log10(highest / 5))
    step = max(least, next(power * factor for factor in (1, 2, 5, 10) if power * factor * 5 >= highest * 0.999))
    return [step * index for index in range(math.floor(highest / step * 1.001) + 1)]


def _write(
    panel: np.ndarray,
    text: str,
    at: tuple[int, int],
    colour: tuple[int, int, int] = (60, 60, 60),
    align: float = 0.0,
) -> int:
    """Write at (x, y), the share `align` of the text left of it; its width in pixels."""
    width = cv2.getTextSize(text, *FONT, 1)[0][0]
    cv2.putText(panel, text, (round(at[0] - align * width), at[1]), *FONT, colour, 1, cv2.LINE_AA)
    return width

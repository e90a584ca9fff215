"""What notebooks show for a log and for a track: self-contained HTML without script."""

from __future__ import annotations

import base64
import html
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from vidtrack.core.errors import VidtrackError
from vidtrack.video.jpeg import small_jpeg

_STRIP_PIXELS, _CROP_PIXELS = 320, 128
_STRIP_WIDTH = 160  # of an image on the screen
_TABLE_ROWS = 12
_COLOURS = ("#3987e5", "#199e70", "#c98500", "#9085e9", "#e66767", "#d55181", "#d95926", "#008300")
_CELL = 'style="text-align:left;padding:2px 12px 2px 0"'


def log_html(
    facts: str,
    frames: Callable[[], Iterable[tuple[np.ndarray, str, Sequence[tuple[int, Sequence[float]]]]]],
    size: tuple[int, int],
    rows: Sequence[Sequence[str]],
) -> str:
    """A line of facts, a filmstrip, and a table of the tracks under its head, the first of `rows`.

    `frames` gives (image, caption, (id, box xyxy) of its objects), boxes in pixels of an image of `size`.
    """
    strip = _strip(lambda: [_figure(image, size, caption, boxes) for image, caption, boxes in frames()])
    head, *body = [list(map(html.escape, row)) for row in rows]
    listed = "".join(f"<tr>{''.join(f'<td {_CELL}>{cell}</td>' for cell in row)}</tr>" for row in body[:_TABLE_ROWS])
    more = f"<p>and {len(body) - _TABLE_ROWS} more</p>" if len(body) > _TABLE_ROWS else ""
    named = "".join(f"<th {_CELL}>{cell}</th>" for cell in head)
    table = f"<table><thead><tr>{named}</tr></thead><tbody>{listed}</tbody></table>{more}" if body else ""
    return f"<div><p><b>{html.escape(facts)}</b></p>{strip}{table}</div>"


def track_html(facts: str, crops: Callable[[], Sequence[np.ndarray]]) -> str:
    """A line of facts and a strip of images of one object."""
    strip = _strip(lambda: [f'<img src="{_data(crop, _CROP_PIXELS)}" style="height:96px">' for crop in crops()])
    return f"<div><p><b>{html.escape(facts)}</b></p>{strip}</div>"


def _strip(make: Callable[[], Sequence[str]]) -> str:
    """Figures side by side; a line that says why if the clip cannot be read."""
    try:
        figures = make()
    except VidtrackError as error:
        return f"<p>{html.escape(str(error))}</p>"
    return f'<div style="display:flex;flex-wrap:wrap;gap:4px">{"".join(figures)}</div>'


def _figure(
    image: np.ndarray, size: tuple[int, int], caption: str, boxes: Sequence[tuple[int, Sequence[float]]]
) -> str:
    width, height = size
    marks = "".join(_mark(identity, box, width / _STRIP_WIDTH) for identity, box in boxes)
    return (
        f'<figure style="margin:0"><svg viewBox="0 0 {width} {height}" width="{_STRIP_WIDTH}" role="img">'
        f'<image href="{_data(image, _STRIP_PIXELS)}" width="{width}" height="{height}" preserveAspectRatio="none"/>'
        f'{marks}</svg><figcaption style="font-size:smaller">{html.escape(caption)}</figcaption></figure>'
    )


def _mark(identity: int, box_xyxy: Sequence[float], pixel: float) -> str:
    """A box and its identity; `pixel` is the size of one on the screen."""
    left, top, right, bottom = box_xyxy
    line, text = 1.5 * pixel, 11 * pixel
    colour = _COLOURS[(identity - 1) % len(_COLOURS)]
    return (
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" '
        f'stroke="{colour}" fill="none" stroke-width="{line:.1f}"/>'
        f'<text x="{left:.1f}" y="{max(top - line, text):.1f}" fill="{colour}" font-size="{text:.1f}" '
        f'font-weight="bold" font-family="sans-serif" paint-order="stroke" stroke="#000" '
        f'stroke-width="{2 * line:.1f}">{identity}</text>'
    )


def _data(image: np.ndarray, longer_side: int) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(small_jpeg(image, longer_side)).decode('ascii')}"

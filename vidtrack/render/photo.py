"""Annotated photos: objects drawn by class, in the photo's own format and colour profile."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from PIL import Image

from vidtrack.core.types import Frame, FrameTracks
from vidtrack.render.annotator import Annotator
from vidtrack.render.style import Look

_FORMATS: dict[str, tuple[str, dict[str, Any]]] = {
    ".jpg": ("JPEG", {"quality": 95}),
    ".jpeg": ("JPEG", {"quality": 95}),
    ".png": ("PNG", {"compress_level": 3}),
    ".webp": ("WEBP", {"quality": 95}),
}
SUFFIXES = tuple(_FORMATS)


def annotated_image(
    frame: Frame, objects: FrameTracks, class_names: Sequence[str], look: Look, suffix: str, source: Path
) -> bytes:
    """The photo with its objects drawn, as a file of type `suffix`; the colour profile comes from `source`."""
    size = frame.image.shape[1], frame.image.shape[0]
    painter = Annotator(size, class_names, replace(look, coloured_by_class=True, numbered=False))
    kind, options = _FORMATS[suffix.lower()]
    file = io.BytesIO()
    profile = _colour_profile(source)
    Image.fromarray(painter.paint(frame, objects).image).save(file, kind, icc_profile=profile, **options)
    return file.getvalue()


def _colour_profile(source: Path) -> bytes | None:
    """The ICC profile of an RGB photo, without which its colours would be taken for sRGB."""
    try:
        if source.suffix.lower() in (".heic", ".heif", ".hif"):
            import pi_heif

            return pi_heif.open_heif(source).info.get("icc_profile")
        with Image.open(source) as image:  # reads the header only
            return image.info.get("icc_profile") if image.mode in ("RGB", "RGBA", "P") else None
    except (ImportError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None

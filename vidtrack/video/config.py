"""Settings for reading and writing video; no heavy imports."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class VideoConfig:
    """How the annotated video is encoded; None is the codec's default."""

    codec: str | None = None
    crf: float | None = None
    preset: str | None = None

"""Objects in footage, tracked: `track_video`, `load_model` and `TrackLog` are the way in from Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidtrack.core.stages import Progress
    from vidtrack.model.checkpoint import load_model
    from vidtrack.pipeline.config import RunConfig
    from vidtrack.pipeline.track_video import TrackResult, track_video
    from vidtrack.tracking.config import TrackerConfig
    from vidtrack.tracklog import TrackLog
    from vidtrack.video.config import EncodeConfig

    __version__: str

__all__ = [
    "Progress",
    "RunConfig",
    "TrackLog",
    "TrackResult",
    "TrackerConfig",
    "EncodeConfig",
    "__version__",
    "load_model",
    "track_video",
]

_HOMES = {
    "Progress": "vidtrack.core.stages",
    "RunConfig": "vidtrack.pipeline.config",
    "TrackLog": "vidtrack.tracklog",
    "TrackResult": "vidtrack.pipeline.track_video",
    "TrackerConfig": "vidtrack.tracking.config",
    "EncodeConfig": "vidtrack.video.config",
    "load_model": "vidtrack.model.checkpoint",
    "track_video": "vidtrack.pipeline.track_video",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import vidtrack` costs nothing (PEP 562)."""
    if name == "__version__":
        from vidtrack.tracklog.metadata import version_of

        return version_of("vidtrack")
    if name not in _HOMES:
        raise AttributeError(f"module 'vidtrack' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

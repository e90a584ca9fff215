"""Objects in footage, tracked: `track_video`, `load_model` and `TrackLog` are the way in from Python."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidtrack.config import RunConfig, VideoConfig
    from vidtrack.model.checkpoint import load_model
    from vidtrack.pipeline import TrackResult, track_video
    from vidtrack.stages import Progress
    from vidtrack.tracking.config import TrackerConfig
    from vidtrack.tracklog import TrackLog

    __version__: str

__all__ = [
    "Progress",
    "RunConfig",
    "TrackLog",
    "TrackResult",
    "TrackerConfig",
    "VideoConfig",
    "__version__",
    "load_model",
    "track_video",
]

_HOMES = {
    "Progress": "vidtrack.stages",
    "RunConfig": "vidtrack.config",
    "TrackLog": "vidtrack.tracklog",
    "TrackResult": "vidtrack.pipeline",
    "TrackerConfig": "vidtrack.tracking.config",
    "VideoConfig": "vidtrack.config",
    "load_model": "vidtrack.model.checkpoint",
    "track_video": "vidtrack.pipeline",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import vidtrack` costs nothing (PEP 562)."""
    if name == "__version__":
        from vidtrack.tracklog.stamp import version_of

        return version_of("vidtrack")
    if name not in _HOMES:
        raise AttributeError(f"module 'vidtrack' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""Track objects in video. Start with `track_video`, `track_batch`, `load_model` and `TrackLog`.

Track a clip into a log and an annotated video:

>>> from vidtrack import RunConfig, TrackLog, track_video
>>> result = track_video(clip, log=folder / "clip.tracks.jsonl", config=RunConfig(end_seconds=1))
>>> result.status, result.frames
(<Status.COMPLETE: 'complete'>, 25)

Read it back, as numpy arrays over all objects or frame by frame:

>>> log = TrackLog.load(result.log)
>>> log.header.source.size, len(log)
((640, 272), 25)
>>> log.boxes_xyxy.shape == (len(log.ids), 4)
True
>>> first = next(iter(log))
>>> first.index, float(first.seconds)
(0, 0.0)

Or track by track, with crops of the clip; `log.to_pandas()`, `to_polars()` and `to_supervision()` convert it:

>>> track = next(iter(log.tracks))
>>> len(track) == len(track.boxes_xyxy), track.crops(1)[0].shape[2]
(True, 3)

Or track frames as they come, of a camera or a clip, without files:

>>> from vidtrack import stream
>>> for tracks in stream(clip, classes=["person"]):
...     ids, boxes = tracks.ids, tracks.boxes_xyxy
...     break
>>> tracks.index, boxes.shape == (len(ids), 4)
(0, True)
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidtrack.batch.config import BatchConfig, BatchResult
    from vidtrack.batch.progress_bar import ProgressBar
    from vidtrack.batch.session import track_batch
    from vidtrack.core.detections import Detections
    from vidtrack.core.stages import Progress
    from vidtrack.model.choice import ModelChoice
    from vidtrack.model.detectors import load_model
    from vidtrack.pipeline.config import RunConfig
    from vidtrack.pipeline.detect_photos import FailedPhoto, Photo, detect_photos
    from vidtrack.pipeline.stream import TrackStream, stream
    from vidtrack.pipeline.track_video import TrackResult, track_video
    from vidtrack.tracking.config import TrackerConfig
    from vidtrack.tracking.link_detections import link_detections
    from vidtrack.tracklog import TrackLog
    from vidtrack.video.config import EncodeConfig

    __version__: str

__all__ = [
    "BatchConfig",
    "BatchResult",
    "Detections",
    "FailedPhoto",
    "ModelChoice",
    "Photo",
    "Progress",
    "ProgressBar",
    "RunConfig",
    "TrackLog",
    "TrackResult",
    "TrackStream",
    "TrackerConfig",
    "EncodeConfig",
    "__version__",
    "detect_photos",
    "link_detections",
    "load_model",
    "stream",
    "track_batch",
    "track_video",
]

_HOMES = {
    "BatchConfig": "vidtrack.batch.config",
    "BatchResult": "vidtrack.batch.config",
    "Detections": "vidtrack.core.detections",
    "FailedPhoto": "vidtrack.pipeline.detect_photos",
    "ModelChoice": "vidtrack.model.choice",
    "Photo": "vidtrack.pipeline.detect_photos",
    "Progress": "vidtrack.core.stages",
    "ProgressBar": "vidtrack.batch.progress_bar",
    "RunConfig": "vidtrack.pipeline.config",
    "TrackLog": "vidtrack.tracklog",
    "TrackResult": "vidtrack.pipeline.track_video",
    "TrackStream": "vidtrack.pipeline.stream",
    "TrackerConfig": "vidtrack.tracking.config",
    "EncodeConfig": "vidtrack.video.config",
    "detect_photos": "vidtrack.pipeline.detect_photos",
    "link_detections": "vidtrack.tracking.link_detections",
    "load_model": "vidtrack.model.detectors",
    "stream": "vidtrack.pipeline.stream",
    "track_batch": "vidtrack.batch.session",
    "track_video": "vidtrack.pipeline.track_video",
}


def __getattr__(name: str) -> Any:
    """Import on first use, so that `import vidtrack` costs nothing (PEP 562)."""
    if name == "__version__":
        from vidtrack.core.metadata import version_of

        return version_of("vidtrack")
    if name not in _HOMES:
        raise AttributeError(f"module 'vidtrack' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)

"""OpenTimelineIO: the clip on a timeline with a marker for each time an object is there."""

from __future__ import annotations

import json
import re
from fractions import Fraction
from typing import Any

from vidtrack.export.scene import Scene, Track
from vidtrack.export.text import file_url

_COLOURS = ("RED", "GREEN", "BLUE", "YELLOW", "CYAN", "MAGENTA", "ORANGE", "PURPLE", "PINK", "WHITE")


def write(scene: Scene) -> str:
    """The JSON of OTIO itself; a marker's metadata holds its boxes in pixels, frame by frame."""
    own, rate = scene.media_numbering, scene.constant_rate
    start = _time(own.start, own.rate)
    width, height = scene.size
    media = {
        **_reference(scene, own.rate),
        "available_range": _range(start, _time(scene.media_frame_count, own.rate)),
        "available_image_bounds": {
            "OTIO_SCHEMA": "Box2d.1",
            "min": {"OTIO_SCHEMA": "V2d.1", "x": 0.0, "y": 0.0},
            "max": {"OTIO_SCHEMA": "V2d.1", "x": float(width), "y": float(height)},
        },
    }
    clip = {
        "OTIO_SCHEMA": "Clip.2",
        "name": scene.name,
        "source_range": _range(start, _time(scene.frame_count, rate)),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
        "markers": [_marker(scene, track, run) for track in scene.tracks for run in track.runs()],
    }
    track = {"OTIO_SCHEMA": "Track.1", "name": "V1", "kind": "Video", "children": [clip]}
    timeline: dict[str, Any] = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": scene.name,
        "metadata": {"vidtrack": {"rate": [rate.numerator, rate.denominator]}},
        "tracks": {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]},
    }
    if scene.timecode is not None:
        timeline["global_start_time"] = _time(scene.numbering.start, rate)
    return json.dumps(timeline, indent=1) + "\n"


def _reference(scene: Scene, rate: Fraction) -> dict[str, Any]:
    """The clip as a file, or as the images of a sequence."""
    if scene.files is None:
        return {"OTIO_SCHEMA": "ExternalReference.1", "target_url": file_url(scene.path)}
    prefix, digits, suffix = re.split(r"%0?(\d*)d", scene.files.pattern)
    return {
        "OTIO_SCHEMA": "ImageSequenceReference.1",
        "target_url_base": file_url(scene.path.removesuffix(scene.files.pattern)),
        "name_prefix": prefix.replace("%%", "%"),
        "name_suffix": suffix.replace("%%", "%"),
        "start_frame": scene.files.first,
        "frame_step": 1,
        "rate": float(rate),
        "frame_zero_padding": int(digits or 0),
        "missing_frame_policy": "error",
    }


def _marker(scene: Scene, track: Track, run: slice) -> dict[str, Any]:
    """Where it is in the clip, which has a rate of its own; as long as it is on the timeline."""
    frames, own, rate = track.frames[run], scene.media_numbering, scene.constant_rate
    start = _time(own.start + int(frames[0]) * own.rate / rate, own.rate)
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": track.name,
        "color": _COLOURS[(track.id - 1) % len(_COLOURS)],
        "marked_range": _range(start, _time(len(frames), rate)),
        "metadata": {
            "vidtrack": {
                "id": track.id,
                "class": track.label,
                "first_frame": int(frames[0]),
                "boxes_xyxy": track.boxes_xyxy[run].tolist(),
                "scores": track.scores[run].tolist(),
            }
        },
    }


def _range(start: dict[str, Any], duration: dict[str, Any]) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": start, "duration": duration}


def _time(frame: int | Fraction, rate: Fraction) -> dict[str, Any]:
    """OTIO knows rates as doubles; that of 30000/1001 is taken, the one of 29.97 is refused as timecode."""
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(frame), "rate": float(rate)}

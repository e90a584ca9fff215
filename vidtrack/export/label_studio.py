"""Label Studio: a task with predicted video rectangles, to correct by hand."""

from __future__ import annotations

import json
from typing import Any

from vidtrack.export.scene import Scene, Track


def write(scene: Scene) -> str:
    """Frames from 1, boxes in percent; a box that is not `enabled` is the last one before a gap."""
    result = [_region(scene, track) for track in scene.tracks]
    scores = [float(track.scores.mean()) for track in scene.tracks]
    prediction = {"model_version": "vidtrack", "score": round(sum(scores) / len(scores), 4), "result": result}
    return json.dumps([{"data": {"video": scene.path}, "predictions": [prediction]}], ensure_ascii=False) + "\n"


def _region(scene: Scene, track: Track) -> dict[str, Any]:
    width, height = scene.size
    sequence = []
    for run in track.runs():
        samples = zip(track.frames[run].tolist(), track.boxes_xyxy[run].tolist(), strict=True)
        for frame, (left, top, right, bottom) in samples:
            sequence.append(
                {
                    "frame": frame + 1,
                    "enabled": True,
                    "rotation": 0,
                    "x": round(100 * left / width, 5),
                    "y": round(100 * top / height, 5),
                    "width": round(100 * (right - left) / width, 5),
                    "height": round(100 * (bottom - top) / height, 5),
                    "time": round(float(scene.clock.seconds(frame)), 6),
                }
            )
        sequence[-1]["enabled"] = False
    return {
        "id": f"track_{track.id}",
        "type": "videorectangle",
        "from_name": "box",
        "to_name": "video",
        "origin": "prediction",
        "score": round(float(track.scores.mean()), 4),
        "meta": {"text": [track.name]},
        "value": {
            "framesCount": scene.frame_count,
            "duration": round(float(scene.duration), 6),
            "sequence": sequence,
            "labels": [track.label],
        },
    }

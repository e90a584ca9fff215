"""Tables with one row per box: CSV for spreadsheets, Parquet for data frames."""

from __future__ import annotations

import csv
import io
from typing import Any

import numpy as np

from vidtrack.core.tables import STATE_NAMES
from vidtrack.export.scene import Scene
from vidtrack.export.text import number, plain_cell


def write_csv(scene: Scene) -> str:
    """Rows in order of time and identity; timeline frame `frame` shows decoded frame `index`; boxes are in pixels."""
    columns = _columns(scene)
    columns["seconds"] = [number(value, 6) for value in columns["seconds"]]
    columns["class"] = [plain_cell(label) for label in columns["class"]]
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def write_parquet(scene: Scene) -> bytes:
    """The same columns, typed, after `clip`, so that many files make one table; metadata describes the clip."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rate = "variable" if scene.rate is None else str(scene.rate)
    path = scene.path.encode("utf-8", "backslashreplace").decode()  # not every file name is text
    facts = {"clip": path, "width": scene.size[0], "height": scene.size[1], "rate": rate}
    columns = _columns(scene)
    clip = pa.DictionaryArray.from_arrays(pa.array([0] * len(columns["id"]), pa.int32()), [path])
    table = pa.table({"clip": clip, **columns})
    table = table.replace_schema_metadata({f"vidtrack.{k}": str(v) for k, v in facts.items()})
    target = pa.BufferOutputStream()
    pq.write_table(table, target)
    return target.getvalue().to_pybytes()


def _columns(scene: Scene) -> dict[str, list[Any]]:
    """Only what the log has, without boxes between the frames of a stride."""
    kept = [track.logged for track in scene.tracks]

    def joined(name: str) -> np.ndarray:
        parts = [getattr(track, name)[own] for track, own in zip(scene.tracks, kept, strict=True)]
        return np.concatenate(parts) if parts else np.zeros((0, 4) if name == "boxes_xyxy" else 0, np.int64)

    counts = np.array([own.sum() for own in kept], np.int64)
    frames, ids = joined("frames"), np.repeat(np.array([track.id for track in scene.tracks], np.int64), counts)
    order = np.lexsort((ids, frames))
    frames, ids = frames[order], ids[order]
    labels = {track.id: track.label for track in scene.tracks}
    left, top, right, bottom = joined("boxes_xyxy")[order].T.tolist()
    return {
        "frame": frames.tolist(),
        "index": joined("shown")[order].tolist(),
        "seconds": [round(float(scene.clock.seconds(frame)), 6) for frame in frames.tolist()],
        "timecode": [scene.timecode_at(frame) or "" for frame in frames.tolist()],
        "id": ids.tolist(),
        "class": [labels[identity] for identity in ids.tolist()],
        "score": joined("scores")[order].tolist(),
        "left": left,
        "top": top,
        "right": right,
        "bottom": bottom,
        "state": [STATE_NAMES[state] for state in joined("states")[order].tolist()],
    }

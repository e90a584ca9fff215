"""States as bytes: JSON for plain values and NumPy's format for arrays; reading them runs no code."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from vidtrack.core.types import FrameTracks

SCHEMA = "vidtrack.resume/2"
_TREE, _ARRAY = "tree", "$array"


class BrokenStateError(Exception):
    """Bytes that are not an intact state of this version."""


@dataclass(frozen=True)
class PackedFrames:
    """Tracks of frames as columns, those of all frames one after another."""

    frames: tuple[tuple[int, int, int, int, int], ...]  # index, pts, time base as two numbers, number of objects
    ids: np.ndarray
    classes: np.ndarray
    scores: np.ndarray
    boxes_xyxy: np.ndarray
    states: np.ndarray


def pack(state: dict[str, Any]) -> bytes:
    """A state of plain values, lists, string-keyed dicts, dataclasses and arrays, preceded by its checksum."""
    arrays: dict[str, np.ndarray] = {}

    def lift(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            name = f"a{len(arrays)}"
            arrays[name] = value
            return {_ARRAY: name}
        if is_dataclass(value):
            return {one.name: lift(getattr(value, one.name)) for one in fields(value)}
        if isinstance(value, dict):
            return {key: lift(inner) for key, inner in value.items()}
        return [lift(inner) for inner in value] if isinstance(value, list | tuple) else value

    tree = json.dumps(lift(state)).encode()
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{_TREE: np.frombuffer(tree, np.uint8)}, **arrays)
    body = buffer.getvalue()
    head = json.dumps({"schema": SCHEMA, "sha256": hashlib.sha256(body).hexdigest()})
    return head.encode() + b"\n" + body


def unpack(data: bytes) -> dict[str, Any]:
    """The state in `data`; tuples come back as lists, dataclasses as dicts. Raises BrokenStateError."""
    head, _, body = data.partition(b"\n")
    try:
        stated = json.loads(head)
        if stated["schema"] != SCHEMA:
            raise BrokenStateError(f"its format is {stated['schema']!r}, this release reads {SCHEMA}")
        if stated["sha256"] != hashlib.sha256(body).hexdigest():
            raise BrokenStateError("it is damaged")
        with np.load(io.BytesIO(body), allow_pickle=False) as arrays:
            return _with_arrays(json.loads(arrays[_TREE].tobytes()), arrays)
    except (ValueError, KeyError, TypeError, RecursionError, EOFError, OSError, zipfile.BadZipFile):
        raise BrokenStateError("it is damaged") from None


def pack_frames(frames: Iterable[FrameTracks]) -> PackedFrames:
    """Tracks of frames as columns."""
    held = list(frames)
    heads = tuple((f.index, f.pts, f.time_base.numerator, f.time_base.denominator, len(f)) for f in held)
    if not held:
        none = np.zeros(0, np.int64)
        return PackedFrames(heads, none, none, none.astype(np.float32), np.zeros((0, 4), np.float32), none)
    joined = FrameTracks.concat(held)
    return PackedFrames(heads, **{name: getattr(joined, name) for name in FrameTracks.COLUMNS})


def unpack_frames(packed: PackedFrames) -> list[FrameTracks]:
    """What `pack_frames` was given."""
    frames, at = [], 0
    for index, pts, numerator, denominator, count in packed.frames:
        columns = {name: getattr(packed, name)[at : at + count] for name in FrameTracks.COLUMNS}
        frames.append(FrameTracks(index, pts, Fraction(numerator, denominator), **columns))
        at += count
    return frames


def _with_arrays(value: Any, arrays: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {_ARRAY}:
            return arrays[value[_ARRAY]]
        return {key: _with_arrays(inner, arrays) for key, inner in value.items()}
    return [_with_arrays(inner, arrays) for inner in value] if isinstance(value, list) else value

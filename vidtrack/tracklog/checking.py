"""What everything that reads a log relies on, refused here so that nothing further on has to ask."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtrack.core.errors import LogError
from vidtrack.tracklog.schema import LARGEST, schema

if TYPE_CHECKING:
    from jsonschema_rs import Validator

    from vidtrack.tracklog.reader import TrackLog

_FARTHEST = 1e6  # pixels from the picture's corner, past any picture
_HINT = "`vidtrack validate` lists what is wrong"


@cache
def shape_of(kind: str) -> Validator:
    """The schema of a line of one kind."""
    import jsonschema_rs

    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{kind}", "$defs": schema()["$defs"]})


def misshapen(kind: str, value: Any) -> Iterator[str]:
    """What is wrong with a line of a kind: `source/size/0: 0 is less than the minimum of 1`.

    Beside what the schema finds, numbers that JSON does not have, and whole ones with a point, which it lets pass.
    """
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        yield f"{kind}: a number is not finite"
    for path in _whole_places(kind):
        for number in _at(value, path):
            if isinstance(number, float):
                yield f"{'/'.join(path)}: {number} is not a whole number"
    try:
        for error in shape_of(kind).iter_errors(value):
            yield f"{'/'.join(map(str, error.instance_path)) or kind}: {error.message}"
    except UnicodeEncodeError as error:
        yield f"{kind}: {error.object[error.start]!r} is half a character"


@cache
def _whole_places(kind: str) -> tuple[tuple[str, ...], ...]:
    """Where the schema has whole numbers in a line of a kind, as names; `*` is every entry of a list."""
    shapes = schema()["$defs"]

    def places(shape: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        if "$ref" in shape:
            yield from places(shapes[shape["$ref"].rpartition("/")[2]], path)
        if shape.get("type") == "integer":
            yield path
        for name, own in shape.get("properties", {}).items():
            yield from places(own, (*path, name))
        for own in (shape.get("items"), *shape.get("prefixItems", ())):
            yield from places(own, (*path, "*")) if own else ()
        for own in shape.get("oneOf", ()):
            yield from places(own, path)

    return tuple(dict.fromkeys(places(shapes[kind], ())))


def _at(value: Any, path: Sequence[str]) -> Iterator[Any]:
    """What lies at a path of `_whole_places`."""
    if not path:
        yield value
    elif path[0] == "*" and isinstance(value, list):
        for own in value:
            yield from _at(own, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def refuse_header(header: Mapping[str, Any], path: Path) -> None:
    """Raise LogError for a header that the schema does not allow, or whose text no file can hold."""
    fault = next(misshapen("header", header), None)
    try:
        json.dumps(header, ensure_ascii=False).encode("utf-8", "surrogateescape")  # which names that are no UTF-8 take
    except UnicodeEncodeError as error:
        fault = f"{error.object[error.start]!r} is half a character"
    if fault is not None:
        raise LogError(f"{path} has a header that is not of a track log: {fault}", _HINT)


def refuse_columns(log: TrackLog, path: Path) -> None:
    """Raise LogError for frames out of order, a track twice in a frame, and values that no object can have."""
    for values, name in ((log.frame_indices, "number"), (log.frame_pts, "pts")):
        back = np.flatnonzero(np.diff(values) <= 0)
        if len(back):
            raise LogError(f"{path}: the {name} of frame {log.frame_indices[back[0] + 1]} does not rise", _HINT)
        if len(values) and max(-int(values[0]), int(values[-1])) > LARGEST:
            raise LogError(f"{path}: the {name} of a frame is past {LARGEST}", _HINT)
    if len(log) and log.frame_indices[0] < 0:
        raise LogError(f"{path}: frames count from 0, not from {log.frame_indices[0]}", _HINT)
    rows = log.frame_rows
    left, top, right, bottom = log.boxes_xyxy.T
    disordered = np.append(False, (np.diff(log.ids) <= 0) & (np.diff(rows) == 0))[: len(rows)]
    for wrong, said in (
        (disordered, "is there twice, or not in order of id"),
        ((log.ids < 1) | (log.ids > LARGEST), f"has no id from 1 to {LARGEST}"),
        ((log.classes < 0) | (log.classes >= len(log.class_names)), "has a class that the log does not name"),
        (~((log.scores >= 0) & (log.scores <= 1)), "has a score that is not from 0 to 1"),
        (~((np.abs(log.boxes_xyxy) <= _FARTHEST).all(1) & (left <= right) & (top <= bottom)), "has no possible box"),
    ):
        if wrong.any():
            at = int(wrong.argmax())
            raise LogError(f"{path}: track {log.ids[at]} in frame {log.frame_indices[rows[at]]} {said}", _HINT)

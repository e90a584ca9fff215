"""What writer and readers of a track log agree on, and checks of single lines against it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vidtrack.core.errors import LogError
from vidtrack.core.tables import STATE_NAMES
from vidtrack.core.types import FrameTracks
from vidtrack.tracklog.header import SCHEMA_NAME, SCHEMA_VERSION, Header

if TYPE_CHECKING:
    from jsonschema_rs import Validator

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
MARK = ".tracks"  # NAME.tracks.jsonl is the log of NAME
HINT = "`vidtrack validate` lists what is wrong"


def line_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of a log."""
    file = resources.files("vidtrack.tracklog").joinpath(f"track-log-{SCHEMA_VERSION}.json")
    return json.loads(file.read_text("utf-8"))


def is_log_path(path: Path) -> bool:
    """True for a name that `LogWriter` accepts."""
    return path.name.lower().endswith(SUFFIXES)


def stem_of(path: Path) -> str:
    """NAME of `NAME.tracks.jsonl`, whatever the extension."""
    suffix = max((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(suffix)].removesuffix(MARK) or path.name


def entries_of(tracks: FrameTracks) -> list[dict[str, Any]]:
    """Objects of a frame in order of id, rounded so that equal runs give equal text."""
    order = np.argsort(tracks.ids, kind="stable")
    boxes = np.round(tracks.boxes_xyxy.astype(np.float64), 2) + 0.0  # + 0.0 turns -0.0 into 0.0
    scores = np.round(tracks.scores.astype(np.float64), 4)
    return [
        {
            "id": int(tracks.ids[n]),
            "cls": int(tracks.classes[n]),
            "score": float(scores[n]),
            "box": boxes[n].tolist(),
            "state": STATE_NAMES[int(tracks.states[n])],
        }
        for n in order
    ]


def refuse_other_files(header: Any, path: Path) -> None:
    """Raise LogError unless `header` opens a track log of a version that this release reads."""
    name, _, version = str(header.get("schema", "") if isinstance(header, dict) else "").partition("/")
    if name != SCHEMA_NAME or header.get("type") != "header":
        raise LogError(f"{path} is not a track log: its first line is not a {SCHEMA_NAME} header")
    if version.split(".")[0] != str(SCHEMA_VERSION):
        raise LogError(
            f"{path} is a track log of version {version}; this release reads version {SCHEMA_VERSION}",
            "upgrade vidtrack",
        )


def parse_header(values: Any, path: Path) -> Header:
    """The header of a log; raises LogError for one that the schema does not allow."""
    refuse_other_files(values, path)
    for fault in faults_of("header", values):
        raise LogError(f"{path} has an invalid track log header: {fault}", HINT)
    return Header.from_dict(values)


@cache
def _validator(kind: str) -> Validator:
    import jsonschema_rs

    return jsonschema_rs.validator_for({"$ref": f"#/$defs/{kind}", "$defs": line_schema()["$defs"]})


def faults_of(kind: str, value: Any) -> Iterator[str]:
    """What is wrong with a line of a kind, such as `source/size/0: 0 is less than the minimum of 1`.

    Includes what the schema cannot express: numbers that JSON lacks, whole numbers written as 1.0, and text that no
    UTF-8 file can hold.
    """
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        yield f"{kind}: a number is not finite"
    for path in _integer_paths(kind):
        for number in _at(value, path):
            if isinstance(number, float):
                yield f"{'/'.join(path)}: {number} is not a whole number"
    if surrogate := _lone_surrogate(value):
        yield f"{kind}: the text {surrogate!r} contains a lone surrogate"
        return  # which the validator cannot take
    try:
        for error in _validator(kind).iter_errors(value):
            yield f"{'/'.join(map(str, error.instance_path)) or kind}: {error.message}"
    except UnicodeEncodeError as error:
        yield f"{kind}: the text {error.object[:40]!r} contains a lone surrogate"


def _lone_surrogate(value: Any) -> str:
    """Text in `value` that cannot be written as UTF-8, not even with the escaped bytes of a file name (PEP 383)."""
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError as error:
        return error.object[error.start : error.start + 1]
    return ""


@cache
def _integer_paths(kind: str) -> tuple[tuple[str, ...], ...]:
    """The places of whole numbers in a line of a kind, as names; `*` is every entry of a list."""
    shapes = line_schema()["$defs"]

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
    """The values at a path of `_integer_paths`."""
    if not path:
        yield value
    elif path[0] == "*" and isinstance(value, list):
        for own in value:
            yield from _at(own, path[1:])
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])

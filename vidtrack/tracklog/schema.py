"""What writer and reader of a track log agree on."""

from __future__ import annotations

import json
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from vidtrack.core.errors import LogError
from vidtrack.core.types import FrameTracks, ObjectState

SCHEMA_NAME = "vidtrack.track-log"
SCHEMA_VERSION = 1
SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".json.gz")
MARK = ".tracks"  # NAME.tracks.jsonl is the log of NAME
STATUSES = ("complete", "truncated", "interrupted", "failed")
LARGEST = 2**53 - 1  # whole number in a log: every reader of JSON holds it exactly
STATE_NAMES = tuple(state.name.lower() for state in ObjectState)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of one line of a log."""
    file = resources.files("vidtrack.tracklog").joinpath(f"track-log-{SCHEMA_VERSION}.json")
    return json.loads(file.read_text("utf-8"))


def is_log_path(path: Path) -> bool:
    """True for a name that `LogWriter` takes."""
    return path.name.lower().endswith(SUFFIXES)


def stem_of(path: Path) -> str:
    """NAME of `NAME.tracks.jsonl`, whatever the extension."""
    suffix = max((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), key=len, default="")
    return path.name[: len(path.name) - len(suffix)].removesuffix(MARK) or path.name


def check_header(header: Any, path: Path) -> None:
    """Raise LogError unless `header` opens a log of a version this release reads, with what reading needs."""
    name, _, version = str(header.get("schema", "") if isinstance(header, dict) else "").partition("/")
    if name != SCHEMA_NAME or header.get("type") != "header":
        raise LogError(f"{path} is not a track log: its first line is no {SCHEMA_NAME} header")
    if version.split(".")[0] != str(SCHEMA_VERSION):
        raise LogError(
            f"{path} is a track log of version {version}, this release reads {SCHEMA_VERSION}", "upgrade vidtrack"
        )
    try:
        Fraction(*header["source"]["time_base"])
        list(header["model"]["classes"])
    except (KeyError, TypeError, ArithmeticError):
        raise LogError(f"{path} is not a track log: its header has no time base or class names") from None


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

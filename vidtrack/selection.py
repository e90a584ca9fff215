"""Choosing a model's classes by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from vidtrack.errors import UsageError


def class_filter(names: Sequence[str], wanted: Sequence[str] | None) -> np.ndarray:
    """Which of the model's classes (K,) bool are wanted; None wants all.

    Upper and lower case are one, and so are blanks, hyphens and underscores. Raises UsageError for a name the model
    does not have, with the nearest one it has.
    """
    if wanted is None:
        return np.ones(len(names), dtype=bool)
    known = {_plain(name): number for number, name in enumerate(names) if name}
    chosen = np.zeros(len(names), dtype=bool)
    for name in wanted:
        number = known.get(_plain(name))
        if number is None:
            raise UsageError(f"the model has no class {name!r}", _suggestion(name, [n for n in names if n]))
        chosen[number] = True
    if not chosen.any():
        raise UsageError("no class is chosen", "leave the choice out to track all classes")
    return chosen


def _suggestion(name: str, names: Sequence[str]) -> str:
    plain = {_plain(known): known for known in names}
    near = difflib.get_close_matches(_plain(name), list(plain), n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(plain[n] for n in near)}?"
    shown = ", ".join(names[:20])
    return f"it has {shown}{', ...' if len(names) > 20 else ''}"


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()

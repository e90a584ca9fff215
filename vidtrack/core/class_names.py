"""Match class names."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import numpy as np

from vidtrack.core.errors import UsageError

_KINDS = (  # supercategories of COCO; a detector confuses classes within one, not across them
    {"person"},
    {"bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"},
    {"bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"},
)
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")


def class_filter(names: Sequence[str], wanted: Sequence[str] | None, whose: str = "the model") -> np.ndarray:
    """Mask (K,) bool of the wanted classes; None selects all. `whose` names their owner in errors.

    Case is ignored; spaces, hyphens and underscores are equal; all classes of a name are chosen. Raises UsageError for
    an unknown name and suggests the closest.

    >>> class_filter(["person", "traffic light", "car"], ["Traffic_Light"])
    array([False,  True, False])
    """
    if wanted is None:
        return np.ones(len(names), dtype=bool)
    known: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        if name:
            known.setdefault(plain_name(name), []).append(number)
    chosen = np.zeros(len(names), dtype=bool)
    for name in wanted:
        numbers = known.get(plain_name(name))
        if numbers is None:
            raise UsageError(f"{whose} has no class {name!r}", _suggestion(name, [n for n in names if n]))
        chosen[numbers] = True
    if not chosen.any():
        raise UsageError("no class selected", "drop --classes to track all classes")
    return chosen


def class_kinds(names: Sequence[str]) -> np.ndarray:
    """The kind (K,) of each class: 1 people, 2 vehicles, 3 animals; 0 anything else, which may be of any kind.

    >>> class_kinds(["person", "car", "bus", "bench"])
    array([1, 2, 2, 0])
    """
    numbers = {name: number for number, kind in enumerate(_KINDS, 1) for name in kind}
    return np.array([numbers.get(plain_name(name), 0) for name in names], dtype=np.int64)


def kinds_apart(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mask (N, M) of the pairs whose kinds `a` (N,) and `b` (M,) cannot belong to one object."""
    return (a[:, None] != b) & (a[:, None] > 0) & (b > 0)


def _suggestion(name: str, names: Sequence[str]) -> str:
    plain = {plain_name(known): known for known in names}
    near = difflib.get_close_matches(plain_name(name), list(plain), n=3, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(plain[n] for n in near)}?"
    return f"it has {listed(names)}"


def listed(names: Sequence[str], most: int = 20) -> str:
    """Comma-separated names, shortened if there are many."""
    return ", ".join(names[:most]) + (f", ... ({len(names)} in all)" if len(names) > most else "")


def plain_name(name: str) -> str:
    """A class name normalised for comparison."""
    return " ".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def label_of(names: Sequence[str], number: int) -> str:
    """The name of a class on one line, or its number if the name is empty."""
    return one_line(names[number]) or f"class {number}"


def one_line(text: str) -> str:
    """Text without characters that break lines or cannot be written."""
    return " ".join(_UNPRINTABLE.sub(" ", text).split())

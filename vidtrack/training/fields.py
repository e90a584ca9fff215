"""Dataclasses read from a recipe's JSON, with what every field may hold beside it."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from vidtrack.core.errors import UsageError
from vidtrack.model.config import DetectorConfig


@dataclass(frozen=True)
class Range:
    """Least and most value of a number, or entries of a list; the most is far past any use."""

    least: float
    most: float

    def __contains__(self, value: float) -> bool:
        return self.least <= value <= self.most

    def __str__(self) -> str:
        return f"from {self.least} to {self.most}"


@dataclass(frozen=True)
class OneOf:
    """The texts that a field may hold."""

    choices: tuple[str, ...]

    def __contains__(self, value: str) -> bool:
        return value in self.choices

    def __str__(self) -> str:
        return f"one of {', '.join(self.choices)}"


Share = Annotated[float, Range(0, 1)]
Weight = Annotated[float, Range(0, 1000)]
Factor = Annotated[float, Range(0.01, 100)]
Side = Annotated[int, Range(1, 8192)]  # pixels
Canvas = tuple[Side, Side]  # height, width
Queries = Annotated[int, Range(0, 10_000)]
Repeat = Annotated[int, Range(1, 100)]
Steps = Annotated[int, Range(1, 10**9)]
Threads = Annotated[int, Range(0, 256)]


def build(kind: type, values: Any, where: str = "") -> Any:
    """A dataclass from a JSON object; raises UsageError naming a field that is unknown, missing or of a wrong type."""
    if kind is DetectorConfig:
        return DetectorConfig.from_dict(values)
    if not isinstance(values, Mapping):
        raise UsageError(f"{where} in the training recipe must be an object with fields, not {values!r}")
    known = {item.name: item for item in fields(kind)}
    if unknown := sorted(set(values) - set(known)):
        raise UsageError(
            f"unknown field {_place(where, unknown[0])} in the training recipe", f"known: {', '.join(sorted(known))}"
        )
    for name, item in known.items():
        if name not in values and item.default is MISSING and item.default_factory is MISSING:
            raise UsageError(f"the training recipe lacks a field: {_place(where, name)}")
    hints = get_type_hints(kind)
    return kind(**{name: _convert(hints[name], value, _place(where, name)) for name, value in values.items()})


def _convert(hint: Any, value: Any, where: str) -> Any:
    if is_dataclass(hint):
        return build(hint, value, where)  # type: ignore[arg-type]
    if get_origin(hint) is tuple:
        inner, *others = get_args(hint)  # X, ... for any number of X; X, X for two
        wanted = None if others == [...] else 1 + len(others)
        if not isinstance(value, list | tuple) or wanted not in (None, len(value)):
            number = "a list" if wanted is None else f"a list of {wanted}"
            raise UsageError(f"{where} in the training recipe must be {number}, not {value!r}")
        return tuple(_convert(inner, item, f"{where}[{index}]") for index, item in enumerate(value))
    if hint is float and type(value) is int and abs(value) < sys.float_info.max:
        return float(value)
    if type(value) is not hint or value != value or value in (math.inf, -math.inf):
        raise UsageError(f"{where} in the training recipe must be {hint.__name__}, not {value!r}")
    return value


def check_ranges(hint: Any, value: Any, where: str = "") -> None:
    """Raise UsageError for the first value, at any depth, outside what its field's annotation allows."""
    if get_origin(hint) is Annotated:
        hint, *limits = get_args(hint)
        for limit in limits:
            if isinstance(value, tuple) and len(value) not in limit:
                raise UsageError(f"{where} in the training recipe has {len(value)} entries, not {limit}")
            if not isinstance(value, tuple) and value not in limit:
                raise UsageError(f"{where} in the training recipe is {value!r}, not {limit}")
    if is_dataclass(hint):
        for name, kind in get_type_hints(hint, include_extras=True).items():
            check_ranges(kind, getattr(value, name), _place(where, name))
    elif get_origin(hint) is tuple:
        for index, item in enumerate(value):
            check_ranges(get_args(hint)[0], item, f"{where}[{index}]")


def _place(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name

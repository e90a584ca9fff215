"""Seeded damage to JSON and to tables of text: the right form with wrong values, and the wrong form."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from typing import Any

ODD_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2, 0.5, -0.0, 1e308, -1e308, 1e-320, float("nan"), float("inf"), float("-inf"),
    2**31, 2**32, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, "", "x", "NaN", "-1", "person", "../../../x", "/etc/passwd",
    "a\nb\x00c", "\ud800", "é" * 3, "x" * 5000, "</script>", "=1+1", [], {}, [[]], [None], [1, 2, 3, 4], {"a": 1},
    [0, 0], [1, 0], [-1, -1], [10**30, 1], [1e308] * 4, "complete", "header", "frame", "1:02", "${HOME}", "${NONE}",
)  # fmt: skip


def damage_json(value: Any, rng: random.Random) -> Any:
    """A copy with one to four members replaced, taken out, renamed, doubled or swapped."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        places = list(_places(value))
        if not places:
            return rng.choice(ODD_VALUES)
        holder, key = rng.choice(places)
        what = rng.random()
        if what < 0.65:
            holder[key] = _odd(holder[key], rng)
        elif what < 0.8:
            del holder[key]
        elif what < 0.87 and isinstance(holder, dict):
            holder[rng.choice(("", "type", "x", f"{key}2"))] = holder.pop(key)
        elif isinstance(holder, list):
            holder.insert(rng.randrange(len(holder) + 1), copy.deepcopy(holder[key]))
        else:
            other_holder, other_key = rng.choice(places)
            try:
                holder[key] = copy.deepcopy(other_holder[other_key])
            except (KeyError, IndexError):  # gone with what was taken out
                continue
    return value


def damage_lines(text: str, rng: random.Random) -> str:
    """JSON lines with values or whole lines changed."""
    lines = text.splitlines()
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(len(lines))
        what = rng.random()
        if what < 0.7:
            lines[at] = _dumped(damage_json(json.loads(lines[at]), rng))
            if rng.random() < 0.1:
                lines[at] = lines[at][: rng.randrange(len(lines[at]) + 1)]
                break
        elif what < 0.8:
            del lines[at]
        elif what < 0.88:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        elif what < 0.94:
            other = rng.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines.insert(at, rng.choice(_ODD_LINES)(rng))
            break
        if not lines:
            break
    return "\n".join(lines) + "\n"


def damage_table(text: str, rng: random.Random, separator: str = ",") -> str:
    """Rows of text with cells changed, rows doubled, cut or moved."""
    rows = [line.split(separator) for line in text.splitlines()]
    for _ in range(rng.choice((1, 2, 4))):
        if not rows:
            break
        at = rng.randrange(len(rows))
        row, what = rows[at], rng.random()
        if what < 0.6 and row:
            value = rng.choice(ODD_VALUES)
            row[rng.randrange(len(row))] = str(value).replace("\ud800", "?")
        elif what < 0.7:
            rows.insert(at, list(row))
        elif what < 0.8 and row:
            del row[rng.randrange(len(row))]
        elif what < 0.9:
            row.append(str(rng.choice((1, -1, "x", 1e308))))
        else:
            rows[at] = [rng.choice(("", "#", ";;;;", "\x00", "\ufeff1", "x" * 3000))]
    return "\n".join(separator.join(row) for row in rows) + "\n"


def dumped(value: Any) -> bytes:
    """JSON of anything, with half characters and numbers that JSON does not have."""
    return _dumped(value).encode("utf-8", "surrogatepass")


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _places(value: Any) -> Any:
    if isinstance(value, dict | list):
        for key in list(value) if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key])


def _odd(value: Any, rng: random.Random) -> Any:
    if isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.4:
        return rng.choice((-value, value + 1, value - 1, value * 1000, value / 3, float(value), str(value), [value]))
    return rng.choice(ODD_VALUES)


_ODD_LINES: tuple[Callable[[random.Random], str], ...] = (
    lambda rng: "[" * rng.choice((10, 1000, 200_000)),
    lambda rng: '{"a":' * rng.choice((10, 1000, 100_000)),
    lambda rng: '"' + "x" * rng.choice((10, 5_000_000)) + '"',
    lambda rng: "1" * rng.choice((10, 4300, 100_000)),
    lambda rng: "\x00" * 100,
    lambda rng: "\ufeff{}",
    lambda rng: "null",
    lambda rng: "{}",
    lambda rng: '{"type":"frame","i":1000000000,"pts":1000000000000,"t":0,"objs":[]}',
)

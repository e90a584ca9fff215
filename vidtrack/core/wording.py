"""Numbers of things in messages."""

from __future__ import annotations


def plural(count: int, noun: str, several: str | None = None, form: str = "") -> str:
    """`count` and its noun: "1 frame", "2 frames"; `several` is an irregular plural, `form` formats the number."""
    return f"{count:{form}} {noun if count == 1 else several or f'{noun}s'}"

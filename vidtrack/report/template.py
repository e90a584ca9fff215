"""Joins the page's files and values into one text."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any

from vidtrack.core.template import fill

_SCRIPTS = ("data", "look", "player", "overlay", "bars", "timeline", "list", "filters", "commands", "page")


def join_page(
    title: str,
    facts: Sequence[str],
    notices: Sequence[str],
    doubts: str,
    data: Mapping[str, Any],
    columns: str,
    clip: str,
    review: bool = False,
) -> str:
    """The whole page; whatever names hold, no text in it can become markup or script.

    `data` is what the scripts read as JSON, `doubts` is markup, `columns` and `clip` are base64. With `review` the page
    edits the log through the server that it came from.
    """
    style = _file("page.css") + (_file("review.css") if review else "")
    script = "".join(_file(f"{name}.js") for name in (*_SCRIPTS, *(["review"] if review else [])))
    values = {
        "policy": _policy(style, script, review),
        "review": _file("review.html") if review else "",
        "title": html.escape(title),
        "facts": html.escape(" · ".join(facts)),
        "notices": "".join(f'<p class="notice" role="note">{html.escape(notice)}</p>\n' for notice in notices),
        "doubts": doubts,
        "style": style,
        "data": json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c"),
        "columns": columns,
        "clip": clip,
        "script": script,
    }
    return fill(_file("page.html"), values)


def _policy(style: str, script: str, review: bool) -> str:
    """Nothing is loaded but the clip, and nothing runs but the page's own script (Content Security Policy 3)."""
    connections = "connect-src 'self'; " if review else ""
    return (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; "
        f"{connections}img-src data:; media-src 'self' file: blob:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"


def _file(name: str) -> str:
    return resources.files("vidtrack.report").joinpath("assets", name).read_text("utf-8")

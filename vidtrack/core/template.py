"""Fills the `{{name}}` marks of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping

_MARK = re.compile(r"\{\{([a-z]+)\}\}")


def fill(template: str, values: Mapping[str, str]) -> str:
    """The template with each mark replaced by its value; values are not searched for marks.

    Raises KeyError for a mark without a value.
    """
    return _MARK.sub(lambda mark: values[mark[1]], template)

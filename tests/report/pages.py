"""Pages as a program reads them, and requests to the review server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

Ask = Callable[..., tuple[int, dict[str, str], bytes]]  # method, path, body: status, headers, body
INJECTION = "</script><img src=x onerror=alert(1)>"
BOXES = [
    {1: (8, 8, 40, 60)},
    {1: (10, 8, 42, 60), 3: (90.25, 4.5, 150, 66)},
    {3: (92, 4, 152, 66)},
    {},
    {1: (2, 2, 9, 9)},
]


def edit(ask: Ask, operation: str, **values: Any) -> dict[str, str]:
    """What the server answers to a correction."""
    status, _, body = ask("POST", "edit", {"operation": operation, **values})
    assert status == 200
    return json.loads(body)


def part(page: Path, name: str) -> str:
    """The content of a script element."""
    found = re.search(rf'<script type="[a-z/]+" id="{name}">(.*?)</script>', page.read_text("utf-8"), re.DOTALL)
    assert found is not None
    return found[1]

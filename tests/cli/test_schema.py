"""`vidtrack schema`."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.conftest import Ended

Command = Callable[..., Ended]


def test_schema_is_json(vidtrack: Command) -> None:
    assert json.loads(vidtrack("schema").out)["title"].startswith("vidtrack track log")

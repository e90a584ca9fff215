from __future__ import annotations

import re

import numpy
import pytest

from vidtrack.core.metadata import utc_now, version_of


def test_the_time_is_utc_to_the_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", utc_now())


def test_reproducible_builds_set_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86399")
    assert utc_now() == "1970-01-01T23:59:59Z"


def test_versions_of_packages() -> None:
    assert version_of("numpy") == numpy.__version__
    assert version_of("no-such-package", "missing") == "missing"

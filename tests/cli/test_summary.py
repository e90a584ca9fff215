from __future__ import annotations

from vidtrack.cli.summary import clock


def test_clock() -> None:
    assert [clock(s) for s in (0, 59.6, 61, 3600, 36061)] == ["0:00", "1:00", "1:01", "1:00:00", "10:01:01"]

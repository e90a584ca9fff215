from __future__ import annotations

import pytest

from vidtrack.core.errors import UsageError
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.registry import AUTO, TRACKERS


def test_every_tracker_loads_and_is_an_option() -> None:
    from vidtrack.cli.detect_options import TrackerMode

    assert [str(mode) for mode in TrackerMode] == [AUTO, *TRACKERS]
    assert all(callable(entry.load()) for entry in TRACKERS.values())
    with pytest.raises(UsageError, match=r"unknown tracker 'sort' \(choose one of auto, propagation, association"):
        TrackerConfig(mode="sort")

"""Tracks whose queries are carried from frame to frame."""

from __future__ import annotations

import pytest

from tests.tracking.boxes import Boxes
from vidtrack.core.errors import UsageError
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracking.tracker import make_tracker


def test_propagation_needs_a_model_that_carries_queries() -> None:
    with pytest.raises(UsageError, match="this model cannot carry queries"):
        make_tracker(Boxes(), TrackerConfig(mode="propagation"))

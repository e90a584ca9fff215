from __future__ import annotations

import pytest

from tests.media import EXAMPLE_CLIP
from tests.video.reading import config
from vidtrack.core.errors import UsageError
from vidtrack.video import VideoReader


@pytest.mark.parametrize(
    "options", [{"start_seconds": -1}, {"end_seconds": 0}, {"start_seconds": 2, "end_seconds": 2}, {"stride": 0}]
)
def test_impossible_ranges_are_refused(options: dict) -> None:
    with pytest.raises(UsageError):
        VideoReader(EXAMPLE_CLIP, config(**options))

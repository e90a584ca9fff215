"""The clip that runs of this package are stopped in."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import Clip, write_clip
from tests.pipeline.resuming import UNEVEN, content, track
from vidtrack.model.detector import DeformableDETR


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Real footage with sound, B-frames and uneven times."""
    made = Clip(frames=90, pts=UNEVEN, time_base=Fraction(1, 1000), audio="aac")
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", made)


@pytest.fixture(scope="session")
def whole(clip: Path, tiny_model: DeformableDETR, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a run without an interrupt makes."""
    folder = tmp_path_factory.mktemp("whole")
    track(clip, tiny_model, folder)
    return content(folder)

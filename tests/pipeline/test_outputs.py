"""What becomes of the log and the video if something goes wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.media import Clip, damaged, write_clip
from tests.pipeline.running import run
from vidtrack import TrackLog
from vidtrack.core.errors import OutputError
from vidtrack.model.detector import DeformableDETR
from vidtrack.video import VideoWriter


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first second of real footage, small, with sound."""
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=25, audio="aac"))


def test_damage_in_the_middle_is_an_event_and_no_end(tiny_model: DeformableDETR, second: Path, tmp_path: Path) -> None:
    result, log = run(damaged(second, tmp_path / "bad.mp4", 0.3, 400), tiny_model, tmp_path)
    assert len(log) > 12
    assert log.events and log.footer is not None
    assert log.footer.figures.problems >= len(log.events) == len(result.problems)
    assert all(event.kind == "decode" for event in log.events)


def test_a_failing_video_leaves_the_log(
    tiny_model: DeformableDETR, second: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full(VideoWriter):
        def write(self, frame: object) -> None:
            if self.written == 5:
                raise OutputError("No space left on device")
            super().write(frame)  # type: ignore[arg-type]

    monkeypatch.setattr("vidtrack.pipeline.track_video.VideoWriter", Full)
    with pytest.raises(OutputError, match="No space"):
        run(second, tiny_model, tmp_path)
    log = TrackLog.load(tmp_path / "out.jsonl")
    assert log.status == "failed"
    assert log.events[-1].message == "No space left on device"
    assert len(log) == 6
    assert {path.name for path in tmp_path.iterdir()} == {"out.jsonl"}

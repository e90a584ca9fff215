from __future__ import annotations

from collections.abc import Iterator

import av
import pytest

from tests.media import EXAMPLE_CLIP
from tests.video.reading import config
from vidtrack.core.errors import UsageError
from vidtrack.video import VideoReader
from vidtrack.video.hardware import HardwareDecodeError
from vidtrack.video.source import ContainerSource


def test_missing_hardware_falls_back_to_software() -> None:
    with VideoReader(EXAMPLE_CLIP, config(hwaccel="drm", end_seconds=0.2)) as reader:
        assert len(list(reader)) == 5
        assert "decoding in software" in reader.problems[0].message


@pytest.mark.parametrize("start", [None, 4.0])
def test_hardware_that_gives_up_in_the_middle_goes_on_in_software(
    monkeypatch: pytest.MonkeyPatch, start: float | None
) -> None:
    whole = ContainerSource.frames

    def failing(source: ContainerSource) -> Iterator[av.VideoFrame]:
        for count, frame in enumerate(whole(source)):
            if source.on_hardware and count == 7:
                raise HardwareDecodeError("surface lost")
            yield frame

    monkeypatch.setattr(ContainerSource, "frames", failing)
    with VideoReader(EXAMPLE_CLIP, config(start_seconds=start, end_seconds=(start or 0) + 1)) as reader:
        expected = [(frame.index, frame.pts, frame.image.sum()) for frame in reader]
    with VideoReader(EXAMPLE_CLIP, config(start_seconds=start, end_seconds=(start or 0) + 1)) as reader:
        reader._source.on_hardware = True
        assert [(frame.index, frame.pts, frame.image.sum()) for frame in reader] == expected
        assert len(expected) == 25
        assert "hardware decoding stopped (surface lost)" in reader.problems[0].message


def test_unknown_hardware_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown hardware decoder 'gpu'"):
        VideoReader(EXAMPLE_CLIP, config(hwaccel="gpu"))

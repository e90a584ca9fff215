from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from tests.media import Clip, write_clip
from vidtrack.render.thumbnail import thumbnail
from vidtrack.video import probe


def test_the_middle_of_a_clip_is_shown_160_pixels_wide(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=24, size=(320, 136), numbered=True))
    for source in (clip, probe(clip)):
        image = Image.open(io.BytesIO(thumbnail(source)))
        assert (image.format, image.size) == ("JPEG", (160, 68))
        assert abs(np.asarray(image).mean() - 8 * 12) < 3  # frame 12 is grey 96


def test_what_cannot_be_decoded_has_none(tmp_path: Path) -> None:
    (tmp_path / "notes.mp4").write_text("not a video\n" * 50)
    assert thumbnail(tmp_path / "notes.mp4") == b""

"""Whoever is hidden in the frames shows nowhere else in the file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests.conftest import Ended
from tests.media import write_pictures
from tests.render.scenes import any_clip, write_log
from tests.video.ffmpeg import ffmpeg

SAID = "cover art is left out: it may show what is hidden"


def images_in(path: Path) -> int:
    """Images beside the video: cover art and attachments."""
    with av.open(str(path)) as container:
        covers = [s for s in container.streams if s.disposition & av.stream.Disposition.attached_pic]
        return len(covers) + sum(
            s.metadata.get("mimetype", "").startswith("image/") for s in container.streams.attachments
        )


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("effect", ["--blur", "--solid", "--parts=boxes"])
def test_cover_art_is_left_out_when_tracks_are_hidden(
    vidtrack: Callable[..., Ended], tmp_path: Path, suffix: str, effect: str
) -> None:
    write_pictures(tmp_path, 1, "cover_{}.jpg")
    plain, clip = any_clip(tmp_path / "plain.mp4", frames=6), tmp_path / f"clip{suffix}"
    if suffix == ".mp4":
        cover = ("-i", tmp_path / "cover_1.jpg", "-map", "0", "-map", "1", "-disposition:v:1", "attached_pic")
    else:  # one that FFmpeg shows as a stream, and one that it keeps as a file
        (tmp_path / "other.webp").write_bytes(b"RIFF")
        cover = (
            *("-attach", tmp_path / "cover_1.jpg", "-metadata:s:t:0", "mimetype=image/jpeg"),
            *("-attach", tmp_path / "other.webp", "-metadata:s:t:1", "mimetype=image/webp"),
        )
    ffmpeg("-i", plain, *cover, "-c", "copy", clip)
    images = images_in(clip)
    assert images == (1 if suffix == ".mp4" else 2)
    log = write_log(tmp_path / "log.jsonl", clip, {1: dict.fromkeys(range(6), (10, 10, 60, 90))}, range(6))
    out = tmp_path / f"out{suffix}"
    ended = vidtrack("render", log, clip, effect, "-o", out)
    assert ended.code == 0, ended.err
    hides = effect != "--parts=boxes"
    assert images_in(out) == (0 if hides else images)
    assert (SAID in ended.err) == hides


def test_the_place_of_recording_is_left_out(vidtrack: Callable[..., Ended], tmp_path: Path) -> None:
    clip = tmp_path / "clip.mov"
    place = (
        "-metadata",
        "location=+48.8577+002.2950/",
        "-metadata",
        "com.apple.quicktime.location.ISO6709=+48.8577+002.2950/",
    )
    named = ("-movflags", "use_metadata_tags", "-metadata", "title=A day")
    ffmpeg("-i", any_clip(tmp_path / "plain.mp4", frames=3), "-c", "copy", *place, *named, clip)
    assert b"+48.8577" in clip.read_bytes()
    log = write_log(tmp_path / "log.jsonl", clip, {1: {0: (10, 10, 60, 90)}}, range(3))
    for suffix in (".mp4", ".mov", ".mkv"):
        assert vidtrack("render", log, clip, "--blur", "-o", tmp_path / f"out{suffix}").code == 0
        data = (tmp_path / f"out{suffix}").read_bytes()
        assert b"+48.8577" not in data and b"A day" in data

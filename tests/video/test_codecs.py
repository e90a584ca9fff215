import os
from fractions import Fraction
from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP
from vidtrack.core.errors import UsageError
from vidtrack.video import EncodeConfig, ReadConfig, VideoReader, VideoWriter, available_hardware, library_versions
from vidtrack.video.codecs import available_codecs, codec_for


def test_versions_and_hardware_are_plain_data() -> None:
    versions = library_versions()
    assert {"av", "libavcodec", "libavformat"} <= set(versions)
    assert all(isinstance(v, str) and v[0].isdigit() for v in versions.values())
    assert all(isinstance(name, str) for name in available_hardware())


def test_defaults_follow_the_container() -> None:
    assert codec_for(None, Path("out.mp4")).name == "h264"
    assert codec_for(None, Path("out.MKV")).name == "h264"
    assert codec_for(None, Path("out.webm")).name == "vp9"


def test_common_names_are_understood() -> None:
    assert codec_for("H265", Path("out.mp4")).name == "hevc"
    assert codec_for("mpeg4", Path("out.mp4")).encoder == "mpeg4"


@pytest.mark.parametrize(
    ("name", "file", "says"),
    [
        ("hvec", "out.mp4", "did you mean hevc"),
        ("aac", "out.mp4", "unknown video codec 'aac'"),
        ("h264", "out.webm", "cannot hold h264"),
        ("prores", "out.mp4", "cannot hold prores"),
        ("h264", "out.txt", "no known video extension"),
    ],
)
def test_what_does_not_go_is_refused_with_a_hint(name: str, file: str, says: str) -> None:
    with pytest.raises(UsageError) as error:
        codec_for(name, Path(file))
    assert says in str(error.value)
    assert error.value.hint


@pytest.mark.parametrize(
    ("name", "crf", "preset", "says"),
    [
        ("h264", 52, None, "crf is 52"),
        ("h264", -1, None, "crf is -1"),
        ("h264", None, "quick", "no preset 'quick'"),
        ("prores", 20, None, "has no crf"),
        ("ffv1", None, "fast", "no preset"),
    ],
)
def test_settings_are_checked(name: str, crf: float | None, preset: str | None, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        codec_for(name, Path("out.mkv")).encoder_options(crf, preset)


def test_settings_reach_the_encoder() -> None:
    options = codec_for("h264", Path("out.mp4")).encoder_options(18, "slow")
    assert (options["crf"], options["preset"]) == ("18", "slow")
    assert codec_for("vp9", Path("out.webm")).encoder_options(None, "8")["cpu-used"] == "8"


def test_the_build_has_the_usual_codecs() -> None:
    assert {"h264", "hevc", "av1", "vp9", "prores", "ffv1"} <= set(available_codecs())


@pytest.mark.skipif(not hasattr(os, "sched_getscheduler"), reason="this system's scheduler cannot be asked")
def test_no_encoder_makes_the_process_real_time(tmp_path: Path) -> None:
    """As SVT-AV1 does where it may, which starves all else on the machine; seen as root only."""

    def policies() -> set[int]:
        return {os.sched_getscheduler(int(thread)) for thread in os.listdir("/proc/self/task")}

    before, seen = policies(), set[int]()
    with VideoReader(EXAMPLE_CLIP, ReadConfig(end_seconds=Fraction(1, 5))) as reader:
        with VideoWriter(tmp_path / "out.mkv", reader.info, EncodeConfig("av1")) as writer:
            for frame in reader:
                writer.write(frame)
                seen |= policies()
    assert seen | policies() == before

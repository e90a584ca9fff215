"""The limits in docs/robustness.md are those of the code, and every environment variable is documented."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.conftest import Ended
from vidtrack.batch.config import Rules
from vidtrack.core import errors
from vidtrack.evaluation import pairs
from vidtrack.export import build
from vidtrack.model.config import DetectorConfig
from vidtrack.tracking.config import TrackerConfig
from vidtrack.tracklog import header, lines, loading
from vidtrack.video import Limits, web_file

ROOT = Path(__file__).parents[2]
ROBUSTNESS = (ROOT / "docs" / "robustness.md").read_text("utf-8")
SECONDS = Limits().seconds or 0
FIELDS = msgspec.json.schema(DetectorConfig)["$defs"]["DetectorConfig"]["properties"]
MOST = {name: FIELDS[name]["maximum"] for name in ("encoder_layers", "num_queries")}


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("pixels per frame", f"{Limits().pixels // 10**6} million"),
        ("length of a clip", f"{SECONDS / 86400} days"),
        ("simultaneous tracks", str(TrackerConfig().max_tracks)),
        ("crashes of a worker", str(Rules().crashes)),
        ("a line of a track log", f"{lines.LONGEST_LINE >> 20} Mi characters"),
        ("values in a line", f"{lines.MOST_VALUES:,}"),
        ("tracks, and events, in a log", f"{loading.MOST_RECORDS:,} each"),
        ("integers in a log", "2^53 - 1" if header.LARGEST == 2**53 - 1 else str(header.LARGEST)),
        (
            "unpacked size of a compressed log",
            f"{lines.LEAST_UNPACKED >> 20} Mi characters, or {lines.MOST_UNPACKED} times its size",
        ),
        ("frames of an exported timeline", f"{build._MOST_FRAMES // 10**6} million"),
        ("frames of an evaluated sequence", f"{pairs._MOST_FRAMES // 10**6} million"),
        ("values in a checkpoint's config", f"{MOST['encoder_layers']} layers, {MOST['num_queries'] // 10**6} million"),
        ("disk that a pipe", f"{web_file._SPARE_BYTES >> 30} GiB"),
        ("an error message", f"{errors._LONGEST} characters"),
    ],
)
def test_the_documented_value_is_the_one_in_the_code(limit: str, value: str) -> None:
    (row,) = [line for line in ROBUSTNESS.splitlines() if line.startswith(f"| {limit}")]
    assert f"| {value}" in row
    (tested,) = re.findall(r"`(tests/\S+\.py)`", row)
    assert (ROOT / tested).exists()


def test_every_variable_is_documented() -> None:
    documented = (ROOT / "docs" / "environment.md").read_text("utf-8")
    sources = [*(ROOT / "vidtrack").rglob("*.py"), *(ROOT / "csrc").rglob("*.c*"), ROOT / "setup.py"]
    reading = re.compile(
        r"(?:environ(?:\.get|\.setdefault)?|getenv)[(\[]\s*\"([A-Z][A-Z_]+)\"|_VARIABLE = \"([A-Z_]+)\""
    )
    used = {one or other for path in sources for one, other in reading.findall(path.read_text("utf-8"))}
    assert {"VIDTRACK_CPU", "VIDTRACK_OPS", "VIDTRACK_CACHE", "HF_ENDPOINT"} <= used
    assert not {name for name in used if f"`{name}`" not in documented}


def test_a_sequence_of_too_many_frames_is_not_scored(vidtrack: Callable[..., Ended], tmp_path: Path) -> None:
    for name in ("truth.txt", "result.txt"):
        (tmp_path / name).write_text("1,1,10,10,50,50,1,1,1\n20000000,1,10,10,50,50,1,1,1\n")
    ended = vidtrack("eval", "tracks", tmp_path / "truth.txt", tmp_path / "result.txt")
    assert ended.code != 0 and "more than 10000000 are not scored" in ended.err

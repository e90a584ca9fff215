"""What type checkers of users see."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SNIPPET = """
from vidtrack import ProgressBar, RunConfig, TrackLog, track_video
result = track_video("a.mp4", log="a.tracks.jsonl", config=RunConfig(stride=2), progress=ProgressBar())
log = TrackLog.load("a.tracks.jsonl")
reveal_type(result.status)
reveal_type(log.boxes_xyxy)
for frame in log:
    reveal_type(frame.seconds)
for track in log.tracks:
    reveal_type(track.crops())
reveal_type(log.tracks[3].label)
log.tracks["3"]
RunConfig(strde=2)
"""
CONFIG = """
[mypy]
[mypy-torch.*,torchvision.*,scipy.*,cv2.*,av.*,pandas.*,polars.*,supervision.*,rich.*]
follow_imports = skip
ignore_missing_imports = True
"""


def test_the_public_interface_is_typed(tmp_path: Path) -> None:
    """As installed: in a folder of packages, where only a py.typed file lets annotations count."""
    pytest.importorskip("mypy")
    venv.create(tmp_path / "env", with_pip=False)
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    paths = [str(ROOT), *(path for path in sys.path if path.endswith("-packages"))]
    (packages / "paths.pth").write_text("\n".join(paths), "utf-8")
    (tmp_path / "user.py").write_text(SNIPPET, "utf-8")
    (tmp_path / "mypy.ini").write_text(CONFIG, "utf-8")
    python = tmp_path / "env" / "bin" / "python"
    command = [sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "user.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert re.findall(r'Revealed type is "(.*?)"', ended.stdout.replace("builtins.", "")) == [
        "vidtrack.core.status.Status",
        "numpy.ndarray[tuple[Any, ...], numpy.dtype[Any]]",
        "fractions.Fraction",
        "list[numpy.ndarray[tuple[Any, ...], numpy.dtype[Any]]]",
        "str",
    ], ended.stdout  # fmt: skip
    errors = [line for line in ended.stdout.splitlines() if " error: " in line]
    assert len(errors) == 2
    assert 'Invalid index type "str" for "Tracks"; expected type "int"' in errors[0]
    assert 'Unexpected keyword argument "strde" for "RunConfig"' in errors[1]

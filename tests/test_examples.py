"""The scripts and the notebook in examples/ run as they stand."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

import pytest

from tests.media import EXAMPLE_CLIP, Clip, write_clip
from vidtrack import TrackLog

EXAMPLES = EXAMPLE_CLIP.parent


def test_a_clip_is_tracked_and_its_log_read(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=12))
    runpy.run_path(str(EXAMPLES / "track_a_clip.py"))["main"](str(clip), str(tmp_path / "out"), str(tiny_checkpoint))
    assert "6/6 frames" in capsys.readouterr().err
    assert (tmp_path / "out" / "clip.tracked.mp4").exists()

    log_path = tmp_path / "out" / "clip.tracks.jsonl"
    runpy.run_path(str(EXAMPLES / "read_a_log.py"))["main"](str(log_path))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(TrackLog.load(log_path).tracks) > 0
    assert any("person" in line or "car" in line for line in lines)


def test_the_notebook_runs(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="reads notebooks")
    nbclient = pytest.importorskip("nbclient", reason="runs notebooks")
    for package in ("ipykernel", "pandas", "supervision"):
        pytest.importorskip(package)
    shutil.copy(EXAMPLE_CLIP, tmp_path)
    notebook = nbformat.read(EXAMPLES / "tracks.ipynb", as_version=4)
    place = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", resources=place).execute()
    shown = [output.data for cell in notebook.cells for output in cell.get("outputs", []) if "data" in output]
    assert "25/25 frames" in shown[0]["text/html"]
    assert shown[1]["text/plain"].startswith("TrackLog('bikes.mp4', 25 frames, 0.96 s, ")
    assert "<svg" in shown[1]["text/html"] and "image/png" in shown[-2]
    assert "'vehicle'" in shown[-1]["text/plain"]
    assert TrackLog.load(tmp_path / "bikes.edited.tracks.jsonl").header.edits[0].operation == "relabel"

"""A log from Python: tracks one by one, tables, detections, and what a notebook shows."""

from __future__ import annotations

import builtins
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.tracklog.logs import BOX, made_log
from vidtrack import TrackLog
from vidtrack.core.optional import MissingPackageError


def without(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a package look as if it were not installed."""
    real = builtins.__import__

    def missing(name: str, *rest: Any) -> Any:
        if name.partition(".")[0] == package:
            raise ModuleNotFoundError(f"No module named {package!r}")
        return real(name, *rest)

    monkeypatch.setattr("vidtrack.core.optional.import_module", missing)


def test_a_log_says_what_it_holds_in_a_line(log: TrackLog, tmp_path: Path) -> None:
    assert repr(log) == "TrackLog('clip.mp4', 5 frames, 0.16 s, 3 tracks: 2 person, 1 car)"
    assert repr(log.tracks) == "Tracks(person 1, car 2, person 4)"
    assert repr(log.tracks[2]) == "Track(2, 'car', 0.04 to 0.08 s, 2 frames)"
    empty = TrackLog.load(made_log(tmp_path / "empty.jsonl", []))
    assert repr(empty) == "TrackLog('clip.mp4', 0 frames, 0 s, 0 tracks)"


def test_tracks_are_found_by_id_and_have_their_columns(log: TrackLog) -> None:
    assert [track.id for track in log.tracks] == [1, 2, 4]
    assert 2 in log.tracks and log.tracks[4] in log.tracks and 3 not in log.tracks
    track = log.tracks[2]
    assert (track.label, len(track), track.score) == ("car", 2, pytest.approx(0.502))
    assert track.frame_indices.tolist() == [1, 2]
    np.testing.assert_allclose(track.seconds, [0.04, 0.08])
    np.testing.assert_allclose(track.centres, [[75, 35], [77, 35]])
    with pytest.raises(KeyError, match="no track 3; the log has 1, 2, 4"):
        log.tracks[3]


def test_tables_hold_a_row_per_object_and_frame(log: TrackLog) -> None:
    pandas = pytest.importorskip("pandas")
    table = log.to_pandas()
    assert list(table.columns) == [
        "index", "seconds", "id", "class", "score", "left", "top", "right", "bottom", "state",
    ]  # fmt: skip
    assert table["index"].tolist() == [0, 1, 1, 2, 4]
    assert table["class"].tolist() == ["person", "person", "car", "car", "person"]
    assert table["state"].tolist() == ["detected"] * 5
    assert table.loc[0, ["left", "top", "right", "bottom"]].tolist() == list(BOX)
    assert isinstance(table["class"].dtype, pandas.CategoricalDtype)
    polars = pytest.importorskip("polars")
    same = log.to_polars()
    assert isinstance(same, polars.DataFrame)
    assert same.rows() == list(table.itertuples(index=False, name=None))


def test_an_empty_log_is_an_empty_table(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    pytest.importorskip("polars")
    log = TrackLog.load(made_log(tmp_path / "empty.jsonl", [{}, {}]))
    assert log.to_pandas().shape == log.to_polars().shape == (0, 10)
    assert len(log.tracks) == 0


def test_supervision_gets_detections_by_frame(log: TrackLog) -> None:
    supervision = pytest.importorskip("supervision")
    detections = log.to_supervision()
    assert list(detections) == [0, 1, 2, 3, 4]
    assert isinstance(detections[1], supervision.Detections)
    assert detections[1].tracker_id.tolist() == [1, 2]
    assert detections[1]["class_name"].tolist() == ["person", "car"]
    assert detections[1].xyxy[0].tolist() == list(BOX)
    assert len(detections[3]) == 0
    scene = np.zeros((100, 160, 3), np.uint8)
    assert supervision.BoxAnnotator().annotate(scene, detections[1]).any()


@pytest.mark.parametrize("package", ["pandas", "polars", "supervision"])
def test_a_missing_package_is_said_in_a_line(log: TrackLog, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without(package, monkeypatch)
    with pytest.raises(MissingPackageError) as error:
        getattr(log, f"to_{package}")()
    assert str(error.value) == f"to_{package}() needs {package} (pip install {package})"
    assert isinstance(error.value, ImportError)

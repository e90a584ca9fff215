"""What an export says, and where the clip is found."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from tests.export.scenes import BY_HAND, exported, moving, scene_of, write_log
from tests.export.test_cvat import cvat_boxes
from vidtrack.core.errors import UsageError
from vidtrack.export import cvat, datasets, tables
from vidtrack.export.build import ExportConfig
from vidtrack.export.registry import find_formats
from vidtrack.export.run import export_log, plan_outputs


def test_the_clip_beside_the_log_is_found(tmp_path: Path) -> None:
    log = tmp_path / "shot 12.tracks.jsonl"
    log.write_bytes(BY_HAND.read_bytes())
    (tmp_path / "shot 12.mov").touch()
    script = exported(log, "after-effects-script", tmp_path / "out").read_text("utf-8")
    assert json.dumps(str(tmp_path / "shot 12.mov")) in script


def test_without_pyarrow_the_other_formats_are_written_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    log = write_log(tmp_path / "a.tracks.jsonl", {1: moving(5)}, range(5))
    with pytest.raises(UsageError, match=r"needs the pyarrow package; .*pip install 'vidtrack\[parquet\]'"):
        exported_all(log, ("parquet", "csv", "mot"))
    assert (tmp_path / "a.tracks.csv").exists() and (tmp_path / "a.mot.txt").exists()


def test_a_log_without_tracks_is_an_empty_table(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.tracks.jsonl", {}, range(5))
    exported_all(log, ("csv", "mot", "coco"))
    assert (tmp_path / "a.mot.txt").read_text() == ""
    assert len((tmp_path / "a.tracks.csv").read_text().splitlines()) == 1
    coco = json.loads((tmp_path / "a.coco.json").read_text())
    assert (len(coco["images"]), coco["annotations"], coco["tracks"]) == (5, [], [])
    assert len(pytest.importorskip("pyarrow.parquet").read_table(exported(log, "parquet", tmp_path))) == 0
    with pytest.raises(UsageError, match=r"has no tracks, and nuke cannot be empty"):
        exported_all(log, ("csv", "nuke"))


def exported_all(log: Path, names: tuple[str, ...]) -> None:
    formats = find_formats(names)
    export_log(log, formats, plan_outputs({log: Path()}, formats, None)[log], ExportConfig())


def test_a_variable_rate_is_no_matter_for_rows_and_decoded_frames(tmp_path: Path) -> None:
    pts = [0, 33, 67, 100, 150, 200]
    log = write_log(tmp_path / "a.jsonl", {1: moving(6)}, range(6), Fraction(24), lambda i: pts[i], Fraction(1, 1000))
    scene = scene_of(log)
    assert [line.split(",")[2] for line in tables.write_csv(scene).splitlines()[1:]] == [
        "0", "0.033", "0.067", "0.1", "0.15", "0.2",
    ]  # fmt: skip
    assert [line.split(",")[0] for line in datasets.write_mot(scene).splitlines()] == list("123456")
    assert [box["frame"] for box in cvat_boxes(cvat.write(scene))] == list("012345")

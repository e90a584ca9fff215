"""CSV and Parquet."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.export.readers import boxes_by_frame, same
from tests.export.scenes import BY_HAND, by_hand, exported, moving, scene_of, write_log
from vidtrack.export import tables


def test_csv_has_a_row_a_box_with_time_and_timecode(tmp_path: Path) -> None:
    with exported(BY_HAND, "csv", tmp_path).open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 8
    assert rows[0] == {
        "frame": "0", "index": "0", "seconds": "0", "timecode": "00:00:59;28", "id": "2", "class": "traffic light",
        "score": "0.75", "left": "300.0", "top": "10.0", "right": "310.0", "bottom": "40.0", "state": "detected",
    }  # fmt: skip
    assert [(row["frame"], row["id"]) for row in rows][:4] == [("0", "2"), ("1", "1"), ("1", "2"), ("2", "1")]
    assert [row["timecode"] for row in rows if row["id"] == "1"][:3] == ["00:00:59;29", "00:01:00;02", "00:01:00;03"]
    assert [row["state"] for row in rows if row["id"] == "1"] == ["detected", "detected", "predicted", "detected", "detected"]  # fmt: skip  # noqa: E501


def test_tables_hold_only_what_was_logged(tmp_path: Path) -> None:
    log = write_log(tmp_path / "a.jsonl", {1: moving(9)}, range(0, 9, 2))
    text = tables.write_csv(scene_of(log))
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == ["0", "2", "4", "6", "8"]


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="reads Parquet")
    table = parquet.read_table(exported(BY_HAND, "parquet", tmp_path))
    rows = table.to_pylist()
    found = {row["frame"]: [row[side] for side in ("left", "top", "right", "bottom")] for row in rows if row["id"] == 1}
    same(found, boxes_by_frame(by_hand()))
    assert str(table.schema.field("frame").type) == "int64"
    assert table.schema.metadata[b"vidtrack.rate"] == b"30000/1001"

"""Commands on a folder of logs."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import BOXES
from tests.conftest import Ended, assert_one_line
from tests.render.scenes import write_log
from tests.tracklog.logs import made_log
from vidtrack import TrackLog
from vidtrack.batch.manifest import DONE, FOLDER, NAME, Manifest, Row
from vidtrack.batch.overview import write_overview

Command = Callable[..., Ended]
DOCUMENT = Path(__file__).parents[2] / "docs" / "formats.md"


@pytest.fixture
def folder(log: Path) -> Path:
    """Two logs with their clip, one of them deeper, and one that is cut off in its header."""
    home = log.parent / "tracked"
    for name in ("a.tracks.jsonl", "day 2/b.tracks.jsonl"):
        place = home / name
        place.parent.mkdir(parents=True, exist_ok=True)
        clip = Path(shutil.copy(log.with_name("shot.mov"), place.with_name("shot.mov")))
        write_log(place, clip, BOXES, range(30))
    (home / "cut.jsonl").write_text(log.read_text("utf-8")[:500], "utf-8")
    return home


def test_show_lists_the_logs_of_a_folder(vidtrack: Command, folder: Path) -> None:
    ended = vidtrack("show", folder)
    assert ended.code == 1
    assert [line.split("  ")[0] for line in ended.out.splitlines()] == [
        "log", "a.tracks.jsonl", "day 2/b.tracks.jsonl", "", "3 logs, 60 frames, 4 tracks, 1 could not be read",
    ]  # fmt: skip
    assert re.search(r"a\.tracks\.jsonl +complete +30 +1\.16 +2 +person 1, car 1", ended.out)
    (line,) = ended.err.splitlines()
    assert line.startswith(f"vidtrack: error: {folder}/cut.jsonl")
    records = [json.loads(line) for line in vidtrack("show", folder, "--json", "--min-length", "0.5").out.splitlines()]
    assert [(Path(record["log"]).name, len(record["tracks"])) for record in records] == [
        ("a.tracks.jsonl", 1), ("b.tracks.jsonl", 1),
    ]  # fmt: skip


def test_counts_of_a_folder_end_in_totals(vidtrack: Command, folder: Path, tmp_path: Path) -> None:
    (folder / "cut.jsonl").unlink()
    gate = ("--line", "gate=100,0,100,240", "--zone", "all=0%,0%,100%,0%,100%,100%,0%,100%")
    ended = vidtrack("count", folder, *gate, "-o", tmp_path / "counted")
    assert (ended.code, ended.err) == (0, "")
    assert [line.split() for line in ended.out.splitlines()] == [
        ["log", "line", "class", "right", "left"],
        ["a.tracks.jsonl", "gate", "person", "0", "1"],
        ["day", "2/b.tracks.jsonl", "gate", "person", "0", "1"],
        ["total", "gate", "person", "0", "2"],
        [],
        ["log", "zone", "class", "enter", "exit", "appear"],
        ["a.tracks.jsonl", "all", "person", "0", "0", "1"],
        ["a.tracks.jsonl", "all", "car", "0", "0", "1"],
        ["a.tracks.jsonl", "all", "all", "0", "0", "2"],
        ["day", "2/b.tracks.jsonl", "all", "person", "0", "0", "1"],
        ["day", "2/b.tracks.jsonl", "all", "car", "0", "0", "1"],
        ["day", "2/b.tracks.jsonl", "all", "all", "0", "0", "2"],
        ["total", "all", "person", "0", "0", "2"],
        ["total", "all", "car", "0", "0", "2"],
        ["total", "all", "all", "0", "0", "4"],
    ]
    written = TrackLog.load(tmp_path / "counted" / "day 2" / "b.tracks.jsonl")
    assert [event.direction for event in written.events if event.name == "gate"] == ["left"]


def test_totals_sum_up_classes(vidtrack: Command, tmp_path: Path) -> None:
    """A person in both clips, a car in one."""
    path = [{1: (10 + 100 * n, 10, 30 + 100 * n, 60), 2: (610 - 100 * n, 10, 630 - 100 * n, 60)} for n in range(7)]
    (tmp_path / "in").mkdir()
    made_log(tmp_path / "in" / "a.jsonl", path, {2: 1})
    made_log(tmp_path / "in" / "b.jsonl", [{1: boxes[1]} for boxes in path])
    lines = vidtrack("count", tmp_path / "in", "--line", "gate=320,0,320,272").out.splitlines()
    assert [line.split() for line in lines[-3:]] == [
        ["total", "gate", "person", "0", "2"], ["total", "gate", "car", "1", "0"], ["total", "gate", "all", "1", "2"],
    ]  # fmt: skip


def test_a_folder_gets_a_report_per_log_and_its_batch_page_links_to_them(vidtrack: Command, folder: Path) -> None:
    (folder / FOLDER).mkdir()
    row = Row(Path("b.mp4"), 1, 1, outputs=(("day 2/b.tracks.jsonl", 6),), state=DONE, status="complete")
    manifest = Manifest(folder / FOLDER / NAME)
    manifest.put([row])
    manifest.close()
    write_overview(folder, [row])
    page = folder / FOLDER / "index.html"
    assert "b.report.html" not in page.read_text("utf-8")
    ended = vidtrack("report", folder, "--progress", "none")
    assert ended.code == 1
    made = [folder / "a.report.html", folder / "day 2" / "b.report.html"]
    assert [line for line in ended.out.splitlines() if line.endswith(".html")] == list(map(str, made))
    assert ended.err.splitlines()[-1] == "3 logs: 2 done, 1 failed"
    assert '<a href="../day%202/b.report.html">report</a>' in page.read_text("utf-8")

    (folder / "cut.jsonl").unlink()
    made[0].unlink()
    again = vidtrack("report", folder, "--progress", "none")
    assert (again.code, again.out.splitlines()[0]) == (0, str(made[0]))
    assert again.err.splitlines()[-1] == "2 logs: 1 done, 1 skipped, as their outputs exist (--overwrite replaces them)"


def test_a_folder_is_rendered_into_the_same_tree(vidtrack: Command, folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "hidden"
    ended = vidtrack("render", folder, "--solid", "-o", out, "--report", tmp_path / "reports", "--progress", "plain")
    assert ended.code == 1
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*.mp4")) == [
        "a.hidden.mp4", "day 2/b.hidden.mp4",
    ]  # fmt: skip
    record = json.loads((tmp_path / "reports" / "day 2" / "b.json").read_text("utf-8"))
    assert [made["output"] for made in record["made"]] == [str(out / "day 2" / "b.hidden.mp4")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["report", "DIR", "--tracks", "1"], "--tracks is for a single log"),
        (["render", "DIR", "--except", "1"], "--except is for a single log"),
        (["render", "DIR", "--crop-track", "1"], "--crop-track ID is for a single log"),
        (["report", "DIR", "clip.mp4"], "VIDEO is for a single log"),
        (["show", "DIR", "--tracks", "1"], "--tracks is for a single log"),
        (["count", "DIR", "--tracks", "1", "--line", "a=0,0,9,9"], "--tracks is for a single log"),
        (["report", "DIR", "-o", "page.html"], "-o page.html is a single file"),
        (["render", "DIR", "--blur", "--report", "r.json"], "--report r.json is a single file"),
    ],
)
def test_what_means_one_log_is_refused_for_a_folder(
    vidtrack: Command, folder: Path, arguments: list[str], said: str
) -> None:
    assert_one_line(vidtrack(*(folder if word == "DIR" else word for word in arguments)), 2, said)


@pytest.mark.parametrize("command", ["report", "render", "show", "count"])
def test_a_folder_without_logs_is_said(vidtrack: Command, tmp_path: Path, command: str) -> None:
    (tmp_path / "empty").mkdir()
    assert_one_line(vidtrack(command, tmp_path / "empty"), 3, "contains no track log")


def test_the_query_of_the_documents_runs_over_a_folder(
    vidtrack: Command, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    duckdb = pytest.importorskip("duckdb", reason="queries Parquet files")
    pytest.importorskip("pyarrow", reason="writes Parquet files")
    (folder / "cut.jsonl").unlink()
    assert vidtrack("export", folder, "--to", "parquet", "-o", tmp_path / "tables").code == 0
    monkeypatch.chdir(tmp_path)
    query = re.search(r"```sql\n(.*?)```", DOCUMENT.read_text("utf-8"), re.S)
    assert query is not None
    rows = duckdb.sql(query[1]).fetchall()
    clips = sorted(str(folder / place / "shot.mov") for place in ("", "day 2"))
    longest = {"person": 29 / 25, "car": 11 / 25}
    assert sorted(rows) == [
        (clip, label, 1, pytest.approx(longest[label])) for clip in clips for label in ("car", "person")
    ]

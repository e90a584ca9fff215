"""`vidtrack eval` as people call it: tables, files, images, and one clear line for what is wrong."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from tests.conftest import Ended, assert_one_line
from tests.evaluation.cases import log, sequence, still
from tests.evaluation.coco_cases import PERSON, box, coco, found, written
from vidtrack.cli.evaluate import RuleSet
from vidtrack.evaluation.ignoring import Rules

Command = Callable[..., Ended]
SWITCH = still(4, range(1, 4)) + still(5, range(4, 6))


@pytest.fixture
def benchmark(tmp_path: Path) -> tuple[Path, Path]:
    """Ground truth and results of sequences A, perfect, and B, with one switch."""
    results = tmp_path / "results"
    results.mkdir()
    for name, text in (("A", still(9, range(1, 6))), ("B", SWITCH)):
        sequence(tmp_path / "truth", name)
        (results / f"{name}.txt").write_text(text)
    return tmp_path / "truth", results


def test_the_option_knows_every_rule() -> None:
    assert [str(one) for one in RuleSet] == [str(one) for one in Rules]


def test_tracks_of_a_benchmark(vidtrack: Command, benchmark: tuple[Path, Path], tmp_path: Path) -> None:
    ended = vidtrack(
        "eval", "tracks", *benchmark, "--json", tmp_path / "a.json", "--csv", tmp_path / "new/a.csv",
        "--figure", tmp_path / "figures",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].split() == "sequence HOTA DetA AssA LocA MOTA IDF1 IDSW MT ML FP FN".split()
    assert lines[2].split() == ["A", *["100.00"] * 6, "0", "1", "0", "0", "0"]
    assert lines[-1].split()[0] == "combined" and lines[-1].split()[5:8] == ["90.00", "80.00", "1"]
    values = json.loads((tmp_path / "a.json").read_text())
    assert values["combined"]["mota"] == pytest.approx(0.9)
    assert values["sequences"]["A"]["rules"] == "ignore" and len(values["sequences"]["A"]["hota_alphas"]) == 19
    assert values["sequences"]["B"]["switched"] == [{"frame": 4, "object": 1, "before": 4, "after": 5}]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "new/a.csv").read_text())))
    assert [row["sequence"] for row in rows] == ["A", "B", "combined"]
    assert float(rows[1]["idf1"]) == pytest.approx(0.6)
    assert sorted(path.name for path in (tmp_path / "figures").iterdir()) == ["A.png", "B.png"]
    assert cv2.imread(str(tmp_path / "figures/B.png")).shape[1] == 1600


def test_json_on_standard_output_is_all_there_is(vidtrack: Command, benchmark: tuple[Path, Path]) -> None:
    ended = vidtrack("eval", "tracks", *benchmark, "--json", "-", "--sequences", "B")
    values = json.loads(ended.out)
    assert list(values["sequences"]) == ["B"] and values["combined"] is None
    assert ended.err == ""


def test_csv_on_standard_output_is_all_there_is(
    vidtrack: Command, benchmark: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended = vidtrack("eval", "tracks", *benchmark, "--csv", "-")
    assert [row["sequence"] for row in csv.DictReader(io.StringIO(ended.out))] == ["A", "B", "combined"]
    assert not Path("-").exists()


def test_a_long_table_is_not_cut(vidtrack: Command, tmp_path: Path) -> None:
    name = "MOT17-02-" + "a" * 150
    sequence(tmp_path / "truth", name)
    (tmp_path / f"{name}.txt").write_text(SWITCH)
    ended = vidtrack("eval", "tracks", tmp_path / "truth", tmp_path / f"{name}.txt")
    assert name in ended.out and len(ended.out.splitlines()) == 3


def test_a_track_log(vidtrack: Command, tmp_path: Path) -> None:
    ended = vidtrack("eval", "tracks", sequence(tmp_path, "A"), log(tmp_path / "A.tracks.jsonl"), "--classes", "Person")
    assert ended.out.splitlines()[-1].split()[:2] == ["A", "100.00"]


@pytest.mark.parametrize("lines", [-1, -3])  # its footer; also the lines of its two tracks
def test_a_log_that_was_cut_off_is_said(vidtrack: Command, tmp_path: Path, lines: int) -> None:
    path = log(tmp_path / "A.tracks.jsonl")
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:lines]))
    ended = vidtrack("eval", "tracks", sequence(tmp_path, "A"), path)
    assert ended.code == 0
    assert ended.err == f"vidtrack: note: {path} (incomplete) is scored as far as it goes\n"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:4]))
    ended = vidtrack("eval", "tracks", tmp_path / "A", path)
    assert_one_line(ended, 2, "covers 3 of the 5 frames of A")


def test_an_empty_result_among_others_is_said(vidtrack: Command, benchmark: tuple[Path, Path]) -> None:
    (benchmark[1] / "A.txt").write_text("")
    ended = vidtrack("eval", "tracks", *benchmark)
    assert ended.code == 0
    assert ended.err == f"vidtrack: note: {benchmark[1]}/A.txt has no boxes\n"


@pytest.mark.shared
def test_figures_of_outside_data(vidtrack: Command, tmp_path: Path) -> None:
    """The TUD sequences that the wheel of motmetrics 1.4.0 carries, with figures that two other packages agree on."""
    for name in ("TUD-Campus", "TUD-Stadtmitte"):
        (tmp_path / "truth" / name / "gt").mkdir(parents=True)
        shutil.copy(tud_folder() / name / "gt.txt", tmp_path / "truth" / name / "gt/gt.txt")
        shutil.copy(tud_folder() / name / "test.txt", tmp_path / f"{name}.txt")
    ended = vidtrack("eval", "tracks", tmp_path / "truth", tmp_path, "--json", "-")
    values = json.loads(ended.out)
    for name, shares, counts in (
        ("TUD-Campus", (0.391397, 0.418047, 0.369121, 0.526462, 0.557659), (209, 150, 13, 7)),
        ("TUD-Stadtmitte", (0.397849, 0.392268, 0.408841, 0.564014, 0.644619), (704, 452, 45, 7)),
        ("combined", (0.399957, 0.397683, 0.412450, 0.555116, 0.624296), (913, 602, 58, 14)),
    ):
        row = values["combined"] if name == "combined" else values["sequences"][name]
        assert [row[key] for key in ("hota", "deta", "assa", "mota", "idf1")] == pytest.approx(shares, abs=1e-6), name
        keys = ("true_positives", "false_negatives", "false_positives", "switches")
        assert tuple(row[key] for key in keys) == counts, name


def tud_folder() -> Path:
    """Where the wheel's data is: installed, or unpacked into VIDTRACK_MOTMETRICS."""
    installed = importlib.util.find_spec("motmetrics")
    root = os.environ.get("VIDTRACK_MOTMETRICS")
    if installed is None and root is None:
        pytest.fail("needs `pip install --no-deps motmetrics==1.4.0`, or that wheel unpacked into VIDTRACK_MOTMETRICS")
    package = Path(root) / "motmetrics" if root else Path(str(installed and installed.origin)).parent
    return package / "data"


def another_size(folder: Path) -> None:
    log(folder / "result.jsonl", size=(128, 64))


def too_long(folder: Path) -> None:
    log(folder / "result.jsonl", frames=range(9))


def too_short(folder: Path) -> None:
    log(folder / "result.jsonl", frames=range(3))


def other_classes(folder: Path) -> None:
    log(folder / "result.jsonl", classes=(1,))


def damaged(folder: Path) -> None:
    text = log(folder / "result.jsonl").read_text().splitlines()
    text[2] = text[2][:20]
    (folder / "result.jsonl").write_text("\n".join(text))


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (another_size, 2, "has images of 128x64, A of 64x64"),
        (too_long, 2, "ends at frame 9, A at 5"),
        (too_short, 2, "covers 3 of the 5 frames of A (give --partial"),
        (other_classes, 2, "no boxes of class person, only of café"),
        (damaged, 3, "line 3"),
    ],
)
def test_logs_that_do_not_fit(
    vidtrack: Command, tmp_path: Path, make: Callable[[Path], None], code: int, said: str
) -> None:
    make(tmp_path)
    assert_one_line(vidtrack("eval", "tracks", sequence(tmp_path, "A"), tmp_path / "result.jsonl"), code, said)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("", "nothing to score"),
        ("1,1,10,10,20\n", "line 1: 5 values"),
        ("1,1,10,10,20,40\n\n2,1,10,10,2O,40\n", "line 3: not numbers: '2,1,10,10,2O,40'"),
        ("0,1,10,10,20,40\n", "line 1: the frame is before 1"),
        ("1.5,1,10,10,20,40\n", "line 1: the frame is not a whole number"),
        ("1,1.5,10,10,20,40\n", "line 1: the id is not a whole number"),
        ("1,1,10,nan,20,40\n", "line 1: a value is not finite"),
        ("1e300,1,10,10,20,40\n", "line 1: a value is too large"),
        ("1,1,10,10,1e300,1e300\n", "line 1: a value is too large"),
        ("1,1,10,,20,40,1\n", "line 1: not numbers: '1,1,10,,20,40,1'"),
        ("1,1,10,10,-20,40\n", "line 1: the width or the height is negative"),
        ("1,-1,10,10,20,40,0.5\n", "boxes without an id in frame 1 (these are detections"),
        ("1,-1,10,10,20,40,-1,-1,-1,-1\n", "boxes without an id in frame 1 (these are detections"),
        ("1,0,10,10,20,40\n1,0,1,1,2,2\n", "id 0 more than once in frame 1"),
        ("1,3,10,10,20,40,0\n1,3,1,1,2,2,0\n", "id 3 more than once in frame 1"),
        ("1,3,10,10,20,40\n2,4,1,1,2,2\n2,4,10,10,20,40\n", "id 4 more than once in frame 2"),
        ("7,1,10,10,20,40\n", "ends at frame 7, A at 5"),
        ("\x00\xff", "not"),
    ],
)
def test_mot_files_that_do_not_fit(vidtrack: Command, tmp_path: Path, rows: str, said: str) -> None:
    result = tmp_path / "result.txt"
    result.write_bytes(rows.encode("latin-1"))
    assert_one_line(vidtrack("eval", "tracks", sequence(tmp_path, "A"), result), 2, "result.txt", said)


@pytest.mark.parametrize("rows", ["", still(1, range(1, 6), score=0)])
def test_ground_truth_without_a_box_that_counts(vidtrack: Command, tmp_path: Path, rows: str) -> None:
    (tmp_path / "a.txt").write_text(SWITCH)
    ended = vidtrack("eval", "tracks", sequence(tmp_path, "A", rows), tmp_path / "a.txt")
    assert_one_line(ended, 2, "gt.txt has no boxes that count")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("absent", "results"), "absent does not exist"),
        (("results", "absent"), "absent does not exist"),
        (("empty", "results"), "no ground truth in empty"),
        (("truth", "empty"), "no result in empty for A, B (results are named NAME.txt"),
        (("truth", "other"), "no result in other for A, B (it has C, D; results are named"),
        (("truth", "double"), "2 results for A: A.jsonl, A.txt"),
        (("truth", "results/A.txt"), "one file, the ground truth has 2 sequences"),
        (("truth", "results", "--sequences", "A,Z"), "truth has no sequence Z (it has A, B)"),
        (("truth", "results", "--sequences", ","), "no sequence given"),
        (("truth", "results", "--classes", "person"), "is a MOT file, which has no class names"),
        (("truth", "results", "--truth-class", "3"), "no column of classes"),
        (("truth", "results", "--json", "results"), "results is a folder"),
        (("truth/A", "results/A.txt", "--csv", "results/A.txt"), "results/A.txt would replace"),
        (("truth", "results", "--csv", "x", "--json", "x"), "x would replace"),
        (("truth", "results", "--csv", "-", "--json", "-"), "- would replace"),
        (("truth", "results", "--csv", "new", "--json", "empty/x"), "empty/x already exists (--overwrite replaces it)"),
        (("truth", "results", "--csv", "new", "--figure", "figures"), "figures/B.png already exists"),
    ],
)
def test_what_does_not_belong_together(
    vidtrack: Command,
    benchmark: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    doubled = ("double/A.txt", "double/A.jsonl", "double/B.txt")
    for name in ("empty/x", "figures/B.png", "other/C.txt", "other/D.tracks.jsonl", *doubled):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).touch()
    before = (benchmark[1] / "A.txt").read_text()
    assert_one_line(vidtrack("eval", "tracks", *arguments), 2, said)
    assert (benchmark[1] / "A.txt").read_text() == before
    assert not Path("new").exists()


def test_files_are_replaced_when_told_to(vidtrack: Command, benchmark: tuple[Path, Path], tmp_path: Path) -> None:
    outputs = ("--json", tmp_path / "a.json", "--figure", tmp_path)
    for name in ("a.json", "A.png", "B.png"):
        (tmp_path / name).touch()
    assert vidtrack("eval", "tracks", *benchmark, *outputs, "--overwrite").code == 0
    assert all((tmp_path / name).stat().st_size for name in ("a.json", "A.png", "B.png"))


def test_a_sequence_without_its_length_may_end_before_the_result_which_is_said(
    vidtrack: Command, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text(still(1, range(1, 9)))
    ended = vidtrack("eval", "tracks", sequence(tmp_path, "A", frames=None), tmp_path / "a.txt")
    assert ended.code == 0 and "ends at frame 8" in ended.err and "at 5: do they belong to one clip?" in ended.err


@pytest.mark.parametrize("side", ["truth", "result"])
def test_a_time_in_the_column_of_frames_is_no_frame(vidtrack: Command, tmp_path: Path, side: str) -> None:
    rows = SWITCH + still(1, [1_700_000_000])
    (tmp_path / "a.txt").write_text(rows if side == "result" else SWITCH)
    truth = sequence(tmp_path, "A", rows if side == "truth" else SWITCH, frames=None)
    ended = vidtrack("eval", "tracks", truth, tmp_path / "a.txt")
    assert_one_line(ended, 2, "A has 1700000000 frames by", "is a frame number wrong?")


@pytest.mark.parametrize(
    ("told", "changed", "said"),
    [
        ("frameRate=5", "frameRate=0", "has frameRate 0"),
        ("frameRate=5", "frameRate=nan", "has frameRate nan"),
        ("seqLength=5", "seqLength=0", "has seqLength 0"),
        ("imWidth=64", "imWidth=-64", "has imWidth -64"),
        ("seqLength=5", "seqLength=five", "has seqLength five"),
    ],
)
def test_a_sequence_that_cannot_be(vidtrack: Command, tmp_path: Path, told: str, changed: str, said: str) -> None:
    (tmp_path / "a.txt").write_text(SWITCH)
    info = sequence(tmp_path, "A") / "seqinfo.ini"
    info.write_text(info.read_text().replace(told, changed))
    ended = vidtrack("eval", "tracks", tmp_path / "A", tmp_path / "a.txt", "--figure", tmp_path)
    assert_one_line(ended, 2, "seqinfo.ini", said)


def test_ground_truth_without_the_class_that_counts(vidtrack: Command, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(SWITCH)
    truth = sequence(tmp_path, "A", "".join(f"{frame},1,11,11,20,40,1,3,1\n" for frame in range(1, 6)))
    said = "gt.txt has no boxes that count (mot17 counts class 1, --truth-class another)"
    assert_one_line(vidtrack("eval", "tracks", truth, tmp_path / "a.txt"), 2, said)
    assert vidtrack("eval", "tracks", truth, tmp_path / "a.txt", "--truth-class", 3).code == 0


def test_a_sequence_without_ground_truth_is_not_passed_over(vidtrack: Command, benchmark: tuple[Path, Path]) -> None:
    (benchmark[0] / "B/gt/gt.txt").unlink()
    ended = vidtrack("eval", "tracks", *benchmark)
    assert_one_line(ended, 2, "no ground truth in", "for B (select some with --sequences: A)")
    assert vidtrack("eval", "tracks", *benchmark, "--sequences", "A").code == 0


def test_outputs_that_cannot_be_written(vidtrack: Command, benchmark: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for option in ("--json", "--csv"):
        assert_one_line(vidtrack("eval", "tracks", *benchmark, option, tmp_path / "file/x"), 1, "file/x cannot be")
    assert_one_line(vidtrack("eval", "tracks", *benchmark, "--figure", tmp_path / "file"), 1, "A.png cannot be written")


@pytest.mark.parametrize(("package", "kind"), [("trackeval", "tracks"), ("pycocotools.coco", "detections")])
def test_what_is_not_installed_is_named(
    vidtrack: Command,
    benchmark: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    package: str,
    kind: str,
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    truth = coco(tmp_path / "t.json", [box("p0", PERSON, 50)])
    files = benchmark if kind == "tracks" else (truth, written(tmp_path / "r.json", [found("p0", PERSON, 50)]))
    assert_one_line(vidtrack("eval", kind, *files), 2, package.split(".")[0], "pip install 'vidtrack[evaluation]'")

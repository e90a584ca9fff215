"""File names that mean something to a shell, a file system, a pattern, a page or FFmpeg: here they are names."""

from __future__ import annotations

import html
import json
import os
import re
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.forkserver import Ending, ForkServer
from tests.faults.targets import Material
from tests.media import Clip, write_clip
from vidtrack import TrackLog

Command = Callable[..., Ending]
NAMES = [
    "with space", "-dash", "it's \"quoted\"", "new\nline", "back\\slash", "concat:x|y", "$(touch pwned)", "%d", "[abc]",
    "*", "~", "<b>bold", "=1+1", unicodedata.normalize("NFC", "café"), unicodedata.normalize("NFD", "café"),
    "\u202egpj", os.fsdecode(b"caf\xe9"), "n" * 230,
]  # fmt: skip
MORE = [
    " leading", "--overwrite", "tab\tbell\x07", "a:b", "http:x", "pipe:0", "file:x", "`touch pwned`", "a;b&c|d>e",
    "img_%04d", "100%", "what?", "~root", "#fragment", "{name}", "a..", "con", "日本🚲", "\u2028line",
    os.fsdecode(b"\xff\xfe"),
]  # fmt: skip


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", Clip(frames=3, size=(64, 48))).read_bytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where commands are typed."""
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


@pytest.fixture
def run(server: ForkServer, folder: Path) -> Command:
    """The command line in a separate process, which prints names that are no UTF-8 as they are."""
    return lambda *arguments: server.run("command", list(map(str, arguments)), folder, [folder.parent])


@pytest.fixture
def detect(run: Command, made: Material) -> Command:
    return lambda *arguments: run("detect", "--model", made.model, "--score", 0.3, "--progress", "none", *arguments)


def tree(folder: Path) -> set[str]:
    return {os.fsdecode(os.path.relpath(path, folder)) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("names", [NAMES, pytest.param(MORE, marks=pytest.mark.slow)], ids=["some", "more"])
def test_a_folder_of_odd_names(detect: Command, run: Command, clip: bytes, folder: Path, names: list[str]) -> None:
    """Each becomes its own results, whose every further use leaves everything else alone."""
    sources = folder / "in"
    sources.mkdir()
    for name in names:
        (sources / f"{name}.mp4").write_bytes(clip)
    ended = detect(sources, "-o", folder / "out", "--report", folder / "report.json")
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    logs = {name: folder / "out" / f"{name}.tracks.jsonl" for name in names}
    videos = {f"{name}.tracked.mp4" for name in names}
    assert {name for name in tree(folder / "out") if not name.startswith("vidtrack-batch")} == videos | {
        path.name for path in logs.values()
    }
    for name, path in logs.items():
        log = TrackLog.load(path)
        assert log.header.source.path == str(sources / f"{name}.mp4")
        assert (log.status, len(log)) == ("complete", 3)
    assert run("validate", *logs.values()).code == 0
    json.loads((folder / "report.json").read_text("utf-8"))

    ended = run("export", *logs.values(), "--to", "csv,otio,ass,nuke,blender", "-o", folder / "exports")
    assert ended.code == 0, ended.err
    assert len(list((folder / "exports").iterdir())) == 5 * len(names)
    assert {path.name for path in folder.iterdir()} == {"in", "out", "report.json", "exports"}
    assert tree(sources) == {f"{name}.mp4" for name in names}


@pytest.mark.parametrize("name", ["<b>bold", 'it\'s "quoted"', "new\nline", os.fsdecode(b"caf\xe9")], ids=ascii)
def test_pictures_and_pages_of_odd_names(detect: Command, run: Command, clip: bytes, folder: Path, name: str) -> None:
    source = folder / f"{name}.mp4"
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(clip)
    assert detect(source, "--no-video").code == 0
    log = source.with_name(f"{name.rpartition('/')[2]}.tracks.jsonl")
    for command in (("render", log, "--blur"), ("render", log, "--stills"), ("report", log)):
        ended = run(*command, "--progress", "none", "-o", f"{folder / 'made'}/")
        assert ended.code == 0, ended.err
    page = next((folder / "made").glob("*.html")).read_text("utf-8")
    assert "<b>" not in page
    title = re.search(r"<title>(.*?)</title>", page, re.DOTALL)
    assert title is not None
    assert html.unescape(title[1]).isprintable() or "\n" in name


def test_a_name_commands_no_terminal(run: Command, made: Material, clip: bytes, folder: Path) -> None:
    name = "\x1b]0;title\x07\x1b[31mred\rnew\nline\x9b2J"
    (folder / "in").mkdir()
    (folder / "in" / f"{name}.mp4").write_bytes(clip)
    (folder / "in" / f"bad{name}.mp4").write_text("no video")
    detect = ("detect", "--model", made.model, "--score", 0.3)
    endings = [
        run(*detect, folder / "in", "-o", folder / "out"),
        run(*detect, folder / "in" / f"{name}.mp4", "-o", folder / "clip.mp4"),
        run(*detect, folder / "in" / f"{name}.mp4", "--overwrite", "--progress", "json", "-o", folder / "clip.mp4"),
        run(*detect, folder / "in" / f"{name}.avi"),
        run("probe", folder / "in" / f"{name}.mp4"),
        run("render", folder / f"{name}.jsonl"),
    ]
    assert [ending.code for ending in endings] == [1, 0, 0, 3, 0, 3]
    for ending in endings:
        said = ending.err + ending.out
        assert "\\u001b]0;title" in said
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", said)
    for line in endings[2].err.splitlines():
        json.loads(line)


def test_dashes_and_dots_typed_in_the_working_folder(detect: Command, clip: bytes, folder: Path) -> None:
    (folder / "../above.mp4").write_bytes(clip)
    (folder / "-i.mp4").write_bytes(clip)
    assert detect("--no-video", "--", "-i.mp4").code == 0
    assert detect("--no-video", "../above.mp4", "-o", "./x/../y/").code == 0
    assert detect("--no-video", ".//.././above.mp4", "-o", "../sub/dir/").code == 0
    made = {name for name in tree(folder.parent) if name.endswith((".mp4", ".jsonl"))}
    assert made == {
        "above.mp4", "work/-i.mp4", "work/-i.tracks.jsonl", "work/y/above.tracks.jsonl", "sub/dir/above.tracks.jsonl",
    }  # fmt: skip


def test_a_name_too_long_for_its_results_fails_alone(detect: Command, clip: bytes, folder: Path) -> None:
    (folder / "in").mkdir()
    for name in ("a", "n" * 250, "z"):
        (folder / "in" / f"{name}.mp4").write_bytes(clip)
    ended = detect(folder / "in", "-o", folder / "out")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert "too long" in ended.err and "2 complete, 1 failed" in ended.err
    assert {"a.tracks.jsonl", "z.tracks.jsonl"} <= tree(folder / "out")


def test_links(detect: Command, clip: bytes, folder: Path) -> None:
    """A link to a clip is a clip; loops, links to nothing and to folders above end nowhere."""
    (folder / "real.mp4").write_bytes(clip)
    links = folder / "in"
    links.mkdir()
    (links / "out-of-here.mp4").symlink_to("../real.mp4")
    (links / "again.mp4").symlink_to("out-of-here.mp4")
    (links / "up").symlink_to("..")
    (links / "loop.mp4").symlink_to("loop.mp4")
    (links / "dangling.mp4").symlink_to("nowhere.mp4")
    ended = detect(links, "--no-video", "-o", folder / "out")
    assert ended.code == 1
    assert "Traceback" not in ended.err
    assert "symbolic links" in ended.err and "does not exist" in ended.err
    made = [name for name in tree(folder / "out") if name.endswith(".jsonl")]
    assert len(made) == 1  # two names of one clip


@pytest.mark.parametrize("planted", ["clip.tracks.jsonl", "clip.tracks.jsonl.partial", "clip.tracked.mp4.partial"])
def test_a_link_where_a_result_goes_is_not_written_through(
    detect: Command, clip: bytes, folder: Path, planted: str
) -> None:
    (folder / "clip.mp4").write_bytes(clip)
    precious = folder / "precious"
    precious.write_text("keep")
    (folder / "out").mkdir()
    (folder / "out" / planted).symlink_to("../precious")
    ended = detect(folder / "clip.mp4", "-o", f"{folder / 'out'}/", "--overwrite")
    assert precious.read_text() == "keep"
    assert ended.code == 0, ended.err
    assert not (folder / "out" / "clip.tracks.jsonl").is_symlink()

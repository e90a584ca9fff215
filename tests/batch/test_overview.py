from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote_to_bytes

import pytest

from vidtrack.batch.manifest import DONE, FAILED, FOLDER, INTERRUPTED, QUARANTINED, Row
from vidtrack.batch.overview import write_overview
from vidtrack.core.errors import OutputError

EVIL = 'a"><script>alert(1)</script>&.mp4'
ODD = os.fsdecode(b"caf\xe9 #1?.mp4")


def rows() -> list[Row]:
    return [
        Row(Path("in/b.mp4"), 1, 1, outputs=(("out/b.tracked.mp4", 5), ("out/b.tracks.jsonl", 6)), state=DONE,
            attempts=1, status="complete", frames=1200, tracks=7, seconds=61.4),
        Row(Path("in/a.mp4"), 1, 1, outputs=(("out/a.tracks.jsonl", 6),), state=DONE, status="truncated", frames=3),
        Row(Path(EVIL), 1, 1, state=FAILED, attempts=1, error=f"{EVIL} is not a video", hint="check <it>"),
        Row(Path(ODD), 1, 1, outputs=((ODD, 1),), state=DONE, status="complete", frames=1, seconds=1),
        Row(Path("in/c.mp4"), 1, 1, state=QUARANTINED, attempts=2, error="its worker was killed (SIGSEGV)"),
        Row(Path("in/d.mp4"), 1, 1, outputs=(("out/d.mp4", -1),), state=INTERRUPTED),
    ]  # fmt: skip


class Table(HTMLParser):
    """Cells and links of each row of the page, and all tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.links: list[bytes] = []
        self.tags: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag == "a":
            self.links.append(unquote_to_bytes(str(dict(attributes)["href"])))

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


def test_the_page_shows_every_clip_those_with_trouble_first(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    write_overview(tmp_path, rows())
    text = (tmp_path / FOLDER / "index.html").read_text("utf-8")
    table = Table(text)
    clips = table.rows[1:]
    states = [row[1].strip() for row in clips]
    assert states == ["failed", "quarantined", "interrupted", "truncated", "complete", "complete"]
    assert clips[0][0].startswith(EVIL) and clips[0][0].endswith("is not a video (check <it>)")
    assert [cell.strip() for cell in clips[-1]] == ["in/b.mp4", "complete", "1,200", "7", "1:01", "19.5", "videolog"]
    assert os.fsencode(f"../{ODD}") in table.links and b"../out/b.tracks.jsonl" in table.links
    assert not any(b"/d.mp4" in link for link in table.links)  # not made yet
    assert "script" not in table.tags
    assert not re.search(r"https?://", text) and "{{" not in text


def test_the_report_says_the_same_to_programs(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    write_overview(tmp_path, rows())
    report = json.loads((tmp_path / FOLDER / "report.json").read_text("utf-8"))
    assert report["counts"] == {"failed": 1, "quarantined": 1, "interrupted": 1, "truncated": 1, "complete": 2}
    assert (report["frames"], report["folder"]) == (1204, str(tmp_path))
    failed, quarantined, *_, finished = report["clips"]
    assert (failed["source"], failed["error"], failed["hint"]) == (EVIL, f"{EVIL} is not a video", "check <it>")
    assert (quarantined["attempts"], quarantined["outputs"]) == (2, [])
    assert finished["outputs"][1] == {"path": "out/b.tracks.jsonl", "bytes": 6}
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["index.html", "report.json"]


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(OutputError, match=r"report\.json cannot be written"):
        write_overview(tmp_path, rows())


@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium is installed")
def test_a_browser_obeys_the_pages_own_style(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    write_overview(tmp_path, rows())
    flags = "--headless --no-sandbox --disable-gpu --virtual-time-budget=1000 --dump-dom".split()
    page = (tmp_path / FOLDER / "index.html").as_uri()
    ended = subprocess.run(
        ["chromium", *flags, f"--user-data-dir={tmp_path / 'profile'}", "--enable-logging=stderr", page],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert "quarantined" in ended.stdout
    assert "Content Security Policy" not in ended.stderr

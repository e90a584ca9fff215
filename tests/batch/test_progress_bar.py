"""Progress in notebooks, on terminals and in files."""

from __future__ import annotations

import io
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from vidtrack import Progress, ProgressBar
from vidtrack.batch.engine import Outcome
from vidtrack.batch.events import ClipFinished, ClipProgressed, ClipsQueued
from vidtrack.batch.plan import Job
from vidtrack.core.errors import InputError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def job(name: str) -> Job:
    return Job(Path(name), None, None)


def test_a_terminal_has_one_line_that_is_redrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    bar = ProgressBar()
    for frames in range(1, 101):
        bar(Progress(frames, 100, 3, frames / 25))
    text = screen.getvalue()
    assert text.count("\n") == 1 and text.endswith("\n")
    assert "\r\x1b[K100/100 frames, 3 tracks" in text
    assert text.count("\r") < 10  # not once per frame


def test_an_interrupted_line_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    with ProgressBar() as bar:
        bar(Progress(1, None, 0, 0.0))
    assert screen.getvalue().endswith(" fps\n")


def test_a_batch_counts_failures_as_failures(capsys: pytest.CaptureFixture[str]) -> None:
    bar = ProgressBar()
    bar(ClipsQueued(((job("a.mp4"), 9), (job("b.mp4"), 9)), 0))
    bar(ClipProgressed(job("a.mp4"), 0, Progress(5, 10, 1, 0.2)))
    bar(ClipFinished(Outcome(job("a.mp4"), "failed", error=InputError("broken"))))
    bar(ClipFinished(Outcome(job("b.mp4"), "complete")))
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["0/2 clips done: a.mp4 5/10", "1/2 clips done, 1 failed"]


def test_a_notebook_has_one_output_that_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("IPython", reason="shows output")
    import IPython
    import IPython.display

    shown: list[str] = []

    class Handle:
        def update(self, html: Any) -> None:
            shown.append(html.data)

    def display(html: Any, display_id: bool) -> Handle:
        shown.append(html.data)
        return Handle()

    monkeypatch.setattr(IPython, "get_ipython", lambda: types.SimpleNamespace(kernel=object()))
    monkeypatch.setattr(IPython.display, "display", display)
    bar = ProgressBar()
    bar(Progress(1, 2, 0, 0.0))
    bar(Progress(2, 2, 1, 0.04))
    assert [text[:41] for text in shown] == [
        '<progress max="1" value="0.5000"></progre', '<progress max="1" value="1.0000"></progre',
    ]  # fmt: skip
    assert "2/2 frames, 1 track," in shown[1]

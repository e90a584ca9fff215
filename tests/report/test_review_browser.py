"""Corrections in a real browser, through the command as a person types it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browsing import Page
from vidtrack import TrackLog


class ReviewPage(Page):
    """The page of a review, which is loaded again after each change."""

    def __init__(self, browser: Any, address: str) -> None:
        self.browser, self.host = browser, address.partition("//")[2].partition("/")[0]
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(address)
        self.await_load()

    def await_load(self) -> None:
        self.until(lambda: self.js("return !!document.querySelector('.review .targets')?.textContent"), "the page")
        self.until(lambda: self.js("return document.querySelector('video').readyState >= 2"), "the clip")

    def correct(self, button: str) -> None:
        """Press a button, and wait for the page that shows the result."""
        self.js("document.body.classList.add('old')")
        self.click(f".review {button}")
        self.until(lambda: self.js("return document.readyState === 'complete' && !document.body.matches('.old')"), "it")
        self.await_load()

    def pick(self, name: str) -> None:
        self.click(".list li button", self.rows().index(name))

    def tick(self, name: str) -> None:
        self.click(".list li input", self.rows().index(name))


@pytest.fixture
def review(browser: Any, log: Path, clip: Path, tmp_path: Path) -> Iterator[tuple[ReviewPage, Path, Any]]:
    own = Path(shutil.copy(log, tmp_path / "clip.tracks.jsonl"))
    shutil.copy(clip, tmp_path)
    command = [sys.executable, "-m", "vidtrack", "review", str(own), "--no-browser", "--progress", "none"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
    try:
        assert running.stdout is not None
        yield ReviewPage(browser, running.stdout.readline().strip()), own, running
    finally:
        running.kill()
        running.communicate()


def test_a_person_corrects_a_log_and_saves_it(review: tuple[ReviewPage, Path, Any]) -> None:
    page, own, running = review
    before = own.read_bytes()
    odd = page.rows()[2]
    assert page.rows() == ["person 1", "car 2", odd]
    assert page.js("return [...document.querySelectorAll('.review [data-edit]')].every((button) => button.disabled)")

    page.pick("car 2")
    page.at_frame(20)
    for _ in range(5):
        page.press("\ue014")  # right
    page.at_frame(25)
    page.correct("[data-edit=split]")
    assert page.rows() == ["person 1", "car 2", "car 4", odd]
    page.at_frame(25)  # the place is kept
    assert page.text(".review .said") == "1 change, not saved"

    page.pick("car 4")
    page.browser.find_element("css selector", ".review [name=name]").send_keys("delivery van")
    page.correct(".relabel button")
    assert page.rows() == ["person 1", "car 2", "delivery van 4", odd]

    page.pick(odd)
    page.correct("[data-edit=drop]")
    assert page.rows() == ["person 1", "car 2", "delivery van 4"]
    page.correct("[data-edit=undo]")
    assert page.rows() == ["person 1", "car 2", "delivery van 4", odd]

    page.tick("person 1")
    page.tick("car 2")
    page.click(".review [data-edit=merge]")
    page.until(lambda: "overlap in frame 20" in page.text(".review .said"), "why they cannot be one")

    page.correct("[data-edit=save]")
    edited = own.with_name("clip.edited.tracks.jsonl")
    assert page.text(".review .said") == f"Saved: {edited}"
    log = TrackLog.load(edited)
    assert [(track.id, track.label, len(track)) for track in log.tracks][:2] == [(1, "person", 75), (2, "car", 5)]
    assert (log.tracks[4].label, len(log.tracks[4])) == ("delivery van", 15)
    assert own.read_bytes() == before
    assert page.complaints() == []
    assert {address.partition("//")[2].partition("/")[0] for address in page.requested()} == {page.host}

    page.pick("person 1")
    page.correct("[data-edit=flag]")
    running.send_signal(signal.SIGINT)
    _, err = running.communicate(timeout=30)
    assert running.returncode == 0
    assert f"changes saved to {edited}" in err
    assert [event.identity for event in TrackLog.load(edited).events if event.kind == "flag"] == [1]

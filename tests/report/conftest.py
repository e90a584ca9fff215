"""Chromium without a window, and pages to open in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip, write_clip
from tests.report.browsing import CLASSES, FRAMES, NAMES, Page, boxes
from tests.tracklog.logs import made_log

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
).split()


@pytest.fixture(scope="package")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("no Chromium with its driver is installed (Debian: chromium chromium-driver)")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}", "--window-size=1280,800"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService(driver, log_output=os.devnull)
    running = webdriver.Chrome(options, service)
    yield running
    running.quit()


@pytest.fixture(scope="package")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "a clip.mp4", Clip(frames=FRAMES, numbered=True))


@pytest.fixture(scope="package")
def log(clip: Path) -> Path:
    path = clip.with_name("it's.tracks.jsonl")
    return made_log(path, [boxes(index) for index in range(FRAMES)], CLASSES, clip, NAMES)


@pytest.fixture
def open_page(browser: Any, vidtrack: Any, log: Path, tmp_path: Path) -> Callable[..., Page]:
    def open_page(*options: str, log: Path | str = log) -> Page:
        path = tmp_path / "page.html"
        ended = vidtrack("report", log, "-o", path, "--overwrite", "--progress", "none", *options)
        assert ended.code == 0, ended.err
        return Page(browser, path)

    return open_page

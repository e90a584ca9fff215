"""Chromium without a window, and pages to open in it."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip, write_clip
from tests.report.browsing import CLASSES, FRAMES, NAMES, Page, boxes
from tests.report.pages import INJECTION, Ask
from tests.tracklog.logs import made_log
from vidtrack.cli.reporter import Reporter
from vidtrack.cli.review import _look_through
from vidtrack.render.inputs import TrackSelection, open_inputs
from vidtrack.report.review_server import ReviewServer
from vidtrack.report.review_session import ReviewSession

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
).split()
BOXES = [{1: (8, 8, 40, 60), 2: (90, 4, 150, 66)}] * 4 + [{3: (9, 8, 41, 60), 2: (90, 4, 150, 66)}] * 4


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


@pytest.fixture
def session(tmp_path: Path) -> ReviewSession:
    clip = write_clip(tmp_path / "clip.mp4", Clip(frames=8))
    log = made_log(tmp_path / "clip.tracks.jsonl", BOXES, {2: 1}, clip, ("person", "car", INJECTION))
    inputs = open_inputs(log, None, TrackSelection())
    return ReviewSession(inputs, tmp_path / "clip.edited.tracks.jsonl", *_look_through(inputs, tmp_path, Reporter()))


@pytest.fixture
def server(session: ReviewSession) -> Iterator[ReviewServer]:
    with ReviewServer(session) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def ask(server: ReviewServer) -> Ask:
    def ask(
        method: str, path: str, body: Any = None, token: str | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        given = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body)
        token = server.token if token is None else token
        connection.request(method, f"/{token}/{path}" if token else path, sent, given)
        answer = connection.getresponse()
        found = answer.status, dict(answer.getheaders()), answer.read()
        connection.close()
        return found

    return ask

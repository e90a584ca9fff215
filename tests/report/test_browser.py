"""The page in a real browser: Chromium without a window, with nothing but what a person can see and press."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip, write_clip
from tests.tracklog.logs import made_log, tracks_at
from vidtrack.provenance import hash_content, log_header
from vidtrack.tracklog import LogWriter
from vidtrack.video import VideoReader, probe

webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required"
).split()
FRAMES = 75
EVIL = "</script><script>document.title='broken'</script>"
NAMES = ("person", "car", EVIL)
CLASSES = {2: 1, 3: 2}


def boxes(index: int) -> dict[int, tuple[float, ...]]:
    """1 is a person from the first frame to the last, 2 a car in 20 to 39, 3 something odd in 50 to 54."""
    found: dict[int, tuple[float, ...]] = {1: (10, 10, 50, 60)}
    if 20 <= index < 40:
        found[2] = (80, 10, 120, 60)
    if 50 <= index < 55:
        found[3] = (120, 30, 150, 60)
    return found


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
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


class Page:
    """One page in the browser, as a person sees it."""

    def __init__(self, browser: Any, path: Path) -> None:
        self.browser = browser
        browser.get_log("browser"), browser.get_log("performance")
        browser.get(path.as_uri())
        self.until(lambda: self.js("return document.body.classList.contains('ready')"), "the page is ready")
        self.until(lambda: self.js("return document.querySelector('video').readyState >= 2"), "the clip is there")

    def js(self, script: str, *values: object) -> Any:
        return self.browser.execute_script(script, *values)

    def text(self, selector: str) -> str:
        return str(self.js("return document.querySelector(arguments[0]).textContent", selector))

    def press(self, *keys: str) -> None:
        ActionChains(self.browser).send_keys(*keys).perform()

    def click(self, selector: str, place: int = 0) -> None:
        self.browser.find_elements("css selector", selector)[place].click()

    def rows(self) -> list[str]:
        return list(self.js("return [...document.querySelectorAll('.list .name')].map((name) => name.textContent)"))

    def until(self, holds: Callable[[], Any], what: str, seconds: float = 15) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"not so after {seconds} s: {what}"
            time.sleep(0.03)

    def at_frame(self, index: int) -> None:
        self.until(lambda: self.text(".frame-number") == f"frame {index}", f"frame {index} is shown")

    def colour(self, x: float, y: float) -> list[int]:
        """RGBA of the overlay at a point of the picture of 160x68 pixels."""
        return list(
            self.js(
                "const canvas = document.querySelector('.overlay');"
                "const place = [arguments[0] / 160 * canvas.width, arguments[1] / 68 * canvas.height].map(Math.round);"
                "return [...canvas.getContext('2d').getImageData(...place, 1, 1).data]",
                x,
                y,
            )
        )

    def grey(self) -> float:
        """Brightness of the clip's picture on screen."""
        return self.seen("video")[0]

    def seen(self, picture: str) -> tuple[float, int, float]:
        """Brightness of a picture, the number of the frame, and where its first box begins in 160 pixels."""
        grey, number, left = self.browser.execute_async_script(
            "const done = arguments[1];"
            "const context = Object.assign(document.createElement('canvas'), { width: 8, height: 8 }).getContext('2d');"
            "const painted = new MessageChannel();"
            "painted.port1.onmessage = () => {"
            "  context.drawImage(document.querySelector(arguments[0]), 0, 0, 8, 8);"
            "  const overlay = document.querySelector('.overlay');"
            "  const y = Math.round(overlay.height * 0.85);"
            "  const line = overlay.getContext('2d').getImageData(0, y, overlay.width, 1).data;"
            "  let x = 0;"
            "  while (x < overlay.width && line[4 * x + 3] < 230) x++;"
            "  const said = document.querySelector('.frame-number').textContent;"
            "  const grey = context.getImageData(4, 4, 1, 1).data[1];"
            "  done([grey, Number(said.split(' ')[1]), (x + 1) / overlay.width * 160]);"
            "};"
            "requestAnimationFrame(() => painted.port2.postMessage(null))",
            picture,
        )
        return float(grey), int(number), float(left)

    def complaints(self) -> list[str]:
        return [entry["message"] for entry in self.browser.get_log("browser")]

    def requested(self) -> set[str]:
        """Addresses asked for, but for those of the browser's own pages."""
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        urls = {event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"}
        return {url for url in urls if not url.startswith(("chrome:", "data:"))}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clip") / "a clip.mp4", Clip(frames=FRAMES, numbered=True))


@pytest.fixture(scope="module")
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


def test_it_loads_without_a_complaint_or_a_network(open_page: Callable[..., Page], clip: Path, tmp_path: Path) -> None:
    page = open_page()
    assert page.rows() == ["person 1", "car 2", f"{EVIL} 3"]
    assert page.browser.title == "a clip.mp4 · vidtrack"
    assert page.text(".count") == "3 tracks"
    page.js("document.querySelector('.open-commands').click()")
    assert page.complaints() == []
    assert page.requested() == {(tmp_path / "page.html").as_uri(), clip.as_uri()}


def test_it_plays_with_its_tracks_in_step(open_page: Callable[..., Page]) -> None:
    page = open_page("--embed")
    page.press(Keys.END)
    page.at_frame(FRAMES - 1)
    page.press(Keys.HOME)
    page.at_frame(0)
    page.press(" ")
    page.until(lambda: float(page.text(".now").split(":")[1]) > 0.5, "half a second has passed")
    page.press("k")
    assert page.js("return document.querySelector('video').paused")
    index = int(page.text(".frame-number").split()[1])
    assert page.grey() == pytest.approx(8 * index % 256, abs=5)  # the picture shown is that of the frame named
    assert page.complaints() == []


def test_it_jumps_and_steps_to_the_exact_frame(open_page: Callable[..., Page]) -> None:
    page = open_page("--embed")
    page.click(".list li button", 1)
    page.at_frame(20)
    page.until(lambda: abs(page.grey() - 8 * 20) <= 5, "the picture of frame 20")
    page.until(lambda: page.colour(80, 40)[:3] == [255, 0, 0], "the box of track 2")
    page.press(Keys.ARROW_LEFT)
    page.at_frame(19)
    page.until(lambda: page.colour(80, 40)[3] == 0, "no box of track 2 before its first frame")
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.at_frame(21)
    page.press(Keys.ARROW_DOWN)
    page.at_frame(50)
    page.until(lambda: abs(page.grey() - (8 * 50 % 256)) <= 5, "the picture of frame 50")
    lanes = page.browser.find_element("css selector", ".lanes canvas")
    along = lanes.size["width"] * (30 / FRAMES - 0.5)
    ActionChains(page.browser).move_to_element_with_offset(
        lanes, along, 31 - lanes.size["height"] / 2
    ).click().perform()
    page.at_frame(30)


@pytest.mark.parametrize(
    ("name", "made"),
    [
        ("late.mp4", Clip(frames=12, numbered=True, pts=list(range(10, 22)))),
        ("sound.mp4", Clip(frames=12, numbered=True, rate=Fraction(30000, 1001), audio="aac")),
        ("clip.webm", Clip(frames=12, numbered=True, encoder="libvpx-vp9", options={"crf": "10", "b": "0"})),
    ],
)
def test_the_picture_is_that_of_the_frame_named(
    open_page: Callable[..., Page], tmp_path: Path, name: str, made: Clip
) -> None:
    clip = write_clip(tmp_path / name, made)
    page = open_page("--embed", log=made_log(tmp_path / "odd.tracks.jsonl", [boxes(n) for n in range(12)], {}, clip))
    for index in (1, 2, 3):
        page.press(Keys.ARROW_RIGHT)
        page.at_frame(index)
        page.until(lambda index=index: abs(page.grey() - 8 * index) <= 4, f"the picture of frame {index}")


@pytest.mark.parametrize(
    ("gaps", "stride"),
    [((1,), 1), ((1,), 5), ((1,), 30), ((2, 4, 4, 1, 12, 4, 5), 1)],
    ids=["every frame", "every fifth", "every thirtieth", "variable rate"],
)
def test_the_box_is_that_of_the_frame_on_screen(
    open_page: Callable[..., Page], tmp_path: Path, gaps: tuple[int, ...], stride: int
) -> None:
    ticks = list(itertools.accumulate(itertools.islice(itertools.cycle(gaps), FRAMES - 1), initial=0))
    clip = write_clip(tmp_path / "moves.mp4", Clip(frames=FRAMES, numbered=True, pts=ticks, time_base=Fraction(1, 100)))
    page = open_page("--embed", log=moving_log(tmp_path / "moves.tracks.jsonl", clip, stride))
    for _ in range(8):
        page.press(Keys.ARROW_RIGHT)
    page.at_frame(8)
    page.until(lambda: agree(page.seen("video")), "the box of frame 8")
    ruler = page.browser.find_element("css selector", ".ruler")
    for share in (0.3, 0.71, 0.105):
        before = page.text(".frame-number")
        offset = ruler.size["width"] * (share - 0.5)
        ActionChains(page.browser).move_to_element_with_offset(ruler, int(offset), 0).click().perform()
        page.until(lambda before=before: page.text(".frame-number") != before, "another frame")
        page.until(lambda: agree(page.seen("video")), f"the box of the frame at {share} of the clip")
    page.press(Keys.HOME)
    page.at_frame(0)
    page.press(" ")
    played = [page.seen(".still") for _ in range(16)]
    page.press("k")
    assert len({frame for _, frame, _ in played}) > 1
    assert sum(map(agree, played)) > 8  # a busy browser may tell of a picture when the next one is there
    page.until(lambda: agree(page.seen("video")), "the box of the frame at which it stopped")


def moving_log(path: Path, clip: Path, stride: int) -> Path:
    """A box that begins one pixel further right in each frame; every so manyth is logged, and the last."""
    model = {"name": "tiny", "sha256": None, "classes": ["car"]}
    header = log_header(probe(clip), hash_content([clip]), {"stride": stride}, model, "cpu", "float32")
    with VideoReader(clip) as frames, LogWriter(path, header) as writer:
        for frame in frames:
            if frame.index % stride == 0 or frame.index == FRAMES - 1:
                box = {1: (20 + frame.index, 20, 150, 60)}
                writer.frame(replace(tracks_at(frame.index, box), pts=frame.pts, time_base=frame.time_base))
        writer.close("complete", decoded=FRAMES, expected=FRAMES, problems=0, seconds=1.0, fps=1.0)
    return path


def agree(seen: tuple[float, int, float]) -> bool:
    """Whether the picture, the number said and the box drawn are those of one frame."""
    grey, frame, left = seen
    return abs(grey - 8 * frame % 256) <= 4 and abs(left - 20 - frame) < 0.6


def test_it_stays_within_the_frames_of_the_log(open_page: Callable[..., Page], clip: Path, tmp_path: Path) -> None:
    log = made_log(tmp_path / "part.tracks.jsonl", [boxes(index) for index in range(40)], CLASSES, clip)
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    lines[0]["run"]["parameters"]["start_seconds"] = "4/5"
    kept = [line for line in lines if line["type"] != "frame" or line["i"] >= 20]
    log.write_text("".join(json.dumps(line) + "\n" for line in kept), "utf-8")
    page = open_page(log=log)
    page.at_frame(20)
    page.press(Keys.ARROW_LEFT)
    page.at_frame(20)
    page.press(" ")
    page.until(lambda: page.js("return document.querySelector('video').paused"), "it stops where the log ends")
    page.at_frame(39)
    page.press(" ")
    page.until(lambda: 20 <= int(page.text(".frame-number").split()[1]) < 39, "it plays again from the first frame")


def test_lines_and_zones_are_drawn(open_page: Callable[..., Page], vidtrack: Any, log: Path, tmp_path: Path) -> None:
    counted = tmp_path / "counted.jsonl"
    assert vidtrack("count", log, "--line", "gate=0%,90%,100%,90%", "-o", counted).code == 0
    page = open_page(log=counted)
    page.until(lambda: page.colour(10, 61.2)[3] > 0, "the line")
    page.click(".overlay-parts summary")
    page.click("[name=places]")
    page.until(lambda: page.colour(10, 61.2)[3] == 0, "no line")


def test_it_filters(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.click(".chip", 0)
    assert len(page.rows()) == 2
    assert page.text(".count") == "2 of 3 tracks"
    page.click(".reset")
    page.press("/")
    page.press("car")
    assert page.rows() == ["car 2"]
    page.press(Keys.ESCAPE)
    page.click(".reset")
    slide = (
        "const s = document.querySelector(arguments[0]); s.value = arguments[1]; s.dispatchEvent(new Event('input'))"
    )
    page.js(slide, "[name=length]", 60)
    assert page.rows() == ["person 1"]
    page.js(slide, "[name=length]", 0)
    page.js(slide, "[name=score]", 99)
    assert page.rows() == []
    assert page.browser.find_element("css selector", ".none").is_displayed()
    page.js(slide, "[name=score]", 0)
    assert len(page.rows()) == 3
    page.js(slide, "[name=order]", "length")
    assert page.rows()[:2] == ["person 1", "car 2"]
    assert page.complaints() == []


def test_it_says_what_to_type(open_page: Callable[..., Page], log: Path) -> None:
    page = open_page()
    page.click(".list li input", 0)
    page.click(".list li input", 1)
    page.press("e")
    assert page.text("[data-command=export] code").endswith(" --to after-effects --tracks 1,2")
    assert page.text("[data-command=merge] code").split(" ", 2)[1] == "merge"
    assert "it'\"'\"'s.tracks.jsonl'" in page.text("[data-command=blur] code")
    page.press(Keys.ESCAPE)
    page.click(".list li input", 0)
    page.click(".list li input", 1)
    page.click(".list li button", 1)
    page.at_frame(20)
    for _ in range(5):
        page.press(Keys.ARROW_RIGHT)
    page.at_frame(25)
    page.press("e")
    assert page.text("[data-command=split] code").endswith(" 2 --at 1.000")
    assert page.text("[data-command=crop] code").endswith("--crop-track 2 --aspect 9:16")
    assert not page.text("[data-command=relabel] code").endswith(" --class car")  # it is one already
    page.press(Keys.ESCAPE)
    page.click(".chip", 1)
    page.press("e")
    assert page.text("[data-command=clips] code").endswith(f"--classes {shlex.quote(f'person,{EVIL}')}")


def test_what_it_says_to_type_works(open_page: Callable[..., Page], vidtrack: Any, log: Path, tmp_path: Path) -> None:
    page = open_page()
    page.click(".list li button", 2)
    page.press("e")
    for name in ("export", "drop"):
        command = shlex.split(page.text(f"[data-command={name}] code"))
        target = tmp_path if name == "export" else tmp_path / "edited.jsonl"
        assert vidtrack(*command[1:], "-o", target).code == 0


def test_a_shell_takes_what_it_says_to_type(
    open_page: Callable[..., Page], clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    name = """-it's "odd"  $HOME `id` & <b>.tracks.jsonl"""
    classes = ("a, b", "it's $HOME", "-c")
    made_log(tmp_path / name, [boxes(index) for index in range(FRAMES)], CLASSES, clip, classes)
    page = open_page(log=f"./{name}")
    page.click(".chip", 0)
    page.press("e")
    shell = f'vidtrack() {{ "{sys.executable}" -m vidtrack "$@"; }}; '
    done = subprocess.run(["sh", "-c", shell + page.text("[data-command=export] code")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == name.replace(".tracks.jsonl", ".after-effects\n")
    assert " --tracks 2,3" in page.text("[data-command=export] code")
    assert page.browser.find_element("css selector", ".from").is_displayed()


def test_what_cannot_be_typed_is_not_offered(open_page: Callable[..., Page], clip: Path, tmp_path: Path) -> None:
    page = open_page()
    page.press("/")
    page.press("nothing is called so")
    page.click(".open-commands")
    assert page.js("return document.querySelector('[name=scope]').value") == "all"
    assert page.js("return document.querySelector('[value=shown]').disabled")
    page = open_page(log=made_log(tmp_path / "none.tracks.jsonl", [{}] * FRAMES, {}, clip))
    assert page.text(".none") == "The log has no tracks."


def test_keys_work_wherever_the_focus_is(open_page: Callable[..., Page]) -> None:
    page = open_page()
    page.click("[name=score]")
    page.press("k", "/")
    assert page.js("return document.activeElement.name") == "words"
    page.press(Keys.ESCAPE)
    page.click(".overlay-parts summary")
    page.click("[name=trails]")
    page.press(Keys.ESCAPE)
    assert not page.js("return document.querySelector('.overlay-parts').open")
    assert page.js("return document.activeElement.tagName") == "SUMMARY"
    page.js("document.querySelector('[name=order]').focus()")
    page.press(Keys.ESCAPE)
    assert page.js("return document.activeElement === document.body")


def test_hundreds_of_tracks_make_few_rows(open_page: Callable[..., Page], clip: Path, tmp_path: Path) -> None:
    frames = [
        {1 + n: (n % 100, 4, n % 100 + 30, 60) for n in range(index * 8, index * 8 + 16)} for index in range(FRAMES)
    ]
    page = open_page(log=made_log(tmp_path / "many.tracks.jsonl", frames, {}, clip))
    assert page.text(".count") == "608 tracks"
    assert 4 < len(page.rows()) < 40
    page.js("document.querySelector('.list').scrollTop = 64 * 400")
    page.until(lambda: "person 405" in page.rows(), "the rows in sight")
    lanes = page.browser.find_element("css selector", ".lanes")
    assert int(lanes.get_property("scrollTop")) == 0
    page.press(Keys.ARROW_UP)
    page.until(lambda: int(lanes.get_property("scrollTop")) > 0, "the bar of the last track")
    assert len(page.rows()) < 40
    assert page.complaints() == []


def test_dark_and_light_follow_the_system_and_the_button(open_page: Callable[..., Page]) -> None:
    page = open_page()
    for name, low in (("light", 200), ("dark", 0)):
        page.browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": name}]}
        )
        page.until(lambda name=name: page.js("return document.documentElement.dataset.theme") == name, name)
        ground = page.js("return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert low <= min(ground) < low + 56
    page.click(".theme")
    assert page.js("return document.documentElement.dataset.theme") == "light"
    page.click(".theme")


def test_it_fits_a_phone(open_page: Callable[..., Page]) -> None:
    page = open_page()
    metrics = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    page.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        page.until(lambda: page.js("return innerWidth") == 390, "the width")
        assert page.js("return document.documentElement.scrollWidth") == 390
        small = page.js(
            "return [...document.querySelectorAll('button, select')]"
            ".filter((control) => control.offsetWidth && control.offsetHeight < 28).map((control) => control.className)"
        )
        assert small == []
        page.click(".list li button", 1)
        page.at_frame(20)
    finally:
        page.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_every_control_has_a_name_and_can_be_reached(open_page: Callable[..., Page]) -> None:
    page = open_page()
    tree = page.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    controls = [
        node for node in tree
        if node.get("role", {}).get("value") in ("button", "checkbox", "combobox", "searchbox", "slider", "radio")
        and not node.get("ignored")
    ]  # fmt: skip
    assert len(controls) > 20
    assert [node for node in controls if not node.get("name", {}).get("value")] == []
    reached = set()
    for _ in range(40):
        page.press(Keys.TAB)
        reached.add(page.js("const e = document.activeElement; return e.className || e.name || e.tagName"))
    assert {"ruler", "back icon", "open-commands primary", "words"} <= reached


def test_a_clip_that_is_gone_is_said(browser: Any, vidtrack: Any, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "gone.mp4", Clip(frames=5))
    log = made_log(tmp_path / "gone.tracks.jsonl", [boxes(index) for index in range(5)], {}, clip)
    assert vidtrack("report", log, "--progress", "none").code == 0
    clip.unlink()
    browser.get((tmp_path / "gone.report.html").as_uri())
    notice = browser.find_element("css selector", ".failure")
    end = time.monotonic() + 10
    while not notice.is_displayed() and time.monotonic() < end:
        time.sleep(0.05)
    assert "gone.mp4 is not there" in notice.text
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    assert browser.find_element("css selector", ".frame-number").text == "frame 1"

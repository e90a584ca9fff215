"""The page in a real browser: Chromium without a window, with nothing but what a person can see and press."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.media import Clip, write_clip
from tests.tracklog.logs import made_log

pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from tests.report.browsing import CLASSES, EVIL, FRAMES, Page, boxes


def test_it_loads_without_a_complaint_or_a_network(open_page: Callable[..., Page], clip: Path, tmp_path: Path) -> None:
    page = open_page()
    assert page.rows() == ["person 1", "car 2", f"{EVIL} 3"]
    assert page.browser.title == "a clip.mp4 · vidtrack"
    assert page.text(".count") == "3 tracks"
    page.js("document.querySelector('.open-commands').click()")
    assert page.complaints() == []
    assert page.requested() == {(tmp_path / "page.html").as_uri(), clip.as_uri()}


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


def test_the_filters_fit_their_panel(open_page: Callable[..., Page]) -> None:
    page = open_page()
    over = page.js(
        "const edge = document.querySelector('.tracks').getBoundingClientRect().right;"
        "return [...document.querySelectorAll('.filters input, .filters select')]"
        ".filter((one) => one.getBoundingClientRect().right > edge).map((one) => one.name)"
    )
    assert over == []


def test_it_says_what_to_type(open_page: Callable[..., Page], log: Path) -> None:
    page = open_page()
    page.click(".list li input", 0)
    page.click(".list li input", 1)
    page.press("e")
    assert page.text("[data-command=export] code").endswith(" --to after-effects --tracks 1,2")
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


def test_a_merge_is_offered_where_no_frame_has_both(
    open_page: Callable[..., Page], vidtrack: Any, tmp_path: Path
) -> None:
    page = open_page()
    merge, why_not = (page.browser.find_element("css selector", part) for part in ("[data-command=merge]", ".no-merge"))
    for place in (0, 1):
        page.click(".list li input", place)
    page.press("e")
    assert not merge.is_displayed()
    assert why_not.text.startswith("Cannot merge: person 1 and car 2 are both in frame 20, at 0:00.80.")
    page.press(Keys.ESCAPE)
    for place in (0, 2):
        page.click(".list li input", place)
    page.press("e")
    assert merge.is_displayed() and not why_not.is_displayed()
    command = shlex.split(page.text("[data-command=merge] code"))
    assert vidtrack(*command[1:], "-o", tmp_path / "merged.jsonl").code == 0


def test_another_version_of_the_clip_stays_forced(
    open_page: Callable[..., Page], vidtrack: Any, clip: Path, tmp_path: Path
) -> None:
    other = write_clip(tmp_path / "other.mp4", Clip(frames=FRAMES))
    page = open_page(str(other), "--force")
    page.press("e")
    command = shlex.split(page.text("[data-command=blur] code"))
    assert vidtrack(*command[1:], "-o", tmp_path / "out.mp4").code == 0
    page = open_page(str(clip), "--force")
    page.press("e")
    assert "--force" not in page.text("[data-command=blur] code")


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
    assert "gone.mp4 cannot be found" in notice.text
    ActionChains(browser).send_keys(Keys.ARROW_RIGHT).perform()
    assert browser.find_element("css selector", ".frame-number").text == "frame 1"

"""A page in a real browser, as a person sees it, and the clip and log that it is made of."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
        from selenium.webdriver.common.action_chains import ActionChains  # may not be installed

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
        """RGBA of the overlay at a point of the image of 160x68 pixels."""
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
        """Brightness of the clip's image on screen."""
        return self.seen("video")[0]

    def seen(self, picture: str) -> tuple[float, int, float]:
        """Brightness of an image, the number of the frame, and where its first box begins in 160 pixels."""
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

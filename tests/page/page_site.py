"""A live page for a real browser to visit: Debian's Chromium, headless, driven by Playwright."""

import asyncio
import io
import shutil
import threading
from collections.abc import Callable

import pytest
from page_live import Live, live
from page_stand import TOKEN, Stand
from PIL import Image

CHROMIUM = shutil.which("chromium")
MARKS = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is missing: sudo apt-get install -y chromium"),
]
sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install playwright")
Page, Browser = sync_api.Page, sync_api.Browser

ARGS = [
    "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
SMALL = {"width": 900, "height": 640}
"""A small room view: software draws it."""


class Site:
    """A live page in a thread of its own, which also ticks the stand."""

    def __init__(self, stand: Stand) -> None:
        self._stand = stand
        self._ready, self._end = threading.Event(), asyncio.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(20)

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with live(self._stand, camera=True) as self.live:
            self._ready.set()
            await self._end.wait()

    @property
    def stand(self) -> Stand:
        return self._stand

    def call(self, work: Callable[[Live], None]) -> None:
        self._loop.call_soon_threadsafe(work, self.live)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(20)


def visit(browser: Browser, site: Site, **options: object) -> Page:
    """Open the page in a fresh context; ``page.troubles`` collects errors of scripts and of the console."""
    context = browser.new_context(**({"viewport": SMALL, "locale": "en-US"} | options))
    page = context.new_page()
    page.troubles = []
    page.on("pageerror", lambda error: page.troubles.append(str(error)))
    page.on("console", lambda line: page.troubles.append(line.text) if line.type == "error" else None)
    page.goto(f"http://{site.live.host}/?token={TOKEN}")
    page.wait_for_selector("[data-link=open]")
    return page


def wait(page: Page, what: Callable[[], bool]) -> None:
    """Wait until something is so in the stand; fails after 10 s."""
    for _ in range(200):
        if what():
            return
        page.wait_for_timeout(50)
    raise AssertionError("nothing happened within 10 s")


def colours(where: sync_api.Locator, size: tuple[int, int] | None = None) -> list[tuple[int, tuple[int, int, int]]]:
    """Return how often each colour is there on the screen, of the picture made this small."""
    picture = Image.open(io.BytesIO(where.screenshot())).convert("RGB")
    picture = picture.resize(size) if size else picture
    return picture.getcolors(picture.width * picture.height)


def marks(page: Page, colour: str) -> int:
    """Count the pixels drawn over the camera's picture in the colour of letters, outlines, or what a plan is about."""
    which = {"letters": "r > 200 && b > 200", "outline": "r < 100 && g > 150", "about": "r > 200 && b < 120"}[colour]
    return page.evaluate(
        "() => { const c = document.getElementById('camera-marks'); let n = 0;"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "for (let i = 0; i < d.length; i += 4) { const [r, g, b, a] = d.slice(i, i + 4);"
        f"if (a > 128 && {which}) n += 1; }} return n; }}"
    )

"""Takes a picture of the page in a browser (Debian's chromium), with the host in virtual time. README.md says how."""

import argparse
import asyncio
import os
import shutil
import threading
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from vagus.page.server import bind, create_app, make_server
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import calibration_beside, host_file, prepare
from vagus.world.geometry import describe_scene
from vagus.world.gl import choose

TOKEN = "pictures-of-the-page-0123456789"
CHROMIUM_ARGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SETTLE_S, AFTER_S, ANSWER_S = 1.0, 0.5, 150.0
"""Before the first words, after what came of them, and how long to wait for that [s of the robot's time]."""


class Host:
    """The host and its page, in a thread of their own; the robot's time passes as fast as it can, until told to end."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.port, self.now_s, self.outcomes = 0, 0.0, 0
        self._is_open, self._end = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        self._is_open.wait()

    def end(self) -> None:
        self._end.set()
        self._thread.join()

    def wait(self, seconds: float, *, for_outcome: bool = False) -> None:
        """Let the robot's time pass; where it is for an outcome, until something came of what was said."""
        end_s, told = self.now_s + seconds, self.outcomes
        while self.now_s < end_s and not (for_outcome and self.outcomes > told):
            time.sleep(0.02)

    async def _run(self) -> None:
        run, robot = prepare(host_file(), seed=self._seed, calibration=calibration_beside(host_file(), self._seed))
        host = Lockstep(run, cameras=True)
        scene = describe_scene(robot.build_scene(run.scene, run.seed).model)
        app = create_app(spec=run.spec, streams=host.streams, scene=scene, token=TOKEN, clock=lambda: host.now_ns)
        outcomes = host.streams.reader("outcome")
        with bind("127.0.0.1", 0) as listener:
            server = make_server(app)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            self.port = listener.getsockname()[1]
            self._is_open.set()
            while not self._end.is_set():
                self.now_s = host.step() * 1e-9
                self.outcomes += len(outcomes.since())
                await asyncio.sleep(0)
            server.should_exit = True
            await serving


def talk(page: Page, host: Host, words: list[str], stop_s: float | None) -> None:
    """Type one sentence after another, each once something came of the one before; the last may be left under way."""
    host.wait(SETTLE_S)
    for k, sentence in enumerate(words):
        print(f"{host.now_s:6.1f} s  {sentence}", flush=True)
        page.fill("#talk-input", sentence)
        page.press("#talk-input", "Enter")
        page.locator("#talk-input").blur()
        if stop_s is not None and k == len(words) - 1:
            host.wait(stop_s)
            return
        host.wait(ANSWER_S, for_outcome=True)
        host.wait(AFTER_S)


def main() -> None:
    """Open the page, talk, and take a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--say", action="append", default=[], help="type this into the page; may be repeated")
    parser.add_argument(
        "--stop", type=float, help="picture this long after the last words, not after what came of them"
    )
    parser.add_argument("--picture", type=Path, required=True, help="the .png file to write")
    parser.add_argument("--size", default="1366x768", help="of the window")
    parser.add_argument("--locale", default="en-US", help="ko-KR for Korean")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    choose(os.environ)
    width, height = (int(side) for side in args.size.split("x"))
    host = Host(args.seed)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": width, "height": height}, locale=args.locale)
        page.goto(f"http://127.0.0.1:{host.port}/?token={TOKEN}")
        page.wait_for_selector("[data-link=open]")
        talk(page, host, args.say, args.stop)
        page.screenshot(path=str(args.picture))
        browser.close()
    host.end()


if __name__ == "__main__":
    main()

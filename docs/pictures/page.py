"""Takes pictures of the page in a real browser (Debian's chromium), of the host in virtual time. README.md says how."""

import argparse
import asyncio
import json
import os
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path

import mujoco
from playwright.sync_api import sync_playwright

from vagus.core import messages as m
from vagus.page.server import PageApp, bind, create_app, make_server
from vagus.runtime.lockstep import Lockstep
from vagus.runtime.prepare import calibration_beside, host_file, prepare
from vagus.world.geometry import describe_scene
from vagus.world.gl import choose

TOKEN = "pictures-of-the-page-0123456789"
CHROMIUM_ARGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
SETTLE_S, ANSWER_S = 1.0, 150.0
"""Before the first words, and how long to wait for what comes of words [s of the robot's time]."""


class Host:
    """The host and its page, in a thread of their own, until told to end; the robot's time passes as fast as it can."""

    def __init__(self, seed: int, words: Sequence[str], stop_s: float | None) -> None:
        """``stop_s``: how long after the last words the picture is due [s]; None: once they are answered."""
        self._seed, self._words, self._stop_s = seed, words, stop_s
        self.port = 0
        self.is_open, self.is_due, self._end = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def end(self) -> None:
        self._end.set()
        self._thread.join()

    async def _run(self) -> None:
        run, robot = prepare(host_file(), seed=self._seed, calibration=calibration_beside(host_file(), self._seed))
        host = Lockstep(run, cameras=True)
        model: mujoco.MjModel = robot.build_scene(run.scene, run.seed).model
        scene = describe_scene(model)
        app: PageApp = create_app(
            spec=run.spec, streams=host.streams, scene=scene, token=TOKEN, clock=lambda: host.now_ns
        )
        with bind("127.0.0.1", 0) as listener:
            server = make_server(app)
            serving = asyncio.create_task(server.serve(sockets=[listener]))
            self.port = listener.getsockname()[1]
            self.is_open.set()
            await self._play(host)
            self.is_due.set()
            while not self._end.is_set():
                await self._pass(host, 0.02)
            server.should_exit = True
            await serving

    async def _play(self, host: Lockstep) -> None:
        outcomes = host.streams.reader("outcome")
        await self._pass(host, SETTLE_S)
        for k, sentence in enumerate(self._words):
            host.say(sentence)
            last_s = self._stop_s if k == len(self._words) - 1 and self._stop_s is not None else ANSWER_S
            for _ in range(round(10 * last_s)):
                await self._pass(host, 0.1)
                found = [json.loads(m.get_text(record)) for record in outcomes.since()]
                if found:
                    print(f"{host.now_ns * 1e-9:6.1f} s  {sentence}: {found[0]['reason']}", flush=True)
                    break

    async def _pass(self, host: Lockstep, seconds: float) -> None:
        for _ in host.run_for(seconds):
            await asyncio.sleep(0)


def main() -> None:
    """Play, and take a picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--say", action="append", default=[], help="say this; may be repeated")
    parser.add_argument("--stop", type=float, help="picture this long after the last words, not once they are answered")
    parser.add_argument("--picture", type=Path, required=True, help="the .png file to write")
    parser.add_argument("--size", default="1366x768", help="of the window")
    parser.add_argument("--locale", default="en-US", help="ko-KR for Korean")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    choose(os.environ)
    width, height = (int(side) for side in args.size.split("x"))
    host = Host(args.seed, args.say, args.stop)
    host.is_open.wait()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_ARGS)
        page = browser.new_page(viewport={"width": width, "height": height}, locale=args.locale)
        page.goto(f"http://127.0.0.1:{host.port}/?token={TOKEN}")
        host.is_due.wait()
        page.wait_for_timeout(1500)  # until the newest poses are drawn
        page.screenshot(path=str(args.picture))
        browser.close()
    host.end()


if __name__ == "__main__":
    main()

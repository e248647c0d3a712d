"""The promise of the live robot: five minutes on this machine, camera, recorder and one page client running.

Runs ``vagus run robots/host.py`` for a while, keeps the robot busy through its page, looks with
``vagus top --once --json`` at the end, and prints what matters. Targets: overrun_share < 0.001 where SCHED_FIFO is
granted, encoder_age_ms.p999 <= 8, realtime_factor >= 0.99, eye_age_ms.p999 <= 200, first_movement_ms.p95 <= 500.

Keys of --json: seconds, fifo_granted, reflex_hz, overrun_share, bare_overrun_share (the floor: of a loop that does
nothing, with the reflex's rate, priority and core, for 20 s before the robot starts and 20 s after it has ended),
steal_share (what the hypervisor took of this machine's cores meanwhile), encoder_age_ms (p50, p99, p999, max at the
actuators), realtime_factor, eye_age_ms (the same of the camera, over the commands that were made from its pictures:
while the head follows the person who walks by), watched (how often it followed them to the end, of how often it was
asked to), first_movement_ms (n, p50, p95: from words typed into the page, as the brain gets them, to an arm or the neck
that is measured to have moved by 5 mrad), camera_hz, recorder_lost, page_bytes, cpu_share (per process, of one core),
rss_mb.
"""

import argparse
import asyncio
import json
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import websockets
from rich.console import Console
from rich.table import Table

from vagus.body.load import load_robot
from vagus.core import messages as m
from vagus.page.guard import cookie_name
from vagus.runtime import run_dir
from vagus.streams.streams import shared_streams

BARE = """
import sys
from vagus.runtime.graph import REFLEX_REALTIME
from vagus.runtime.realtime import Pacer, freeze_garbage, set_up
set_up(REFLEX_REALTIME)
freeze_garbage()
pacer = Pacer(int(sys.argv[1]))
while pacer.ticks + pacer.overruns < int(sys.argv[2]):
    pacer.wait()
print(pacer.overruns)
"""
"""A loop that does nothing, as the reflex is run; takes a period [ns] and a number of ticks."""
BARE_S = 20.0
ROOT = Path(__file__).resolve().parents[1]
VAGUS = [sys.executable, "-m", "vagus"]
EYE = "camera.head"
WATCHES = "keep looking at me"
"""It is given longer than the other words."""
WORDS = (
    "wave",
    "웃어 봐",
    "look left",
    "왼쪽을 가리켜",
    "look right",
    "놀란 표정 지어 봐",
    "go home",
    WATCHES,
)
EVERY_S, WATCHED_S = 8.0, 32.0
"""How long the robot has for what it is told [s]."""
MOVED_RAD = 0.005
"""Several times the encoders' noise."""
WAITED_NS = 3_000_000_000
"""Words that move no arm and no neck within this are those that are answered with the face [ns]."""


class Mover(threading.Thread):
    """Watches a running robot's streams: how long after words does an arm or the neck move?"""

    def __init__(self, robot: str) -> None:
        super().__init__(daemon=True)
        path = run_dir.directory(robot)
        run = run_dir.load(path)
        streams = shared_streams(path, run.table())
        self._words, self._joints = streams.reader("utterance.page"), streams.reader("joint_state")
        body = {j for arm in run.spec.arms for j in arm.joints} | {run.spec.neck.yaw, run.spec.neck.pitch}
        self._body = [k for k, name in enumerate(run.spec.joint_names) if name in body]
        self.delays_ms: list[float] = []
        self.watched: list[bool] = []
        self._outcomes = streams.reader("outcome")
        self.is_over = False

    def run(self) -> None:
        """Look every hundredth of a second."""
        said_ns, q0 = 0, None
        while not self.is_over:
            for outcome in self._outcomes.since():
                steps = json.loads(m.get_text(outcome))["steps"]
                self.watched += [step["ok"] for step in steps if step["skill"] == "watch"]
            for words in self._words.since():
                said_ns, q0 = int(words["stamp_ns"]), None
            for state in self._joints.since():
                if not said_ns or int(state["stamp_ns"]) < said_ns:
                    continue
                q = state["q"][self._body]
                q0 = q.copy() if q0 is None else q0
                if abs(q - q0).max() > MOVED_RAD:
                    self.delays_ms.append((int(state["stamp_ns"]) - said_ns) * 1e-6)
                    said_ns = 0
                elif int(state["stamp_ns"]) - said_ns > WAITED_NS:
                    said_ns = 0
            time.sleep(0.01)


async def be_a_page(url: str, seconds: float) -> int:
    """Open the page as a browser would, say something now and then, and return the bytes received."""
    base, token = url.split("/?token=")
    headers = {"Origin": base, "Cookie": f"{cookie_name(base.removeprefix('http://'))}={token}"}
    received, said, next_s, start = 0, 0, 0.0, time.monotonic()
    async with websockets.connect(
        f"{base.replace('http', 'ws')}/ws", additional_headers=headers, max_size=None
    ) as socket:
        await socket.send(json.dumps({"type": "watch", "visible": True, "camera": EYE}))
        while (elapsed := time.monotonic() - start) < seconds:
            if elapsed > next_s:
                words = WORDS[said % len(WORDS)]
                await socket.send(json.dumps({"type": "say", "text": words}))
                said, next_s = said + 1, elapsed + (WATCHED_S if words == WATCHES else EVERY_S)
            frame = await socket.recv()
            received += len(frame)
            if isinstance(frame, str) and "n" in (told := json.loads(frame)) and told["type"] == "state":
                await socket.send(json.dumps({"type": "seen", "n": told["n"]}))
    return received


def look(robot: str) -> dict:
    """Return what ``vagus top --once --json`` says."""
    done = subprocess.run([*VAGUS, "top", robot, "--once", "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def bare_overruns(rate_hz: float, seconds: float) -> float:
    """Return the share of ticks that a loop misses which does nothing."""
    ticks = round(rate_hz * seconds)
    command = [sys.executable, "-c", BARE, str(round(1e9 / rate_hz)), str(ticks)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / ticks


def measure(seconds: float, port: int, bare_s: float) -> dict:
    """Run the robot and return the figures."""
    rate_hz = load_robot(ROOT / "robots/host.py").spec.reflex_hz
    bare, cores = [bare_overruns(rate_hz, bare_s)], psutil.cpu_times()
    with tempfile.TemporaryDirectory() as folder:
        command = [*VAGUS, "run", str(ROOT / "robots/host.py"), "--page-port", str(port), "--record", folder]
        command += ["--person", "walks_near"]
        robot = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = ""
            for line in robot.stdout:
                found = re.search(r"http://\S+", line)
                if found:
                    url = found.group()
                    break
            mover = Mover("host")
            mover.start()
            received = asyncio.run(be_a_page(url, seconds))
            mover.is_over = True
            snapshot = look("host")
        finally:
            robot.send_signal(signal.SIGTERM)
            robot.wait()
    taken, passed = psutil.cpu_times().steal - cores.steal, sum(psutil.cpu_times()) - sum(cores)
    bare.append(bare_overruns(rate_hz, bare_s))
    processes = snapshot["processes"]
    return {
        "seconds": seconds,
        "fifo_granted": "fifo=True" in snapshot["granted"]["reflex"],
        "reflex_hz": snapshot["streams"]["reflex"]["rate_hz"],
        "overrun_share": processes["reflex"]["overrun_share"],
        "bare_overrun_share": sum(bare) / len(bare),
        "steal_share": taken / passed,
        "encoder_age_ms": snapshot["ages_ms"]["encoder"],
        "realtime_factor": snapshot["realtime_factor"],
        "eye_age_ms": snapshot["ages_ms"].get(EYE),
        "watched": f"{sum(mover.watched)}/{len(mover.watched)}",
        "first_movement_ms": delays(mover.delays_ms),
        "camera_hz": snapshot["streams"][EYE]["rate_hz"],
        "recorder_lost": processes["recorder"]["lost"],
        "page_bytes": received,
        "cpu_share": {name: row["cpu_share"] for name, row in processes.items()},
        "rss_mb": {name: row["rss_mb"] for name, row in processes.items()},
    }


def delays(found: list[float]) -> dict[str, float | int | None]:
    """Return n, p50 and p95."""
    if not found:
        return {"n": 0, "p50": None, "p95": None}
    p50, p95 = np.percentile(found, [50, 95])
    return {"n": len(found), "p50": float(p50), "p95": float(p95)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--quick", action="store_true", help="20 seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--port", type=int, default=8809)
    args = parser.parse_args()
    seconds, bare_s = (20.0, 5.0) if args.quick else (args.seconds, BARE_S)
    figures = measure(seconds, args.port, bare_s)
    if args.json:
        print(json.dumps(figures))
        return
    table = Table("figure", "value", title=f"{figures['seconds']:.0f} s live")
    for key, value in figures.items():
        table.add_row(key, json.dumps(value) if isinstance(value, dict) else str(value))
    Console().print(table)


if __name__ == "__main__":
    main()

"""The promise of the live robot: five minutes on this machine, camera, recorder and one page client running.

Runs ``vagus run robots/host.py`` for a while, keeps the robot busy through its page, looks with
``vagus top --once --json`` at the end, and prints what matters. Targets: overrun_share < 0.001 where SCHED_FIFO is
granted, encoder_age_ms.p999 <= 8, realtime_factor >= 0.99.

Keys of --json: seconds, fifo_granted, reflex_hz, overrun_share, encoder_age_ms (p50, p99, p999, max at the actuators),
realtime_factor, camera_hz, recorder_lost, page_bytes, cpu_share (per process, of one core), rss_mb.
"""

import argparse
import asyncio
import json
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import websockets
from rich.console import Console
from rich.table import Table

from vagus.page.guard import cookie_name

ROOT = Path(__file__).resolve().parents[1]
VAGUS = [sys.executable, "-m", "vagus"]
WORDS = ("wave", "웃어 봐", "look left", "왼쪽을 가리켜", "look right", "놀란 표정 지어 봐", "go home")


async def be_a_page(url: str, seconds: float) -> int:
    """Open the page as a browser would, say something now and then, and return the bytes received."""
    base, token = url.split("/?token=")
    headers = {"Origin": base, "Cookie": f"{cookie_name(base.removeprefix('http://'))}={token}"}
    received, said, start = 0, 0, time.monotonic()
    async with websockets.connect(
        f"{base.replace('http', 'ws')}/ws", additional_headers=headers, max_size=None
    ) as socket:
        await socket.send(json.dumps({"type": "watch", "visible": True, "camera": "camera.head"}))
        while (elapsed := time.monotonic() - start) < seconds:
            if elapsed > 8.0 * said:
                await socket.send(json.dumps({"type": "say", "text": WORDS[said % len(WORDS)]}))
                said += 1
            frame = await socket.recv()
            received += len(frame)
            if isinstance(frame, str) and "n" in (told := json.loads(frame)) and told["type"] == "state":
                await socket.send(json.dumps({"type": "seen", "n": told["n"]}))
    return received


def look(robot: str) -> dict:
    """Return what ``vagus top --once --json`` says."""
    done = subprocess.run([*VAGUS, "top", robot, "--once", "--json"], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def measure(seconds: float, port: int) -> dict:
    """Run the robot and return the figures."""
    with tempfile.TemporaryDirectory() as folder:
        command = [*VAGUS, "run", str(ROOT / "robots/host.py"), "--page-port", str(port), "--record", folder]
        robot = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            url = ""
            for line in robot.stdout:
                found = re.search(r"http://\S+", line)
                if found:
                    url = found.group()
                    break
            received = asyncio.run(be_a_page(url, seconds))
            snapshot = look("host")
        finally:
            robot.send_signal(signal.SIGTERM)
            robot.wait()
    processes = snapshot["processes"]
    return {
        "seconds": seconds,
        "fifo_granted": "fifo=True" in snapshot["granted"]["reflex"],
        "reflex_hz": snapshot["streams"]["reflex"]["rate_hz"],
        "overrun_share": processes["reflex"]["overrun_share"],
        "encoder_age_ms": snapshot["ages_ms"]["encoder"],
        "realtime_factor": snapshot["realtime_factor"],
        "camera_hz": snapshot["streams"]["camera.head"]["rate_hz"],
        "recorder_lost": processes["recorder"]["lost"],
        "page_bytes": received,
        "cpu_share": {name: row["cpu_share"] for name, row in processes.items()},
        "rss_mb": {name: row["rss_mb"] for name, row in processes.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--quick", action="store_true", help="20 seconds")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--port", type=int, default=8809)
    args = parser.parse_args()
    figures = measure(20.0 if args.quick else args.seconds, args.port)
    if args.json:
        print(json.dumps(figures))
        return
    table = Table("figure", "value", title=f"{figures['seconds']:.0f} s live")
    for key, value in figures.items():
        table.add_row(key, json.dumps(value) if isinstance(value, dict) else str(value))
    Console().print(table)


if __name__ == "__main__":
    main()

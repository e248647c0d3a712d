"""``vagus doctor``: what this machine can and cannot do for a robot, each with how to mend it."""

import os
import platform
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import Literal

from vagus.core.errors import ConfigError
from vagus.page.server import bind
from vagus.runtime.run_dir import ROOT
from vagus.world.gl import GL_APT, choose

_RINGS_BYTES = 64 << 20
"""Room for the streams of a robot with one camera, twice over [bytes]."""
CHROMIUM_APT = "apt-get install -y chromium"
_RENDER = "import mujoco; m = mujoco.MjModel.from_xml_string('<mujoco/>'); mujoco.Renderer(m, 32, 32).render()"
_FIFO = "import os; os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(60))"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing looked at."""

    what: str
    status: Literal["ok", "warning", "error"]
    found: str
    mend: str = ""


def _python() -> Check:
    version = platform.python_version()
    ok = sys.version_info >= (3, 11)
    return Check(what="Python", status="ok" if ok else "error", found=version, mend="" if ok else "3.11 or newer")


def _cores() -> Check:
    n = len(os.sched_getaffinity(0))
    few = "the reflex shares its core with others" if n < 2 else ""
    return Check(what="cores", status="ok" if n >= 2 else "warning", found=str(n), mend=few)


def _fifo() -> Check:
    done = subprocess.run([sys.executable, "-c", _FIFO], capture_output=True, check=False)
    if done.returncode == 0:
        return Check(what="real-time scheduling", status="ok", found="SCHED_FIFO granted")
    mend = "echo '* - rtprio 80' | sudo tee /etc/security/limits.d/vagus.conf, then log in again"
    return Check(what="real-time scheduling", status="warning", found="SCHED_FIFO refused", mend=mend)


def _memlock() -> Check:
    limit = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    ok = limit == resource.RLIM_INFINITY or limit >= 512 << 20 or os.geteuid() == 0
    mend = (
        "" if ok else "echo '* - memlock unlimited' | sudo tee -a /etc/security/limits.d/vagus.conf, then log in again"
    )
    found = "unlimited" if limit == resource.RLIM_INFINITY else f"{limit >> 20} MiB"
    return Check(what="locked memory", status="ok" if ok else "warning", found=found, mend=mend)


def _rendering() -> Check:
    environment = dict(os.environ)
    try:
        choose(environment)
    except ConfigError as exc:
        return Check(what="rendering", status="error", found=str(exc), mend=f"unset MUJOCO_GL; {GL_APT}")
    done = subprocess.run([sys.executable, "-c", _RENDER], capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 0:
        return Check(what="rendering", status="ok", found=environment.get("MUJOCO_GL", "on a screen"))
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    return Check(what="rendering", status="error", found=last, mend=GL_APT)


def _shared_memory() -> Check:
    folder = next(path for path in (ROOT, *ROOT.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    ok = free >= _RINGS_BYTES
    mend = "" if ok else f"free some of it, or mount it larger: {_RINGS_BYTES >> 20} MiB are needed"
    return Check(what=f"{folder}", status="ok" if ok else "error", found=f"{free >> 20} MiB free", mend=mend)


def _port(port: int) -> Check:
    try:
        bind("127.0.0.1", port).close()
    except ConfigError as exc:
        return Check(what=f"port {port}", status="warning", found=str(exc), mend="choose another with --page-port")
    return Check(what=f"port {port}", status="ok", found="free")


def _browser() -> Check:
    path = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("firefox")
    if path:
        return Check(what="browser", status="ok", found=path)
    return Check(what="browser", status="warning", found="none here", mend=f"for the page's tests: {CHROMIUM_APT}")


def examine(port: int) -> list[Check]:
    """Look at everything and return one row each."""
    return [_python(), _cores(), _fifo(), _memlock(), _rendering(), _shared_memory(), _port(port), _browser()]

"""Loading a robot file: one Python file that defines one object ``robot``. It checks no more than that; ``check`` does.

A robot file is code and runs with the rights of whoever loads it: load only files you trust.
"""

import difflib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType

from vagus.body.robot import Robot
from vagus.core.errors import ConfigError


def load_robot(path: Path) -> Robot:
    """Run a robot file in a namespace of its own and return its ``robot``.

    Modules beside the file can be imported by it, as when Python runs a script.

    Raises:
        ConfigError: No such file, not Python, its code raised, or no ``robot: Robot`` came of it. The message names the
            file, and the line where there is one.
    """
    path = path.absolute()
    if not path.is_file():
        raise ConfigError(f"robot file {path}: {_why_missing(path)}")
    if path.suffix != ".py":
        raise ConfigError(f"robot file {path}: got a {path.suffix or 'nameless'} file, allowed: a Python file, .py")
    found = getattr(_run(path), "robot", None)
    if found is None:
        raise ConfigError(
            f"robot file {path}: got no object named 'robot', allowed: robot = Robot(spec=..., model=...)"
        )
    if not isinstance(found, Robot):
        raise ConfigError(
            f"robot file {path}: got robot of type {type(found).__name__}, allowed: vagus.body.robot.Robot"
        )
    return found


def _run(path: Path) -> ModuleType:
    # The name is not the file's: a robot file called host.py must not shadow an installed module named host.
    spec = importlib.util.spec_from_file_location(f"vagus_robot_file_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ConfigError(f"robot file {path}: Python cannot load it")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up by name
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (
        Exception,
        SystemExit,
    ) as exc:  # Whatever the file's own code raises is the file's fault: told, not dropped.
        raise ConfigError(f"robot file {path}{_at(_line_in(path, exc))}: {type(exc).__name__}: {exc}") from exc
    finally:
        sys.path.remove(str(path.parent))
    return module


def _why_missing(path: Path) -> str:
    if path.is_dir():
        return "got a folder, allowed: a Python file"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    here = sorted(p.name for p in path.parent.glob("*.py"))
    near = difflib.get_close_matches(path.name, here, n=3) or here[:8]
    return f"there is no such file; in {path.parent}: {', '.join(near) or 'no Python file'}"


def _line_in(path: Path, exc: BaseException) -> int | None:
    """Return the line that is not Python, or the last line of the file itself that ran when ``exc`` was raised."""
    if isinstance(exc, SyntaxError) and exc.filename == str(path):
        return exc.lineno
    lines = [frame.lineno for frame in traceback.extract_tb(exc.__traceback__) if frame.filename == str(path)]
    return lines[-1] if lines else None


def _at(line: int | None) -> str:
    return "" if line is None else f", line {line}"

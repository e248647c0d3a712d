"""Which library renders without a screen: chosen and checked before MuJoCo is imported, which reads MUJOCO_GL then.

It loads nothing and draws nothing. With a wrong name, or a library that is missing, importing MuJoCo would fail.
"""

import ctypes.util
from collections.abc import MutableMapping

from vagus.core.errors import ConfigError

GL_APT = "apt-get install -y libegl1 libgles2 libgl1-mesa-dri"
"""What installs the libraries that render without a screen or GPU on Debian and Ubuntu."""
_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}


def choose(environ: MutableMapping[str, str]) -> None:
    """Set MUJOCO_GL in ``environ`` to EGL if it is not set and EGL is installed: a screen is never assumed.

    Raises:
        ConfigError: It is set to what Vagus cannot render with, or to a library that is not installed.
    """
    name = environ.get("MUJOCO_GL", "").strip().lower()
    if name not in ("", *_LIBRARIES):
        raise ConfigError(f"environment variable MUJOCO_GL: got {name!r}, allowed: 'egl', 'osmesa', or not set")
    is_installed = ctypes.util.find_library(_LIBRARIES[name or "egl"]) is not None
    if name and not is_installed:
        raise ConfigError(
            f"environment variable MUJOCO_GL: got {name!r}, but there is no lib{_LIBRARIES[name]} here; allowed: "
            f"a library that is installed ({GL_APT}), or not set"
        )
    if is_installed:
        environ["MUJOCO_GL"] = name or "egl"

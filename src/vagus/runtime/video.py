"""A film of a simulated run, seen from outside: rendered from the ``scene`` stream into an MP4 file."""

from pathlib import Path

import mujoco

from vagus.body.robot import Robot
from vagus.core.errors import ConfigError
from vagus.runtime.run_dir import Run
from vagus.streams.ring import Reader
from vagus.world.camera import GL_APT

_WIDTH, _HEIGHT, _FPS = 640, 480, 15


class Video:
    """Renders every second exposure of the world to a file. Its timing is the world's, not the wall's."""

    def __init__(self, path: Path, robot: Robot, run: Run, scene: Reader) -> None:
        """Open the file.

        Raises:
            ConfigError: PyAV is not installed, or the file cannot be written as its name says.
        """
        try:
            import av
        except ImportError as exc:
            raise ConfigError("--video needs PyAV: pip install 'vagus[video]'") from exc
        try:
            self._file = av.open(str(path), "w")
            self._stream = self._file.add_stream("libx264", rate=_FPS)
        except (OSError, ValueError) as exc:
            raise ConfigError(f"cannot write a video to {path}: {exc}; allowed: a file name such as demo.mp4") from exc
        self._stream.width, self._stream.height, self._stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        self._frame = av.VideoFrame
        self._model = robot.build_scene(run.scene, run.seed).model
        self._model.vis.global_.offwidth, self._model.vis.global_.offheight = _WIDTH, _HEIGHT
        self._data = mujoco.MjData(self._model)
        try:
            self._renderer = mujoco.Renderer(self._model, _HEIGHT, _WIDTH)
        except (mujoco.FatalError, AttributeError, RuntimeError) as exc:  # by which library, and how, it is missing
            raise ConfigError(f"nothing renders without a screen here ({exc}); install it: {GL_APT}") from exc
        self._camera = mujoco.MjvCamera()
        self._camera.lookat[:] = (0.4, 0.0, 0.75)
        self._camera.distance, self._camera.azimuth, self._camera.elevation = 2.9, 215.0, -15.0
        self._scene = scene

    def tick(self) -> None:
        """Add the frames that are due."""
        for record in self._scene.since():
            if int(record["counter"]) % 2 == 0:
                self._data.qpos[:] = record["qpos"]
                self._data.mocap_pos[:] = record["mocap"][:, :3]
                self._data.mocap_quat[:] = record["mocap"][:, 3:]
                mujoco.mj_kinematics(self._model, self._data)
                mujoco.mj_comPos(self._model, self._data)
                mujoco.mj_camlight(self._model, self._data)
                self._renderer.update_scene(self._data, self._camera)
                frame = self._frame.from_ndarray(self._renderer.render(), format="rgb24")
                self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Finish the file."""
        self._file.mux(self._stream.encode(None))
        self._file.close()
        self._renderer.close()

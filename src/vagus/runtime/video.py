"""A film of a simulated run, as an MP4 file: the room from outside, what the robot sees, what was said, its plan."""

from fractions import Fraction
from pathlib import Path

import mujoco

from vagus.body.robot import Robot
from vagus.core.errors import ConfigError
from vagus.core.messages import Record
from vagus.runtime.captions import HEIGHT, ROOM_WIDTH, WIDTH, Captions
from vagus.runtime.run_dir import Run
from vagus.runtime.story import Story
from vagus.streams.streams import Streams
from vagus.world.camera import GL_APT

_FPS = 15
_AT_ONCE = 2
"""Most exposures looked at in one tick, which is one picture: whoever films also watches the robot's processes."""


class Video:
    """Renders every second exposure of the world to a file. Its timing is the world's, not the wall's.

    Where rendering does not keep up, pictures are missing and the one before stands longer. In lockstep the same run,
    filmed at the same ticks, gives the same pictures.
    """

    def __init__(self, path: Path, robot: Robot, run: Run, streams: Streams, *, shadows: bool = False) -> None:
        """Open the file. Shadows make a picture five times as slow: a robot that runs beside it in real time has none.

        Raises:
            ConfigError: PyAV or the font is not installed, or the file cannot be written as its name says.
        """
        self._captions = Captions()
        try:
            import av
        except ImportError as exc:
            raise ConfigError("--video needs PyAV: pip install 'vagus[video]'") from exc
        try:
            path.touch()  # PyAV would find out at the first picture
            self._file = av.open(str(path), "w")
            self._stream = self._file.add_stream("libx264", rate=_FPS)
        except (OSError, ValueError) as exc:
            raise ConfigError(f"cannot write a video to {path}: {exc}; allowed: a file name such as demo.mp4") from exc
        self._stream.width, self._stream.height, self._stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        self._stream.codec_context.thread_count = 1  # the robot runs beside it
        self._stream.options = {"preset": "veryfast"}
        self._frame = av.VideoFrame
        self._model = robot.build_scene(run.scene, run.seed).model
        self._model.vis.global_.offwidth, self._model.vis.global_.offheight = ROOM_WIDTH, HEIGHT
        self._data = mujoco.MjData(self._model)
        try:
            self._renderer = mujoco.Renderer(self._model, HEIGHT, ROOM_WIDTH)
        except (mujoco.FatalError, AttributeError, RuntimeError) as exc:  # by which library, and how, it is missing
            raise ConfigError(f"nothing renders without a screen here ({exc}); install it: {GL_APT}") from exc
        self._has_shadows = shadows
        self._camera = _from_outside()
        self._scene = streams.reader("scene")
        self._story = Story(run.spec, streams, run.spec.eye)
        self._first: int | None = None
        """Number of the first picture, which is at the film's start."""

    def tick(self) -> None:
        """Add the picture that is due, if one is; what is left waits for the next tick."""
        for record in self._scene.since(_AT_ONCE):
            self._add(record)

    def _add(self, record: Record) -> None:
        number, is_between = divmod(int(record["counter"]), 2)
        if is_between:
            return
        self._data.qpos[:] = record["qpos"]
        self._data.mocap_pos[:] = record["mocap"][:, :3]
        self._data.mocap_quat[:] = record["mocap"][:, 3:]
        mujoco.mj_kinematics(self._model, self._data)
        mujoco.mj_comPos(self._model, self._data)
        mujoco.mj_camlight(self._model, self._data)
        self._renderer.update_scene(self._data, self._camera)
        self._renderer.scene.flags[mujoco.mjtRndFlag.mjRND_SHADOW] = self._has_shadows
        film = self._captions.compose(self._renderer.render(), self._story.at(int(record["stamp_ns"])))
        frame = self._frame.from_ndarray(film, format="rgb24")
        self._first = number if self._first is None else self._first
        frame.pts, frame.time_base = number - self._first, Fraction(1, _FPS)
        self._file.mux(self._stream.encode(frame))

    def close(self) -> None:
        """Add what is left and finish the file."""
        for record in self._scene.since():
            self._add(record)
        self._file.mux(self._stream.encode(None))
        self._file.close()
        self._renderer.close()


def _from_outside() -> mujoco.MjvCamera:
    """Return a camera before the robot, to its left, that sees it and what it works at."""
    camera = mujoco.MjvCamera()
    camera.lookat[:] = (0.4, 0.0, 0.75)
    camera.distance, camera.azimuth, camera.elevation = 2.9, 215.0, -15.0
    return camera

"""What the tests of simulated worlds share: the host robot in a scene, and putting it into a pose."""

import math
from pathlib import Path
from runpy import run_path

import mujoco

from vagus.body.robot import Robot
from vagus.world import host, scenes

HOST: Robot = run_path(str(Path(__file__).parents[2] / "robots" / "host.py"))["robot"]


def host_in(scene: str, seed: int = 0) -> scenes.Scene:
    return scenes.build_scene(HOST.build_model(), scene=scene, seed=seed)


def set_pose(model: mujoco.MjModel, data: mujoco.MjData, pose: dict[str, float]) -> None:
    """Put joints where ``pose`` says, followers with them, and hold them there by their motors."""
    for name, q in pose.items():
        data.qpos[model.joint(name).qposadr[0]] = q
        if not name.startswith("wheel"):
            data.ctrl[model.actuator(name).id] = q
    for i in range(model.neq):
        follower, leader = model.eq_obj1id[i], model.eq_obj2id[i]
        data.qpos[model.jnt_qposadr[follower]] = data.qpos[model.jnt_qposadr[leader]]
    mujoco.mj_forward(model, data)


def at_home(model: mujoco.MjModel, pose: dict[str, float] = host.HOME) -> mujoco.MjData:
    data = mujoco.MjData(model)
    set_pose(model, data, pose)
    return data


def tilt_deg(data: mujoco.MjData) -> float:
    """Angle of the base's z axis from the vertical [deg]."""
    return math.degrees(math.acos(min(1.0, float(data.body("base").xmat[8]))))

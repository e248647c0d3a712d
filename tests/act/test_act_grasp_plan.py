"""Grasps past what stands around: what the trunk moves along keeps away from it, too."""

import numpy as np

from vagus.act.approach import tucked_in
from vagus.act.grasp_plan import GraspSearch
from vagus.act.kinematics import Kinematics
from vagus.act.motion import ended
from vagus.act.scene import BOARD_M, level_pose, support_in, thing_in
from vagus.act.skill import Context
from vagus.act.surroundings import Surroundings, board_of, skin_of, solid_of
from vagus.body.load import load_robot
from vagus.core.frames import invert
from vagus.core.things import Support, Thing
from vagus.runtime.prepare import host_file


def cup(number: int, x: float, y: float) -> Thing:
    return Thing(id=number, shape="cup", colour="red", centre=np.array([x, y, 0.796]), yaw=0.0, sigma=0.003,
                 size=(0.066, 0.066, 0.094), seen_ns=0)  # fmt: skip


def test_an_arm_that_is_not_used_is_not_lowered_onto_what_stands_below_it() -> None:
    robot = load_robot(host_file())
    kinematics = Kinematics(robot.build_model().compile(), robot.spec)
    ctx = Context(spec=robot.spec, kinematics=kinematics, rng=np.random.default_rng(0), lead_ns=0)
    q = tucked_in(ctx, kinematics.home)
    # Where it stood when, before this was looked after, its right upper arm came down on the cup at its right.
    X_BW = invert(level_pose(0.448, -0.033, 0.377))
    target, below = thing_in(cup(4, 0.828, 0.324), X_BW), thing_in(cup(3, 0.812, -0.236), X_BW)
    table = Support(corners=np.array([[0.7, -0.7], [1.5, -0.7], [1.5, 0.8], [0.7, 0.8]]), height=0.75)
    others = [solid_of(below), board_of(support_in(table, X_BW), BOARD_M)]
    left = next(arm for arm in robot.spec.arms if arm.name == "left")
    found = ended(GraspSearch(ctx, left, q, np.zeros(len(q))).run(target, others))
    assert found is not None
    skin, around = skin_of(kinematics), Surroundings([solid_of(below)])
    for share in np.linspace(0.0, 1.0, 11):
        q[found.joints] = found.before + share * (found.at - found.before)
        assert skin.clearance(q, around) > 0.01

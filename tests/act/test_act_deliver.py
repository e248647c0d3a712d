"""Where a palm is while something is carried to it: as it was seen last with nothing before it."""

from dataclasses import replace

import numpy as np
from ideal import IdealRobot, load

from vagus.act.deliver import Delivery
from vagus.act.hand import Hand
from vagus.act.skill import Context, Held, Observation
from vagus.core import messages as m
from vagus.core.things import Person, Thing

CAN = Thing(id=1, shape="can", colour="red", centre=np.array([0.5, 0.1, 0.8]), yaw=0.0, size=(0.06, 0.06, 0.12),
            sigma=0.003, seen_ns=0)  # fmt: skip


def test_a_palm_that_is_seen_past_what_is_held_is_where_it_was_before() -> None:
    """Half hidden, its wrist passed for its middle: the thing was let go there, and fell."""
    robot = IdealRobot(*load("host"))
    ctx = Context(spec=robot.spec, kinematics=robot.kinematics, rng=robot.rng, lead_ns=0)
    arm = next(arm for arm in robot.spec.arms if arm.name == "left")
    X_FT = np.eye(4)
    X_FT[2, 3] = 0.06
    delivery = Delivery(ctx, Hand.of(ctx, arm), Held(thing=CAN, X_WF=np.eye(4), X_FT=X_FT))
    reflex = m.blank(m.reflex(robot.spec))
    q = reflex["q_last"] = robot.spec.array("home")
    assert robot.spec.eye is not None
    eye, tip = (ctx.kinematics.pose_of(q, name)[:3, 3] for name in (robot.spec.eye.name, arm.tip))

    def seen(hand: np.ndarray, at_ns: int) -> np.ndarray | None:
        person = Person(place=hand[:2] + np.array([0.5, 0.0]), height=1.7, hand=hand, sigma=0.04, seen_ns=at_ns)
        obs = Observation(now_ns=at_ns, spec=robot.spec, reflex=reflex, people=(person,))
        return delivery.palm(obs, replace(person, hand=None))

    plain = np.array([1.0, 0.1, 1.1])
    beside = plain + np.array([0.0, 0.05, 0.0])
    behind = eye + (tip - eye) * (1.0 + 0.5 / np.linalg.norm(tip - eye))
    np.testing.assert_allclose(seen(plain, 1), plain)
    np.testing.assert_allclose(seen(behind, 2), plain)
    np.testing.assert_allclose(seen(beside, 3), beside)

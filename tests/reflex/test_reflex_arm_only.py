"""The gate of a robot without wheels."""

import numpy as np
from reflex_rig import ELBOW, SHOULDER, Rig, small_spec

from vagus.core.messages import State
from vagus.core.robot import RobotSpec


def arm_spec() -> RobotSpec:
    whole = small_spec()
    return RobotSpec(name="arm", joints=whole.joints[:3], groups=whole.groups[:2], arms=whole.arms)


def test_an_arm_alone_goes_where_it_is_told() -> None:
    rig = Rig(spec=arm_spec()).leased(groups=0b11)
    for _ in range(1500):
        rig.run_on(0.3)
    assert rig.state() == State.RUN
    np.testing.assert_allclose(rig.q[[SHOULDER, ELBOW]], 0.3, atol=1e-6)

"""What has fallen over, by how low it is seen to be: hand-worked heights."""

import numpy as np
import pytest

from vagus.act.feet import Spot
from vagus.act.placing import _is_lying
from vagus.core.things import Thing


def thing(shape: str, size: tuple[float, float, float]) -> Thing:
    return Thing(id=1, shape=shape, colour="red", centre=np.array([1.0, 0.0, 0.75 + 0.5 * size[2]]), yaw=0.0, size=size,
                 sigma=0.002, seen_ns=0)  # fmt: skip


BOTTLE, CUP, BOWL = (
    thing("bottle", (0.06, 0.06, 0.19)),
    thing("cup", (0.07, 0.07, 0.10)),
    thing("bowl", (0.12, 0.12, 0.06)),
)


@pytest.mark.parametrize(
    ("stood", "shape", "top", "is_lying"),
    [
        (BOTTLE, "bottle", 0.19, False), (BOTTLE, "can", 0.13, False), (BOTTLE, "can", 0.12, True),
        (BOTTLE, "box", 0.06, True), (CUP, "cup", 0.10, False), (CUP, "can", 0.075, False), (CUP, "box", 0.069, True),
    ],
)  # fmt: skip
def test_a_slender_thing_has_fallen_when_it_is_nearly_as_low_as_it_is_wide(
    stood: Thing, shape: str, top: float, is_lying: bool
) -> None:
    seen = thing(shape, (stood.size[0], stood.size[1], top))
    foot = np.array([1.0, 0.0, 0.75])
    assert _is_lying(seen, stood, Spot(foot=foot)) is is_lying
    assert not _is_lying(seen, stood, Spot(foot=foot, bowl=BOWL))  # there its foot is hidden

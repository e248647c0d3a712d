"""Where to stand: never in anything, always with the thing in reach, and on a way that is free."""

import math
from dataclasses import replace

import numpy as np
import pytest
from ideal import IdealRobot, load

from vagus.act.approach import tucked_in
from vagus.act.motion import ended
from vagus.act.scene import find_again, level_pose, past_body, solids
from vagus.act.skill import Context, Observation
from vagus.act.stance import Floor, Leg
from vagus.act.surroundings import Skin, Surroundings
from vagus.core import messages as m
from vagus.core.frames import transform
from vagus.core.things import Person, Support, Thing
from vagus.perceive.odometry import OdometryPose

HOST = load("host")
TABLE = Support(corners=np.array([[0.92, -0.55], [1.68, -0.55], [1.68, 0.75], [0.92, 0.75]]), height=0.75)


def thing(number: int, x: float, y: float, height: float = 0.1) -> Thing:
    centre = np.array([x, y, 0.75 + 0.5 * height])
    return Thing(id=number, shape="can", colour="red", centre=centre, yaw=0.0, size=(0.06, 0.06, height), sigma=0.003,
                 seen_ns=0)  # fmt: skip


class Place:
    """The host somewhere before a table."""

    def __init__(self, x: float, y: float, yaw: float, things: tuple[Thing, ...], people: tuple[Person, ...] = (),
                 post: tuple[float, float] | None = None, width: float = 0.0) -> None:  # fmt: skip
        """``post``: what the lidar sees, bearing [rad] and distance from the base's middle [m], so wide [m]."""
        robot = IdealRobot(*HOST)
        self.ctx = Context(spec=robot.spec, kinematics=robot.kinematics, rng=robot.rng, lead_ns=0)
        origins = np.zeros(len(robot.spec.sensors), np.int64)
        odometry = OdometryPose(x=x, y=y, yaw=yaw, stamp_ns=0, origin_ns=origins)
        reflex = m.blank(m.reflex(robot.spec))
        reflex["q_last"] = robot.spec.array("home")
        self.obs = Observation(now_ns=0, spec=robot.spec, reflex=reflex, odometry=odometry, things=things,
                               supports=(TABLE,), people=people, lidar=self._sweep(post, width))  # fmt: skip
        self.q = tucked_in(self.ctx, robot.spec.array("home"))
        self.floor = Floor(self.ctx, self.obs, self.q)
        skin = Skin(self.ctx.kinematics)
        self._points, self._radius = skin.points(self.q), skin.radius
        self._around = Surroundings(solids(self.obs, np.eye(4)))

    def _sweep(self, post: tuple[float, float] | None, width: float) -> m.Record:
        sweep = m.blank(m.lidar(self.ctx.spec))
        if post is not None:
            bearing, far = post
            from_lidar = np.array([far * math.cos(bearing), far * math.sin(bearing)])
            from_lidar -= self.ctx.kinematics.lidar_pose[:2, 3]
            n = len(sweep["range"])
            ray = round(math.atan2(from_lidar[1], from_lidar[0]) / (2.0 * math.pi) * n) % n
            sweep["range"][:] = sweep["range"] if width == 0.0 else 5.0  # a wall, far off
            some = round(0.5 * width / float(np.linalg.norm(from_lidar)) * n / (2.0 * math.pi))
            sweep["range"][np.arange(ray - some, ray + some + 1) % n] = np.linalg.norm(from_lidar)
        return sweep

    def gap(self, X_WS: np.ndarray) -> float:
        return float(np.min(self._around.distance(transform(X_WS, self._points)) - self._radius))


@pytest.mark.parametrize("x", [0.97, 1.1, 1.3])
@pytest.mark.parametrize("y", [-0.3, 0.1, 0.5])
def test_every_stance_is_free_and_has_the_thing_before_it(x: float, y: float) -> None:
    target = thing(1, x, y)
    place = Place(0.0, 0.1, 0.0, (target, thing(2, 1.0, 0.2)))
    found = list(place.floor.stances(target))
    assert found
    for X_WS in found:
        assert place.gap(X_WS) > 0.03
        ahead = np.linalg.inv(X_WS) @ [*target.centre, 1.0]
        assert 0.3 < ahead[0] < 0.65
        assert abs(ahead[1]) <= 0.31


def test_what_is_seen_where_the_robot_itself_is_is_no_thing() -> None:
    real = thing(1, 1.1, 0.1)
    place = Place(0.5, 0.1, 0.0, (real,))
    elbow = place.ctx.kinematics.anchor(place.ctx.kinematics.home, "left_elbow")
    ghost = thing(2, 0.5 + float(elbow[0]), 0.1 + float(elbow[1]))
    assert past_body(place.ctx, replace(place.obs, things=(real, ghost))).things == (real,)


def test_a_thing_that_got_another_number_is_the_one_that_stands_where_it_stood() -> None:
    """Its old number may have gone to a part of it that was seen beside it."""
    was, now, part = thing(1, 1.0, 0.1), thing(7, 1.005, 0.1), thing(1, 1.07, 0.1)
    place = Place(0.5, 0.1, 0.0, (part, now))
    assert find_again(place.obs, was) is now


def ends_at(start: np.ndarray, legs: list[Leg]) -> np.ndarray:
    X = start
    for leg in legs:
        turn = math.radians(leg.get("turn_deg", 0.0))
        X = X @ level_pose(leg.get("distance_m", 0.0), 0.0, turn)
    return X


def test_a_way_leads_to_the_stance_and_touches_nothing() -> None:
    target = thing(1, 1.1, -0.2)
    place = Place(0.1, 0.4, 0.2, (target,))
    start = level_pose(0.1, 0.4, 0.2)
    for X_WS in list(place.floor.stances(target))[:4]:
        legs = ended(place.floor.route(X_WS))
        assert legs is not None
        np.testing.assert_allclose(ends_at(start, legs), X_WS, atol=1e-9)


def test_who_stands_close_to_the_table_backs_off_before_turning_away() -> None:
    """Turning on the spot would sweep the elbows over the table, into what stands there."""
    near = (thing(1, 0.95, 0.1, height=0.25),)  # between the elbows
    place = Place(0.62, 0.1, 0.0, near)
    legs = ended(place.floor.route(level_pose(0.3, 0.6, 0.8)))
    assert legs is not None
    assert legs[0].get("distance_m", 0.0) < 0.0


def poses(start: np.ndarray, legs: list[Leg]) -> list[np.ndarray]:
    """Poses of the base on the way, every few centimetres and degrees."""
    out, X = [start], start
    for leg in legs:
        n = math.ceil(abs(leg.get("distance_m", 0.0)) / 0.02 + abs(leg.get("turn_deg", 0.0)) / 4.0)
        step = level_pose(leg.get("distance_m", 0.0) / n, 0.0, math.radians(leg.get("turn_deg", 0.0)) / n)
        for _ in range(n):
            X = X @ step
            out.append(X)
    return out


@pytest.mark.parametrize("goal", [(2.2, 0.1, math.pi), (1.3, 1.2, -1.6)])
def test_a_way_to_another_side_leads_around_the_table_and_touches_nothing(goal: tuple[float, float, float]) -> None:
    place = Place(0.3, 0.1, 0.0, (thing(1, 1.0, 0.2),))
    legs = ended(place.floor.route(level_pose(*goal)))
    assert legs is not None
    way = poses(level_pose(0.3, 0.1, 0.0), legs)
    np.testing.assert_allclose(way[-1], level_pose(*goal), atol=1e-9)
    assert min(place.gap(X) for X in way) > 0.01


def test_no_way_leads_into_the_table() -> None:
    place = Place(0.3, 0.1, 0.0, ())
    assert ended(place.floor.route(level_pose(1.3, 0.1, 0.0))) is None


def test_nobody_is_swept_by_an_elbow() -> None:
    """A person who is known, and one whose shins alone the lidar sees."""
    there = level_pose(-0.6, 0.1, math.pi)
    assert ended(Place(-0.6, 0.1, 0.0, ()).floor.route(there)) is not None
    somebody = Person(place=np.array([-0.6, 0.75]), height=1.7, hand=None, sigma=0.04, seen_ns=0)
    for beside in (Place(-0.6, 0.1, 0.0, (), (somebody,)), Place(-0.6, 0.1, 0.0, (), post=(1.5, 0.45))):
        legs = ended(beside.floor.route(there))
        assert legs is None or "turn_deg" not in legs[0]


@pytest.mark.parametrize(("far", "may_turn"), [(0.75, True), (0.60, False)])
def test_who_is_no_more_than_a_leg_to_the_lidar_has_arms_above_it(far: float, may_turn: bool) -> None:
    """As wide as a leg it may be somebody's; something narrower at the same place is only what it is."""
    there = level_pose(-0.6, 0.1, math.pi)
    leg = ended(Place(-0.6, 0.1, 0.0, (), post=(1.5, far), width=0.11).floor.route(there))
    assert (leg is not None and "turn_deg" in leg[0]) == may_turn
    post = ended(Place(-0.6, 0.1, 0.0, (), post=(1.5, far)).floor.route(there))
    assert post is not None
    assert "turn_deg" in post[0]


@pytest.mark.parametrize("side", [1.0, -1.0])
def test_stances_for_an_arm_have_the_thing_on_that_arms_side_first(side: float) -> None:
    target = thing(1, 1.1, 0.1)
    found = list(Place(0.3, 0.1, 0.0, (target,)).floor.stances(target, side))
    seen_from = [float(transform(np.linalg.inv(X_WS), target.centre)[1]) * side for X_WS in found]
    assert min(seen_from[:4]) > 0.0
    assert min(seen_from) < -0.1  # the others come later


@pytest.mark.parametrize("turn", [0.8, -0.8, 1.5])
def test_a_view_faces_the_place_from_so_far_round_about_it_and_touches_nothing(turn: float) -> None:
    place, middle = Place(0.1, 0.1, 0.0, (thing(1, 1.1, 0.1),)), np.array([1.1, 0.1])
    (X_WS,) = place.floor.views(middle, (turn,))
    out = X_WS[:2, 3] - middle
    assert math.remainder(math.atan2(out[1], out[0]) - math.pi - turn, 2.0 * math.pi) == pytest.approx(0.0, abs=1e-6)
    np.testing.assert_allclose(X_WS[:2, 0], -out / np.linalg.norm(out), atol=1e-9)
    assert place.gap(X_WS) > 0.03


def test_a_leg_of_the_table_is_not_as_tall_as_the_robot() -> None:
    """The tucked arms may be over it: what carries a board does not reach above the board."""
    target = thing(1, 1.1, 0.1)
    free = sum(1 for _ in Place(0.3, 0.1, 0.0, (target,)).floor.stances(target))
    leg = sum(1 for _ in Place(0.3, 0.1, 0.0, (target,), post=(0.0, 0.66)).floor.stances(target))
    post = sum(1 for _ in Place(0.3, 0.1, 0.0, (target,), post=(0.0, 0.50)).floor.stances(target))
    assert free >= leg > post

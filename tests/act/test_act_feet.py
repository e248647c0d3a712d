"""Where a held thing may be put: geometry by hand, and a reason whenever there is no such place."""

import math
from dataclasses import replace

import numpy as np
import pytest

from vagus.act import feet
from vagus.act.scene import level_pose
from vagus.act.skill import Held
from vagus.core.things import Support, Thing

TABLE = Support(corners=np.array([[0.6, -0.5], [1.4, -0.5], [1.4, 0.5], [0.6, 0.5]]), height=0.75)
SIZES = {"cup": (0.066, 0.066, 0.09), "bottle": (0.06, 0.06, 0.19), "box": (0.09, 0.06, 0.10), "ball": (0.06,) * 3,
         "can": (0.06, 0.06, 0.11), "bowl": (0.12, 0.12, 0.055)}  # fmt: skip


def thing(shape: str, x: float, y: float, number: int = 2) -> Thing:
    size = SIZES[shape]
    return Thing(id=number, shape=shape, colour="red", centre=np.array([x, y, 0.75 + 0.5 * size[2]]), yaw=0.0,
                 size=size, sigma=0.002, seen_ns=0)  # fmt: skip


def held(shape: str, x: float = 0.8, y: float = -0.2, yaw: float = 0.3) -> Held:
    X_WF = level_pose(x, y, yaw)
    X_WF[2, 3] = 0.75
    return Held(thing=thing(shape, x, y, number=1), X_WF=X_WF, X_FT=np.eye(4))


def places(found: feet.Spots) -> list[feet.Spot]:
    assert not isinstance(found, str), found
    return found


def test_free_places_keep_3_cm_from_edges_and_from_what_stands_there() -> None:
    can = thing("can", 1.0, 0.0)
    for spot in places(feet.free(held("can"), [can], [TABLE])):
        assert np.linalg.norm(spot.foot[:2] - can.centre[:2]) > 0.06 + 0.03 - 1e-9
        assert np.all(np.abs(spot.foot[:2] - [1.0, 0.0]) <= [0.4 - 0.06, 0.5 - 0.06])
        assert spot.foot[2] == 0.75


def test_the_first_free_place_is_where_it_came_from_unless_something_stands_there_now() -> None:
    first = places(feet.free(held("can"), [], [TABLE]))[0]
    np.testing.assert_allclose(first.foot, [0.8, -0.2, 0.75])
    first = places(feet.free(held("can"), [thing("can", 0.82, -0.2)], [TABLE]))[0]
    assert np.linalg.norm(first.foot[:2] - [0.82, -0.2]) > 0.09


def test_a_board_too_small_for_it_has_no_place() -> None:
    small = replace(TABLE, corners=0.05 * (TABLE.corners - 1.0))
    taken = thing("can", 0.8, -0.2)
    assert feet.free(held("can"), [taken], [small]) == "no_place"
    assert feet.free(held("can"), [taken], []) == "no_place"


def test_what_is_cleared_away_goes_to_another_board_and_nowhere_else() -> None:
    shelf = Support(corners=TABLE.corners + np.array([0.0, 1.2]), height=1.0)
    beside = Support(corners=TABLE.corners + np.array([0.0, 1.2]), height=0.75)
    can = thing("can", 1.0, 1.2)
    for other in (shelf, beside):
        found = places(feet.away(held("can"), [can], [TABLE, other]))
        assert {float(spot.foot[2]) for spot in found} == {other.height}
        assert all(spot.foot[1] > 0.7 + 0.06 for spot in found)
        apart = [float(np.linalg.norm(spot.foot[:2] - can.centre[:2])) for spot in found]
        assert (min(apart) > 0.09) == (other is beside)  # on the shelf nothing stands
    assert feet.away(held("can"), [], [TABLE]) == "no_other_board"
    assert feet.away(held("can", x=1.43), [], [TABLE]) == "no_other_board"  # seen smaller than it is
    on_a_box = replace(held("can"), X_WF=held("can").X_WF + np.array([[0.0] * 4] * 2 + [[0, 0, 0, 0.12], [0.0] * 4]))
    assert feet.away(on_a_box, [], [TABLE]) == "no_other_board"
    assert {float(spot.foot[2]) for spot in places(feet.away(on_a_box, [], [shelf, TABLE]))} == {1.0}
    assert feet.away(held("can"), [], [TABLE, replace(shelf, corners=0.05 * shelf.corners)]) == "no_place"


def test_it_goes_back_to_where_it_stood_turned_as_it_was() -> None:
    (spot,) = places(feet.back(held("box", yaw=0.3), [thing("can", 1.0, 0.0)]))
    np.testing.assert_allclose(spot.foot, [0.8, -0.2, 0.75])
    assert spot.yaw == pytest.approx(0.3)


@pytest.mark.parametrize(("off", "is_free"), [(0.0, False), (0.03, False), (0.05, False), (0.057, True), (0.065, True)])
def test_its_place_is_taken_when_something_reaches_into_it(off: float, is_free: bool) -> None:
    """By more than two things that touch are seen to overlap."""
    found = feet.back(held("can"), [thing("can", 0.8, -0.2 + off)])  # both 6 cm wide
    assert (found != "place_taken") == is_free


@pytest.mark.parametrize("target", ["can", "cup", "box", "bottle", "bowl"])
@pytest.mark.parametrize("what", ["can", "cup", "box", "ball"])
def test_next_to_is_2_to_10_cm_beside_it_on_its_board(what: str, target: str) -> None:
    it, hand = thing(target, 1.0, 0.0), held(what)
    for spot in places(feet.next_to(hand, it, [it], [TABLE])):
        away = np.abs(spot.foot[:2] - it.centre[:2])
        half = 0.5 * np.array(it.size[:2])  # from its surface to the middle of the other:
        beyond = np.linalg.norm(np.maximum(0.0, away - half)) if target == "box" else np.linalg.norm(away) - half[0]
        sizes = hand.thing.size[:2]
        most = 0.5 * math.hypot(*sizes) if what == "box" else 0.5 * sizes[0]  # a box may be turned either way
        assert beyond - most >= 0.02
        assert beyond - 0.5 * min(sizes) <= 0.10
        assert spot.foot[2] == TABLE.height


def test_nothing_stands_between_it_and_what_it_is_put_next_to() -> None:
    it, wall = thing("can", 1.0, 0.0), thing("can", 1.0, 0.11, number=3)
    found = places(feet.next_to(held("can"), it, [it, wall], [TABLE]))
    assert all(s.foot[1] < 1.01 * abs(s.foot[0] - 1.0) for s in found)  # none on the wall's side


def test_next_to_what_stands_on_no_board_that_is_known_there_is_no_place() -> None:
    it = thing("can", 1.0, 0.0)
    assert feet.next_to(held("can"), it, [it], [replace(TABLE, height=0.45)]) == "no_place"


@pytest.mark.parametrize(("what", "target", "why"), [
    ("can", "can", "not_a_bowl"), ("box", "bowl", "does_not_fit"), ("cup", "bowl", "does_not_fit")])  # fmt: skip
def test_only_what_fits_goes_into_bowls_alone(what: str, target: str, why: str) -> None:
    it = thing(target, 1.0, 0.0)
    assert feet.inside(held(what), it, [it]) == why


def test_it_stands_on_a_bowls_floor_unless_something_is_in_there() -> None:
    bowl = thing("bowl", 1.0, 0.0)
    (spot,) = places(feet.inside(held("ball"), bowl, [bowl, thing("can", 1.0, 0.2, number=3)]))
    np.testing.assert_allclose(spot.foot, [1.0, 0.0, 0.758])
    assert feet.inside(held("ball"), bowl, [bowl, thing("ball", 1.01, 0.0, number=3)]) == "place_taken"


@pytest.mark.parametrize(("what", "target", "why"), [
    ("can", "bottle", "not_flat"), ("ball", "box", "not_flat"), ("bowl", "box", "does_not_fit")])  # fmt: skip
def test_only_what_stands_safely_goes_onto_boxes_alone(what: str, target: str, why: str) -> None:
    it = thing(target, 1.0, 0.0)
    assert feet.on_top(held(what), it, [it]) == why


def test_it_stands_on_a_boxs_top_unless_something_is_there() -> None:
    box = thing("box", 1.0, 0.0)
    (spot,) = places(feet.on_top(held("can"), box, [box]))
    np.testing.assert_allclose(spot.foot, [1.0, 0.0, 0.85])
    on_it = replace(thing("can", 1.0, 0.0, number=3), centre=np.array([1.0, 0.0, 0.905]))
    assert feet.on_top(held("can"), box, [box, on_it]) == "place_taken"

"""Things over time: numbers that stay, what is hidden and what is gone, what was moved."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import CAM, looking
from hypothesis import given
from hypothesis import strategies as st

from vagus.perceive.objects import Seen
from vagus.perceive.tracks import Track, Tracks

X_WC = looking((0.2, 0.0, 1.2), 0.5)
EMPTY = np.full((CAM.height, CAM.width), 3.0, np.float32)
"""Nothing nearer than three metres."""
MS = 1_000_000


def cup(x: float = 0.9, y: float = 0.0, colour: str = "red", shape: str = "cup", sigma: float = 0.004, n: int = 60
        ) -> Seen:  # fmt: skip
    return Seen(shape, colour, np.array([x, y, 0.80]), 0.0, (0.066, 0.066, 0.09), sigma, np.arange(100, 100 + n))


def watched(*pictures: list[Seen], depth: np.ndarray = EMPTY) -> Tracks:
    tracks = Tracks(CAM)
    for k, seen in enumerate(pictures):
        tracks.update(seen, depth, X_WC, (k + 1) * 100 * MS)
    return tracks


def only(tracks: Tracks) -> Track:
    assert len(tracks.all) == 1
    return tracks.all[0]


def test_a_thing_is_believed_when_it_was_seen_three_times() -> None:
    assert [len(watched(*[[cup()]] * n).all) for n in (1, 2, 3)] == [0, 0, 1]


def test_a_thing_keeps_its_number_and_is_as_old_as_its_last_sighting() -> None:
    tracks = watched(*[[cup()]] * 3)
    first = only(tracks).id
    tracks.update([cup()], EMPTY, X_WC, 900 * MS)
    assert only(tracks).id == first
    assert only(tracks).seen_ns == 900 * MS


@given(st.lists(st.tuples(st.floats(-0.006, 0.006), st.floats(-0.006, 0.006)), min_size=12, max_size=12))
def test_noise_averages_out_and_the_deviation_shrinks(noise: list[tuple[float, float]]) -> None:
    track = only(watched(*[[cup(0.9 + dx, dy)] for dx, dy in noise]))
    xs, ys = zip(*noise, strict=True)
    assert 0.9 + min(xs) - 1e-9 <= track.centre[0] <= 0.9 + max(xs) + 1e-9
    assert min(ys) - 1e-9 <= track.centre[1] <= max(ys) + 1e-9
    assert track.sigma < 0.004


def test_things_of_two_colours_in_one_place_are_two() -> None:
    tracks = watched(*[[cup(colour="red"), cup(y=0.07, colour="blue")]] * 3)
    assert sorted(t.colour for t in tracks.all) == ["blue", "red"]


def test_one_thing_that_has_another_colour_in_another_light_is_one() -> None:
    track = only(watched(*[[cup(colour="black")]] * 4, *[[cup(x=0.902, colour="white")]] * 3))
    assert (track.id, track.colour) == (1, "black")


@pytest.mark.parametrize(("n", "shape"), [(35, "cup"), (55, "box")])
def test_what_is_half_hidden_has_no_say_in_what_it_is_and_where(n: int, shape: str) -> None:
    hand_before_it = [cup(x=0.93, shape="box", n=n)]
    track = only(watched(*[[cup()]] * 3, *[hand_before_it] * 8))
    assert track.shape == shape
    assert (track.centre[0] == pytest.approx(0.9, abs=1e-9)) == (shape == "cup")
    assert track.seen_ns == 1100 * MS


def test_a_piece_of_what_is_half_hidden_is_no_thing_of_its_own() -> None:
    bowl = Seen("bowl", "red", np.array([0.9, 0.0, 0.78]), 0.0, (0.12, 0.12, 0.056), 0.004, np.arange(100, 200))
    ball = Seen("ball", "red", np.array([0.9, 0.03, 0.79]), 0.0, (0.05,) * 3, 0.004, np.arange(100, 130))
    box = Seen("box", "red", np.array([0.88, -0.03, 0.78]), 0.0, (0.05, 0.04, 0.05), 0.004, np.arange(140, 170))
    assert only(watched(*[[bowl]] * 5, *[[ball, box]] * 8)).shape == "bowl"
    assert {t.shape for t in watched(*[[bowl]] * 5, *[[bowl, ball]] * 3).all} == {"bowl", "ball"}  # it is in the bowl
    blue = replace(ball, colour="blue")
    assert {t.shape for t in watched(*[[bowl]] * 5, *[[box, blue]] * 3).all} == {"bowl", "ball"}
    hidden = np.full(EMPTY.shape, 0.4, np.float32)
    above = replace(ball, centre=ball.centre + np.array([0.0, 0.0, 0.1]))
    assert len(watched(*[[bowl]] * 5, *[[above]] * 3, depth=hidden).all) == 2


def test_what_the_robot_itself_may_be_begins_no_thing_but_what_is_known_is_followed() -> None:
    tracks = watched(*[[cup()]] * 3)
    for k in range(4):
        tracks.update([cup(0.91), cup(0.7, 0.3)], EMPTY, X_WC, (10 + k) * 100 * MS, is_own=lambda _one: True)
    assert only(tracks).seen_ns == 1300 * MS
    for k in range(3):
        tracks.update([cup(0.91), cup(0.7, 0.3)], EMPTY, X_WC, (20 + k) * 100 * MS, is_own=lambda _one: False)
    assert len(tracks.all) == 2


def test_two_things_of_one_colour_that_change_sides_of_the_list_keep_their_numbers() -> None:
    a, b = cup(y=-0.1), cup(y=0.1)
    tracks = watched([a, b], [b, a], [a, b])
    assert {t.id: round(float(t.centre[1]), 3) for t in tracks.all} == {1: -0.1, 2: 0.1}


def test_what_most_sightings_called_it_is_its_name() -> None:
    assert only(watched([cup()], [cup(shape="can")], [cup()], [cup()])).shape == "cup"


def test_a_thing_that_is_not_where_it_should_be_seen_is_gone_after_four_looks() -> None:
    tracks = watched(*[[cup()]] * 3)
    left = []
    for k in range(5):
        tracks.update([], EMPTY, X_WC, (10 + k) * 100 * MS)
        left.append(len(tracks.all))
    assert left == [1, 1, 1, 0, 0]


def test_a_thing_behind_something_is_remembered() -> None:
    tracks = watched(*[[cup()]] * 3)
    near = np.full(EMPTY.shape, 0.4, np.float32)
    for k in range(20):
        tracks.update([], near, X_WC, (10 + k) * 100 * MS)
    assert only(tracks).seen_ns == 300 * MS


@pytest.mark.parametrize(("rows", "is_left"), [(0, False), (8, False), (10, True), (40, True)])
def test_a_thing_of_which_an_arm_hides_most_is_remembered(rows: int, is_left: bool) -> None:
    tracks = watched(*[[cup()]] * 3)
    X_CW = np.linalg.inv(X_WC)
    fx, fy, _, cy = CAM.intrinsics
    _, y, z = (X_CW @ [0.9, 0.0, 0.80, 1.0])[:3]
    half = round(fx * 0.09 / z) // 2
    v = round(fy * y / z + cy)
    arm = EMPTY.copy()
    arm[v - half : v - half + rows] = 0.4  # from above; rows beyond the middle hide that, too
    for k in range(20):
        tracks.update([], arm, X_WC, (10 + k) * 100 * MS)
    assert half == 12  # of 25 rows the middle five are open behind ten
    assert bool(tracks.all) is is_left


def test_a_thing_behind_the_robots_back_is_remembered() -> None:
    tracks = watched(*[[cup()]] * 3)
    for k in range(20):
        tracks.update([], EMPTY, looking((0.2, 0.0, 1.2), 0.5, np.pi), (10 + k) * 100 * MS)
    assert len(tracks.all) == 1


def test_holes_in_the_depth_are_no_evidence() -> None:
    tracks = watched(*[[cup()]] * 3)
    for k in range(20):
        tracks.update([], np.full(EMPTY.shape, np.nan, np.float32), X_WC, (10 + k) * 100 * MS)
    assert len(tracks.all) == 1


def test_a_thing_that_was_moved_is_where_it_is_now() -> None:
    tracks = watched(*[[cup()]] * 8)
    tracks.update([cup(y=0.05)], EMPTY, X_WC, 2000 * MS)
    assert only(tracks).id == 1
    np.testing.assert_allclose(only(tracks).centre, [0.9, 0.05, 0.80])


def test_noise_seen_once_is_forgotten_at_once() -> None:
    tracks = watched([cup()], [])
    tracks.update([cup()], EMPTY, X_WC, 300 * MS)
    tracks.update([cup()], EMPTY, X_WC, 400 * MS)
    assert tracks.all == []


def test_a_thing_that_was_pushed_away_keeps_its_number_and_is_where_it_is_now() -> None:
    tracks = watched(*[[cup()]] * 3, [cup(0.9, 0.15)])
    assert only(tracks).id == 1
    assert float(only(tracks).centre[1]) == 0.15


def test_a_thing_that_looks_like_it_but_is_far_away_is_another() -> None:
    tracks = watched(*[[cup()]] * 3, *[[cup(0.9, 0.35)]] * 3)
    assert {t.id for t in tracks.all} == {1, 2}


def test_another_of_its_kind_beside_a_hidden_thing_does_not_take_its_number() -> None:
    tracks = watched(*[[cup()]] * 3)
    hidden = np.full(EMPTY.shape, 0.4, np.float32)
    for k in range(3):
        tracks.update([cup(0.9, 0.2)], hidden, X_WC, (10 + k) * 100 * MS)
    assert {t.id: round(float(t.centre[1]), 2) for t in tracks.all} == {1: 0.0, 2: 0.2}


def test_a_sighting_of_another_shape_moves_nothing_and_the_shape_seen_most_often_starts_anew() -> None:
    wide = Seen("box", "red", np.array([0.91, 0.0, 0.80]), 0.0, (0.10, 0.08, 0.09), 0.004, np.arange(100, 160))
    track = only(watched([cup()], [wide], [cup()], [wide], [cup()]))
    assert (track.shape, track.size) == ("cup", (0.066, 0.066, 0.09))
    np.testing.assert_allclose(track.centre, [0.9, 0.0, 0.80])
    late = only(watched([wide], [cup()], [cup()]))
    assert (late.shape, late.size) == ("cup", (0.066, 0.066, 0.09))
    np.testing.assert_allclose(late.centre, [0.9, 0.0, 0.80])

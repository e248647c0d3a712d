"""How fast the gate lets joints move near a person and near themselves."""

import numpy as np
import pytest
from reflex_rig import (
    ELBOW,
    FACE,
    JAW,
    MS,
    SHOULDER,
    Rig,
    drive,
    small_spec,
)  # fmt: skip

from vagus.core.messages import Request, Source, State, Verdict
from vagus.reflex.cfg import GateCfg


@pytest.mark.parametrize(
    ("distance", "share"),
    [
        (np.nan, 1.0),
        (1.5, 1.0),
        (99.0, 1.0),
        (np.inf, 1.0),
        (1.0, 0.6),
        (0.5, 0.2),
        (0.0, 0.2),
        (-1.0, 0.2),
        (-np.inf, 0.2),
    ],
)
def test_a_person_near_slows_speed(distance: float, share: float) -> None:
    rig = Rig().leased()
    rig.proximity["distance"] = distance  # type: ignore[index]
    v = drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER]
    assert v == pytest.approx(2.0 * share, abs=1e-6)
    expected = Verdict.LIMITED_PERSON if share < 1.0 else Verdict.LIMITED_SPEED
    assert rig.verdict() & (Verdict.LIMITED_PERSON | Verdict.LIMITED_SPEED) == expected


@pytest.mark.parametrize(
    ("age", "share"), [(300 * MS, 1.0), (300 * MS + 1, 0.2), (-2 * MS, 1.0), (-2 * MS - 1, 0.2), (None, 0.2)]
)
def test_an_unknown_or_stale_person_distance_means_slow(age: int | None, share: float) -> None:
    rig = Rig().leased()
    rig.proximity_age = age
    assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(2.0 * share, abs=1e-6)


def test_no_person_message_at_all_means_slow_unless_nobody_watches() -> None:
    for watches, spec, share in (
        (None, {}, 0.2),
        (False, {}, 1.0),
        (None, {"lidar": None}, 1.0),
        (True, {"lidar": None}, 0.2),
    ):
        rig = Rig(spec=small_spec(**spec), cfg=GateCfg(watches_people=watches)).leased()  # type: ignore[arg-type]
        rig.proximity = None
        assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(2.0 * share, abs=1e-6)


def test_a_person_who_comes_near_brakes_no_harder_than_the_joint_may() -> None:
    rig = Rig().leased()
    before = drive(rig, {SHOULDER: 0.9}, 110)[-1][SHOULDER]
    rig.proximity["distance"] = 0.0  # type: ignore[index]
    after = drive(rig, {SHOULDER: 0.9}, 5)[-1][SHOULDER]
    assert before - after == pytest.approx(5 * 10.0 * 0.002)


def test_the_face_keeps_its_pace_with_people_near() -> None:
    rig = Rig().leased()
    rig.proximity["distance"], rig.clearance = 0.0, None  # type: ignore[index]
    speeds = np.array(drive(rig, {JAW: 0.5}, 40, at_ms=1.0))[:, JAW]
    assert speeds.max() == pytest.approx(3.0)
    assert rig.memory.limited > 0
    rig = Rig().leased()
    rig.proximity["distance"] = 0.0  # type: ignore[index]
    drive(rig, {JAW: 0.4}, 10)
    assert rig.verdict(FACE) & Verdict.LIMITED_PERSON == 0
    assert rig.verdict(FACE) & Verdict.LIMITED_SPEED


@pytest.mark.parametrize(
    ("age", "share"), [(100 * MS, 1.0), (100 * MS + 1, 0.2), (-2 * MS, 1.0), (-2 * MS - 1, 0.2), (None, 0.2)]
)
def test_a_stale_clearance_means_slow(age: int | None, share: float) -> None:
    rig = Rig().leased()
    rig.clearance_age = age
    assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(2.0 * share, abs=1e-6)
    expected = Verdict.LIMITED_CLEARANCE if share < 1.0 else Verdict.LIMITED_SPEED
    assert rig.verdict() & (Verdict.LIMITED_CLEARANCE | Verdict.LIMITED_SPEED) == expected


def test_no_clearance_means_slow_where_the_robot_expects_one() -> None:
    for expects, spec, share in (
        (None, {}, 0.2),
        (False, {}, 1.0),
        (None, {"arms": ()}, 1.0),
        (True, {"arms": ()}, 0.2),
    ):
        rig = Rig(spec=small_spec(**spec), cfg=GateCfg(expects_clearance=expects)).leased()  # type: ignore[arg-type]
        rig.clearance = None
        assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(2.0 * share, abs=1e-6)


@pytest.mark.parametrize("field", ["gradient", "q"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_broken_clearance_counts_as_none(field: str, value: float) -> None:
    rig = Rig().leased()
    rig.clearance["distance"][0] = 9.0  # type: ignore[index]
    rig.clearance[field][..., 3] = value  # type: ignore[index]
    assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(0.4, abs=1e-6)


@pytest.mark.parametrize(("row", "speed"), [(0, 0.4), (1, 2.0)])
def test_only_rows_in_use_must_be_made_of_numbers(row: int, speed: float) -> None:
    rig = Rig().leased()
    rig.clearance["distance"][0] = 9.0  # type: ignore[index]
    rig.clearance["gradient"][row] = np.nan  # type: ignore[index]
    assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(speed, abs=1e-6)


def test_how_near_is_near_is_a_setting() -> None:
    rig = Rig(cfg=GateCfg(person_near_m=0.5, person_far_m=2.5)).leased()
    rig.proximity["distance"] = 1.5  # type: ignore[index]
    assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(1.2, abs=1e-6)


def test_person_and_clearance_together_give_the_slower_and_say_both() -> None:
    rig = Rig().leased()
    rig.clearance, rig.proximity["distance"] = None, 1.0  # type: ignore[index]
    assert drive(rig, {SHOULDER: 0.9}, 150)[-1][SHOULDER] == pytest.approx(0.4, abs=1e-6)
    both = Verdict.LIMITED_PERSON | Verdict.LIMITED_CLEARANCE
    assert rig.verdict() & (both | Verdict.LIMITED_SPEED) == both


def approach(rig: Rig, n: int = 1000) -> float:
    """Drive the shoulder towards a wall at 0.6 rad, whose clearance is computed every 20 ms; return the nearest."""
    nearest = np.inf
    for k in range(n):
        if k % 10 == 0:
            rig.clearance["q"] = rig.q  # type: ignore[index]
            rig.clearance["distance"][0] = 0.5 * (0.6 - rig.q[SHOULDER])  # type: ignore[index]
            rig.clearance["gradient"][0, SHOULDER] = -0.5  # type: ignore[index]
        drive(rig, {SHOULDER: 0.9}, 1)
        nearest = min(nearest, 0.5 * (0.6 - rig.q[SHOULDER]))
    return nearest


def test_the_clearance_margin_is_kept_and_reached() -> None:
    rig = Rig().leased()
    assert approach(rig) == pytest.approx(0.005, abs=1e-4)
    assert rig.verdict() & Verdict.LIMITED_CLEARANCE
    assert rig.state() == State.RUN


def test_what_opens_is_free_at_once() -> None:
    rig = Rig().leased()
    approach(rig)
    v = drive(rig, {SHOULDER: -0.9}, 100)
    assert np.diff([x[SHOULDER] for x in v])[5:] == pytest.approx(-0.02)
    assert rig.verdict() & Verdict.LIMITED_CLEARANCE == 0


def test_clearances_do_not_bend_the_path_of_a_stop() -> None:
    rig = Rig().leased()
    drive(rig, {SHOULDER: 0.9, ELBOW: 0.9}, 100)
    rig.clearance["distance"][0], rig.clearance["gradient"][0, SHOULDER] = 0.0, -1.0  # type: ignore[index]
    rig.clearance["q"] = rig.q  # type: ignore[index]
    v = rig.memory.v_last.copy()
    rig.tick((Source.OPERATOR, rig.request(Request.ESTOP)))
    assert rig.memory.v_last[0] * v[1] == pytest.approx(rig.memory.v_last[1] * v[0])
    assert rig.memory.v_last[0] > 0.0

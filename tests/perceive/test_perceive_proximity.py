"""Proximity: a person-sized, isolated cluster in a sweep; distance from the base's edge."""

import math

import numpy as np
import pytest
from ideal import load, ray_ranges
from small import small_model, small_spec

from vagus.core import messages as m
from vagus.core.errors import ConfigError
from vagus.core.sweep import clusters
from vagus.perceive.proximity import LidarMount, default_mount, find_person, mount_of

SPEC = small_spec()
CENTRED = LidarMount(edge=0.2)


def sweep(circles, background: float = math.nan, yaw: float = 0.0) -> m.Record:
    record = m.blank(m.lidar(SPEC))
    ranges = ray_ranges(np.zeros(2), yaw, circles, 360)
    record["range"] = np.where(np.isnan(ranges), background, ranges)
    record["origin_ns"][2] = 77
    return record


@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("bearing_deg", [0.0, 45.0, 90.0, 179.5, -120.0, 359.0])
@pytest.mark.parametrize("width", [0.12, 0.3, 0.6])
def test_a_person_is_found_wherever_they_stand(distance: float, bearing_deg: float, width: float) -> None:
    bearing = math.radians(bearing_deg)
    centre = distance + width / 2
    seen = find_person(SPEC, sweep([(centre * math.cos(bearing), centre * math.sin(bearing), width / 2)]), 99, CENTRED)
    assert seen["distance"] == pytest.approx(distance - 0.2, abs=0.01)
    assert math.remainder(seen["bearing"] - bearing, 2 * math.pi) == pytest.approx(0.0, abs=0.03)
    assert (seen["stamp_ns"], seen["origin_ns"][2]) == (99, 77)


@pytest.mark.parametrize("background", [math.nan, 5.0])
def test_nobody_is_nan_not_a_number(background: float) -> None:
    seen = find_person(SPEC, sweep([], background), 0, CENTRED)
    assert np.isnan(seen["distance"])
    assert np.isnan(seen["bearing"])


@pytest.mark.parametrize("width", [0.03, 1.2])
def test_chair_legs_and_columns_are_no_people(width: float) -> None:
    assert np.isnan(find_person(SPEC, sweep([(1.5 + width / 2, 0.0, width / 2)], 6.0), 0, CENTRED)["distance"])


def test_a_bump_in_the_wall_is_not_isolated() -> None:
    ranges = np.full(360, 2.0)
    ranges[10:25] = 1.83  # stands out by 0.17 m: a hit of its own, but not alone
    assert clusters(ranges) == []


def test_the_nearer_of_two_people_counts() -> None:
    seen = find_person(SPEC, sweep([(2.0, 0.0, 0.2), (0.0, 1.5, 0.2)]), 0, CENTRED)
    assert seen["distance"] == pytest.approx(1.1, abs=0.01)
    assert seen["bearing"] == pytest.approx(math.pi / 2, abs=0.03)


def test_touching_the_base_is_distance_zero() -> None:
    assert find_person(SPEC, sweep([(0.3, 0.0, 0.15)]), 0, CENTRED)["distance"] == 0.0


def test_the_lidars_own_place_and_turn_are_accounted_for() -> None:
    turned = LidarMount(x=0.15, yaw=math.pi / 2, edge=0.2)
    seen = find_person(SPEC, sweep([(1.0, 0.0, 0.1)]), 0, turned)  # ahead of the lidar is left of the base
    assert seen["distance"] == pytest.approx(math.hypot(0.15, 0.9) - 0.2, abs=0.01)
    assert seen["bearing"] == pytest.approx(math.atan2(0.9, 0.15), abs=0.03)


def test_the_mount_is_measured_on_the_model() -> None:
    mount = mount_of(SPEC, small_model())
    assert (mount.x, mount.y, mount.yaw) == pytest.approx((0.05, 0.0, 0.0))
    assert mount.edge == pytest.approx(math.hypot(0.18 + 0.02, 0.08), rel=0.02)  # the wheels' outer corners
    host = mount_of(*load("host"))
    assert (host.x, host.edge) == pytest.approx((0.155, 0.24), abs=0.01)


def test_the_default_mount_is_no_smaller_than_the_base() -> None:
    assert default_mount(load("host")[0]).edge >= mount_of(*load("host")).edge


def test_robots_without_a_lidar_are_refused() -> None:
    with pytest.raises(ConfigError, match="no lidar"):
        find_person(load("so101")[0], sweep([]), 0)
    with pytest.raises(ConfigError, match="lacks a lidar"):
        mount_of(*load("so101"))

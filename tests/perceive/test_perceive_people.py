"""Claims about people in pictures and over time: drawn bodies of known place, and things that are as tall as they."""

import math

import numpy as np
import pytest
from drawn import CAM, RED, WALL, WOOD, Drawing, looking, table

from vagus.perceive.company import Company
from vagus.perceive.objects import look
from vagus.perceive.people import SeenPerson

SHIRT, SKIN, TROUSERS = (0.35, 0.47, 0.62), (0.8, 0.6, 0.5), (0.2, 0.22, 0.3)


def room(eye: tuple[float, float, float] = (0.0, 0.0, 1.3), pitch: float = 0.1) -> Drawing:
    drawing = Drawing(looking(eye, pitch))
    drawing.slab((-5.0, -5.0, -0.1), (6.0, 5.0, 0.0), (0.66, 0.55, 0.43))
    return drawing.slab((3.6, -5.0, 0.0), (3.7, 5.0, 3.0), WALL)


def somebody(drawing: Drawing, x: float, y: float) -> Drawing:
    """Draw a person of 1.7 m with hanging arms who stands there."""
    for side in (1.0, -1.0):
        drawing.cylinder(x, y + 0.1 * side, 0.0, 0.07, 0.85, TROUSERS)
        drawing.cylinder(x, y + 0.2 * side, 0.75, 0.045, 0.65, SHIRT)
    return drawing.cylinder(x, y, 0.85, 0.14, 0.57, SHIRT).ball(x, y, 1.48, 0.11, SKIN)


def holding_out(drawing: Drawing, x: float, y: float) -> Drawing:
    """Give the same person an open hand, its palm's middle 0.47 m before and 0.19 m beside them, 1.12 m high."""
    drawing.slab((x - 0.385, y + 0.15, 1.06), (x - 0.1, y + 0.23, 1.12), SKIN)
    return drawing.slab((x - 0.555, y + 0.148, 1.08), (x - 0.385, y + 0.232, 1.12), SKIN)


def people(drawing: Drawing, seed: int = 0) -> list[SeenPerson]:
    return look(*drawing.picture(np.random.default_rng(seed)), CAM, drawing.X_WC).people


@pytest.mark.parametrize("x", [1.2, 1.8, 2.8])
def test_who_stands_there_is_found_where_they_stand_and_as_tall(x: float) -> None:
    (one,) = people(somebody(room(), x, 0.2))
    assert math.dist(one.place, (x, 0.2)) < 0.08
    assert one.height is None or abs(one.height - 1.70) < 0.04
    assert one.hand is None


@pytest.mark.parametrize("x", [1.2, 1.8, 2.4])
def test_an_open_hand_that_is_held_out_is_found_within_five_centimetres(x: float) -> None:
    (one,) = people(holding_out(somebody(room(), x, -0.1), x, -0.1))
    assert one.hand is not None
    assert math.dist(one.hand, (x - 0.47, 0.09, 1.12)) < 0.05


def test_half_a_hand_behind_something_nearer_is_no_hand() -> None:
    """The wrist of a hand whose fingers are hidden was taken for its middle."""
    drawing = holding_out(somebody(room(), 1.2, -0.1), 1.2, -0.1).slab((0.38, -0.1, 1.0), (0.40, 0.3, 1.2), RED)
    (one,) = people(drawing)
    assert one.hand is None


def test_nobody_is_seen_in_walls_lamps_cupboards_and_shelves() -> None:
    lamp = room().cylinder(1.8, 0.3, 0.0, 0.02, 1.4, WOOD).cylinder(1.8, 0.3, 1.37, 0.17, 0.26, WALL)
    cupboard = room().box(1.8, 0.0, 0.0, (0.4, 0.5, 1.7), WOOD)
    shelf = room().slab((1.8, -0.5, 0.0), (2.1, -0.48, 1.7), WOOD).slab((1.8, 0.0, 0.0), (2.1, 0.02, 1.7), WOOD)
    for z in (0.8, 1.2, 1.6):
        shelf.slab((1.8, -0.5, z), (2.1, 0.02, z + 0.02), WOOD)
    plant = room().cylinder(1.8, 0.0, 0.0, 0.16, 0.3, RED).ball(1.8, 0.0, 0.75, 0.2, (0.2, 0.5, 0.2))
    for drawing in (room(), lamp, cupboard, shelf, plant, table()):
        assert people(drawing) == []


def test_things_on_a_table_are_found_beside_a_person_and_none_on_the_person() -> None:
    drawing = somebody(table(pitch=0.3), 1.9, 0.1).cylinder(1.0, -0.2, 0.75, 0.033, 0.12, RED)
    seen = look(*drawing.picture(np.random.default_rng(1)), CAM, drawing.X_WC)
    assert [(one.colour, one.shape) for one in seen.objects] == [("red", "can")]
    assert len(seen.people) == 1


AWAY = looking((0.0, 0.0, 1.3), 0.1, yaw=math.pi)


def seen_at(company: Company, drawing: Drawing, time_s: float) -> None:
    depth, rgb = drawing.picture(np.random.default_rng(0))
    company.update(look(depth, rgb, CAM, drawing.X_WC).people, depth, drawing.X_WC, round(time_s * 1e9))


def test_somebody_is_believed_the_second_time_and_no_longer_when_gone() -> None:
    company, there, empty = Company(CAM), somebody(room(), 1.8, 0.0), room()
    known: list[int] = []
    for k, drawing in enumerate((there, there, there, empty, empty, empty)):
        seen_at(company, drawing, 0.3 * k)
        known.append(len(company.all))
    assert known == [0, 1, 1, 1, 1, 0]


def test_who_is_behind_the_robots_back_is_remembered_for_twenty_seconds() -> None:
    company, there = Company(CAM), somebody(room(), 1.8, 0.0)
    seen_at(company, there, 0.0)
    seen_at(company, there, 0.3)
    for time_s, n in ((5.0, 1), (20.0, 1), (20.4, 0)):
        company.update([], np.full((CAM.height, CAM.width), 3.0, np.float32), AWAY, round(time_s * 1e9))
        assert len(company.all) == n
        assert all(person.seen_ns == 300_000_000 for person in company.all)


def test_a_hand_that_is_taken_back_is_no_longer_told() -> None:
    company = Company(CAM)
    out, back = holding_out(somebody(room(), 1.8, 0.0), 1.8, 0.0), somebody(room(), 1.8, 0.0)
    told: list[bool] = []
    for k, drawing in enumerate((out, out, back, back)):
        seen_at(company, drawing, 0.3 * k)
        told += [person.hand is not None for person in company.all]
    assert told == [True, True, False]

"""Things, boards and people in an ``objects`` message: how they are written and read."""

from collections.abc import Sequence

import numpy as np

from vagus.core.messages import N_OBJECTS, N_PEOPLE, N_SUPPORTS, Record
from vagus.core.things import COLOURS, SHAPES, Person, Support, Thing


def write_things(record: Record, things: Sequence[Thing]) -> None:
    """Fill a blank record's rows with things, and say how many there are; no more than it holds."""
    record["box"] = np.nan
    record["n"] = min(len(things), N_OBJECTS)
    for k, thing in enumerate(things[:N_OBJECTS]):
        record["id"][k], record["seen_ns"][k] = thing.id, thing.seen_ns
        record["centre"][k], record["yaw"][k], record["size"][k] = thing.centre, thing.yaw, thing.size
        record["sigma"][k] = thing.sigma
        record["shape"][k], record["colour"][k] = SHAPES.index(thing.shape), COLOURS.index(thing.colour)


def read_things(record: Record) -> tuple[Thing, ...]:
    """Return the things in a record."""
    return tuple(
        Thing(
            id=int(record["id"][k]), shape=SHAPES[int(record["shape"][k])], colour=COLOURS[int(record["colour"][k])],
            centre=record["centre"][k].copy(), yaw=float(record["yaw"][k]), size=tuple(record["size"][k].tolist()),
            sigma=float(record["sigma"][k]), seen_ns=int(record["seen_ns"][k]),
        )
        for k in range(int(record["n"]))
    )  # fmt: skip


def write_supports(record: Record, supports: Sequence[Support]) -> None:
    """Fill a record's boards; no more than it holds."""
    record["board_height"], record["board_corner"] = np.nan, np.nan
    for k, support in enumerate(supports[:N_SUPPORTS]):
        record["board_height"][k] = support.height
        record["board_corner"][k, : len(support.corners)] = support.corners


def read_supports(record: Record) -> tuple[Support, ...]:
    """Return the boards in a record."""
    rows = zip(record["board_corner"], record["board_height"], strict=True)
    return tuple(Support(corners=c[np.isfinite(c[:, 0])], height=float(z)) for c, z in rows if np.isfinite(z))


def write_people(record: Record, people: Sequence[Person]) -> None:
    """Fill a record's people; no more than it holds."""
    for name in ("person_place", "person_height", "person_hand", "person_sigma"):
        record[name] = np.nan
    for k, person in enumerate(people[:N_PEOPLE]):
        record["person_place"][k], record["person_sigma"][k] = person.place, person.sigma
        record["person_seen_ns"][k] = person.seen_ns
        record["person_height"][k] = np.nan if person.height is None else person.height
        record["person_hand"][k] = np.nan if person.hand is None else person.hand


def read_people(record: Record) -> tuple[Person, ...]:
    """Return the people in a record."""
    return tuple(_person(record, int(k)) for k in np.flatnonzero(record["person_sigma"] > 0.0))


def _person(record: Record, k: int) -> Person:
    height, hand = float(record["person_height"][k]), record["person_hand"][k].copy()
    return Person(
        place=record["person_place"][k].copy(), height=height if np.isfinite(height) else None,
        hand=hand if np.isfinite(hand[0]) else None, sigma=float(record["person_sigma"][k]),
        seen_ns=int(record["person_seen_ns"][k]),
    )  # fmt: skip

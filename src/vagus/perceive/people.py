"""People in one RGB-D picture: where each stands, how tall, and whether they hold out an open hand.

From geometry alone, in a world whose z is up and whose floor is at 0. On the plan of what is above the tables, without
walls, a person is a patch by itself, as wide and as deep as a body, with a head on top where the picture is high enough
to show one. It knows no faces, and finds nobody who sits, lies, is a small child, or stands against something tall.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from vagus.perceive.boards import Board, above
from vagus.perceive.cloud import Cloud, Labels, Mask

Array = NDArray[np.float64]

_EVERY = 2
"""People are looked for at every second pixel: they are large."""
_FAR = 4.0
"""Farther people [m] are left alone: depth is noisy by 3 cm there."""
_WALL = 0.5
"""Walls from this size on [m^2] are left out; smaller ones may be somebody's back."""
_PLAN = (0.85, 2.2)
"""Heights that the plan is made of [m]."""
_CELL, _CELL_MIN = 0.05, 3
"""Of the plan [m], and fewest pixels in one that is not empty. Patches are apart if three cells lie between them."""
_PIXELS_MIN = 60
"""Fewest pixels in a person's patch."""
_TRUNK_TOP = 1.45
"""Below this height [m] the trunk of a person from 1.4 to 2 m is."""
_SLICE, _SLICES_MIN = 0.06, 4
"""The trunk is looked at in slices so high [m]; so many must be as wide as a body."""
_WIDTH = (0.17, 0.75)
"""A body is so wide, from the side or with its arms out [m]."""
_FILLED = 0.65
"""Share of a slice's width that is seen: a shelf's frame is empty between its sides."""
_TALL = (1.35, 2.05)
"""A person who is seen to the top is so tall [m],"""
_CUT = 1.20
"""one whose top is cut off by the picture's edge at least so much [m]."""
_CUT_MIN = 3
"""Fewest pixels of what goes on beyond the picture's edge, or behind what is nearer."""
_BEFORE = 0.10
"""What is so much nearer than a hand [m] is no part of it, and hides some of it."""
_HEAD, _HEAD_WIDTH = 0.15, 0.32
"""The uppermost part of a person [m] is at most so wide [m]."""
_FLAT = 0.010
"""Standard deviation across one upright plane [m] up to which a trunk is none, but a board or a wall."""
_BEHIND = 0.15
"""What is seen beside a person is farther away than they by this [m]; else it is a part of something larger,"""
_BESIDE_SHARE = 0.6
"""at this share of their height, on both sides; the picture's edge is nothing that is farther."""
_FRONT = 0.115
"""What is seen of a trunk, its arms included, is so far before its middle [m]: found with bench/people.py."""
_SIGMA = 0.04
"""Standard deviation of a place, each axis [m]: people are not as deep as one another, nor seen from all sides."""
_BODY = 0.30
"""How far from the middle of the trunk a body reaches, without the arms [m]."""
_HAND_LOW, _HAND_HIGH = 0.7, 1.3
"""A hand that is held out to someone is between these heights [m]."""
_ARM, _REACH = 0.27, 0.80
"""An arm is what is farther than the first from the middle of the trunk, and all of it nearer than the second [m]."""
_OUT = 0.42
"""A hand that ends nearer to the middle of the trunk than this [m] hangs, or swings: it is not held out."""
_HAND_LENGTH = 0.17
"""Of an open hand, wrist to fingertips [m]. Source: Drillis and Contini, 1966: 0.108 of the height."""
_FLAT_HAND = 0.075
"""An open level hand, with the depth's noise, is no thicker than this [m]; a fist or a hand that hangs is."""
_HAND_PIXELS_MIN = 6
"""Fewest pixels of a hand."""
_OVER, _UNDER, _BESIDE = 0.25, 0.10, 0.05
"""What is so far over, under or beside a raised board is on it, or its edge, and no hand [m]."""


@dataclass(frozen=True, slots=True, eq=False)
class SeenPerson:
    """One person in one exposure, in the world."""

    place: Array
    """Where they stand [m], shape (2,)."""
    height: float | None
    """To the top of the head [m]; None where the picture does not show that."""
    hand: Array | None
    """Middle of the palm's face of an open hand that is held out level [m], shape (3,)."""
    sigma: float
    """Standard deviation of the place, each axis [m]."""
    pixels: Labels
    """Indices into the flattened picture, shape (n,)."""


class _Points(NamedTuple):
    """Pixels that are no board, wall or part of the robot."""

    at: Array
    """In the world [m], shape (n, 3)."""
    rows: Labels
    columns: Labels
    floats: Mask
    """Whether it is on no raised board."""
    at_edge: Mask
    """Whether it is at the picture's edge, or beside something nearer or ignored: what goes on there is hidden."""

    def where(self, mask: Mask) -> "_Points":
        """Return those of the mask."""
        return _Points(self.at[mask], self.rows[mask], self.columns[mask], self.floats[mask], self.at_edge[mask])


def find_people(
    seen: Cloud, boards: list[Board], walls: NDArray[np.float32], ignore: Mask | None = None
) -> list[SeenPerson]:
    """Return who stands before the camera, nearest first.

    Args:
        seen: The exposure's points.
        boards: Its level boards, the floor among them.
        walls: How large the wall is that each pixel is part of [m^2], shape (H, W).
        ignore: Pixels that are nobody's, such as those of the robot itself, shape (H, W).
    """
    coarse = Cloud(seen.points[::_EVERY, ::_EVERY], seen.depth[::_EVERY, ::_EVERY], seen.eye, seen.focal / _EVERY)
    free = _free(coarse, boards, walls[::_EVERY, ::_EVERY], None if ignore is None else ignore[::_EVERY, ::_EVERY])
    found: list[SeenPerson] = []
    for patch in _patches(free):
        body = _Body(patch, coarse)
        if not body.is_person():
            continue
        place = body.place()
        far = np.linalg.norm(free.at[:, :2] - place, axis=1)
        is_arm = _arms(free, place)
        mine = free.where((free.floats & (far < _BODY)) | is_arm)
        pixels = _pixels(mine, seen.depth.shape)
        hand = _hand(free.where(is_arm), place)
        found.append(SeenPerson(place, body.height(), hand, _SIGMA, pixels))
    return sorted(found, key=lambda p: float(np.linalg.norm(p.place - seen.eye[:2])))


def _free(coarse: Cloud, boards: list[Board], walls: NDArray[np.float32], ignore: Mask | None) -> _Points:
    _, is_board = above(coarse, boards, margin=0.0)
    mask = np.isfinite(coarse.depth) & (coarse.depth < _FAR) & ~is_board & (walls < _WALL)
    if ignore is not None:
        mask &= ~ignore
    points = coarse.points[mask].astype(np.float64)
    floats = np.ones(len(points), bool)
    for board in boards:
        over = points[:, 2] - board.height(points[:, :2])
        is_raised = board.plane[0] > _OVER
        if is_raised:
            floats &= ~(board.contains(points[:, :2], _BESIDE) & (over > -_UNDER) & (over < _OVER))
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    at_edge = (rows <= 1) | (rows >= height - 2) | (columns <= 1) | (columns >= width - 2)
    nearest = ndimage.minimum_filter(np.nan_to_num(coarse.depth, nan=np.inf), 3)
    at_edge |= nearest[mask] < coarse.depth[mask] - _BEFORE
    if ignore is not None:
        at_edge |= ndimage.binary_dilation(ignore, np.ones((3, 3)))[mask]
    return _Points(points, rows, columns, floats, at_edge)


def _patches(free: _Points) -> list[_Points]:
    """Return what stands by itself on the plan."""
    tall = free.where((free.at[:, 2] > _PLAN[0]) & (free.at[:, 2] < _PLAN[1]))
    if len(tall.at) == 0:
        return []
    label = _plan(tall.at, _CELL_MIN)
    patches = [tall.where(label == k) for k in range(1, 1 + int(label.max()))]
    return [patch for patch in patches if len(patch.at) >= _PIXELS_MIN]


def _plan(points: Array, least: int) -> Labels:
    """Number the separate patches of the plan, from 1, by points (n, 3); 0 where fewer than ``least`` are in a cell."""
    cells = np.floor(points[:, :2] / _CELL).astype(np.intp)
    cells -= cells.min(axis=0) - 2
    count = np.zeros(cells.max(axis=0) + 3, np.intp)
    np.add.at(count, tuple(cells.T), 1)
    full = count >= least
    grown = ndimage.binary_dilation(full, np.ones((3, 3)))
    labels, _ = cast("tuple[NDArray[np.int32], int]", ndimage.label(grown, np.ones((3, 3))))
    return np.where(full[tuple(cells.T)], labels[tuple(cells.T)], 0)


def _arms(free: _Points, place: Array) -> Mask:
    """Say which points are those of a person's arms: patches of the plan that end within reach, at a hand's height."""
    far, z = np.linalg.norm(free.at[:, :2] - place, axis=1), free.at[:, 2]
    near = free.floats & (far > _ARM) & (far < 2.0 * _REACH) & (z > _HAND_LOW) & (z < _HAND_HIGH)
    mask = np.zeros(len(near), bool)
    if near.any():
        labels = _plan(free.at[near], 1)
        each = np.arange(1 + int(labels.max()))
        ends = ndimage.maximum(far[near], labels, each)
        mask[near] = np.asarray(ends)[labels] < _REACH
    return mask


class _Body:
    """A patch of the plan that may be a person."""

    def __init__(self, patch: _Points, coarse: Cloud) -> None:
        self._points, self._rows, self._columns, self._depth = patch.at, patch.rows, patch.columns, coarse.depth
        out = np.median(patch.at[:, :2], axis=0) - coarse.eye[:2]
        self._far = float(np.linalg.norm(out))
        self._ahead = out / max(1e-9, self._far)
        self._across = patch.at[:, :2] @ np.array([-self._ahead[1], self._ahead[0]])
        self._pixel = self._far / coarse.focal
        self._is_cut = int(np.sum(patch.rows <= 1)) >= _CUT_MIN
        self._trunk = patch.at[:, 2] < _TRUNK_TOP
        self._top = float(np.percentile(patch.at[:, 2], 99.5))

    def height(self) -> float | None:
        """Return how tall it is [m]; None if the picture cuts it off."""
        return None if self._is_cut else self._top

    def place(self) -> Array:
        """Return the middle of the trunk [m], shape (2,)."""
        return np.median(self._points[self._trunk, :2], axis=0) + _FRONT * self._ahead

    def is_person(self) -> bool:
        """Say whether it is as tall, as wide and as round as a person."""
        if not (_CUT if self._is_cut else _TALL[0]) < self._top < _TALL[1]:
            return False
        if self._n_slices() < _SLICES_MIN or self._is_flat() or not self._stands_out():
            return False
        head = self._across[self._points[:, 2] > self._top - _HEAD]
        return self._is_cut or _width(head) < _HEAD_WIDTH

    def _n_slices(self) -> int:
        """Return how many slices of the trunk are as wide as a body, without gaps."""
        z, n, cell = self._points[:, 2], 0, 1.5 * self._pixel
        for low in np.arange(_PLAN[0], _TRUNK_TOP, _SLICE):
            across = self._across[(z >= low) & (z < low + _SLICE)]
            if len(across) < 8:
                continue
            width, seen = _width(across) + self._pixel, cell * len(np.unique(np.floor(across / cell)))
            n += _WIDTH[0] < width < _WIDTH[1] and seen > _FILLED * width
        return n

    def _is_flat(self) -> bool:
        """Say whether the trunk is one upright plane."""
        xy = self._points[self._trunk, :2]
        deep = float(np.linalg.eigvalsh(np.cov(xy.T))[0])
        noise = 0.0012 + 0.0019 * max(0.0, self._far - 0.4) ** 2
        return deep < _FLAT**2 + noise**2

    def _stands_out(self) -> bool:
        """Say whether what is seen beside the trunk, left and right, is farther away."""
        rows, columns, depth = self._rows[self._trunk], self._columns[self._trunk], self._depth
        if len(rows) == 0:
            return False
        used = np.unique(rows)
        at = np.arange(used[-1] + 1)
        for ends, step in ((ndimage.minimum(columns, rows, at), -1), (ndimage.maximum(columns, rows, at), 1)):
            edge = np.asarray(ends, np.intp)[used]
            beside = edge + 2 * step
            inside = (beside >= 0) & (beside < depth.shape[1])
            gap = depth[used, np.clip(beside, 0, depth.shape[1] - 1)] - depth[used, edge]
            if float(np.mean(inside & ~(gap < _BEHIND))) < _BESIDE_SHARE:  # a hole is far away, or dark
                return False
        return True


def _width(across: Array) -> float:
    low, high = np.percentile(across, [2.0, 98.0])
    return float(high - low)


def _hand(arm: _Points, place: Array) -> Array | None:
    """Return the middle of an open hand's palm [m], shape (3,); None if there is none, or only some of it is seen.

    Args:
        arm: What may be an arm that is held out.
        place: Where its owner stands [m], shape (2,).
    """
    if len(arm.at) < _HAND_PIXELS_MIN:
        return None
    far = np.linalg.norm(arm.at[:, :2] - place, axis=1)
    end = float(np.percentile(far, 97.0))
    if end < _OUT:
        return None
    tip = np.median(arm.at[far > end - 0.02], axis=0)
    is_near = np.linalg.norm(arm.at[:, :2] - tip[:2], axis=1) < _HAND_LENGTH
    near = arm.at[is_near]
    if len(near) < _HAND_PIXELS_MIN or int(arm.at_edge[is_near].sum()) >= _CUT_MIN:
        return None
    low, high = np.percentile(near[:, 2], [3.0, 97.0])
    if high - low > _FLAT_HAND:
        return None
    middle = tip[:2] - 0.5 * _HAND_LENGTH * _direction(near, tip, place)
    return np.array([*middle, high])


def _direction(hand: Array, tip: Array, place: Array) -> Array:
    """Return which way a hand points, unit, shape (2,): along its points, or away from its owner."""
    out = tip[:2] - place
    out /= np.linalg.norm(out)
    spread, axes = np.linalg.eigh(np.cov(hand[:, :2].T))
    if math.sqrt(spread[1]) < 0.035 or spread[1] < 2.5 * spread[0]:
        return out
    along = axes[:, 1] * np.sign(axes[:, 1] @ out)
    return along if along @ out > 0.6 else out


def _pixels(mine: _Points, shape: tuple[int, ...]) -> Labels:
    """Return the pixels of the whole picture that points stand for."""
    mask = np.zeros((-(-shape[0] // _EVERY), -(-shape[1] // _EVERY)), bool)
    mask[mine.rows, mine.columns] = True
    whole = mask.repeat(_EVERY, axis=0).repeat(_EVERY, axis=1)[: shape[0], : shape[1]]
    return np.flatnonzero(whole)

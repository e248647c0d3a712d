"""Slows motion that brings parts of the robot nearer to each other or to the floor than it can brake.

Linear prediction from a clearance message (distances and their gradients); it computes no geometry.
"""

import numpy as np

from vagus.core.messages import Record
from vagus.reflex.limits import Array, Mask


def clearance_scale(clearance: Record, q: Array, v: Array, a: Array, *, margin: float, reserve: float,
                    dt: float) -> Array | None:  # fmt: skip
    """Return by how much to scale the joints' velocities, shape (n_joints,); None if nothing needs to slow down.

    Pair k is predicted at d = distance_k + gradient_k (q - q0) and closes at c = -gradient_k v. Braking along the path
    takes T = max |v_i| / a_i over its joints and closes another c T / 2. Scaled by s the pair closes c s dt in this
    tick and c s^2 T / 2 after it: with room = d - margin, and ``reserve`` times the braking distance for what the
    linear prediction leaves out, s solves

        s c dt + s^2 reserve c T / 2 = room.

    Pairs that share a joint are scaled alike: with other factors for its other joints a pair could close faster,
    because what opened it was slowed. Motion that closes no pair is never slowed.

    Args:
        clearance: Message with finite gradients and ``q`` (rows of NaN distance are unused).
        q: Last commanded positions, shape (n,).
        v: Velocities wanted in this tick, shape (n,).
        a: Largest accelerations, shape (n,).
        margin: Distance to keep [m].
        reserve: At least 1.
        dt: Tick [s].
    """
    used = ~np.isnan(clearance["distance"])
    distance, gradient = clearance["distance"][used], clearance["gradient"][used]
    closing = -(gradient @ v)
    room = np.maximum(distance + gradient @ (q - clearance["q"]) - margin, 0.0)
    brake_s = np.abs(v) / a
    if not np.any(closing * (dt + 0.5 * reserve * brake_s.max()) > room):  # even with the slowest joint in every pair
        return None
    involved = gradient != 0.0
    time = reserve * np.where(involved, brake_s, 0.0).max(axis=1)
    is_short = closing * (dt + 0.5 * time) > room
    ratio = room / np.where(is_short, closing, 1.0)
    # The quadratic's root in the form that does not divide by T, which may be tiny.
    scale = np.where(is_short, 2.0 * ratio / (dt + np.sqrt(dt * dt + 2.0 * time * ratio)), 1.0)
    scale = np.where(_linked(involved), scale, 1.0).min(axis=1)
    return np.where(involved, scale[:, None], 1.0).min(axis=0)


def _linked(involved: Mask) -> Mask:
    """Say which pairs share a joint, directly or by way of other pairs, shape (k, k)."""
    rows = involved.astype(np.float64)
    link = (rows @ rows.T) > 0.0
    for _ in range(3):  # paths of up to 2^3 pairs, as many as a message holds
        step = link.astype(np.float64)
        link = (step @ step) > 0.0
    return link

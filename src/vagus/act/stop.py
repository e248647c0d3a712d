"""Stop: the runner ends every other skill the moment this one starts; this one waits until rest is measured.

Braking itself is the reflex's, when the leases are released. This is not the emergency stop.
"""

import numpy as np

from vagus.act.skill import Args, Context, Observation, Outcome, Skill

_REST = {"rad": 0.05, "m": 0.02}  # slower is at rest [unit/s]: above velocity noise, below what one sees
_PATIENCE_S = 2.0


def stop(ctx: Context, obs: Observation, _args: Args) -> Skill:
    """Succeed when every joint is measured at rest."""
    everything = np.arange(ctx.spec.n_joints)
    slow = np.array([_REST[joint.unit] for joint in ctx.spec.joints])
    start_ns = obs.now_ns
    while obs.now_ns - start_ns < _PATIENCE_S * 1e9:
        measured = obs.measured(everything)
        if measured is not None and bool(np.all(np.abs(measured[1]) <= slow)):
            return Outcome(ok=True, reason="at_rest", figures={"after_s": (obs.now_ns - start_ns) * 1e-9})
        obs = yield None
    return Outcome(ok=False, reason="not_at_rest")

"""Say a sentence. The words go out as text; turning them into sound is the speech stack's business."""

import numpy as np

from vagus.act.skill import Args, Context, Observation, Outcome, Skill, Targets


def say(_ctx: Context, _obs: Observation, args: Args) -> Skill:
    """Hand the words over, at once."""
    words = str(args["text"])
    none = np.zeros(0)
    yield Targets(joints=np.zeros(0, np.intp), q=none, v=none, say=words)
    return Outcome(ok=True, reason="done", figures={"characters": float(len(words))})

"""Put what is held somewhere: on a free place, back where it was, away, or on, in or next to what is named."""

from vagus.act import feet
from vagus.act.feet import Spots
from vagus.act.placing import placing
from vagus.act.scene import find_again, find_thing
from vagus.act.search import lacks_eyes, sweep
from vagus.act.skill import Args, Context, Held, Observation, Outcome, Skill
from vagus.core.things import Thing

WHERE = ("on", "in", "next_to")
"""How what is put is to be to what is named."""


def put_down(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Put it on a free place of a board, first where it came from."""
    return (yield from placing(ctx, obs, args, lambda o, held: feet.free(held, o.things, o.supports)))


def put_back(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Put it where it was picked up; if something stands there now, keep it."""
    known = [h.X_WF[:3, 3] for h in ctx.held.values() if args.get("thing") in (None, h.thing.id)]
    about = known[0] if known else None
    return (yield from placing(ctx, obs, args, lambda o, held: feet.back(held, o.things), about))


def clear(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Clear it away: put it on another board than it was picked up from; where it knows none it looks for one."""
    if len(obs.supports) < 2 and lacks_eyes(ctx.spec) is None:
        _, obs = yield from sweep(ctx, obs)
    return (yield from placing(ctx, obs, args, lambda o, held: feet.away(held, o.things, o.supports)))


def place(ctx: Context, obs: Observation, args: Args) -> Skill:
    """Put it on, in or next to the thing of that number, or on a free place if none is given."""
    if "target" not in args:
        return (yield from put_down(ctx, obs, args))
    number = int(args["target"])
    target = find_thing(obs, number)
    if target is None:
        return Outcome(ok=False, reason="not_seen")
    if any(held.thing.id == number for held in ctx.held.values()):
        return Outcome(ok=False, reason="in_hand")
    where = str(args["where"])
    return (yield from placing(ctx, obs, args, lambda o, held: _spots(where, o, held, target), target.centre))


def needs_target(args: Args) -> str | None:
    """In and next to are in and next to something."""
    return "a target" if args.get("where") != "on" and "target" not in args else None


def _spots(where: str, obs: Observation, held: Held, before: Thing) -> Spots:
    target = find_again(obs, before)
    if target is None:
        return "target_gone"
    if where == "in":
        return feet.inside(held, target, obs.things)
    if where == "on":
        return feet.on_top(held, target, obs.things)
    return feet.next_to(held, target, obs.things, obs.supports)

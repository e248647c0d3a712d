"""Films the host in virtual time, and makes a picture of one moment: the same words and seed give the same film.

It runs as fast as this machine can; the film plays in the robot's own time. README.md beside it shows the commands.
"""

import argparse
import json
import os
from itertools import islice
from pathlib import Path

from vagus.core.errors import VagusError
from vagus.world.gl import choose

SETTLE_S, AFTER_S, ANSWER_S = 1.0, 1.5, 150.0
"""Before the first words, after what came of them, and how long to wait for that [s]."""


def film(words: list[str], path: Path, seed: int) -> list[dict[str, object]]:
    """Say one sentence after another, each once something came of the one before; return what came of them."""
    from vagus.core import messages as m
    from vagus.runtime.lockstep import Lockstep
    from vagus.runtime.prepare import calibration_beside, host_file, prepare
    from vagus.runtime.video import Video

    run, robot = prepare(host_file(), seed=seed, calibration=calibration_beside(host_file(), seed))
    host = Lockstep(run, cameras=True)
    video = Video(path, robot, run, host.streams, shadows=True)
    outcomes = host.streams.reader("outcome")
    found: list[dict[str, object]] = []

    def play(seconds: float) -> bool:
        """Let time pass until something came of what was said."""
        for _ in host.run_for(seconds):
            video.tick()
            for record in outcomes.since():
                found.append(json.loads(m.get_text(record)))
                print(f"{host.now_ns * 1e-9:6.1f} s  {m.get_text(record)}", flush=True)
                return True
        return False

    play(SETTLE_S)
    for sentence in words:
        print(f"{host.now_ns * 1e-9:6.1f} s  {sentence}", flush=True)
        host.say(sentence)
        if not play(ANSWER_S):
            raise VagusError(f"nothing came of {sentence!r} within {ANSWER_S:g} s")
        play(AFTER_S)
    video.close()
    host.close()
    return found


def picture(path: Path, out: Path, at_s: float | None) -> None:
    """Save the film's picture at a time; a negative one counts from the end, None is the last."""
    import av

    with av.open(str(path)) as opened:
        times = [float(frame.time) for frame in opened.decode(video=0)]
    when_s = times[-1] if at_s is None else at_s if at_s >= 0.0 else times[-1] + at_s
    nearest = min(range(len(times)), key=lambda k: abs(times[k] - when_s))
    with av.open(str(path)) as opened:
        next(islice(opened.decode(video=0), nearest, None)).to_image().save(out, optimize=True)


def main() -> None:
    """Film, and save a picture if one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--say", action="append", required=True, help="say this; may be repeated")
    parser.add_argument("--film", type=Path, required=True, help="the .mp4 file to write")
    parser.add_argument("--picture", type=Path, help="a .png or .jpg file to write, too")
    parser.add_argument("--at", type=float, help="of which moment of the film [s]; a negative one counts from its end")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    choose(os.environ)
    found = film(args.say, args.film, args.seed)
    if args.picture:
        picture(args.film, args.picture, args.at)
    if not all(outcome["ok"] for outcome in found):
        raise SystemExit("not everything was done")


if __name__ == "__main__":
    main()

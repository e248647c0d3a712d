"""People from single pictures of the head camera: are they found, where do they stand, where do they hold out a hand?

Random views of the room: the robot stands anywhere free, a person stands, walks or holds out a hand 0.7 to 3.2 m before
it, or nobody is there and it looks at furniture. Any light, any objects. Pictures are rendered and spoiled like the
robot's own; where the camera is, is known from noisy encoders and a calibration that the robot made itself (see
bench/perception.py). The world judges.

A person counts if a quarter of their silhouette's trunk, head and arms and 500 px of these are to be seen, and the
picture's sides do not cut the trunk. A held-out hand counts if its person does and 25 px of it are to be seen, none of
them at the edge. A hand is found if it is within 15 cm of the palm's middle,
else it is a false one.

Targets: recall >= 0.95, false_people 0, place error p95 <= 0.10 m, hand recall >= 0.9, hand error p95 <= 0.06 m.

Keys of --json: views, people, recall, false_people (in all views), empty_views, place_mm, height_mm, hand_mm (p50, p95,
max), hands, hand_recall, false_hands, by_light (dark, medium, bright: recall of people), by_distance (near < 1.3 m,
middle < 2.2 m, far: recall of people and of hands), things_on_people (detections of things that are mostly a person's
pixels), ms_per_picture (CPU time of all that is looked for, mean), failures (up to 40, in words).
"""

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from perception import Judge, calibrations, stand
from rich.console import Console
from rich.progress import track
from rich.table import Table

from vagus.act.kinematics import Kinematics
from vagus.body.calibrate import PoseCfg
from vagus.body.robot import Robot
from vagus.core import messages as m
from vagus.core.calibration import Calibration
from vagus.core.frames import invert, transform
from vagus.core.robot import CameraSpec
from vagus.perceive.objects import Look, look
from vagus.runtime.prepare import host_file, prepare
from vagus.world import host
from vagus.world.camera import CameraRenderer
from vagus.world.person import BEHAVIOURS, HAND, PersonCfg, palm_of, sample_person
from vagus.world.scenes import LIGHT_FACTOR_RANGE, LIGHTS, build_scene
from vagus.world.simulation import Simulation, SimulationCfg

SEEN_PX, SEEN_SHARE, HAND_PX, HAND_M = 500, 0.25, 25, 0.15
STEPS = {"stands": 60, "walks_near": 60, "holds_out_a_hand": 850}
"""Physics steps until a picture is taken: a hand comes out in 1.5 s."""
FREE = ((-1.9, 0.6, -2.2, 1.9), (0.6, 1.7, -2.2, -0.9))
"""Where somebody may stand: x and y from and to [m], in front of the sofa and beside the table."""
CAM = CameraSpec(name="camera.head", rate_hz=30.0, max_age_s=0.2)
BODY = ("person_torso", "person_head", "person_upper_arm_left", "person_upper_arm_right", "person_forearm_left",
        "person_forearm_right")  # fmt: skip


@dataclass
class View:
    """One picture, what the robot knows of it, and the truth, in the robot's base frame."""

    picture: m.Record
    X_BC: np.ndarray
    light: float
    distance: float
    """Of the person [m]."""
    place: np.ndarray | None
    """Where somebody stands [m], shape (2,); None: nobody is there, or too little of them is seen to count."""
    hand: np.ndarray | None
    """Middle of a held-out palm that is seen [m], shape (3,)."""
    palm: np.ndarray | None
    """The same, whether it is seen or not."""
    is_empty: bool
    owner: np.ndarray
    """Whether each pixel shows the person, shape (H W,)."""
    behaviour: str


@dataclass
class Tally:
    """Counts over views."""

    n: int = 0
    found: int = 0
    errors_mm: list[float] = field(default_factory=list)

    def add(self, error_m: float | None) -> None:
        self.n += 1
        if error_m is not None:
            self.found += 1
            self.errors_mm.append(1000.0 * error_m)

    @property
    def recall(self) -> float | None:
        return self.found / self.n if self.n else None


def spread(errors_mm: list[float]) -> dict[str, float] | None:
    if not errors_mm:
        return None
    p50, p95, most = (float(x) for x in np.percentile(errors_mm, [50, 95, 100]))
    return {"p50": p50, "p95": p95, "max": most}


def somewhere(rng: np.random.Generator) -> np.ndarray:
    low_x, high_x, low_y, high_y = FREE[int(rng.integers(len(FREE)))]
    return np.array([rng.uniform(low_x, high_x), rng.uniform(low_y, high_y)])


def apart(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return where the robot and the person stand [m]."""
    while True:
        robot, person = somewhere(rng), somewhere(rng)
        if 0.7 < math.dist(robot, person) < 3.2:
            return robot, person


def take(robot: Robot, kinematics: Kinematics, known: dict[int, Calibration], rng: np.random.Generator) -> View:
    """Make one random view; nobody is there in every fourth."""
    spec, cam = robot.spec, robot.spec.cameras[0]
    robot_seed = int(rng.choice(sorted(known)))
    is_empty = rng.random() < 0.25
    at, there = apart(rng)
    towards = math.atan2(*(there - at)[::-1])
    start = (*at.tolist(), towards + float(rng.uniform(-0.2, 0.2)) if not is_empty else float(rng.uniform(-3.14, 3.14)))
    scene = build_scene(robot.build_model(), scene="room", seed=int(rng.integers(10**6)), start=start)
    behaviour = BEHAVIOURS[int(rng.integers(len(BEHAVIOURS)))]
    turned = float(rng.uniform(-0.7, 0.7)) if behaviour != "stands" else float(rng.uniform(-3.14, 3.14))
    place = PersonCfg(x=float(there[0]), y=float(there[1]), yaw=towards + math.pi + turned, walk_length=0.5,
                      walk_width=0.3)  # fmt: skip
    cfg = sample_person(rng, place)
    if is_empty:
        cfg = replace(cfg, x=50.0, y=50.0)
    scene = replace(scene, person_cfg=cfg)
    light = (float(rng.uniform(*LIGHT_FACTOR_RANGE)), int(rng.integers(len(LIGHTS))))
    sim = Simulation(spec, scene, SimulationCfg(light=light, camera_dropout=0.0, person=behaviour), seed=robot_seed,
                     calibration=known[robot_seed])  # fmt: skip
    joints = host.HOME | {"lift": float(rng.uniform(0.15, 0.35)), "neck_yaw": float(rng.uniform(-0.25, 0.25)),
                          "neck_pitch": float(rng.uniform(-0.1, 0.35))}  # fmt: skip
    for joint in spec.joints:
        if joint.mode == "position":
            sim.data.qpos[sim.model.joint(joint.name).qposadr[0]] = joints[joint.name]
    exposure, q = stand(sim, np.array([joints[name] for name in spec.joint_names]), STEPS[behaviour])
    picture = m.blank(m.camera(spec, cam))
    renderer = CameraRenderer(sim.model, spec, cam, seed=robot_seed)
    renderer.render(exposure, picture)
    renderer.close()
    X_BC = kinematics.pose_of(q, cam.name) @ known[robot_seed].mount(cam.name).X_NC
    view = View(picture, X_BC, light[0], math.dist(at, there), None, None, None, is_empty,
                np.zeros(picture["depth"].size, bool), behaviour)  # fmt: skip
    if not is_empty:
        fill_in(view, Judge(sim, robot, exposure, robot_seed), sim.scene.person)
    return view


def fill_in(view: View, judge: Judge, parts: tuple[str, ...]) -> None:
    """Fill in where the person stands and holds out a hand, if they count, and which pixels are theirs."""
    bodies = judge.bodies()
    ids = {name: judge.model.body(name).id for name in parts}
    upper = np.isin(bodies, [ids[name] for name in BODY])
    view.owner = np.isin(bodies, list(ids.values())).ravel()
    groups = judge.model.geom_group.copy()
    judge.model.geom_group[~np.isin(judge.model.geom_bodyid, list(ids.values()))] = 5  # not drawn
    alone = np.isin(judge.bodies(), [ids[name] for name in BODY])
    judge.model.geom_group[:] = groups
    judge.renderer.close()
    base = judge.data.body("base")
    X_BW = invert(pose(base.xmat, base.xpos))
    if view.behaviour == "holds_out_a_hand":
        forearm = judge.data.body(HAND)
        view.palm = transform(X_BW, palm_of(forearm.xpos, forearm.xmat.reshape(3, 3)))
    trunk = bodies == ids["person_torso"]
    is_cut = bool(trunk[:, 0].any() or trunk[:, -1].any())
    if is_cut or int(upper.sum()) < max(SEEN_PX, SEEN_SHARE * int(alone.sum())):
        return
    view.place = transform(X_BW, judge.data.body("person_torso").xpos)[:2]
    if view.palm is not None and is_shown(view, bodies == ids[HAND]):
        view.hand = view.palm


def is_shown(view: View, forearm: np.ndarray) -> bool:
    """Say whether enough of the hand is in the picture, none of it at the edge."""
    fx, fy, cx, cy = CAM.intrinsics
    x, y, z = transform(invert(view.X_BC), np.asarray(view.palm)).tolist()
    if z < 0.2:
        return False
    v, u = np.nonzero(forearm)
    is_hand = np.hypot(u - (fx * x / z + cx), v - (fy * y / z + cy)) < fx * 0.09 / z
    u, v = u[is_hand], v[is_hand]
    is_cut = bool(np.any((v <= 1) | (v >= CAM.height - 2) | (u <= 1) | (u >= CAM.width - 2)))
    return len(u) >= HAND_PX and not is_cut


def pose(rotation: np.ndarray, position: np.ndarray) -> np.ndarray:
    X = np.eye(4)
    X[:3, :3], X[:3, 3] = rotation.reshape(3, 3), position
    return X


def measure(views: Iterator[View], cam: Any) -> dict[str, Any]:
    """Score every view."""
    people, hands = Tally(), Tally()
    by_light = defaultdict[str, Tally](Tally)
    by_distance = defaultdict[str, tuple[Tally, Tally]](lambda: (Tally(), Tally()))
    counts = {"views": 0, "empty_views": 0, "false_people": 0, "false_hands": 0, "things_on_people": 0}
    cpu_s = 0.0
    failures: list[str] = []
    for view in views:
        start_s = time.process_time()
        found = look(view.picture["depth"], view.picture["rgb"], cam, view.X_BC)
        cpu_s += time.process_time() - start_s
        counts["views"] += 1
        counts["empty_views"] += view.is_empty
        what = f"view {counts['views']}, {view.behaviour}, {view.distance:.2f} m"
        mine = [p for p in found.people if float(view.owner[p.pixels].mean()) > 0.5]
        n_false = len(found.people) - len(mine[:1])
        counts["false_people"] += n_false
        counts["things_on_people"] += on_people(found, view)
        failures += [f"{what}: somebody who is not there"] * n_false
        light = ("dark", "medium", "bright")[min(2, int(3 * (view.light - 0.4) / 0.8))]
        near = "near" if view.distance < 1.3 else "middle" if view.distance < 2.2 else "far"
        if view.place is not None:
            error = float(np.linalg.norm(mine[0].place - view.place)) if mine else None
            for tally in (people, by_light[light], by_distance[near][0]):
                tally.add(error)
            failures += [f"{what}: not found"] if error is None else []
            failures += [f"{what}: {1000 * error:.0f} mm off"] if error is not None and error > 0.10 else []
        hand = mine[0].hand if mine else None
        if view.hand is not None:
            error = None if hand is None else float(np.linalg.norm(hand - view.hand))
            for tally in (hands, by_distance[near][1]):
                tally.add(error if error is not None and error < HAND_M else None)
            failures += [f"{what}: no hand found"] if error is None else []
        if hand is not None and is_false(hand, view):
            counts["false_hands"] += 1
            failures.append(f"{what}: a hand that is not held out there")
    return counts | {
        "people": people.n, "recall": people.recall, "place_mm": spread(people.errors_mm), "hands": hands.n,
        "hand_recall": hands.recall, "hand_mm": spread(hands.errors_mm),
        "by_light": {key: by_light[key].recall for key in ("dark", "medium", "bright")},
        "by_distance": {key: [t.recall for t in by_distance[key]] for key in ("near", "middle", "far")},
        "ms_per_picture": 1000.0 * cpu_s / max(1, counts["views"]), "failures": failures[:40],
    }  # fmt: skip


def is_false(hand: np.ndarray, view: View) -> bool:
    """Say whether nobody holds out a hand there."""
    return view.palm is None or float(np.linalg.norm(hand - view.palm)) > HAND_M


def on_people(found: Look, view: View) -> int:
    """Count things that are mostly a person's pixels."""
    return sum(float(view.owner[thing.pixels].mean()) > 0.5 for thing in found.objects)


def main() -> None:
    """Parse, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="views")
    parser.add_argument("--seed", type=int, default=0, help="of the views")
    parser.add_argument("--robots", type=int, default=3, help="calibrated robots, each with mounting errors of its own")
    parser.add_argument("--calibrations", type=Path, default=Path("runs/calibration"), help="where these are kept")
    parser.add_argument("--quick", action="store_true", help="20 views by one robot with a coarser calibration")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    robot = prepare(host_file(), seed=0)[1]
    n, n_robots, folder, poses = args.n, args.robots, args.calibrations, PoseCfg()
    if args.quick:
        n, n_robots, folder, poses = 20, 1, args.calibrations / "quick", PoseCfg(n_per_arm=8)
    folder.mkdir(parents=True, exist_ok=True)
    known, _ = calibrations(folder, n_robots, poses)
    kinematics = Kinematics(robot.build_model().compile(), robot.spec)
    seeds = track(range(n), console=Console(stderr=True), description="looking")
    found = measure((take(robot, kinematics, known, np.random.default_rng([args.seed, i])) for i in seeds),
                    robot.spec.cameras[0])  # fmt: skip
    if args.json:
        print(json.dumps(found))
        return
    table = Table("figure", "value", title=f"{found['people']} people in {found['views']} pictures")
    for key, value in found.items():
        if key != "failures":
            table.add_row(key, json.dumps(value))
    Console().print(table)
    Console().print(*found["failures"], sep="\n")


if __name__ == "__main__":
    main()

"""Objects from single pictures of the head camera: are they found, nothing else, where, and what colour and shape?

Random views of the table and the shelf: the robot stands anywhere before them and looks down more or less, any light,
any objects, in half of the views some pushed together until they touch. Pictures are rendered and spoiled like the
robot's own; where the camera is, is known from noisy encoders and a calibration that the robot made itself (it looks at
its hands, ``vagus calibrate``; half a minute to two per robot, kept in --calibrations). The world judges.

An object counts if at least 60 % of its silhouette and 120 px are to be seen, all of it inside the picture. It is found
if most pixels of a detection are its own. A detection of nothing, or a second one of the same, is a false one.

Targets: recall and precision >= 0.98, colour >= 0.98, centre error p50 <= 8 mm, p95 <= 20 mm.

Keys of --json: views, objects, recall, precision, detections, colour, shape (shares of those found), error_mm (p50,
p95, max: of the fitted centre), touching (objects, recall, error_mm: of those that touch another), by_light (dark,
medium, bright: recall), by_place (recall), calibration_mm (hand-eye distance held out, worst robot made now),
ms_per_picture (CPU time, mean), failures (up to 40, in words).
"""

import argparse
import copy
import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from vagus.act.kinematics import Kinematics
from vagus.body.calibrate import PoseCfg
from vagus.body.calibration_file import load
from vagus.body.robot import Robot
from vagus.core import messages as m
from vagus.core.calibration import Calibration
from vagus.core.frames import invert
from vagus.perceive.objects import Seen, look
from vagus.runtime.calibrate import CalibrateCfg, calibrate
from vagus.runtime.prepare import host_file, prepare
from vagus.world import host
from vagus.world.camera import CameraRenderer, mount_error
from vagus.world.camera_noise import CameraCfg
from vagus.world.objects import SceneObject
from vagus.world.room import SUPPORTS
from vagus.world.scenes import LIGHT_FACTOR_RANGE, LIGHTS, build_scene
from vagus.world.simulation import Simulation, SimulationCfg

VISIBLE_PX, VISIBLE_SHARE = 120, 0.60
TOUCHING_M = 0.003
"""Nearer than this, two objects touch [m]: a soft contact leaves as much between them."""
TOUCHING_SHARE = 0.4
"""Share of the objects, in every second view, that are put against another one."""
SETTLE_STEPS = 160
"""Physics steps until a picture is taken: what was put down has come to rest."""
FLIP = np.diag([1.0, -1.0, -1.0])


@dataclass
class Truth:
    """What the world says of one object in a view."""

    obj: SceneObject
    centre: np.ndarray
    """In the robot's base frame [m]."""
    visible: int
    """Pixels."""
    silhouette: int
    """Pixels, were it alone."""
    is_cut: bool
    is_touching: bool = False

    @property
    def counts(self) -> bool:
        return not self.is_cut and self.visible >= max(VISIBLE_PX, VISIBLE_SHARE * self.silhouette)


@dataclass
class View:
    """One picture, what the robot knows of it, and the truth."""

    picture: m.Record
    X_BC: np.ndarray
    owner: np.ndarray
    """Index of the object that each pixel shows, -1 for none, shape (H W,)."""
    truths: list[Truth]
    light: float
    place: str


@dataclass
class Tally:
    """Counts over views."""

    objects: int = 0
    found: int = 0
    colour: int = 0
    shape: int = 0
    errors_mm: list[float] = field(default_factory=list)

    def add(self, truth: Truth, seen: Seen | None) -> None:
        self.objects += 1
        if seen is None:
            return
        self.found += 1
        self.colour += seen.colour == truth.obj.colour
        self.shape += seen.shape == truth.obj.shape
        self.errors_mm.append(1000.0 * float(np.linalg.norm(seen.centre - truth.centre)))

    @property
    def recall(self) -> float | None:
        return self.found / self.objects if self.objects else None

    def errors(self) -> dict[str, float | None]:
        if not self.errors_mm:
            return {"p50": None, "p95": None, "max": None}
        p50, p95, most = (float(x) for x in np.percentile(self.errors_mm, [50, 95, 100]))
        return {"p50": p50, "p95": p95, "max": most}


class Judge:
    """Draws which pixel shows which object, from where the camera really is."""

    def __init__(self, sim: Simulation, robot: Robot, scene: m.Record, robot_seed: int) -> None:
        cam = robot.spec.cameras[0]
        self.model = model = copy.copy(sim.model)
        model.opt.enableflags &= ~int(mujoco.mjtEnableBit.mjENBL_SLEEP)
        model.vis.quality.offsamples = 0
        camera = model.camera(cam.name)
        model.cam_fovy[camera.id], model.cam_sensorsize[camera.id] = math.degrees(cam.fovy), 0.0
        R = np.zeros(9)
        mujoco.mju_quat2Mat(R, model.cam_quat[camera.id])
        X, R_optical = mount_error(robot.spec, cam, CameraCfg(), robot_seed).X_NC, R.reshape(3, 3) @ FLIP
        model.cam_pos[camera.id] += R_optical @ X[:3, 3]
        mujoco.mju_mat2Quat(model.cam_quat[camera.id], (R_optical @ X[:3, :3] @ FLIP).ravel())
        self.data = data = mujoco.MjData(model)
        data.qpos[:], data.mocap_pos[:], data.mocap_quat[:] = (
            scene["qpos"],
            scene["mocap"][:, :3],
            scene["mocap"][:, 3:],
        )
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        self.camera = cam.name
        self.renderer = mujoco.Renderer(model, cam.height, cam.width)
        self.renderer.enable_segmentation_rendering()

    def bodies(self) -> np.ndarray:
        """Return the body that each pixel shows, 0 for none, shape (H, W)."""
        self.renderer.update_scene(self.data, camera=self.camera)
        geom, kind = np.moveaxis(self.renderer.render(), -1, 0)
        is_geom = (geom >= 0) & (kind == int(mujoco.mjtObj.mjOBJ_GEOM))
        return np.where(is_geom, self.model.geom_bodyid[np.maximum(geom, 0)], 0)

    def truth(self, obj: SceneObject, bodies: np.ndarray) -> Truth:
        body = self.model.body(obj.name).id
        visible = int((bodies == body).sum())
        alone = np.zeros_like(bodies, bool)
        if visible >= VISIBLE_PX:
            groups = self.model.geom_group.copy()
            self.model.geom_group[self.model.geom_bodyid != body] = 5  # not drawn
            alone = self.bodies() == body
            self.model.geom_group[:] = groups
        is_cut = bool(alone[0].any() or alone[-1].any() or alone[:, 0].any() or alone[:, -1].any())
        base = self.data.body("base")
        X_WB = np.eye(4)
        X_WB[:3, :3], X_WB[:3, 3] = base.xmat.reshape(3, 3), base.xpos
        centre = (invert(X_WB) @ [*self.data.xpos[body], 1.0])[:3]
        return Truth(obj, centre, visible, int(alone.sum()), is_cut)

    def mark_touching(self, truths: list[Truth]) -> None:
        geoms = [
            [g for g in range(self.model.ngeom)
             if self.model.geom_bodyid[g] == self.model.body(t.obj.name).id and self.model.geom_contype[g]]
            for t in truths
        ]  # fmt: skip
        fromto = np.zeros(6)
        for i, a in enumerate(truths):
            for j, b in enumerate(truths[:i]):
                if np.linalg.norm(a.centre - b.centre) < 0.25 and any(
                    mujoco.mj_geomDistance(self.model, self.data, g, h, TOUCHING_M, fromto) < TOUCHING_M
                    for g in geoms[i] for h in geoms[j]
                ):  # fmt: skip
                    a.is_touching = b.is_touching = True


def push_together(sim: Simulation, objects: tuple[SceneObject, ...], rng: np.random.Generator) -> None:
    """Stand the objects anew on the same boards, many against another one; what finds no room leaves the scene."""
    boards = [board for board in SUPPORTS for _ in range(board.n_objects)]
    placed = defaultdict[str, list[tuple[np.ndarray, float]]](list)
    for k, (i, board) in enumerate(zip(rng.permutation(len(objects)), boards, strict=True)):
        obj = objects[i]
        r = 0.5 * (math.hypot(*obj.size[:2]) if obj.shape == "box" else obj.size[0])
        others = placed[board.name]
        p, z = np.array([2.0 + 0.1 * k, -1.8]), 0.0
        for _ in range(400):
            spot = rng.uniform(board.low + r, board.high - r)
            if others and rng.random() < TOUCHING_SHARE:
                q, rq = others[rng.integers(len(others))]
                angle = rng.uniform(0.0, 2.0 * math.pi)
                spot = q + (r + rq + 0.001) * np.array([math.cos(angle), math.sin(angle)])
            is_on = bool(np.all(spot >= board.low + r) and np.all(spot <= board.high - r))
            if is_on and all(np.linalg.norm(spot - q) >= r + rq + 0.0009 for q, rq in others):
                p, z = spot, board.height
                others.append((spot, r))
                break
        yaw = board.away + rng.uniform(-0.8, 0.8) if obj.shape == "cup" else rng.uniform(-math.pi, math.pi)
        at = sim.model.joint(obj.name).qposadr[0]
        sim.data.qpos[at : at + 3] = *p, z + 0.5 * obj.size[2] + 0.0005
        sim.data.qpos[at + 3 : at + 7] = math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)


def take(robot: Robot, kinematics: Kinematics, calibrations: dict[int, Calibration], rng: np.random.Generator, *,
         together: bool) -> View:  # fmt: skip
    """Make one random view."""
    spec, cam = robot.spec, robot.spec.cameras[0]
    robot_seed = int(rng.choice(sorted(calibrations)))
    place = str(rng.choice(["table", "shelf"], p=[0.75, 0.25]))
    aside = rng.uniform(-0.25, 0.25)
    if place == "table":
        start = (float(rng.uniform(0.1, 0.5)), 0.1 + aside, float(rng.uniform(-0.25, 0.25)))
    else:
        start = (0.55 + aside, float(rng.uniform(1.2, 1.75)), math.pi / 2 + float(rng.uniform(-0.25, 0.25)))
    scene = build_scene(robot.build_model(), scene="room", seed=int(rng.integers(10**6)), start=start)
    light = (float(rng.uniform(*LIGHT_FACTOR_RANGE)), int(rng.integers(len(LIGHTS))))
    calibration = calibrations[robot_seed]
    sim = Simulation(
        spec, scene, SimulationCfg(light=light, camera_dropout=0.0), seed=robot_seed, calibration=calibration
    )
    pitch = rng.uniform(0.35, 0.75) if place == "table" else rng.uniform(-0.1, 0.5)
    pose = host.HOME | {"lift": rng.uniform(0.1, 0.45), "neck_yaw": rng.uniform(-0.3, 0.3), "neck_pitch": pitch}
    if together:
        push_together(sim, scene.objects, rng)
    for joint in spec.joints:
        if joint.mode == "position":
            sim.data.qpos[sim.model.joint(joint.name).qposadr[0]] = pose[joint.name]
    exposure, q = stand(sim, np.array([pose[name] for name in spec.joint_names]))
    picture = m.blank(m.camera(spec, cam))
    renderer = CameraRenderer(sim.model, spec, cam, seed=robot_seed)
    renderer.render(exposure, picture)
    renderer.close()
    judge = Judge(sim, robot, exposure, robot_seed)
    bodies = judge.bodies()
    truths = [judge.truth(obj, bodies) for obj in scene.objects]
    judge.mark_touching(truths)
    judge.renderer.close()
    owner = np.full(bodies.shape, -1)
    for k, truth in enumerate(truths):
        owner[bodies == sim.model.body(truth.obj.name).id] = k
    X_BC = kinematics.pose_of(q, cam.name) @ calibration.mount(cam.name).X_NC
    return View(picture, X_BC, owner.ravel(), truths, light[0], place)


def stand(sim: Simulation, q: np.ndarray, steps: int = SETTLE_STEPS) -> tuple[m.Record, np.ndarray]:
    """Hold a pose until all is at rest; return the last exposure and the encoder readings at it."""
    spec = sim.spec
    command = m.blank(m.joint_command(spec))
    command["q"], command["effort_max"] = q, spec.array("effort_max")
    command["mode"] = [m.Mode.POSITION if j.mode == "position" else m.Mode.VELOCITY for j in spec.joints]
    exposures: list[tuple[m.Record, np.ndarray]] = []
    reading, now_ns = q, 10**9
    for k in range(steps):
        now_ns += round(1e9 / spec.encoder.rate_hz)
        command["stamp_ns"], command["counter"], command["origin_ns"][0] = now_ns, k + 1, now_ns
        for name, record in sim.step(now_ns, command):
            if name == "joint_state" and record["valid"].all():
                reading = record["q"].copy()
            elif name == "scene":
                exposures.append((record, reading))
    return exposures[-1]


def match(view: View, seen: list[Seen]) -> tuple[dict[int, Seen], list[Seen]]:
    """Give every object the largest detection that is mostly its own; return these, and what is left over."""
    own: dict[int, Seen] = {}
    rest: list[Seen] = []
    for one in sorted(seen, key=lambda s: -len(s.pixels)):
        shown = view.owner[one.pixels]
        k = int(np.bincount(shown + 1).argmax()) - 1
        if k >= 0 and k not in own and np.mean(shown == k) > 0.5:
            own[k] = one
        else:
            rest.append(one)
    return own, rest


def calibrations(folder: Path, n: int, poses: PoseCfg) -> tuple[dict[int, Calibration], float | None]:
    """Load or make calibrations of the first robots; return them and the worst error held out of those made [mm]."""
    made: dict[int, Calibration] = {}
    worst: float | None = None
    for seed in range(1, n + 1):
        file = folder / f"host-{seed}.json"
        if not file.exists():
            found = calibrate(CalibrateCfg(robot_file=host_file(), seed=seed, out=file, poses=poses))
            worst = max(worst or 0.0, 1000.0 * found.held_out_after)
        made[seed] = load(file, prepare(host_file(), seed=seed)[1].spec, seed=seed)
    return made, worst


def measure(views: Iterator[View], cam: Any) -> dict[str, Any]:
    """Score every view."""
    whole, touching = Tally(), Tally()
    by_light, by_place = defaultdict[str, Tally](Tally), defaultdict[str, Tally](Tally)
    detections = false = n = 0
    cpu_s = 0.0
    failures: list[str] = []
    for view in views:
        start_s = time.process_time()
        seen = look(view.picture["depth"], view.picture["rgb"], cam, view.X_BC).objects
        cpu_s += time.process_time() - start_s
        own, rest = match(view, seen)
        n, detections, false = n + 1, detections + len(seen), false + len(rest)
        failures += [f"view {n}: no such thing: {s.colour} {s.shape}, {len(s.pixels)} px" for s in rest]
        light = ("dark", "medium", "bright")[min(2, int(3 * (view.light - 0.4) / 0.8))]
        for k, truth in enumerate(view.truths):
            if not truth.counts:
                continue
            for tally in (whole, by_light[light], by_place[view.place], *((touching,) if truth.is_touching else ())):
                tally.add(truth, own.get(k))
            failures += [f"view {n}: {words}" for words in wrong(truth, own.get(k))]
    return {
        "views": n, "objects": whole.objects, "detections": detections, "recall": whole.recall,
        "precision": 1.0 - false / detections if detections else None,
        "colour": whole.colour / max(1, whole.found), "shape": whole.shape / max(1, whole.found),
        "error_mm": whole.errors(),
        "touching": {"objects": touching.objects, "recall": touching.recall, "error_mm": touching.errors()},
        "by_light": {key: by_light[key].recall for key in ("dark", "medium", "bright")},
        "by_place": {key: by_place[key].recall for key in ("table", "shelf")},
        "ms_per_picture": 1000.0 * cpu_s / max(1, n), "failures": failures[:40],
    }  # fmt: skip


def wrong(truth: Truth, seen: Seen | None) -> list[str]:
    """Say in words what is wrong with what was seen of an object."""
    what = f"{truth.obj.colour} {truth.obj.shape}, {truth.visible} px"
    if seen is None:
        return [f"{what}: not found"]
    error = 1000.0 * float(np.linalg.norm(seen.centre - truth.centre))
    called = (seen.colour, seen.shape)
    return ([f"{what}: called {' '.join(called)}"] if called != (truth.obj.colour, truth.obj.shape) else []) + (
        [f"{what}: {error:.0f} mm off"] if error > 20.0 else []
    )


def show(found: dict[str, Any]) -> Table:
    table = Table(title=f"{found['objects']} objects in {found['views']} pictures")
    table.add_column("")
    table.add_column("figure", justify="right")
    for key in ("recall", "precision", "colour", "shape"):
        table.add_row(key, f"{found[key]:.4f}")
    table.add_row("recall, touching", f"{found['touching']['recall']} of {found['touching']['objects']}")
    table.add_row("centre error [mm] p50, p95, max", ", ".join(f"{x:.1f}" for x in found["error_mm"].values()))
    table.add_row("recall dark, medium, bright", str(list(found["by_light"].values())))
    table.add_row("ms per picture (CPU)", f"{found['ms_per_picture']:.0f}")
    return table


def main() -> None:
    """Parse, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=400, help="views")
    parser.add_argument("--seed", type=int, default=0, help="of the views")
    parser.add_argument("--robots", type=int, default=3, help="calibrated robots, each with mounting errors of its own")
    parser.add_argument("--calibrations", type=Path, default=Path("runs/calibration"), help="where these are kept")
    parser.add_argument("--quick", action="store_true", help="8 views by one robot with a coarser calibration")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args()
    robot = prepare(host_file(), seed=0)[1]
    n, n_robots, folder, poses = args.n, args.robots, args.calibrations, PoseCfg()
    if args.quick:
        n, n_robots, folder, poses = 8, 1, args.calibrations / "quick", PoseCfg(n_per_arm=8)
    known, worst = calibrations(folder, n_robots, poses)
    kinematics = Kinematics(robot.build_model().compile(), robot.spec)
    seeds = track(range(n), console=Console(stderr=True), description="looking")
    views = (
        take(robot, kinematics, known, np.random.default_rng([args.seed, i]), together=i % 2 == 0) for i in seeds
    )  # fmt: skip
    found = measure(views, robot.spec.cameras[0]) | {"calibration_mm": worst}
    if args.json:
        print(json.dumps(found))
    else:
        console = Console()
        console.print(show(found))
        console.print(*found["failures"], sep="\n")


if __name__ == "__main__":
    main()

"""Scenes the robot stands in: floor, furniture, light, household objects, a person. Built from a seed, then compiled.

The robot keeps its names and comes first in ``qpos``. Nothing here steps, renders or adds noise.
"""

import math
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import mujoco
import numpy as np

from vagus.core.errors import ConfigError
from vagus.core.person import check_behaviour
from vagus.world.geoms import BOX, PLANE, STATIC, Look, add
from vagus.world.objects import SMALL, SceneObject, add_object, sample_objects
from vagus.world.person import PersonCfg, add_person, sample_person
from vagus.world.room import SUPPORTS, TABLE_HEIGHT, WOOD, Support, add_room

TIMESTEP_S = 0.002
"""One physics step per 500 Hz encoder reading [s]."""
LIGHT_FACTOR_RANGE = (0.4, 1.2)
"""Darkest and brightest light, as a factor of a bright day indoors."""
LIGHTS = ("light_front", "light_left", "light_right")
"""Where light comes from, as seen by a robot at the start; the index is what ``set_light`` takes."""

_LIGHT_FROM = ((0.65, 0.15, 1.0), (-0.15, 0.9, 0.9), (-0.35, -0.8, 0.9))
"""Towards each light. Directional lights: the only kind that is right on big flat faces of few triangles."""
_KEY, _FILL, _AMBIENT = 0.44, 0.15, 0.44
"""Brightness of the chosen light, of each other one, and from everywhere, at factor 1 [0-1]."""


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A compiled world and what is in it."""

    name: str
    spec: mujoco.MjSpec
    model: mujoco.MjModel
    objects: tuple[SceneObject, ...]
    person: tuple[str, ...]
    """Mocap bodies of the person, in the order of ``person_pose``'s rows; empty if nobody is there."""
    person_cfg: PersonCfg | None
    lights: tuple[int, ...]
    """Ids of the lights, in the order of ``LIGHTS``."""

    def check_person(self, behaviour: str) -> None:
        """Refuse what the person cannot be told here. Raises ConfigError if there is no such behaviour, or nobody."""
        check_behaviour(behaviour)
        if self.person_cfg is None and behaviour != "stands":
            raise ConfigError(
                f"person: got {behaviour!r} in scene {self.name!r}, where nobody is, allowed: 'stands', or a scene "
                "with a person, such as 'room'"
            )


@dataclass(frozen=True, kw_only=True)
class _Contents:
    objects: tuple[SceneObject, ...] = ()
    person: PersonCfg | None = None


DESK_MIDDLE, DESK_HALF = (0.25, 0.0), (0.40, 0.60)
"""The top of the desk [m]; an arm's foot stands at the origin."""
DESK = Support(name="desk", low=np.array([0.16, -0.19]), high=np.array([0.30, 0.19]), height=0.0, away=0.0, n_objects=4)
"""Where its objects stand: middles 0.14 to 0.29 m from the axis of an arm that reaches from 0.14 to 0.30 m."""
_LAYOUTS = 50
"""How often objects are laid out anew: of the first 3,000 desks 3 had no room for the last object."""
_PREFIX_WARNING = r"\s*Attaching a spec with an empty prefix"

SceneBuilder = Callable[[mujoco.MjSpec, np.random.Generator], _Contents]


def build_scene(
    robot_model: mujoco.MjSpec, *, scene: str, seed: int, start: tuple[float, float, float] = (0.0, 0.0, 0.0)
) -> Scene:
    """Put a robot into a scene and compile it; the same arguments give the same model.

    Args:
        robot_model: The robot alone; it is copied, not changed. A robot without a free joint is bolted to the floor.
        scene: A name in ``SCENES``.
        seed: Chooses the objects, where they stand, the person and their figures, >= 0.
        start: Where the robot's root stands: x [m], y [m], yaw [rad].

    Raises:
        ConfigError: No such scene, a seed below 0, or a robot that MuJoCo cannot compile in it.
    """
    if scene not in SCENES:
        raise ConfigError(f"scene: got {scene!r}, allowed: one of {sorted(SCENES)}")
    if seed < 0:
        raise ConfigError(f"seed: got {seed}, allowed: an integer >= 0")
    spec = _new_world()
    x, y, yaw = start
    frame = spec.worldbody.add_frame(pos=[x, y, 0.0], quat=[math.cos(yaw / 2), 0.0, 0.0, math.sin(yaw / 2)])
    try:
        _attach(spec, robot_model.copy(), frame)
        contents = SCENES[scene](spec, np.random.default_rng(seed))
        person = add_person(spec, contents.person) if contents.person else ()
        spec = spec.copy()  # a copy forgets the warning about the prefix, which every compile would repeat
        model = spec.compile()
    except ValueError as exc:  # how MuJoCo reports a model that does not compile
        raise ConfigError(f"scene {scene!r} with robot {robot_model.modelname!r} does not compile: {exc}") from exc
    return Scene(name=scene, spec=spec, model=model, objects=contents.objects, person=person,
                 person_cfg=contents.person, lights=tuple(model.light(name).id for name in LIGHTS))  # fmt: skip


def set_light(model: mujoco.MjModel, factor: float, direction: int) -> None:
    """Set the brightness (0.4-1.2) and which of ``LIGHTS`` it comes from, in a model that is being drawn.

    Raises:
        ConfigError: The factor or the direction is out of range; the light stays as it was.
    """
    low, high = LIGHT_FACTOR_RANGE
    if not low <= factor <= high:
        raise ConfigError(f"light factor: got {factor}, allowed: {low} to {high}")
    if direction not in range(len(LIGHTS)):
        raise ConfigError(f"light direction: got {direction}, allowed: 0 to {len(LIGHTS) - 1}, {LIGHTS}")
    for i, name in enumerate(LIGHTS):
        model.light(name).diffuse[:] = factor * (_KEY if i == direction else _FILL)
    model.vis.headlight.ambient[:] = factor * _AMBIENT


def _attach(spec: mujoco.MjSpec, robot: mujoco.MjSpec, frame: mujoco.MjsFrame) -> None:
    """Attach the robot with an empty prefix, so that it keeps its names.

    MuJoCo warns that such a model may save badly as XML, and its own warning handler writes MUJOCO_LOG.TXT into the
    current folder; both are kept quiet here, for this warning alone.
    """
    said: list[str] = []
    previous = mujoco.get_mju_user_warning()
    mujoco.set_mju_user_warning(said.append)
    try:
        spec.attach(robot, prefix="", frame=frame)
    finally:
        mujoco.set_mju_user_warning(previous)
    for words in said:
        if not re.match(_PREFIX_WARNING, words):
            warnings.warn(words, stacklevel=3)


def _new_world() -> mujoco.MjSpec:
    spec = mujoco.MjSpec()
    spec.modelname = "vagus world"
    spec.compiler.degree = False
    _set_physics(spec)
    _set_drawing(spec)
    _add_lights(spec)
    return spec


def _set_physics(spec: mujoco.MjSpec) -> None:
    option = spec.option
    option.timestep = TIMESTEP_S
    # Implicit in the joints' damping and motor loops: stiff position loops stay stable at 2 ms.
    option.integrator = mujoco.mjtIntegrator.mjINT_IMPLICITFAST
    # A grasped object creeps 43-188 mm in 10 s with the pyramidal cone, 3-6 mm with the elliptic one and friction ten
    # times as stiff as the normal direction, and not after ten no-slip sweeps: after three, a bowl by its rim 0.5 mm/s.
    option.cone = mujoco.mjtCone.mjCONE_ELLIPTIC
    option.impratio = 10.0
    option.noslip_iterations = 10
    # Objects that lie still cost nothing until something touches them.
    option.enableflags |= mujoco.mjtEnableBit.mjENBL_SLEEP


def _set_drawing(spec: mujoco.MjSpec) -> None:
    quality = spec.visual.quality
    # Triangles are what software rendering pays for: a ball of 20 x 12 facets still looks round at 320x240.
    quality.numslices, quality.numstacks, quality.numquads = 20, 12, 1
    quality.offsamples = 0  # multisampling; costs a third of the frames again
    quality.shadowsize = 2048
    spec.stat.center[:] = [0.0, 0.0, 0.8]
    spec.stat.extent = 4.0
    # Clip planes are factors of the extent: 4 cm and 20 m. A closer near plane would cost depth resolution.
    spec.visual.map.znear, spec.visual.map.zfar = 0.01, 5.0
    spec.visual.global_.offwidth, spec.visual.global_.offheight = 1280, 960
    headlight = spec.visual.headlight
    headlight.ambient[:], headlight.diffuse[:], headlight.specular[:] = _AMBIENT, 0.0, 0.0


def _add_lights(spec: mujoco.MjSpec) -> None:
    for i, (name, towards) in enumerate(zip(LIGHTS, _LIGHT_FROM, strict=True)):
        light = spec.worldbody.add_light(name=name, type=mujoco.mjtLightType.mjLIGHT_DIRECTIONAL)
        # Where its shadows start: below the ceiling, inside the walls.
        light.pos[:] = [1.2 * towards[0], 1.2 * towards[1], 2.4]
        light.dir[:] = [-c for c in towards]
        light.diffuse[:], light.specular[:] = _KEY if i == 0 else _FILL, 0.08
        light.castshadow = i == 0


def _empty(spec: mujoco.MjSpec, rng: np.random.Generator) -> _Contents:
    del rng  # nothing to draw
    floor = add(spec.worldbody, Look(rgba=(0.58, 0.57, 0.54, 1.0), contype=STATIC), PLANE, (10.0, 10.0, 0.1))
    floor.name = "floor"
    return _Contents()


def _room(spec: mujoco.MjSpec, rng: np.random.Generator) -> _Contents:
    add_room(spec)
    objects = sample_objects(rng, sum(support.n_objects for support in SUPPORTS))
    rest = [objects[i] for i in rng.permutation(len(objects))]
    for support in SUPPORTS:
        mine, rest = rest[: support.n_objects], rest[support.n_objects :]
        _place(spec, rng, support, mine)
    place = PersonCfg(x=0.9, y=-1.45, yaw=2.1, walk_length=3.0, walk_width=0.7)
    return _Contents(objects=objects, person=sample_person(rng, place))


def _desk(spec: mujoco.MjSpec, rng: np.random.Generator) -> _Contents:
    """A desk top at z = 0, on which a desktop arm stands, with small objects before it, one of each shape."""
    x, y = DESK_MIDDLE
    top = add(spec.worldbody, Look(rgba=WOOD, contype=STATIC), BOX, (*DESK_HALF, 0.015), (x, y, -0.015))
    top.name = "desk"
    floor = add(spec.worldbody, Look(rgba=(0.58, 0.57, 0.54, 1.0), contype=STATIC), PLANE, (10.0, 10.0, 0.1),
                (0.0, 0.0, -TABLE_HEIGHT))  # fmt: skip
    floor.name = "floor"
    objects = sample_objects(rng, DESK.n_objects, SMALL)
    _place(spec, rng, DESK, list(objects))
    return _Contents(objects=objects)


def _place(spec: mujoco.MjSpec, rng: np.random.Generator, support: Support, objects: list[SceneObject]) -> None:
    """Stand objects on a board so that none touches another or leans over the edge; begins anew where one has no room.

    Raises:
        ConfigError: There is no room on it, however often it begins anew.
    """
    for _ in range(_LAYOUTS):
        places = _laid_out(rng, support, objects)
        if places is not None:
            break
    else:
        raise ConfigError(f"no room on {support.name!r} for {[obj.name for obj in objects]}")
    for obj, x, y, yaw in places:
        add_object(spec, obj, (x, y, support.height), yaw)


def _laid_out(rng: np.random.Generator, support: Support, objects: list[SceneObject]
              ) -> list[tuple[SceneObject, float, float, float]] | None:  # fmt: skip
    """Return objects, where they stand [m] and their yaw [rad], largest first, by rejection; None without room."""
    placed: list[tuple[SceneObject, float, float, float]] = []
    for obj in sorted(objects, key=lambda o: -o.radius):
        r = obj.radius
        for gap in (0.03, 0.015, 0.004):  # room for fingers between them [m], less of it if it cannot be had
            spots = rng.uniform(support.low, support.high, (200, 2))
            margin = np.array([r, r])
            spots = spots[((spots >= support.low + margin) & (spots <= support.high - margin)).all(axis=1)]
            free = [s for s in spots if all(math.dist(s, (x, y)) > r + o.radius + gap for o, x, y, _ in placed)]
            if free:
                break
        else:
            return None
        # A cup's handle points more or less away from the front, where hands come from.
        yaw = support.away + float(rng.uniform(-0.6, 0.6))
        placed.append((obj, float(free[0][0]), float(free[0][1]), yaw))
    return placed


SCENES: dict[str, SceneBuilder] = {"room": _room, "empty": _empty, "desk": _desk}
"""Every scene by name."""

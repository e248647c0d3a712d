"""The skill table: every skill there is, one row each, as data."""

import math
from collections.abc import Mapping

from vagus.act.alive import alive, lacks_lids
from vagus.act.directions import LOOKING, POINTING
from vagus.act.drive import LIDAR_BUDGET_S, SPEED_MAX, TURN_MAX, drive, lacks_base, wheel_joints
from vagus.act.express import PROTOTYPES, express, face_joints, lacks_face
from vagus.act.hand_over import hand_over
from vagus.act.home import go_home, home_joints, lacks_home
from vagus.act.look import lacks_neck, look, neck_joints
from vagus.act.nod import nod, shake
from vagus.act.pick import lacks_hand, pick, pick_joints
from vagus.act.place import WHERE, clear, needs_target, place, put_back, put_down
from vagus.act.point import arm_joints, lacks_arm, point
from vagus.act.say import say
from vagus.act.search import PLACES, lacks_eyes, look_around, look_joints
from vagus.act.skill import EYE, Args, Param, SkillSpec, Text
from vagus.act.stop import stop
from vagus.act.watch import EYE_BUDGET_S, watch
from vagus.act.wave import wave
from vagus.core.errors import ConfigError
from vagus.core.robot import RobotSpec

_ARM = Param(name="arm", kind="choice", choices=("left", "right"))
_HELD = Param(name="thing", kind="thing")
_AZIMUTH = Param(name="azimuth_deg", kind="number", minimum=-180.0, maximum=180.0)
_ELEVATION = Param(name="elevation_deg", kind="number", minimum=-90.0, maximum=90.0)
_POINT = tuple(Param(name=axis, kind="number", minimum=-20.0, maximum=20.0) for axis in "xyz")  # p_BQ [m]
_PLACING_S = 150.0
"""Longest time to put something [s]: two drives, and the searches for them."""
_PLACING_BUDGET_S = {"imu": 0.05, "lidar": LIDAR_BUDGET_S, "touch": 0.05}
_TURN_RATE_DEG = math.degrees(TURN_MAX)


def _no_joints(_spec: RobotSpec, _args: Args) -> tuple[str, ...]:
    return ()


def _whole_point(args: Args) -> str | None:
    """A point has three coordinates, and then no direction."""
    given = {"x", "y", "z"} & set(args)
    is_mixed = bool(given) and bool({"direction", "azimuth_deg", "elevation_deg"} & set(args))
    return "x, y and z, or a direction" if len(given) in (1, 2) or is_mixed else None


def _one_way_to_drive(args: Args) -> str | None:
    """A distance, a turn, or a velocity: exactly one of them."""
    ways = [{"distance_m"} & set(args), {"turn_deg"} & set(args), {"speed_m_s", "turn_deg_s"} & set(args)]
    is_timed = bool(ways[2])
    is_good = sum(map(bool, ways)) == 1 and ("duration_s" in args) == is_timed
    return None if is_good else "distance_m, or turn_deg, or duration_s with speed_m_s and turn_deg_s"


_ROWS = (
    SkillSpec(name="wave", text=Text("손 흔들기", "Wave"), run=wave, joints=arm_joints, lacks=lacks_arm,
              params=(_ARM,), timeout_s=30.0),
    SkillSpec(name="point", text=Text("가리키기", "Point"), run=point, joints=arm_joints, lacks=lacks_arm,
              params=(Param(name="direction", kind="choice", choices=tuple(POINTING)), _AZIMUTH, _ELEVATION, _ARM,
                      *_POINT), rule=_whole_point, timeout_s=30.0),
    SkillSpec(name="look", text=Text("쳐다보기", "Look"), run=look, joints=neck_joints, lacks=lacks_neck,
              params=(Param(name="direction", kind="choice", choices=tuple(LOOKING)), _AZIMUTH, _ELEVATION, *_POINT),
              rule=_whole_point),
    SkillSpec(name="look_around", text=Text("둘러보기", "Look around"), run=look_around, joints=look_joints,
              lacks=lacks_eyes, params=(Param(name="where", kind="choice", choices=PLACES, default=PLACES[0]),),
              timeout_s=90.0, budget_s={"imu": 0.05, "lidar": LIDAR_BUDGET_S}),
    SkillSpec(name="watch", text=Text("지켜보기", "Watch"), run=watch, joints=neck_joints, lacks=lacks_eyes,
              params=(Param(name="thing", kind="thing"),
                      Param(name="seconds", kind="number", minimum=1.0, maximum=120.0, default=5.0)),
              timeout_s=150.0, budget_s={EYE: EYE_BUDGET_S}),
    SkillSpec(name="nod", text=Text("고개 끄덕이기", "Nod"), run=nod, joints=neck_joints, lacks=lacks_neck),
    SkillSpec(name="shake", text=Text("고개 젓기", "Shake my head"), run=shake, joints=neck_joints, lacks=lacks_neck),
    SkillSpec(name="express", text=Text("표정 짓기", "Show a feeling"), run=express, joints=face_joints,
              lacks=lacks_face,
              params=(Param(name="emotion", kind="choice", choices=tuple(PROTOTYPES), required=True),)),
    SkillSpec(name="drive", text=Text("이동하기", "Drive"), run=drive, joints=wheel_joints, lacks=lacks_base,
              params=(Param(name="distance_m", kind="number", minimum=-10.0, maximum=10.0),
                      Param(name="turn_deg", kind="number", minimum=-1080.0, maximum=1080.0),
                      Param(name="speed_m_s", kind="number", minimum=-SPEED_MAX, maximum=SPEED_MAX),
                      Param(name="turn_deg_s", kind="number", minimum=-_TURN_RATE_DEG, maximum=_TURN_RATE_DEG),
                      Param(name="duration_s", kind="number", minimum=0.1, maximum=30.0)),
              rule=_one_way_to_drive, timeout_s=90.0, budget_s={"imu": 0.05, "lidar": LIDAR_BUDGET_S}),
    SkillSpec(name="pick", text=Text("집기", "Pick up"), run=pick, joints=pick_joints, lacks=lacks_hand,
              params=(Param(name="thing", kind="thing", required=True),), timeout_s=90.0,
              budget_s={"imu": 0.05, "lidar": LIDAR_BUDGET_S, "touch": 0.05}),
    SkillSpec(name="put_down", text=Text("내려놓기", "Put down"), run=put_down, joints=pick_joints, lacks=lacks_hand,
              params=(_HELD,), timeout_s=_PLACING_S, budget_s=_PLACING_BUDGET_S),
    SkillSpec(name="put_back", text=Text("제자리에 놓기", "Put back"), run=put_back, joints=pick_joints,
              lacks=lacks_hand, params=(_HELD,), timeout_s=_PLACING_S, budget_s=_PLACING_BUDGET_S),
    SkillSpec(name="clear", text=Text("치우기", "Clear away"), run=clear, joints=pick_joints, lacks=lacks_hand,
              params=(_HELD,), timeout_s=_PLACING_S, budget_s=_PLACING_BUDGET_S),
    SkillSpec(name="place", text=Text("놓기", "Place"), run=place, joints=pick_joints, lacks=lacks_hand,
              params=(Param(name="where", kind="choice", choices=WHERE, required=True), _HELD,
                      Param(name="target", kind="thing")),
              rule=needs_target, timeout_s=_PLACING_S, budget_s=_PLACING_BUDGET_S),
    SkillSpec(name="hand_over", text=Text("건네주기", "Hand over"), run=hand_over, joints=pick_joints, lacks=lacks_hand,
              params=(Param(name="thing", kind="thing"),), timeout_s=180.0,
              budget_s={"imu": 0.05, "lidar": LIDAR_BUDGET_S, "touch": 0.05}),
    SkillSpec(name="go_home", text=Text("기본 자세로 돌아가기", "Go home"), run=go_home, joints=home_joints,
              lacks=lacks_home, timeout_s=30.0),
    SkillSpec(name="say", text=Text("말하기", "Say"), run=say, joints=_no_joints,
              params=(Param(name="text", kind="text", required=True),)),
    SkillSpec(name="stop", text=Text("멈추기", "Stop"), run=stop, joints=_no_joints, stops_others=True),
    SkillSpec(name="alive", text=Text("눈 깜빡이기", "Blink"), run=alive, joints=face_joints, lacks=lacks_lids,
              timeout_s=math.inf),
)  # fmt: skip

SKILLS: Mapping[str, SkillSpec] = {row.name: row for row in _ROWS}


def available(spec: RobotSpec) -> tuple[SkillSpec, ...]:
    """Return the skills this robot has the anatomy for."""
    return tuple(row for row in _ROWS if row.lacks(spec) is None)


def find(spec: RobotSpec, name: str) -> SkillSpec:
    """Return a skill by name.

    Raises:
        ConfigError: No such skill, or the robot lacks the anatomy for it; lists what it can do.
    """
    able = [row.name for row in available(spec)]
    if name not in SKILLS:
        raise ConfigError(f"skill: got {name!r}, allowed: {able}")
    lacking = SKILLS[name].lacks(spec)
    if lacking is not None:
        raise ConfigError(f"skill {name!r} needs {lacking}, which robot {spec.name!r} lacks; allowed: {able}")
    return SKILLS[name]

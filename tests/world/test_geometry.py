import json
import math

import mujoco
import numpy as np
from wheeled_arm import SPEC, Bench, place

from vagus.world.geometry import describe_scene

DRAWN = """
<mujoco><asset><material name="paint" rgba=".1 .2 .3 1"/></asset>
<worldbody><body name="a" pos="1 0 0"><camera name="c" fovy="60" pos="0 0 1"/>
<geom type="box" size=".1 .2 .3" pos=".5 0 0" quat="0 1 0 0" rgba="1 0 0 .5" mass="1"/>
<geom type="capsule" size=".1 .4" material="paint"/>
<geom type="sphere" size=".1" group="3"/><geom type="sphere" size=".1" rgba="1 1 1 0"/>
<body><geom type="cylinder" size=".1 .4"/></body></body></worldbody></mujoco>
"""


def test_what_is_drawn_is_told_and_what_is_hidden_is_not() -> None:
    told = json.loads(json.dumps(describe_scene(mujoco.MjModel.from_xml_string(DRAWN))))
    assert told["bodies"] == ["world", "a", "body2"]
    box, capsule, cylinder = told["geoms"]
    assert box == {"body": 1, "type": "box", "size": [0.1, 0.2, 0.3], "p": [0.5, 0.0, 0.0], "q": [0.0, 1.0, 0.0, 0.0],
                   "rgba": [1.0, 0.0, 0.0, 0.5]}  # fmt: skip
    assert capsule["rgba"] == [0.1, 0.2, 0.3, 1.0]
    assert (cylinder["type"], cylinder["body"]) == ("cylinder", 2)
    assert told["cameras"][0]["fovy"] == math.radians(60.0)


def test_bodies_are_in_the_order_of_the_scene_messages_rows() -> None:
    bench = Bench()
    bench.step(n=20)
    told = describe_scene(bench.sim.scene.model)
    record = bench.seen["scene"][-1]
    assert len(told["bodies"]) == len(record["body_p"])
    row = told["bodies"].index("wheel_left")
    np.testing.assert_allclose(record["body_p"][row], [0.0, 0.2, 0.1], atol=0.002)


def test_the_simulation_does_not_hide_the_robot() -> None:
    scene = place()
    bench = Bench(scene=scene)
    bench.step(n=100)  # the lidar looked past the robot's own geoms
    assert "lidar" in bench.seen
    assert describe_scene(bench.sim.model) == describe_scene(scene.model)
    assert SPEC.n_joints == 5


def test_a_mesh_is_told_as_its_bounding_box() -> None:
    spec = mujoco.MjSpec()
    corners = [float(c) for x in (0, 2) for y in (0, 4) for z in (0, 6) for c in (x, y, z)]
    spec.add_mesh(name="block", uservert=corners)
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_MESH, meshname="block", pos=[10.0, 0.0, 0.0])
    (geom,) = describe_scene(spec.compile())["geoms"]
    assert geom["type"] == "box"
    assert sorted(round(s, 6) for s in geom["size"]) == [1.0, 2.0, 3.0]
    np.testing.assert_allclose(geom["p"], [11.0, 2.0, 3.0], atol=1e-6)

"""A network for tests, of the detector's shapes: every bright spot is the middle of a cat."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto
from onnx import helper as h

CAT = 15
"""Its index among ``vagus.core.sights.KINDS``."""


def spot_network(path: Path, reach: tuple[float, float, float, float] = (20.0, 20.0, 20.0, 20.0)) -> Path:
    """Write it: how sure it is, is how bright a cell of 4 x 4 px is; every box reaches so far [px of 512]."""
    heat, box = np.zeros((80, 3, 1, 1), np.float32), np.zeros((4, 3, 1, 1), np.float32)
    heat[CAT] = 1.0 / (3 * 255)
    kept = [onnx.numpy_helper.from_array(value, name) for name, value in
            (("heat", heat), ("box", box), ("reach", np.array(reach, np.float32)))]  # fmt: skip
    first, last = [0, 3, 1, 2], [0, 2, 3, 1]
    nodes = [
        h.make_node("Transpose", ["x"], ["c"], perm=first),
        h.make_node("AveragePool", ["c"], ["p"], kernel_shape=[4, 4], strides=[4, 4]),
        h.make_node("Conv", ["p", "heat"], ["k"]), h.make_node("Transpose", ["k"], ["keypoints"], perm=last),
        h.make_node("Conv", ["p", "box", "reach"], ["b"]), h.make_node("Transpose", ["b"], ["wh"], perm=last),
    ]  # fmt: skip
    shapes = {"x": [1, 512, 512, 3], "keypoints": [1, 128, 128, 80], "wh": [1, 128, 128, 4]}
    x, *out = (h.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items())
    model = h.make_model(h.make_graph(nodes, "spots", [x], out, kept), opset_imports=[h.make_opsetid("", 13)],
                         ir_version=8)  # fmt: skip
    path.write_bytes(model.SerializeToString())
    return path

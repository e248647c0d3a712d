"""The detector: a graph means the same in ONNX, and peaks of a network's maps are things where the picture has them."""

import base64
import json
import tarfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from PIL import Image

from spots import spot_network
from vagus.core.errors import ConfigError
from vagus.core.sights import KINDS
from vagus.perceive.centernet import converted, write_onnx
from vagus.perceive.detector import CenterNet

RNG = np.random.default_rng(3)


def text(word: str) -> dict[str, str]:
    return {"s": base64.b64encode(word.encode()).decode()}


def node(name: str, op: str, *inputs: str, **attr: Any) -> dict[str, Any]:
    return {"name": name, "op": op, "input": list(inputs), "attr": attr}


def conv(name: str, op: str, inputs: list[str], stride: int = 1, pad: str = "SAME", fused: tuple[str, ...] = ()
         ) -> dict[str, Any]:  # fmt: skip
    ones, strides = {"list": {"i": ["1"] * 4}}, {"list": {"i": ["1", str(stride), str(stride), "1"]}}
    kinds = {"fused_ops": {"list": {"s": [text(f)["s"] for f in fused]}}} if fused else {}
    return node(name, op, *inputs, strides=strides, dilations=ones, padding=text(pad), **kinds)


class Model:
    """A graph and its weights, as TensorFlow.js keeps them."""

    def __init__(self, *nodes: dict[str, Any], shape: tuple[int, ...], **weights: np.ndarray) -> None:
        dims = {"shape": {"shape": {"dim": [{"size": str(n)} for n in shape]}}}
        rows = [{"name": name, "shape": list(w.shape), "dtype": str(w.dtype)} for name, w in weights.items()]
        self.json = {"modelTopology": {"node": [node("x", "Placeholder") | {"attr": dims}, *nodes]},
                     "weightsManifest": [{"weights": rows}]}  # fmt: skip
        self.raw = b"".join(w.tobytes() for w in weights.values())

    def run(self, x: np.ndarray, *outputs: str) -> list[np.ndarray]:
        session = ort.InferenceSession(converted(self.json, self.raw, outputs), providers=["CPUExecutionProvider"])
        return session.run(None, {"x": x})


def weights(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def same(x: np.ndarray, k: int, stride: int) -> np.ndarray:
    """Pad a picture (1, H, W, C) as TensorFlow's SAME does: what is odd goes below and to the right."""
    total = [max(0, (-(-n // stride) - 1) * stride + k - n) for n in x.shape[1:3]]
    return np.pad(x, ((0, 0), *((t // 2, t - t // 2) for t in total), (0, 0)))


def convolved(x: np.ndarray, w: np.ndarray, stride: int) -> np.ndarray:
    """Convolve by the definition: (1, H, W, in) with (k, k, in, out)."""
    k = w.shape[0]
    at = np.lib.stride_tricks.sliding_window_view(x[0], (k, k), axis=(0, 1))[::stride, ::stride]
    return np.einsum("hwcij,ijco->hwo", at, w)[None]


@pytest.mark.parametrize(("side", "stride"), [(8, 1), (8, 2), (7, 2), (9, 3)])
def test_a_convolution_pads_as_tensorflow_does(side: int, stride: int) -> None:
    w, b, x = weights(3, 3, 2, 4), weights(4), weights(1, side, side, 2)
    model = Model(
        conv("y", "_FusedConv2D", ["x", "w", "b"], stride, fused=("BiasAdd", "Relu")), shape=x.shape, w=w, b=b
    )
    np.testing.assert_allclose(model.run(x, "y")[0], np.maximum(convolved(same(x, 3, stride), w, stride) + b, 0.0),
                               atol=1e-4)  # fmt: skip


@pytest.mark.parametrize("times", [1, 2])
def test_a_depthwise_convolution_keeps_channels_apart(times: int) -> None:
    w, x = weights(3, 3, 2, times), weights(1, 8, 6, 2)
    model = Model(conv("y", "DepthwiseConv2dNative", ["x", "w"], pad="VALID"), shape=x.shape, w=w)
    parts = [convolved(x[..., c : c + 1], w[:, :, c : c + 1], 1) for c in range(2)]
    np.testing.assert_allclose(model.run(x, "y")[0], np.concatenate(parts, axis=-1), atol=1e-4)


def test_what_stands_between_convolutions_means_the_same_with_channels_first() -> None:
    x, scale, shift = weights(1, 4, 6, 3), weights(3), np.float32(3.0).reshape(())
    axes, last = np.array([1, 2], np.int32), np.array(3, np.int32)
    model = Model(
        node("by", "Mul", "x", "scale"), node("more", "Add", "by", "shift"), node("six", "Relu6", "more"),
        node("mean", "Mean", "six", "axes", keep_dims={"b": True}), node("one", "Mul", "six", "mean"),
        node("both", "ConcatV2", "one", "x", "last"), node("same", "Identity", "both"), node("y", "Sigmoid", "same"),
        shape=x.shape, scale=scale, shift=shift, axes=axes, last=last,
    )  # fmt: skip
    six = np.clip(x * scale + 3.0, 0.0, 6.0)
    both = np.concatenate([six * six.mean(axis=(1, 2), keepdims=True), x], axis=3)
    y, whole = model.run(x, "y", "six")
    np.testing.assert_allclose(y, 1.0 / (1.0 + np.exp(-both)), atol=1e-5)
    np.testing.assert_allclose(whole, six, atol=1e-5)


def test_resizing_starts_at_the_corner_as_tensorflow_1_did() -> None:
    x = np.arange(4.0, dtype=np.float32).reshape(1, 1, 4, 1).repeat(2, axis=1)
    to = {"align_corners": {"b": False}, "half_pixel_centers": {"b": False}}
    model = Model(node("y", "ResizeBilinear", "x", "to", **to), shape=x.shape, to=np.array([4, 8], np.int32))
    np.testing.assert_allclose(model.run(x, "y")[0][0, 0, :, 0], [0, 0.5, 1, 1.5, 2, 2.5, 3, 3], atol=1e-6)
    other = Model(node("y", "ResizeBilinear", "x", "to", **{**to, "align_corners": {"b": True}}), shape=x.shape,
                  to=np.array([4, 8], np.int32))  # fmt: skip
    with pytest.raises(ConfigError, match="aligned corners"):
        other.run(x, "y")


def test_a_node_that_is_not_known_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"node y: got 'Conv3D', allowed: .*'Conv2D'"):
        Model(node("y", "Conv3D", "x"), shape=(1, 2, 2, 1)).run(weights(1, 2, 2, 1), "y")


def test_a_package_becomes_a_file(tmp_path: Path) -> None:
    w = weights(1, 1, 3, 2).astype(np.float16)
    nodes = [conv(f"tower_0/{name}", "Conv2D", ["x", "w"]) for name in ("keypoints", "wh")]
    model = Model(*nodes, shape=(1, 4, 4, 3), w=w.astype(np.float32))
    model.json["weightsManifest"][0]["weights"][0]["quantization"] = {"dtype": "float16"}
    files = {
        "package/models/centernet.json": json.dumps(model.json).encode(),
        "package/models/centernet.bin": w.tobytes(),
    }
    with tarfile.open(tmp_path / "p.tgz", "w:gz") as packed:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            packed.addfile(info, BytesIO(content))
    write_onnx(tmp_path / "p.tgz", tmp_path / "d.onnx")
    x = weights(1, 4, 4, 3)
    y = ort.InferenceSession(tmp_path / "d.onnx", providers=["CPUExecutionProvider"]).run(None, {"x": x})[1]
    np.testing.assert_allclose(y, convolved(x, w.astype(np.float32), 1), atol=1e-5)
    with pytest.raises(ConfigError, match=r"shapes \[\[1, 4, 4, 3\]"):
        CenterNet(tmp_path / "d.onnx")


def test_another_file_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "p.tgz").write_bytes(b"no archive")
    with tarfile.open(tmp_path / "whole.tgz", "w:gz") as packed:
        info = tarfile.TarInfo("package/models/centernet.json")
        info.size = 100_000
        packed.addfile(info, BytesIO(RNG.bytes(info.size)))
    (tmp_path / "half.tgz").write_bytes((tmp_path / "whole.tgz").read_bytes()[:50_000])
    for package in ("p.tgz", "none.tgz", "whole.tgz", "half.tgz"):
        with pytest.raises(ConfigError, match="npm pack"):
            write_onnx(tmp_path / package, tmp_path / "d.onnx")
    assert not (tmp_path / "d.onnx").exists()


@pytest.mark.parametrize("content", [None, b"", b"no network"])
def test_a_file_that_is_no_network_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "d.onnx").write_bytes(content)
    with pytest.raises(ConfigError, match=r"d\.onnx"):
        CenterNet(tmp_path / "d.onnx")


@pytest.mark.parametrize(("height", "width"), [(512, 512), (240, 320), (1024, 600)])
def test_a_peak_is_a_thing_where_the_picture_has_it(tmp_path: Path, height: int, width: int) -> None:
    scale = max(height, width) / 512
    cells = {(20, 12): 1.0, (60, 50): 0.6, (61, 70): 0.2}  # row and column of the maps; the last is too faint
    picture = np.zeros((512, 512, 3), np.uint8)
    for (v, u), share in cells.items():
        picture[4 * v : 4 * v + 4, 4 * u : 4 * u + 4] = round(255 * share)
    small = Image.fromarray(picture).resize((round(512 * scale),) * 2, Image.Resampling.NEAREST)
    detector = CenterNet(spot_network(tmp_path / "spots.onnx", reach=(8.0, 12.0, 16.0, 20.0)))
    found = detector.detect(np.asarray(small)[:height, :width])
    assert [KINDS[one.kind][0] for one in found] == ["cat", "cat"]
    assert [one.score for one in found] == pytest.approx([1.0, 0.6], abs=0.3)
    for one, (v, u) in zip(found, cells, strict=False):
        box = np.array([4 * u - 8, 4 * v - 12, 4 * u + 16, 4 * v + 20]) * scale
        np.testing.assert_allclose(one.box, box.clip(0, [width, height] * 2), atol=4.0 * scale)


def test_of_two_peaks_in_one_box_the_surer_is_told(tmp_path: Path) -> None:
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[200:204, 200:204], picture[200:204, 212:216] = 255, 200
    near = CenterNet(spot_network(tmp_path / "a.onnx", reach=(100.0, 100.0, 100.0, 100.0)))
    apart = CenterNet(spot_network(tmp_path / "b.onnx", reach=(5.0, 5.0, 5.0, 5.0)))
    assert [len(one.detect(picture)) for one in (near, apart)] == [1, 2]


def test_a_dark_picture_shows_nothing(tmp_path: Path) -> None:
    assert CenterNet(spot_network(tmp_path / "d.onnx")).detect(np.zeros((240, 320, 3), np.uint8)) == []

"""Kinds of things in a picture, by a network that was trained on photographs: beside what is measured, never for it.

A detector says that there is a cat, or a person; what hands are sent to is found and measured by
``vagus.perceive.objects``. Anything that turns a picture into ``Sight``s is one.
"""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import maximum_filter

from vagus.core.errors import ConfigError
from vagus.core.sights import KINDS, Sight
from vagus.perceive.colours import Rgb

Array = NDArray[np.float32]

SIDE = 512
"""Width and height of the picture that the network takes [px]."""
_STRIDE = 4
"""Of these pixels per cell of its maps."""
_SCORE = 0.35
"""What it is less sure of is not told."""
_OVERLAP = 0.6
"""Of two boxes of one kind that share more than this of their union, the surer one is told."""


class Detector(Protocol):
    """Makes out things in a picture."""

    def detect(self, rgb: Rgb) -> list[Sight]:
        """Return what is in a picture (H, W, 3) of 8-bit sRGB, the surest first."""
        ...


class CenterNet:
    """A network of the family of Zhou et al., "Objects as Points" (arXiv:1904.07850), as an ONNX file.

    Takes a picture (1, 512, 512, 3), 0 to 255; gives how sure it is that the middle of each kind is in each cell,
    (1, 128, 128, 80), and how far the box reaches from there, left, up, right, down [px], (1, 128, 128, 4).
    ``vagus detector`` makes such a file (``vagus.perceive.centernet``).
    """

    def __init__(self, path: Path, threads: int = 1) -> None:
        """Load it. Raises ConfigError without onnxruntime, if there is no such file, or if it is another network."""
        try:
            import onnxruntime as ort
        except ImportError as exc:
            raise ConfigError("onnxruntime is not installed; type: pip install 'vagus[detector]'") from exc
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = threads
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as exc:  # onnxruntime raises its own, of several classes, and bare ones
            raise ConfigError(f"detector {path}: {exc}") from exc
        n = SIDE // _STRIDE
        wanted = [[1, SIDE, SIDE, 3], [1, n, n, len(KINDS)], [1, n, n, 4]]
        values = (*self._session.get_inputs(), *self._session.get_outputs())
        got = [one.shape for one in values]
        if got != wanted or {one.type for one in values} != {"tensor(float)"}:
            raise ConfigError(f"detector {path}: got shapes {got} of {[one.type for one in values]}, "
                              f"allowed: {wanted} of float")  # fmt: skip
        self._input = self._session.get_inputs()[0].name

    def detect(self, rgb: Rgb) -> list[Sight]:
        """Return what is in a picture (H, W, 3) of 8-bit sRGB, the surest first."""
        square, scale = _square(rgb)
        heat, reach = self._session.run(None, {self._input: square[None]})
        return _sights(np.asarray(heat)[0], np.asarray(reach)[0], scale, rgb.shape)


def _square(rgb: Rgb) -> tuple[Array, float]:
    """Return a picture as the network takes it, black below or beside it, and its pixels per pixel of the original."""
    height, width = rgb.shape[:2]
    scale = SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    square = np.zeros((SIDE, SIDE, 3), np.float32)
    square[: size[1], : size[0]] = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BILINEAR))
    return square, scale


def _sights(heat: Array, reach: Array, scale: float, shape: tuple[int, ...]) -> list[Sight]:
    """Return the peaks of the heat maps (n, n, n_kinds) with their boxes in a picture of that shape (H, W, ...)."""
    is_peak = (heat >= _SCORE) & (heat == maximum_filter(heat, size=(3, 3, 1)))
    found: list[Sight] = []
    for v, u, kind in sorted(np.argwhere(is_peak).tolist(), key=lambda at: -float(heat[tuple(at)])):
        left, up, right, down = reach[v, u].tolist()
        x, y = _STRIDE * u, _STRIDE * v
        corners = np.array([x - left, y - up, x + right, y + down]) / scale
        corners = corners.clip(0.0, [shape[1], shape[0], shape[1], shape[0]]).tolist()
        one = Sight(kind, float(heat[v, u, kind]), (corners[0], corners[1], corners[2], corners[3]))
        if not any(other.kind == kind and _shared(one, other) > _OVERLAP for other in found):
            found.append(one)
    return found


def _shared(a: Sight, b: Sight) -> float:
    """Return how much of their union two boxes share [-]."""
    width = max(0.0, min(a.box[2], b.box[2]) - max(a.box[0], b.box[0]))
    height = max(0.0, min(a.box[3], b.box[3]) - max(a.box[1], b.box[1]))
    both = _area(a) + _area(b) - width * height
    return width * height / both if both > 0.0 else 0.0


def _area(one: Sight) -> float:
    left, top, right, bottom = one.box
    return (right - left) * (bottom - top)

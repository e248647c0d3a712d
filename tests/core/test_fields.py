"""Claims about field types: what fits becomes Python's own type, what does not is refused, nothing else happens."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import numpy as np
import pytest

from vagus.core.errors import ConfigError
from vagus.core.fields import check_types


@dataclass(frozen=True, kw_only=True, slots=True)
class Cfg:
    number: float = 0.0
    count: int = 0
    word: Literal["a", "b"] = "a"
    is_on: bool = False
    pair: tuple[float, float] = (0.0, 0.0)
    names: tuple[str, ...] = ()
    limit: float | Mapping[str, float] | None = None
    make: Callable[[], object] = dict
    raw: bytes = b""

    def __post_init__(self) -> None:
        check_types(self, "cfg")


FITS: list[tuple[str, Any, Any]] = [
    ("number", 2, 2.0), ("number", np.float32(0.5), 0.5), ("number", np.int8(3), 3.0), ("number", math.inf, math.inf),
    ("count", np.uint64(7), 7), ("word", np.str_("b"), "b"), ("is_on", np.bool_(True), True),
    ("pair", [1, np.int64(2)], (1.0, 2.0)), ("names", ["x"], ("x",)), ("limit", 3, 3.0), ("limit", None, None),
    ("limit", {"x": np.float64(1)}, {"x": 1.0}), ("make", print, print), ("raw", b"x", b"x"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "kept"), FITS)
def test_what_fits_is_kept_as_pythons_own(name: str, given: Any, kept: Any) -> None:
    found = getattr(Cfg(**{name: given}), name)
    assert found == kept
    assert type(found) is type(kept)


MISFITS: list[tuple[str, Any, str]] = [
    ("number", "2", "got '2' (str), allowed: a number"), ("number", True, "got True (bool)"),
    ("number", 10**400, "(int), allowed: a number"), ("number", np.zeros(1), "got array([0.]) (ndarray)"),
    ("number", None, "got None (NoneType)"), ("number", 1j, "got 1j (complex)"),
    ("count", 1.0, "got 1.0 (float), allowed: a whole number"), ("count", False, "got False (bool)"),
    ("word", "c", "got 'c' (str), allowed: 'a', 'b'"), ("word", np.zeros(2), "(ndarray), allowed: 'a', 'b'"),
    ("is_on", 1, "got 1 (int), allowed: True or False"), ("pair", (1, 2, 3), "allowed: a tuple of 2: a number, a"),
    ("names", "x", "got 'x' (str), allowed: a tuple of text, one alone written (x,)"), ("names", (1,), "got (1,)"),
    ("names", (c for c in "ab"), "(generator), allowed: a tuple of text"),
    ("limit", {1: 2.0}, "got {1: 2.0} (dict), allowed: a number or a mapping of text to a number or None"),
    ("make", 3, "got 3 (int), allowed: a function"), ("raw", "x", "got 'x' (str), allowed: bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "message"), MISFITS)
def test_what_does_not_fit_is_refused_by_name(name: str, given: Any, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Cfg(**{name: given})
    assert str(caught.value).startswith(f"cfg {name}: got ")
    assert message in str(caught.value)


def test_what_was_left_out_keeps_its_default() -> None:
    assert all(getattr(Cfg(), field.name) == field.default for field in fields(Cfg))

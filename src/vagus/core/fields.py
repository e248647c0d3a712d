"""The types of a dataclass's fields, held against what it was given: robot files are written by people.

Numbers of numpy become Python's own, and lists tuples, so that what was checked can be written to a file and compared.
Ranges are the dataclass's own business.
"""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Protocol, Union, cast, get_args, get_origin, get_type_hints

import numpy as np

from vagus.core.errors import ConfigError


class _MisfitError(Exception):
    """A value that is not of its field's type."""


class _Fit(Protocol):
    def __call__(self, value: Any, args: tuple[Any, ...]) -> Any:
        """Return the value in its field's type. Raises _MisfitError."""
        ...


def check_types(cfg: Any, where: str) -> None:
    """Bring every field of a dataclass that is being built into its declared type; called in ``__post_init__``.

    Args:
        cfg: The dataclass, frozen or not. Declared types may be numbers, text, literals, tuples, mappings, functions,
            classes and unions of these.
        where: What the message calls it, such as "joint 'elbow'".

    Raises:
        ConfigError: A field's value is of another type.
    """
    for name, hint in _hints(type(cfg)).items():
        value = getattr(cfg, name)
        try:
            object.__setattr__(cfg, name, _fit(hint, value))
        except _MisfitError as exc:
            got = f"{reprlib.repr(value)} ({type(value).__name__})"
            raise ConfigError(f"{where} {name}: got {got}, allowed: {_allowed(hint)}") from exc


@cache
def _hints(cls: type) -> dict[str, Any]:
    hints = get_type_hints(cls)
    return {field.name: hints[field.name] for field in fields(cls)}


def _fit(hint: Any, value: Any) -> Any:
    kind = get_origin(hint) or hint
    if kind in _FITS:
        return _FITS[kind](value, get_args(hint))
    if not isinstance(value, kind):
        raise _MisfitError
    return value


def _number(value: Any, args: tuple[Any, ...]) -> float:
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise _MisfitError
    try:
        return float(cast("float", value))
    except OverflowError as exc:
        raise _MisfitError from exc


def _whole_number(value: Any, args: tuple[Any, ...]) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise _MisfitError
    return int(cast("int", value))


def _truth(value: Any, args: tuple[Any, ...]) -> bool:
    if not isinstance(value, (bool, np.bool_)):
        raise _MisfitError
    return bool(value)


def _text(value: Any, args: tuple[Any, ...]) -> str:
    if not isinstance(value, str):
        raise _MisfitError
    return str(value)


def _literal(value: Any, args: tuple[Any, ...]) -> Any:
    if not isinstance(value, str) or value not in args:
        raise _MisfitError
    return str(value)


def _tuple(value: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if isinstance(value, (str, bytes)) or not isinstance(value, Sequence):
        raise _MisfitError
    items = cast("Sequence[Any]", value)
    hints = args[:1] * len(items) if args[1:] == (...,) else args
    if len(hints) != len(items):
        raise _MisfitError
    return tuple(_fit(hint, item) for hint, item in zip(hints, items, strict=True))


def _mapping(value: Any, args: tuple[Any, ...]) -> dict[Any, Any]:
    if not isinstance(value, Mapping):
        raise _MisfitError
    return {_fit(args[0], key): _fit(args[1], item) for key, item in cast("Mapping[Any, Any]", value).items()}


def _function(value: Any, args: tuple[Any, ...]) -> Any:
    if not callable(value):
        raise _MisfitError
    return value


def _union(value: Any, args: tuple[Any, ...]) -> Any:
    for hint in args:
        try:
            return _fit(hint, value)
        except _MisfitError:
            continue
    raise _MisfitError


_FITS: dict[Any, _Fit] = {
    float: _number, int: _whole_number, bool: _truth, str: _text, Literal: _literal, tuple: _tuple, dict: _mapping,
    Mapping: _mapping, Callable: _function, Union: _union, UnionType: _union,
}  # fmt: skip
_WORDS: dict[Any, str] = {
    float: "a number", int: "a whole number", bool: "True or False", str: "text", NoneType: "None",
    Callable: "a function",
}  # fmt: skip


def _allowed(hint: Any) -> str:
    """Say in words what a type admits."""
    kind, args = get_origin(hint) or hint, get_args(hint)
    if kind is Literal:
        return ", ".join(repr(x) for x in args)
    if kind in (Union, UnionType):
        return " or ".join(_allowed(x) for x in args)
    if kind is tuple and args[1:] == (...,):
        return f"a tuple of {_allowed(args[0])}, one alone written (x,)"
    if kind is tuple:
        return f"a tuple of {len(args)}: {', '.join(_allowed(x) for x in args)}"
    if kind in (dict, Mapping):
        return f"a mapping of {_allowed(args[0])} to {_allowed(args[1])}"
    return _WORDS.get(kind, getattr(kind, "__name__", str(kind)))

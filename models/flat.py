"""Nested results and views as one list of named arrays, as an .npz file holds them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np


def arrays_of(value: Any, name: str = "") -> dict[str, np.ndarray]:
    """Everything in `value` by names such as `trace.attention`.

    Fields of dataclasses and keys of mappings become names. A list of things alike becomes columns: `steps.loss` has
    one entry a step. Arrays of one shape and type are stacked, numbers and texts become arrays; what is mixed is
    written as JSON, what is None is left out.
    """
    return dict(_flat(value, name))


def _flat(value: Any, name: str) -> Iterator[tuple[str, np.ndarray]]:
    if is_dataclass(value) and not isinstance(value, type):
        value = {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield from _flat(one, f"{name}.{key}" if name else str(key))
    elif (array := _array(value)) is not None:
        yield name or "value", array
    elif isinstance(value, Sequence) and value:
        yield from _columns(value, name)


def _columns(values: Sequence[Any], name: str) -> Iterator[tuple[str, np.ndarray]]:
    rows = [row for one in values if (row := _row(one)) is not None]
    if len(rows) == len(values) and all(row.keys() == rows[0].keys() for row in rows):
        for key in rows[0]:
            yield from _flat([row[key] for row in rows], f"{name}.{key}")
    elif any(map(_holds_arrays, values)):
        for number, one in enumerate(values):
            yield from _flat(one, f"{name}.{number}")
    else:
        yield name, np.array(json.dumps(values, default=str, ensure_ascii=False))


def _row(value: Any) -> dict[str, Any] | None:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return {str(key): one for key, one in value.items()} if isinstance(value, Mapping) else None


def _holds_arrays(value: Any) -> bool:
    if isinstance(value, (np.ndarray, Mapping)) or is_dataclass(value):
        return True
    return isinstance(value, Sequence) and not isinstance(value, str) and any(map(_holds_arrays, value))


def _array(value: Any) -> np.ndarray | None:
    """A number, a text, an array, or a list that is one: numbers (None is not a number), texts, or arrays alike."""
    if isinstance(value, np.ndarray):
        return value if value.dtype != object else None
    if isinstance(value, (bool, int, float, str, np.generic)):
        return np.array(value)
    if not isinstance(value, Sequence) or not value:
        return None
    if all(isinstance(one, np.ndarray) for one in value):
        alike = len({(one.shape, one.dtype) for one in value}) == 1 and value[0].dtype != object
        return np.stack(value) if alike else None
    kinds = set(_kinds(value))
    if len(kinds) != 1 or kinds & {"other"}:
        return None
    try:
        return np.array(value, dtype=float) if kinds == {"number"} and _holds_none(value) else np.array(value)
    except (ValueError, OverflowError):  # rows of several lengths, or whole numbers of any size
        return None


def _kinds(value: Any) -> Iterator[str]:
    """What the leaves of nested lists are; None goes with numbers."""
    if isinstance(value, str):
        yield "text"
    elif isinstance(value, Sequence):
        for one in value:
            yield from _kinds(one)
    else:
        yield "number" if value is None or isinstance(value, (bool, int, float, np.generic)) else "other"


def _holds_none(value: Any) -> bool:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return any(map(_holds_none, value))
    return value is None

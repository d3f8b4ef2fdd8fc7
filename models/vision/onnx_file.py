"""Networks as ONNX files: a graph of operators in Protocol Buffers, written without a library of its own.

Only what a Vision Transformer needs is written; nothing here reads a file. Field numbers are those of `onnx.proto3`
(ONNX IR version 8, operator set 17).
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

IR_VERSION, OPERATOR_SET = 8, 17
TYPES = {np.dtype(np.float32): 1, np.dtype(np.uint8): 2, np.dtype(np.int64): 7, np.dtype(np.float16): 10}
SMALL = 64
"""Arrays of no more numbers are stored as they are."""
FLOAT, INT, INTS = 1, 2, 7
"""Kinds of attributes."""


@dataclass
class Graph:
    """A graph that is built operator by operator; values are known by their names."""

    name: str
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)
    _count: int = 0

    def constant(self, array: np.ndarray) -> str:
        """A fixed array. float32 that float16 holds exactly is stored in half of the room."""
        name = self._new("constant")
        if array.dtype == np.float32 and array.size > SMALL and (array.astype(np.float16) == array).all():
            self._constants.append(_tensor(f"{name}_half", array.astype(np.float16)))
            self._nodes.append(_node("Cast", [f"{name}_half"], name, {"to": TYPES[np.dtype(np.float32)]}))
        else:
            self._constants.append(_tensor(name, array))
        return name

    def add(self, operator: str, *inputs: str | np.ndarray, **attributes: int | float | Sequence[int]) -> str:
        """An operator with its inputs, arrays being constants; returns what its result is called."""
        name = self._new(operator.lower())
        named = [one if isinstance(one, str) else self.constant(one) for one in inputs]
        self._nodes.append(_node(operator, named, name, attributes))
        return name

    def file(
        self,
        given: Mapping[str, tuple[np.dtype, Sequence[int]]],
        made: Mapping[str, tuple[np.dtype, Sequence[int]]],
        notes: Mapping[str, str],
    ) -> bytes:
        """The whole file. given, made: inputs and outputs by name, type and shape; notes: the file's metadata."""
        graph = [
            *(_bytes(1, node) for node in self._nodes),
            _text(2, self.name),
            *(_bytes(5, constant) for constant in self._constants),
            *(_bytes(11, _value(name, *about)) for name, about in given.items()),
            *(_bytes(12, _value(name, *about)) for name, about in made.items()),
        ]
        parts = [_int(1, IR_VERSION), _text(2, "Glassbox"), _bytes(7, b"".join(graph))]
        parts.append(_bytes(8, _int(2, OPERATOR_SET)))
        parts += [_bytes(14, _text(1, key) + _text(2, note)) for key, note in notes.items()]
        return b"".join(parts)

    def rename(self, old: str, new: str) -> None:
        """Give a result the name that whoever uses the file knows it by."""
        self._nodes.append(_node("Identity", [old], new, {}))

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"


def _varint(value: int) -> bytes:
    value &= 2**64 - 1
    found = bytearray()
    while value >= 128:
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def _int(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _packed(number: int, values: Iterable[int]) -> bytes:
    return _bytes(number, b"".join(map(_varint, values)))


def _tensor(name: str, array: np.ndarray) -> bytes:
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()
    return _packed(1, array.shape) + _int(2, TYPES[array.dtype]) + _text(8, name) + _bytes(9, raw)


def _value(name: str, dtype: np.dtype, shape: Sequence[int]) -> bytes:
    sizes = b"".join(_bytes(1, _int(1, size)) for size in shape)
    return _text(1, name) + _bytes(2, _bytes(1, _int(1, TYPES[np.dtype(dtype)]) + _bytes(2, sizes)))


def _node(
    operator: str, inputs: Sequence[str], output: str, attributes: Mapping[str, int | float | Sequence[int]]
) -> bytes:
    named = b"".join(_text(1, name) for name in inputs) + _text(2, output) + _text(4, operator)
    return named + b"".join(_bytes(5, _attribute(name, value)) for name, value in attributes.items())


def _attribute(name: str, value: int | float | Sequence[int]) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _int(20, FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _int(3, value) + _int(20, INT)
    return _text(1, name) + _packed(8, value) + _int(20, INTS)

"""A Python program that computes again what a view shows, written from the calls that were made for it."""

import enum
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np

from demos.take.shown import Shown
from models.compute import MAX_RECORDED, TASKS, Call
from models.errors import InputError
from models.store import STORES

MAX_INPUT_BYTES = 32 * 2**20
HEAD = '''"""Computes again what Glassbox showed as {view}. Run it in the folder of the project: `python FILE`."""
'''
OWN_FILE = "own.safetensors"
OWN = {
    "networks that visitors have trained": "models.sequences.own_file",
    "visitors' own detectors": "models.detection.own_file",
    "trained sprite networks": "models.diffusion.own_file",
}
"""Which module reads the files of what visitors have trained, by the store that keeps it."""
KEPT_THERE = "This view is of something that was trained or made on that page, which is kept there only."


@dataclass(frozen=True)
class Program:
    """text: Python. inputs: the arrays it begins with, by name, which it reads from the view's .npz."""

    text: str
    inputs: dict[str, np.ndarray]


def program_of(shown: Shown) -> Program | None:
    """The program behind a view; None where nothing was computed for it, or it cannot be told."""
    try:
        return write_program(shown.calls, shown.view.__name__, f"{shown.stem}.npz") if shown.calls else None
    except InputError:
        return None


def write_program(calls: Sequence[Call], view: str, file: str) -> Program:
    """The program that makes these calls.

    file: the .npz that holds what it begins with.
    Raises `InputError` where they are too many or begin with too much, or with what only this process keeps.
    """
    if len(calls) > MAX_RECORDED:
        raise InputError(f"More than {MAX_RECORDED} computations are behind this view: they are not written down.")
    writer = _Writer()
    lines = [line for number, call in enumerate(calls) for line in writer.call(call, number, len(calls))]
    if sum(array.nbytes for array in writer.inputs.values()) > MAX_INPUT_BYTES:
        raise InputError("What this view was computed from is too large to be written down.")
    imports = [f"from {module} import {', '.join(sorted(names))}" for module, names in sorted(writer.imports.items())]
    reads = [f'inputs = np.load("{file}")', ""] if writer.inputs else []
    numpy = ["import numpy as np", ""] if writer.inputs else []
    own = [f"# {OWN_FILE} is the file that the page keeps on which it was trained.", ""] if writer.own else []
    text = "\n".join([HEAD.format(view=view), *own, *numpy, *imports, "", *reads, *lines, ""])
    return Program(text, writer.inputs)


def name_of_result(number: int, count: int) -> str:
    """What a program calls what its call of that number gives."""
    return "result" if count == 1 else f"result_{number + 1}"


class _Writer:
    """Writes values as Python; arrays become inputs, classes and functions imports."""

    def __init__(self) -> None:
        self.imports: dict[str, set[str]] = {"models.flat": {"arrays_of"}}
        self.inputs: dict[str, np.ndarray] = {}
        self.own = False

    def call(self, call: Call, number: int, count: int) -> list[str]:
        """The lines of one call."""
        module, _, function = call.task.rpartition(".")
        self._import(module, function)
        arguments = [self.write(one) for one in call.arguments]
        arguments += [f"{name}={self.write(one)}" for name, one in call.named.items()]
        name = name_of_result(number, count)
        asked = f"{function}({', '.join(arguments)})"
        if TASKS[call.task].streams:
            return [f"*_, {name} = {asked}  # a step at a time; this is the last one", *_shown(name)]
        return [f"{name} = {asked}", *_shown(name)]

    def write(self, value: Any) -> str:
        """The source of a value. Raises `InputError` where it has none."""
        if value is None or isinstance(value, (bool, int, float, str, bytes, np.generic)):
            return self._plain(value)
        if isinstance(value, enum.Enum):
            return f"{self._import(type(value).__module__, type(value).__qualname__)}.{value.name}"
        if isinstance(value, np.ndarray) and value.dtype != object:
            return self._input(value)
        if is_dataclass(value) and not isinstance(value, type):
            parts = [f"{one.name}={self.write(getattr(value, one.name))}" for one in fields(value) if one.init]
            return f"{self._import(type(value).__module__, type(value).__qualname__)}({', '.join(parts)})"
        if isinstance(value, Mapping):
            return "{" + ", ".join(f"{self.write(key)}: {self.write(one)}" for key, one in value.items()) + "}"
        if isinstance(value, tuple):
            return f"({', '.join(map(self.write, value))}{',' if len(value) == 1 else ''})"
        if isinstance(value, Sequence):
            return f"[{', '.join(map(self.write, value))}]"
        if isinstance(value, types.FunctionType) and "<" not in value.__qualname__:
            return self._import(value.__module__, value.__qualname__)
        raise InputError("What this view was computed from cannot be written down.")

    def _plain(self, value: Any) -> str:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, float) and not math.isfinite(value):
            return f'float("{value}")'
        if isinstance(value, str) and (store := next((one for one in STORES if value in one), None)):
            return self._own(store.title)
        return repr(value)

    def _own(self, store: str) -> str:
        """What stands for the name of what a visitor has trained."""
        if store not in OWN:
            raise InputError(KEPT_THERE)
        self.own = True
        return f'{self._import(OWN[store], "load")}("{OWN_FILE}")'

    def _input(self, array: np.ndarray) -> str:
        known = (name for name, one in self.inputs.items() if one is array)
        name = next(known, f"{len(self.inputs)}")
        self.inputs[name] = array
        return f'inputs["inputs.{name}"]'

    def _import(self, module: str, name: str) -> str:
        if module.partition(".")[0] != "models":
            raise InputError("What this view was computed from cannot be written down.")
        self.imports.setdefault(module, set()).add(name.partition(".")[0])
        return name


def _shown(result: str) -> list[str]:
    return [
        f"for name, array in arrays_of({result}).items():",
        "    print(name, array.shape, array.dtype)",
        "",
    ]

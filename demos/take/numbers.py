"""The arrays of a view as an .npz file that says what they are."""

import dataclasses
import inspect
import io
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import numpy as np
from PIL import Image

from demos.take.shown import Shown
from demos.take.source import name_of_result, program_of
from demos.wire import array_behind, bytes_behind, is_handle, is_picture
from models.compute import TASKS, Task, own_engine
from models.errors import InputError
from models.flat import arrays_of

MAX_BYTES = 256 * 2**20
FORMS = {
    "float16": "in half precision: within 0.05 % of what was computed",
    "steps8": "in 256 equal steps between the least and the largest value",
    "int8": "as whole numbers from -127 to 127",
}
README = """{title}
{line}

Arrays of one view of Glassbox: those that were sent to the browser that drew it{again}.
Read them with numpy: `np.load("{file}")["NAME"]`.

What the names mean
-------------------
{meaning}

Arrays
------
{arrays}
"""
AGAIN = """, and, as `result`, what was computed for it,
in full precision. reproduce.py computes that again with the project's `models` package, beginning with the `inputs`"""


def npz_of(shown: Shown) -> bytes:
    """A compressed .npz of the arrays of a view and of what was computed for it, with README.txt and reproduce.py.

    What takes long (training, diffusion, measuring) is not computed again for the file: reproduce.py can.
    Raises `InputError` where an array is no longer kept, or all together take more than `MAX_BYTES`.
    """
    program = program_of(shown)
    results = _results(shown) if program else {}
    arrays = arrays_of(_decoded(shown.value))
    for name, (_, result) in results.items():
        arrays |= arrays_of(result, name)
    inputs = {f"inputs.{name}": array for name, array in program.inputs.items()} if program else {}
    if sum(array.nbytes for array in [*arrays.values(), *inputs.values()]) > MAX_BYTES:
        raise InputError(f"The arrays of this view take more than {MAX_BYTES // 2**20} MB: they are not packed here.")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays, **inputs)
    told = _readme(shown, {**arrays, **inputs}, results, AGAIN if program else "")
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", told)
        if program:
            archive.writestr("reproduce.py", program.text)
    return buffer.getvalue()


def _results(shown: Shown) -> dict[str, tuple[Task, Any]]:
    """What was computed for a view, computed again, by the names that its program gives them."""
    tasks = [TASKS[call.task] for call in shown.calls]
    return {
        name_of_result(number, len(tasks)): (task, own_engine().run(task, call.arguments, call.named))
        for number, (task, call) in enumerate(zip(tasks, shown.calls, strict=True))
        if not (task.heavy or task.streams)
    }


def _readme(shown: Shown, arrays: Mapping[str, np.ndarray], results: Mapping[str, tuple[Task, Any]], again: str) -> str:
    """Names, types and shapes of the arrays, and what the classes that hold them say of their fields."""
    forms = dict(_forms(shown.value, ""))
    classes = [*classes_in(shown.view), *(one for _, result in results.values() for one in classes_in(type(result)))]
    meaning = [f"{name}: what {task.name} gives" for name, (task, _) in results.items()]
    meaning += [f"{one.__name__}: {inspect.getdoc(one) or ''}" for one in dict.fromkeys(classes)]
    title = (inspect.getdoc(shown.view) or shown.view.__name__).split("\n")[0]
    return README.format(
        title=title,
        line="=" * len(title),
        file=f"{shown.stem}.npz",
        again=again,
        meaning="\n\n".join(meaning),
        arrays="\n".join(_line(name, array, forms.get(name, "")) for name, array in arrays.items()),
    )


def classes_in(view: type) -> list[type]:
    """A view's class and those of the views in it."""
    found: dict[type, None] = {}

    def look(hint: Any) -> None:
        if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint not in found:
            found[hint] = None
            for inner in _hints(hint):
                look(inner)
        for inner in get_args(hint):
            look(inner)

    look(view)
    return list(found)


def _hints(one: type) -> list[Any]:
    """Types of the fields; none where a module imports some of them for the type checker only."""
    try:
        return list(get_type_hints(one).values())
    except NameError:
        return []


def _line(name: str, array: np.ndarray, note: str) -> str:
    kind = "text" if array.dtype.kind == "U" else str(array.dtype)
    return f"{name}  {list(array.shape)}  {kind}{f'  ({note})' if note else ''}"


def _decoded(value: Any) -> Any:
    """A view that travelled with its arrays and pictures in place of their handles and addresses."""
    if is_handle(value):
        return array_behind(value)
    if is_picture(value):
        return np.asarray(Image.open(io.BytesIO(bytes_behind(value))))
    if isinstance(value, dict):
        return {key: _decoded(one) for key, one in value.items()}
    return [_decoded(one) for one in value] if isinstance(value, list) else value


def _forms(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """How arrays travelled, where that costs precision, by the names that `arrays_of` gives them."""
    if is_handle(value):
        yield name, FORMS.get(value["dtype"], "")
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from _forms(one, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for one in value:
            yield from _forms(one, name)

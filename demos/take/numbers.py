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
from demos.take.source import Program, program_of
from demos.wire import array_behind, bytes_behind, is_handle, is_picture
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

Arrays of one view of Glassbox, as they were sent to the browser that drew it.
Read them with numpy: `np.load("{file}")["NAME"]`.

What the names mean
-------------------
{meaning}

Arrays
------
{arrays}
{again}"""
AGAIN = "\nreproduce.py computes it again with the project's `models` package, in full precision.\n"


def npz_of(shown: Shown) -> bytes:
    """A compressed .npz of the arrays of a view, with README.txt and, where there is one, the program and its inputs.

    Raises `InputError` where an array is no longer kept, or all together take more than `MAX_BYTES`.
    """
    program = program_of(shown)
    arrays = arrays_of(_decoded(shown.value))
    inputs = {f"inputs.{name}": array for name, array in program.inputs.items()} if program else {}
    if sum(array.nbytes for array in [*arrays.values(), *inputs.values()]) > MAX_BYTES:
        raise InputError(f"The arrays of this view take more than {MAX_BYTES // 2**20} MB: they are not packed here.")
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays, **inputs)
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.txt", readme(shown, arrays, inputs, program))
        if program:
            archive.writestr("reproduce.py", program.text)
    return buffer.getvalue()


def readme(
    shown: Shown, arrays: Mapping[str, np.ndarray], inputs: Mapping[str, np.ndarray], program: Program | None
) -> str:
    """Names, types and shapes of the arrays, and what the view's classes say of them."""
    forms = dict(_forms(shown.value, ""))
    lines = [_line(name, array, forms.get(name, "")) for name, array in arrays.items()]
    lines += [_line(name, array, "what reproduce.py begins with") for name, array in inputs.items()]
    meaning = "\n\n".join(f"{one.__name__}: {inspect.getdoc(one) or ''}" for one in classes_in(shown.view))
    title = (inspect.getdoc(shown.view) or shown.view.__name__).split("\n")[0]
    again = AGAIN if program else ""
    return README.format(
        title=title,
        line="=" * len(title),
        file=f"{shown.stem}.npz",
        meaning=meaning,
        arrays="\n".join(lines),
        again=again,
    )


def classes_in(view: type) -> list[type]:
    """A view's class and those of the views in it."""
    found: dict[type, None] = {}

    def look(hint: Any) -> None:
        if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint not in found:
            found[hint] = None
            for inner in get_type_hints(hint).values():
                look(inner)
        for inner in get_args(hint):
            look(inner)

    look(view)
    return list(found)


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

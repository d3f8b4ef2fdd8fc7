"""`python -m demos.ui.types` writes `types.d.ts`: the view dataclasses as the scripts see them.

A test compares the file with the dataclasses, and the type checker the scripts with the file.
"""

import dataclasses
import importlib
import itertools
import pkgutil
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from demos import views
from demos.wire import VIEWS, Travels

FILE = Path(__file__).parent / "types.d.ts"
HEADER = """// Written by `python -m demos.ui.types` from the dataclasses of demos/views. Not to be edited.

export type ArrayHandle = import("./core/arrays.js").ArrayHandle;
"""
NAMES = {str: "string", int: "number", float: "number", bool: "boolean", type(None): "null", Any: "unknown"}


def declarations() -> str:
    """All view dataclasses as TypeScript interfaces, in the order of their names."""
    return HEADER + "".join(map(_interface, _views()))


def _views() -> list[type]:
    for module in pkgutil.iter_modules(views.__path__, "demos.views."):
        importlib.import_module(module.name)
    found = sorted({*VIEWS}, key=lambda view: view.__name__)
    twice = [one.__name__ for one, other in itertools.pairwise(found) if one.__name__ == other.__name__]
    if twice:
        raise ValueError(f"two views have one name: {', '.join(twice)}")
    return found


def _interface(view: type) -> str:
    hints = get_type_hints(view, include_extras=True)
    fields = "".join(f"  {field.name}: {_typed(hints[field.name])};\n" for field in dataclasses.fields(view))
    about = (view.__doc__ or "").strip().split("\n")[0]
    return f"\n/** {about} */\nexport interface {view.__name__} {{\n{fields}}}\n"


def _typed(hint: Any) -> str:
    if hint in NAMES:
        return NAMES[hint]
    if dataclasses.is_dataclass(hint):
        return hint.__name__  # pyright: ignore[reportAttributeAccessIssue]  # a class
    arguments = get_args(hint)
    match get_origin(hint):
        case origin if origin is Annotated:
            return _travelling(arguments[1:]) or _typed(arguments[0])
        case origin if origin is Literal:
            return " | ".join(f'"{value}"' if isinstance(value, str) else str(value).lower() for value in arguments)
        case typing.Union | types.UnionType:
            return " | ".join(map(_typed, arguments))
        case origin if origin in (dict, Mapping):
            return f"Record<string, {_typed(arguments[1])}>"
        case origin if origin in (list, tuple, Sequence):
            return _listed(arguments)
    raise TypeError(f"{hint} has no place in a view; an array must say how it travels")


def _travelling(extras: tuple[Any, ...]) -> str:
    form = next((extra.form for extra in extras if isinstance(extra, Travels)), None)
    return "" if form is None else "string" if form in ("png", "jpeg") else "ArrayHandle"


def _listed(arguments: Sequence[Any]) -> str:
    if len(arguments) > 1 and arguments[-1] is not Ellipsis:
        return f"[{', '.join(map(_typed, arguments))}]"
    inner = _typed(arguments[0])
    return f"({inner})[]" if " | " in inner else f"{inner}[]"


if __name__ == "__main__":
    FILE.write_text(declarations(), encoding="utf-8")

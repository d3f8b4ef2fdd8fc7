"""Gradio without what only others need: type stubs beside its components, which each start would write, and pandas."""

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

STUBS = "gradio.component_meta"
PANDAS, PANDAS_IN = "pandas", "gradio.caching"
"""Gradio's cache of functions, which this app does not use, can hash tables of pandas."""


class _Spared:
    """Finds those modules as ever, and spares them what they would do."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in (STUBS, PANDAS_IN) else None
        if spec is None or spec.loader is None:
            return None
        spec.loader.exec_module = _run(name, spec.loader.exec_module)
        return spec


def _run(name: str, execute: Callable[[ModuleType], None]) -> Any:
    def without_stubs(module: ModuleType) -> None:
        execute(module)
        _silence(module)

    def without_pandas(module: ModuleType) -> None:
        with _later(PANDAS):
            execute(module)

    return without_stubs if name == STUBS else without_pandas


def _silence(module: ModuleType) -> None:
    module.create_or_modify_pyi = lambda *_: None  # pyright: ignore[reportAttributeAccessIssue]


class _Later(ModuleType):
    """Stands for a module, which is imported when something of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self.__name__), name)


@contextmanager
def _later(name: str) -> Iterator[None]:
    """What imports the module meanwhile gets what stands for it; afterwards it is imported as ever."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = _Later(name)
    try:
        yield
    finally:
        del sys.modules[name]


def skip_stubs() -> None:
    """Call it before Gradio is imported, which then takes less than half of the time."""
    if STUBS in sys.modules:
        _silence(sys.modules[STUBS])
    else:
        sys.meta_path.insert(0, _Spared)

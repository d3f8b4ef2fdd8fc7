"""Gradio without its type stubs: each start would read, compare and write one beside the source of every component."""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

MODULE = "gradio.component_meta"


class _WithoutStubs:
    """Finds `MODULE` as ever, and lets it write nothing."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name == MODULE else None
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def run(module: ModuleType) -> None:
            execute(module)
            _silence(module)

        spec.loader.exec_module = run
        return spec


def _silence(module: ModuleType) -> None:
    module.create_or_modify_pyi = lambda *_: None  # pyright: ignore[reportAttributeAccessIssue]


def skip_stubs() -> None:
    """Call it before Gradio is imported, which then takes half as long; stubs are for editors, not for a server."""
    if MODULE in sys.modules:
        _silence(sys.modules[MODULE])
    else:
        sys.meta_path.insert(0, _WithoutStubs)

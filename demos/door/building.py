"""Gradio looks at the same signatures thousands of times while it builds a page: here once each."""

import inspect
import threading
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from gradio.components import base

_ALONE = threading.RLock()


@contextmanager
def inspected_once() -> Iterator[None]:
    """While a page is built, what a function takes and what a class holds is found out once.

    The answers are those of Python itself, so that nothing depends on where Gradio asks for them.
    """
    with _ALONE:
        if "dir" in vars(base):  # a part of a page that is being built
            yield
            return
        plain = inspect.signature, inspect.getfullargspec, typing.get_type_hints
        inspect.signature = _remembered(inspect.signature)
        inspect.getfullargspec = _remembered(inspect.getfullargspec)
        hints = _remembered(typing.get_type_hints)
        typing.get_type_hints = lambda *given, **named: dict(hints(*given, **named))
        base.__dict__["dir"] = cache(dir)  # asked of the class, for every component
        try:
            yield
        finally:
            inspect.signature, inspect.getfullargspec, typing.get_type_hints = plain
            del base.__dict__["dir"]


def _remembered(find: Callable[..., Any]) -> Any:
    known = cache(find)

    def remembered(*given: Any, **named: Any) -> Any:
        try:
            return known(*given, **named)
        except TypeError:  # what cannot be remembered, or has no answer
            return find(*given, **named)

    return remembered

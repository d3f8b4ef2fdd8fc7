"""Visitors' wishes to end a running job and keep what it has made so far: by a name that only the visitor has."""

import threading
from collections import OrderedDict
from collections.abc import Callable

MOST = 256

_asked: "OrderedDict[str, None]" = OrderedDict()
_lock = threading.Lock()
LISTENERS: list[Callable[[str], None]] = []
"""Who passes wishes on to where the jobs run, if that is elsewhere."""


def ask(name: object) -> None:
    """The job called `name` is to end after its present step; the oldest wishes are forgotten."""
    if not isinstance(name, str) or not name:
        return
    with _lock:
        _asked[name] = None
        while len(_asked) > MOST:
            _asked.popitem(last=False)
    for tell in LISTENERS:
        tell(name)


def asked(name: str) -> bool:
    """Whether somebody asked the job of that name to end."""
    return name in _asked


def forget(name: str) -> None:
    """The job of that name is over."""
    with _lock:
        _asked.pop(name, None)

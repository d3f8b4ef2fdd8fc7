"""What stays in memory for visitors to come back to: bounded in bytes and age, under names that nobody can guess."""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from models.errors import InputError

Value = TypeVar("Value")


@dataclass
class _Kept(Generic[Value]):
    value: Value
    bytes: int
    used: float


class Store(Generic[Value]):
    """Values that together take at most `budget_bytes`; those that were not asked for longest go first.

    size: bytes of a value, asked when it is put (a value that grows says what it may come to take).
    gone: the sentence for a visitor who asks for what is no longer kept.
    max_age: seconds after its last use at which a value goes even if there is room; None for no such limit.

    The newest value stays even if it is over the budget alone. Safe to use from several threads.
    """

    def __init__(
        self, title: str, budget_bytes: int, *, size: Callable[[Value], int], gone: str, max_age: float | None = None
    ) -> None:
        self.title = title
        self.budget_bytes = budget_bytes
        self._size, self._gone, self._max_age = size, gone, max_age
        self._kept: OrderedDict[str, _Kept[Value]] = OrderedDict()
        self._lock = threading.Lock()
        STORES.append(self)

    def put(self, value: Value, name: str | None = None) -> str:
        """Keep `value`, by default under a new name of 128 random bits; returns the name. A known name is replaced."""
        name = name or secrets.token_urlsafe(16)
        kept = _Kept(value, self._size(value), time.monotonic())
        with self._lock:
            self._kept[name] = kept
            self._kept.move_to_end(name)
            self._make_room()
        return name

    def find(self, name: object) -> Value:
        """The value of that name. Raises `InputError` where it is not, or no longer, kept."""
        with self._lock:
            self._drop_old()
            if not isinstance(name, str) or name not in self._kept:
                raise InputError(self._gone)
            kept = self._kept[name]
            kept.used = time.monotonic()
            self._kept.move_to_end(name)
            return kept.value

    def __contains__(self, name: object) -> bool:
        with self._lock:
            self._drop_old()
            return isinstance(name, str) and name in self._kept

    def discard(self, name: str) -> None:
        """Forget the value of that name, if it is kept."""
        with self._lock:
            self._kept.pop(name, None)

    def sweep(self) -> None:
        """Forget what is too old."""
        with self._lock:
            self._drop_old()

    @property
    def bytes(self) -> int:
        """What all values take together."""
        with self._lock:
            return sum(kept.bytes for kept in self._kept.values())

    def __len__(self) -> int:
        return len(self._kept)

    def _make_room(self) -> None:
        self._drop_old()
        total = sum(kept.bytes for kept in self._kept.values())
        while len(self._kept) > 1 and total > self.budget_bytes:
            total -= self._kept.popitem(last=False)[1].bytes

    def _drop_old(self) -> None:
        if self._max_age is None:
            return
        oldest_use = time.monotonic() - self._max_age
        while self._kept and next(iter(self._kept.values())).used < oldest_use:
            self._kept.popitem(last=False)


STORES: list[Store] = []
"""Every store of this process, for the memory budget and the metrics."""

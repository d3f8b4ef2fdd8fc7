"""What stays in memory for visitors to come back to: bounded in bytes and age, under names that nobody can guess."""

import itertools
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from models import memory
from models.errors import InputError

Value = TypeVar("Value")
SMALL_BYTES = 2**16
"""Stores below it, such as those of wishes to stop, give nothing up for others."""


@dataclass
class _Kept(Generic[Value]):
    value: Value
    bytes: int
    used: float
    version: int


class Store(Generic[Value]):
    """Values that together take at most `budget_bytes`; those that were not asked for longest go first.

    size: bytes of a value, asked when it is put (a value that grows says what it may come to take).
    gone: the sentence for a visitor who asks for what is no longer kept.
    max_age: seconds after its last use at which a value goes even if there is room; None for no such limit.
    travels: computed functions find its values by name, wherever they run (`models.serving.belongings`).

    The newest value stays even if it is over the budget alone. All stores together stay under `memory.KEPT_BYTES`.
    Safe to use from several threads.
    """

    def __init__(
        self,
        title: str,
        budget_bytes: int,
        *,
        size: Callable[[Value], int],
        gone: str,
        max_age: float | None = None,
        travels: bool = False,
    ) -> None:
        self.title = title
        self.travels = travels
        self.budget_bytes = budget_bytes
        self._size, self._gone, self._max_age = size, gone, max_age
        self._kept: OrderedDict[str, _Kept[Value]] = OrderedDict()
        self._lock = threading.Lock()
        self.bytes = 0
        STORES.append(self)

    def put(self, value: Value, name: str | None = None) -> str:
        """Keep `value`, by default under a new name of 128 random bits; returns the name. A known name is replaced."""
        name = name or secrets.token_urlsafe(16)
        kept = _Kept(value, self._size(value), time.monotonic(), next(_versions))
        with self._lock:
            self._drop(name)
            self._kept[name] = kept
            self.bytes += kept.bytes
            self._make_room()
        _make_room_together(self)
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

    def version(self, name: object) -> int | None:
        """Which of all values ever put is kept under that name; None where there is none."""
        with self._lock:
            self._drop_old()
            return self._kept[name].version if isinstance(name, str) and name in self._kept else None

    def discard(self, name: str) -> None:
        """Forget the value of that name, if it is kept."""
        with self._lock:
            self._drop(name)

    def sweep(self) -> None:
        """Forget what is too old."""
        with self._lock:
            self._drop_old()

    @property
    def oldest_use(self) -> float:
        """When the value that goes next was used last (of `time.monotonic`); infinity where nothing is kept."""
        with self._lock:
            return next(iter(self._kept.values())).used if self._kept else float("inf")

    def drop_oldest(self, *, but_one: bool = False) -> None:
        """Forget the value that was not asked for longest; `but_one`: not if it is the only one."""
        with self._lock:
            if len(self._kept) > but_one:
                self._drop(next(iter(self._kept)))

    def __len__(self) -> int:
        return len(self._kept)

    def _make_room(self) -> None:
        self._drop_old()
        while len(self._kept) > 1 and self.bytes > self.budget_bytes:
            self._drop(next(iter(self._kept)))

    def _drop_old(self) -> None:
        if self._max_age is None:
            return
        oldest_use = time.monotonic() - self._max_age
        while self._kept and next(iter(self._kept.values())).used < oldest_use:
            self._drop(next(iter(self._kept)))

    def _drop(self, name: str) -> None:
        if (kept := self._kept.pop(name, None)) is not None:
            self.bytes -= kept.bytes


_versions = itertools.count(1)
STORES: list[Store] = []
"""Every store of this process, for the memory budget and the metrics."""


def kept_bytes() -> int:
    """What all stores take together."""
    return sum(store.bytes for store in STORES)


def sweep_all() -> None:
    """Forget what is too old in every store, also in those that nobody asks."""
    for store in STORES:
        store.sweep()


def _make_room_together(filled: Store) -> None:
    """Drop what was not asked for longest, of whichever store, until all are within the budget."""
    while kept_bytes() > memory.KEPT_BYTES:
        others = [store for store in STORES if store.bytes > SMALL_BYTES and len(store) > (store is filled)]
        if not others:
            return
        oldest = min(others, key=lambda store: store.oldest_use)
        oldest.drop_oldest(but_one=oldest is filled)

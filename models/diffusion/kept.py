"""What visitors may still go back to: kept in memory under a budget, the least recently used forgotten first."""

import threading
from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

from models.errors import InputError


class Keepable(Protocol):
    """A run with a key of its own, which knows how much memory it takes or may come to take."""

    key: str

    @property
    def reserved_bytes(self) -> int:
        """Bytes to count for it."""
        ...


Kind = TypeVar("Kind", bound=Keepable)


class Kept(Generic[Kind]):
    """Runs of one kind, by key, that together reserve no more than a budget; the newest stays even so."""

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self._runs: OrderedDict[str, Kind] = OrderedDict()
        self._lock = threading.Lock()

    def keep(self, run: Kind) -> Kind:
        """Remember a run, as it grows, under its key; older ones make room. Keeping it again counts it anew."""
        with self._lock:
            self._runs[run.key] = run
            self._runs.move_to_end(run.key)
            while len(self._runs) > 1 and sum(kept.reserved_bytes for kept in self._runs.values()) > self.budget_bytes:
                self._runs.popitem(last=False)
        return run

    def find(self, key: object) -> Kind:
        """The run of that key. Raises `InputError` where it is not, or no longer, kept."""
        with self._lock:
            if not isinstance(key, str) or key not in self._runs:
                raise InputError("This run is no longer kept here: press Generate and fork the new one.")
            self._runs.move_to_end(key)
            return self._runs[key]

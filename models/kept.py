"""What visitors made, kept in this process for a while, under names that nobody can guess."""

import secrets
import threading
from collections import OrderedDict
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Kept(Generic[Value]):
    """At most `limit` values; those that were not asked for longest go first. Safe to use from several threads."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._values: OrderedDict[str, Value] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, value: Value, name: str | None = None) -> str:
        """Keep `value` under `name`, by default a new one; returns the name."""
        name = name or secrets.token_urlsafe(16)
        with self._lock:
            self._values[name] = value
            self._values.move_to_end(name)
            while len(self._values) > self.limit:
                self._values.popitem(last=False)
        return name

    def get(self, name: object) -> Value | None:
        """The value of that name; None where it is not kept any more, or `name` is no name at all."""
        with self._lock:
            if not isinstance(name, str) or name not in self._values:
                return None
            self._values.move_to_end(name)
            return self._values[name]

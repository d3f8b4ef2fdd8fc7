"""What is kept of a view that a visitor sees, so that it can be taken along."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from models.compute import Call, recording
from models.kept import weigh
from models.store import Store

BUDGET_BYTES = 64 * 2**20
MAX_AGE_SECONDS = 1800
TAKE = "take"
"""The key beside a view's fields under which the browser learns its name."""


@dataclass(frozen=True)
class Shown:
    """A view as it travelled, its class, and the computed functions called for it, in order."""

    view: type
    value: dict[str, Any]
    calls: tuple[Call, ...]

    @property
    def stem(self) -> str:
        """How the names of its files begin: `glassbox-features` for a `FeaturesView`."""
        letters = (f"-{letter.lower()}" if letter.isupper() else letter for letter in self.view.__name__)
        return "glassbox" + "".join(letters).removesuffix("-view")


SHOWN: Store[Shown] = Store(
    "views to be taken along",
    BUDGET_BYTES,
    size=lambda shown: weigh(shown.value) + weigh([(call.arguments, call.named) for call in shown.calls]),
    gone="What this view shows is no longer kept here: run it again.",
    max_age=MAX_AGE_SECONDS,
)


@dataclass
class Event:
    """One event of a visitor, in all its steps: what was computed for it, and the names of the views it has shown."""

    calls: list[Call] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)


_event: ContextVar[Event | None] = ContextVar("event", default=None)


@contextmanager
def during(event: Event) -> Iterator[None]:
    """Views shown inside belong to this event."""
    token = _event.set(event)
    try:
        with recording(event.calls):
            yield
    finally:
        _event.reset(token)


def named(view: type, value: dict[str, Any], place: int) -> dict[str, Any]:
    """A view that travels, with the name under which it can be taken along; unchanged outside of an event.

    place: the id of the component that shows it; a later step of the same event takes its place.
    """
    event = _event.get()
    if event is None:
        return value
    name = event.names[place] = SHOWN.put(Shown(view, value, tuple(event.calls)), event.names.get(place))
    return {**value, TAKE: name}

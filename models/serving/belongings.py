"""What visitors have made, and computed functions find by name: owned by the page's process, lent to replicas.

A session lives in one process of the interface, and so does what it keeps: the stores there are the owner. A call says
which kept values it names, and in which version; a replica that lacks one of them says so before it computes anything,
and the call is made again with the values. What a call has kept under a name that it was given comes back with its
answer. So replicas are alike and hold nothing that would be missed: whichever is lost, nobody loses what they have
made. With the page's process go its sessions and their belongings; who comes back is told so by `Store.gone`.
"""

import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from models.store import STORES, Store

PROCESS = secrets.token_hex(8)
MAX_NAME_CHARS = 64


@dataclass(frozen=True)
class Belonging:
    """A kept value: title of its store, its name there, which of all values it is; `value` where it is sent."""

    store: str
    name: str
    version: str
    value: Any = None


def belongings_of(arguments: object) -> tuple[Belonging, ...]:
    """What the arguments of a call name of what is kept here, without the values."""
    return tuple(Belonging(store.title, name, f"{PROCESS}-{version}") for store, name, version in _kept(arguments))


def with_values(named: Iterable[Belonging]) -> tuple[Belonging, ...]:
    """The same with their values. Raises `InputError` where one is no longer kept."""
    return tuple(Belonging(one.store, one.name, one.version, _store(one.store).find(one.name)) for one in named)


def take_back(made: Iterable[Belonging]) -> None:
    """Keep here what a call has made elsewhere."""
    for one in made:
        _store(one.store).put(one.value, one.name)


class Guests:
    """What a replica was lent, as long as its own stores keep it."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, str], tuple[str, int | None]] = {}
        self._lock = threading.Lock()

    def lacking(self, named: Iterable[Belonging]) -> tuple[Belonging, ...]:
        """Those of which another version, or none, is here."""
        return tuple(one for one in named if self._versions.get((one.store, one.name)) != (one.version, _here(one)))

    def take_in(self, lent: Iterable[Belonging]) -> None:
        """Keep values for this call and the next."""
        with self._lock:
            for one in lent:
                _store(one.store).put(one.value, one.name)
                self._versions[one.store, one.name] = one.version, _here(one)
            for key in [key for key in self._versions if key[1] not in _store(key[0])]:
                del self._versions[key]

    def made_by(self, arguments: object) -> tuple[Belonging, ...]:
        """What is kept under names in the arguments of a call and was not lent: the call has made it."""
        own = ((store, name) for store, name, version in _kept(arguments) if self._own(store.title, name) != version)
        return tuple(Belonging(store.title, name, "", store.find(name)) for store, name in own)

    def _own(self, store: str, name: str) -> int | None:
        return self._versions.get((store, name), ("", None))[1]


def _here(one: Belonging) -> int | None:
    return _store(one.store).version(one.name)


def _kept(arguments: object) -> Iterator[tuple[Store[Any], str, int]]:
    names = set(names_in(arguments))
    for store in STORES:
        for name in names if store.travels else ():
            if (version := store.version(name)) is not None:
                yield store, name, version


def names_in(value: object) -> Iterator[str]:
    """Texts in arguments that may be names of something kept."""
    if isinstance(value, str):
        if 0 < len(value) <= MAX_NAME_CHARS:
            yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from names_in(one)
    elif isinstance(value, Sequence) and not isinstance(value, bytes):
        for one in value:
            yield from names_in(one)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from names_in(getattr(value, field.name))


def _store(title: str) -> Store[Any]:
    return next(store for store in STORES if store.title == title and store.travels)

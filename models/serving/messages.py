"""What travels between the page's process and a replica, as bytes.

Pickled, between processes of one installation that trust each other: a cluster is no safer than its network, and Ray's
own messages are no different. Arrays come out of it as they went in, writable and of their own.
"""

import pickle
from dataclasses import dataclass, field
from typing import Any

from models.errors import EngineError, SpokenError
from models.serving.belongings import Belonging

MAX_BYTES = 96 * 2**20
TOO_LARGE = "The result of this is too large to be sent here: ask for less at once."


@dataclass(frozen=True)
class Request:
    """A computed function to be called, and what of the visitor's it names."""

    task: str
    arguments: tuple[Any, ...]
    named: dict[str, Any]
    belongings: tuple[Belonging, ...] = ()


@dataclass(frozen=True)
class Result:
    """A result, or one step of a stream. made: what the call has kept for the visitor."""

    value: Any
    made: tuple[Belonging, ...] = ()


@dataclass(frozen=True)
class Over:
    """A stream has ended."""

    made: tuple[Belonging, ...] = ()


@dataclass(frozen=True)
class Lacking:
    """Nothing was computed: this replica needs the values of these first."""

    belongings: tuple[Belonging, ...] = field(default=())


@dataclass(frozen=True)
class Refused:
    """What was computed ended in a sentence."""

    error: SpokenError


Answer = Result | Over | Lacking | Refused


def packed(message: Request | Answer, *, limit: int = MAX_BYTES) -> bytes:
    """The message as bytes; an answer of more than `limit` bytes becomes its refusal. Raises it for a request."""
    data = pickle.dumps(message, protocol=5)
    if len(data) <= limit:
        return data
    error = EngineError(TOO_LARGE)
    if isinstance(message, Request):
        raise error
    return pickle.dumps(Refused(error), protocol=5)


def unpacked(data: bytes) -> Any:
    """The message in these bytes."""
    return pickle.loads(data)  # noqa: S301  # see above

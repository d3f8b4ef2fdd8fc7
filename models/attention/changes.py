"""What a visitor wants changed inside a network, from plain JSON: checked against the network and the text it reads.

Everything is counted from 0, as in the arrays of a trace. Each function raises `InputError` with one sentence.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch

from models.attention.subjects import MAX_TOKENS, Reading, Run, Subject
from models.errors import InputError
from models.inputs import check_choice, check_flag, check_integer, check_number
from models.text.instrument import Edge, Edits, Head, Kind, Place

MAX_EDGES = 64
MAX_ROWS = 16
MAX_HEADS = 1_024
TEMPERATURES = (0.05, 20.0)
SUM_TOLERANCE = 1e-3

Item = TypeVar("Item")


def lengths(subject: Subject, reading: Reading, kind: Kind) -> tuple[int, int]:
    """How many tokens look in an attention of that kind, and how many are looked at."""
    read, written = len(reading.ids), len(reading.written) - 1
    if not reading.written:
        return read, read
    return {"encoder": (read, read), "decoder": (written, written), "cross": (written, read)}[kind]


def layers_of(subject: Subject, kind: Kind) -> int:
    """How many attentions of that kind the network has."""
    return sum(place.kind == kind for place in subject.places.values())


def parse_edits(
    subject: Subject,
    reading: Reading,
    *,
    heads_off: object = (),
    layers_off: object = (),
    edges_off: object = (),
    unseen: object = (),
    positions: object = True,
) -> Edits:
    """Heads as `[kind, layer, head]`, layers as `[kind, layer]`, edges as `[kind, query, key]` or
    `[kind, query, key, layer, head]` with None for all layers or heads, unseen tokens as numbers.
    """
    return Edits(
        heads_off=frozenset(_each(heads_off, "heads_off", MAX_HEADS, lambda item: _head(subject, item))),
        layers_off=frozenset(_each(layers_off, "layers_off", MAX_HEADS, lambda item: _layer(subject, item))),
        edges_off=frozenset(_each(edges_off, "edges_off", MAX_EDGES, lambda item: _edge(subject, reading, item))),
        unseen=frozenset(_each(unseen, "unseen", MAX_TOKENS, lambda item: _token(reading, item))),
        positions=check_flag(positions, name="positions"),
    )


def parse_swap(reading: Reading, swap: object) -> tuple[int, int] | None:
    """Two different tokens that change places, or None for none."""
    if swap is None or swap == []:
        return None
    first, second = _each(swap, "swap", 2, lambda item: _token(reading, item), exactly=2)
    if first == second:
        raise InputError("swap must name two different tokens.")
    return first, second


def parse_sum(subject: Subject, reading: Reading, run: Run, given: object) -> Edits:
    """What was changed in the sums of one head: `{"kind", "layer", "head", "temperature", "rows"}`, each row being
    `{"query", "weights"}` with one weight for every key: none negative, none on a hidden key, one in all.
    """
    if not isinstance(given, Mapping):
        raise InputError("The change must be an object with kind, layer and head.")
    head = as_head(subject, given.get("kind"), given.get("layer"), given.get("head"))
    low, high = TEMPERATURES
    temperature = check_number(given.get("temperature", 1), name="The temperature", low=low, high=high)
    visible = visible_keys(run, Place(head.kind, head.layer))
    rows = dict(_each(given.get("rows", []), "rows", MAX_ROWS, lambda item: _row(visible, item)))
    return Edits(
        rows={(head, query): weights for query, weights in rows.items()},
        temperatures={} if temperature == 1 else {head: temperature},
    )


def visible_keys(run: Run, place: Place) -> np.ndarray:
    """Which keys each query may look at, `[T, S]` bool: those whose scores a mask did not lower beyond measure."""
    scores = run.attended[place].scores[0]
    return (scores > torch.finfo(scores.dtype).min / 2).cpu().numpy()


def _each(
    given: object, name: str, most: int, parse: Callable[[Any], Item], *, exactly: int | None = None
) -> list[Item]:
    if not isinstance(given, list | tuple):
        raise InputError(f"{name} must be a list.")
    if len(given) > most:
        raise InputError(f"{name} has {len(given):,} entries; the limit is {most:,}.")
    if exactly is not None and len(given) != exactly:
        raise InputError(f"{name} must have {exactly} entries.")
    return [parse(item) for item in given]


def _parts(item: object, counts: Sequence[int], form: str) -> Sequence[Any]:
    if not isinstance(item, list | tuple) or len(item) not in counts:
        raise InputError(f"Each entry must have the form {form}.")
    return item


def _kind(subject: Subject, given: object) -> Kind:
    kind = check_choice(given, subject.kinds, name="The kind of attention")
    return next(known for known in subject.kinds if known == kind)


def _layer_number(subject: Subject, kind: Kind, given: object) -> int:
    return check_integer(given, name="The layer", low=0, high=layers_of(subject, kind) - 1)


def as_head(subject: Subject, kind: object, layer: object, head: object) -> Head:
    """One head, from unchecked values."""
    kind = _kind(subject, kind)
    number = check_integer(head, name="The head", low=0, high=subject.heads - 1)
    return Head(kind, _layer_number(subject, kind, layer), number)


def _head(subject: Subject, item: object) -> Head:
    return as_head(subject, *_parts(item, (3,), "[kind, layer, head]"))


def _layer(subject: Subject, item: object) -> Place:
    kind, layer = _parts(item, (2,), "[kind, layer]")
    kind = _kind(subject, kind)
    if kind == "cross":
        raise InputError("Cross-attention is a part of the decoder's layers: switch one of those off.")
    return Place(kind, _layer_number(subject, kind, layer))


def _edge(subject: Subject, reading: Reading, item: object) -> Edge:
    kind, query, key, *rest = _parts(item, (3, 4, 5), "[kind, query, key, layer, head]")
    layer, head = (*rest, None, None)[:2]
    kind = _kind(subject, kind)
    queries, keys = lengths(subject, reading, kind)
    return Edge(
        kind,
        check_integer(query, name="The token that looks", low=0, high=queries - 1),
        check_integer(key, name="The token that is looked at", low=0, high=keys - 1),
        None if layer is None else _layer_number(subject, kind, layer),
        None if head is None else check_integer(head, name="The head", low=0, high=subject.heads - 1),
    )


def _token(reading: Reading, item: object) -> int:
    return check_integer(item, name="The token", low=0, high=len(reading.ids) - 1)


def _row(visible: np.ndarray, item: object) -> tuple[int, tuple[float, ...]]:
    if not isinstance(item, dict):
        raise InputError("Each row must be an object with query and weights.")
    queries, keys = visible.shape
    query = check_integer(item.get("query"), name="The token that looks", low=0, high=queries - 1)
    given = _each(
        item.get("weights"),
        "The weights of a row",
        MAX_TOKENS,
        lambda weight: check_number(weight, name="A weight", low=0, high=1),
        exactly=keys,
    )
    weights = np.array(given)
    if weights[~visible[query]].any():
        raise InputError("A weight lies on a token that this one cannot see.")
    total = weights.sum()
    if abs(total - 1) > SUM_TOLERANCE:
        raise InputError(f"The weights of a row must add up to 1, not to {total:.3g}.")
    return query, tuple((weights / total).tolist())

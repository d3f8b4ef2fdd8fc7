"""What the page "A weighted sum" computes: one head's queries, keys and values, and its weights changed by hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.attention.changes import as_head, layers_of, lengths, parse_sum, visible_keys
from models.attention.effects import Comparison, Effect, compare, effect_of, in_words, token_names
from models.attention.runs import TextRun, run_text
from models.attention.subjects import Run, Subject
from models.compute import Run as Facts
from models.compute import compute
from models.inputs import check_integer
from models.text.instrument import Edits, Head, Kind, Place

LARGEST_OF_INTEREST = 0.8
MOST_TOKENS = 10_000
MOST_HEADS = 64
"""A network with more heads in its last kind of attention is not run once without each of them."""


@dataclass(frozen=True)
class HeadSum:
    """One head of T tokens that look at S, of width d.

    kinds: every kind of attention of the network with its number of layers; heads: in each.
    query: the token that looks, shown at first.
    q: `[T, d]`; k, v: `[S, d]`, float32. visible: `[T, S]` bool, False where a mask forbids the look.
    translation: what the network writes; None for one that does not translate.
    """

    head: Head
    kinds: tuple[tuple[Kind, int], ...]
    heads: int
    queries: tuple[str, ...]
    keys: tuple[str, ...]
    query: int
    q: np.ndarray
    k: np.ndarray
    v: np.ndarray
    visible: np.ndarray
    note: str
    translation: str | None


@dataclass(frozen=True)
class SumShown:
    """A head, the predictions of the unedited run, and what ran.

    without: the run without that head, where it was chosen because no other counts more for a prediction.
    heads: how many were tried.
    """

    sum: HeadSum
    comparison: Comparison
    run: Facts
    without: Comparison | None = None
    heads: int = 0


@compute
def show_sum(model: str, text: str, given: Mapping[str, Any] | None = None) -> SumShown:
    """A head of a text's run: the one that `given` names (unchecked `kind`, `layer`, `head`, `query`), else one worth
    seeing first. Raises `InputError`.
    """
    ran = run_text(model, text)
    without, heads = None, 0
    if given is None:
        counting = heads_by_effect(ran)
        if counting:
            head, query, effect = counting[0]
            without, heads = in_words(ran.subject, ran.reading, effect, own=query), len(counting)
        else:
            head, query = first_head(ran.run, ran.subject.kinds)
    else:
        head = as_head(ran.subject, given.get("kind"), given.get("layer"), given.get("head"))
        query = check_integer(given.get("query"), name="The token", low=0, high=MOST_TOKENS)
        query = min(query, lengths(ran.subject, ran.reading, head.kind)[0] - 1)
    effect = effect_of(ran.subject, ran.reading, ran.run, ran.run)
    own = _own(ran.subject, head.kind, query)
    comparison = in_words(ran.subject, ran.reading, effect, own=own)
    return SumShown(sum_of(ran, head, query), comparison, ran.facts, without, heads)


def heads_by_effect(ran: TextRun) -> list[tuple[Head, int, Effect]]:
    """The heads of the last kind of attention by how much a prediction changes without each, the most first, each with
    the token that looks and the effect; nothing where the network predicts nothing or has more than `MOST_HEADS`.

    Only tokens count that take most from another token that is a word and not the first of the text.
    """
    subject, kind = ran.subject, ran.subject.kinds[-1]
    count = layers_of(subject, kind) * subject.heads
    if ran.run.logits is None or count > MOST_HEADS:
        return []
    worth = _looks_at_words(ran, kind)
    found = []
    for layer, head in np.ndindex(worth.shape[:2]):
        off = Head(kind, layer, head)
        effect = compare(subject, ran.reading, Edits(heads_off=frozenset([off])), before=ran.run)
        assert effect.bits is not None
        bits = np.where(worth[layer, head], effect.bits, 0)
        found.append((off, int(bits.argmax()), effect, float(bits.max())))
    found.sort(key=lambda one: -one[3])
    return [(off, query, effect) for off, query, effect, bits in found if bits > 0]


def _looks_at_words(ran: TextRun, kind: Kind) -> np.ndarray:
    """`[layers, heads, T]` bool: whether a token takes most of its attention from another one that is a word."""
    most = ran.run.weights(kind).argmax(dim=-1).cpu().numpy()
    keys = token_names(ran.reading, kind)[1]
    words = np.array([any(map(str.isalpha, key)) and not key.startswith(("<", "[")) for key in keys])
    if kind == "cross":
        return words[most]
    words[0] = False
    return words[most] & (most != np.arange(most.shape[-1]))


def sum_of(ran: TextRun, head: Head, query: int) -> HeadSum:
    """One head of a run."""
    subject, reading = ran.subject, ran.reading
    place = Place(head.kind, head.layer)
    attended = ran.run.attended[place]
    queries, keys = token_names(reading, head.kind)
    q, k, v = (part[head.head].float().cpu().numpy() for part in (attended.query, attended.key, attended.value))
    return HeadSum(
        head=head,
        kinds=tuple((kind, layers_of(subject, kind)) for kind in subject.kinds),
        heads=subject.heads,
        queries=queries,
        keys=keys,
        query=min(query, len(queries) - 1),
        q=q,
        k=k,
        v=v,
        visible=visible_keys(ran.run, place),
        note=reading.note,
        translation=subject.tokenizer.decode(reading.written, skip_special_tokens=True) if reading.written else None,
    )


def _own(subject: Subject, kind: Kind, query: int) -> int | None:
    """The position that predicts for the token that looks: none in the encoder of a translator."""
    predicts = subject.predicts != "nothing" and (kind != "encoder" or "cross" not in subject.kinds)
    return query if predicts else None


def first_head(run: Run, kinds: tuple[Kind, ...]) -> tuple[Head, int]:
    """A head and a token worth seeing first: of the last kind of attention, the head and the query of the middle or
    later whose largest weight lies on an earlier token that is not the first, and is neither all nor nothing.
    """
    kind = kinds[-1]
    weights = run.weights(kind).float().cpu().numpy()
    layers, heads, rows, _ = weights.shape
    inner = weights.copy()
    inner[..., 0] = 0
    if kind != "cross":
        inner[..., np.arange(rows), np.arange(rows)] = 0
        inner[..., -1] = 0
    inner[:, :, : rows // 2] = 0
    best = np.where(inner.max(-1) < LARGEST_OF_INTEREST, inner.max(-1), 0)
    layer, head, query = np.unravel_index(int(best.argmax()), (layers, heads, rows))
    return Head(kind, int(layer), int(head)), int(query) if best.any() else rows - 1


@compute
def change_sum(model: str, text: str, given: Mapping[str, Any], query: object) -> Comparison:
    """The network run on with a visitor's weights and temperature in one head (`given`, see `parse_sum`), beside the
    unedited run; `query` is the token that looks. Raises `InputError`.
    """
    ran = run_text(model, text)
    subject, reading = ran.subject, ran.reading
    edits = parse_sum(subject, reading, ran.run, given)
    changed = bool(edits.rows or edits.temperatures)
    effect = (
        compare(subject, reading, edits, before=ran.run) if changed else effect_of(subject, reading, ran.run, ran.run)
    )
    head = as_head(subject, given.get("kind"), given.get("layer"), given.get("head"))
    names = token_names(reading, head.kind)[0]
    looks = check_integer(query, name="The token", low=0, high=len(names) - 1)
    where = f"layer {head.layer + 1}, head {head.head + 1}"
    changes = [f"weights of “{names[row].strip()}” ({row + 1}) in {where}" for _, row in edits.rows]
    changes += [f"temperature {temperature:g} in {where}" for temperature in edits.temperatures.values()]
    return in_words(subject, reading, effect, own=_own(subject, head.kind, looks), changes=changes)

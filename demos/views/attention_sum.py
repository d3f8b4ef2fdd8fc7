"""One head's queries, keys and values for the browser, which does the arithmetic on them."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.wire import Float32, Uint8, view

if TYPE_CHECKING:
    from models.attention.sums import SumShown


@view
class AttentionKind:
    """A kind of attention of a network, and in how many layers it is."""

    kind: Literal["encoder", "decoder", "cross"]
    layers: int


@view
class SumView:
    """One head of T tokens that look (queries) at S (keys), of width d (`weighted_sum`).

    kinds, heads: all that can be chosen. query: the token that looks.
    q: `[T, d]`. k, v: `[S, d]`. hidden: `[T, S]`, 1 where a mask forbids the look.
    translation: what the network writes, if it does.
    said: why this head is shown, in words; empty where the visitor chose it.
    """

    kind: Literal["encoder", "decoder", "cross"]
    layer: int
    head: int
    kinds: list[AttentionKind]
    heads: int
    queries: list[str]
    keys: list[str]
    query: int
    q: Float32
    k: Float32
    v: Float32
    hidden: Uint8
    note: str
    translation: str | None
    said: str


def view_of_sum(shown: "SumShown") -> SumView:
    """A head for the browser."""
    found = shown.sum
    return SumView(
        kind=found.head.kind,
        layer=found.head.layer,
        head=found.head.head,
        kinds=[AttentionKind(kind, layers) for kind, layers in found.kinds],
        heads=found.heads,
        queries=list(found.queries),
        keys=list(found.keys),
        query=found.query,
        q=found.q,
        k=found.k,
        v=found.v,
        hidden=(~found.visible).astype(np.uint8),
        note=found.note,
        translation=found.translation,
        said=_why(shown),
    )


def _why(shown: "SumShown") -> str:
    """That no other head counts more for a prediction of this text, and how much it counts."""
    found, without = shown.sum, shown.without
    if without is None or without.bits is None:
        return ""
    word, before, after = max(without.rows[found.query], key=lambda row: row[1])
    return (
        f"Of {shown.heads} heads none counts more for a prediction here: without this one “{word.strip()}” falls "
        f"from {before:.3f} to {after:.3f}, a change of {without.bits[found.query]:.2f} bits."
    )

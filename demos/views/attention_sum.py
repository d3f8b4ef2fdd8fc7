"""One head's queries, keys and values for the browser, which does the arithmetic on them."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.wire import Float32, Uint8, view

if TYPE_CHECKING:
    from models.attention.sums import HeadSum


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


def view_of_sum(found: "HeadSum") -> SumView:
    """A head for the browser."""
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
    )

"""Look into attention while a network runs, and change it there: every weighted sum of the Attention tab goes through
`attend`, our own networks' by calling it, the library's by the name `IMPLEMENTATION`.

    with Tap(subject.places, edits) as tap:
        output = network(...)
    tap.attended[Place("encoder", 2)].weights          [batch, heads, query, key]

Outside of a tap `attend` is plain scaled dot-product attention (Vaswani et al. 2017, section 3.2).
"""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

IMPLEMENTATION = "glassbox"

Kind = Literal["encoder", "decoder", "cross"]


class Place(NamedTuple):
    """One attention of a network: its kind, and the number of the layer it is in."""

    kind: Kind
    layer: int


class Head(NamedTuple):
    """One head of an attention."""

    kind: Kind
    layer: int
    head: int


class Edge(NamedTuple):
    """One look: from token `query` to token `key`, in one layer or all (None), one head or all (None)."""

    kind: Kind
    query: int
    key: int
    layer: int | None = None
    head: int | None = None


@dataclass(frozen=True)
class Edits:
    """What to change inside a run. Nothing changed is the run as it is.

    Attributes:
        heads_off: heads whose weighted sums become zero; the residual stream passes them by.
        layers_off: layers (by a place in them) that hand on what they got.
        edges_off: looks that are forbidden before the softmax, so that the others share what they had (attention
            knockout, Geva et al. 2023). A token left with nothing to look at gets a sum of zero.
        unseen: tokens (of the keys) that no token may look at, in encoder and cross-attention, or in a decoder that
            reads its own text.
        rows: weights to use instead of those that softmax gives: `{(head, query): weights over the keys}`.
        temperatures: what the scores of a head are divided by before the softmax.
        positions: False gives every token position zero of nothing: the network cannot tell the order of its tokens.
    """

    heads_off: frozenset[Head] = frozenset()
    layers_off: frozenset[Place] = frozenset()
    edges_off: frozenset[Edge] = frozenset()
    unseen: frozenset[int] = frozenset()
    rows: Mapping[tuple[Head, int], tuple[float, ...]] = field(default_factory=dict)
    temperatures: Mapping[Head, float] = field(default_factory=dict)
    positions: bool = True


NOTHING_CHANGED = Edits()


@dataclass(frozen=True)
class Attended:
    """One attention in one run, the first of the batch: `query [heads, T, d]`, `key`, `value [heads, S, d]`,
    `scores [heads, T, S]` scaled and masked, `weights [heads, T, S]` with rows that sum to 1, `mixed [heads, T, d]`.
    """

    query: Tensor
    key: Tensor
    value: Tensor
    scores: Tensor
    weights: Tensor
    mixed: Tensor


class Tap:
    """While entered (by this thread), records every attention at `places` and applies `edits` to it.

    `attended` is filled in the order in which the network computes. With `differentiable` the records keep their
    graph; otherwise they are detached.
    """

    def __init__(
        self, places: Mapping[nn.Module, Place], edits: Edits = NOTHING_CHANGED, *, differentiable: bool = False
    ) -> None:
        self.places, self.edits, self.differentiable = places, edits, differentiable
        self.attended: dict[Place, Attended] = {}
        self._token: Token[Tap | None] | None = None

    def __enter__(self) -> Self:
        self._token = _active.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._token is not None:
            _active.reset(self._token)

    def attend(self, module: nn.Module, query: Tensor, key: Tensor, value: Tensor, scores: Tensor) -> Tensor:
        """The weighted sum `[batch, heads, T, d]`, edited and recorded. Shapes as in `Attended`, with a batch."""
        place = self.places.get(module)
        if place is None:
            return _softmax(scores) @ value
        scores = self._edited_scores(place, scores)
        weights = self._edited_weights(place, _softmax(scores))
        mixed = weights.to(value.dtype) @ value
        off = [head.head for head in self.edits.heads_off if head[:2] == place]
        if off:
            mixed = mixed.index_fill(1, torch.tensor(off, device=mixed.device), 0.0)
        self._keep(place, (query, key, value, scores, weights, mixed))
        return mixed

    def _keep(self, place: Place, parts: Sequence[Tensor]) -> None:
        self.attended[place] = Attended(*(part[0] if self.differentiable else part[0].detach() for part in parts))

    def _is_of_the_text(self, place: Place) -> bool:
        """Whether the keys are the tokens of the text read, not those of a translation being written."""
        return place.kind != "decoder" or all(other.kind == "decoder" for other in self.places.values())

    def _edited_scores(self, place: Place, scores: Tensor) -> Tensor:
        edits = self.edits
        heads = scores.shape[1]
        warm = [(head.head, t) for head, t in edits.temperatures.items() if head[:2] == place]
        edges = [e for e in edits.edges_off if e.kind == place.kind and e.layer in (None, place.layer)]
        unseen = sorted(edits.unseen) if self._is_of_the_text(place) else []
        if not (warm or edges or unseen):
            return scores
        scores = scores.clone()
        for head, temperature in warm:
            scores[:, head] /= temperature
        for edge in edges:
            chosen = range(heads) if edge.head is None else [edge.head]
            scores[:, list(chosen), edge.query, edge.key] = -torch.inf
        scores[..., unseen] = -torch.inf
        return scores

    def _edited_weights(self, place: Place, weights: Tensor) -> Tensor:
        rows = [(head.head, query, row) for (head, query), row in self.edits.rows.items() if head[:2] == place]
        if not rows:
            return weights
        weights = weights.clone()
        for head, query, row in rows:
            weights[:, head, query] = weights.new_tensor(row)
        return weights


class BatchTap(Tap):
    """A tap that records every text of a batch, unedited: `of` gives each as `attended` would."""

    def __init__(self, places: Mapping[nn.Module, Place]) -> None:
        super().__init__(places)
        self._whole: dict[Place, Sequence[Tensor]] = {}

    def of(self, row: int, length: int) -> dict[Place, Attended]:
        """The attentions of text number `row`, which has `length` tokens, without what it was filled up with."""
        return {place: _of_text(parts, row, length) for place, parts in self._whole.items()}

    def _keep(self, place: Place, parts: Sequence[Tensor]) -> None:
        self._whole[place] = [part.detach() for part in parts]


def _of_text(parts: Sequence[Tensor], row: int, length: int) -> Attended:
    query, key, value, scores, weights, mixed = (part[row, :, :length] for part in parts)
    own = (query, key, value, scores[..., :length], weights[..., :length], mixed)
    return Attended(*(part.clone() for part in own))  # or one text kept would keep the whole batch


_active: ContextVar[Tap | None] = ContextVar("tap", default=None)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    **_: Any,
) -> tuple[Tensor, Tensor | None]:
    """softmax(scaling Q K^T + mask) V, through the tap that is open, if one is.

    `query [batch, heads, T, d]`, `key`, `value [batch, heads or fewer, S, d]` (Ainslie et al. 2023 let several query
    heads share a key), `attention_mask` added to the scores `[batch, heads, T, S]`, or True where a look is allowed.
    Returns the sums as the library wants them, `[batch, T, heads, d]`, and no weights: those are in the tap.
    """
    sharing = query.shape[1] // key.shape[1]
    tap = _active.get()
    if tap is None and module.training:  # the same sums, with nothing kept for the way back but what made them
        mixed = F.scaled_dot_product_attention(query, key, value, attention_mask, scale=scaling, enable_gqa=sharing > 1)
        return mixed.transpose(1, 2), None
    if sharing > 1:
        key, value = (part.repeat_interleave(sharing, dim=1) for part in (key, value))
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    if attention_mask is not None:
        allowed = attention_mask.dtype == torch.bool
        scores = scores.masked_fill(~attention_mask, -torch.inf) if allowed else scores + attention_mask
    mixed = tap.attend(module, query, key, value, scores) if tap else _softmax(scores).to(value.dtype) @ value
    return mixed.transpose(1, 2), None


def _softmax(scores: Tensor) -> Tensor:
    """Softmax over the keys, zero where nothing may be looked at. The library masks with its lowest number."""
    lowest = torch.finfo(scores.dtype).min
    weights = scores.masked_fill(scores <= lowest / 2, -torch.inf).softmax(dim=-1)
    return weights.nan_to_num(0.0)

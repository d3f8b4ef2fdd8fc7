"""Beam search: several beginnings of a translation kept alive, as a tree."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from models.attention.writing import Writer

Fate = Literal["kept", "ended", "dropped"]


@dataclass(frozen=True)
class Node:
    """One token of the tree of a beam search.

    Attributes:
        parent: index of the node before it, None after the beginning.
        token: what is written here.
        step: which token after the beginning, from 1.
        log_probability: of this token, given what stands before it; nats.
        total: of all tokens from the beginning to this one.
        fate: `kept` was gone on from (or was cut at the limit), `ended` is a whole translation, `dropped` fell out.
    """

    parent: int | None
    token: int
    step: int
    log_probability: float
    total: float
    fate: Fate


@dataclass(frozen=True)
class Search:
    """A beam search: its nodes in the order in which they were looked at, and the index of the best translation."""

    beginning: tuple[int, ...]
    width: int
    by_length: bool
    nodes: tuple[Node, ...]
    winner: int

    def path(self, index: int) -> list[int]:
        """Indices of the nodes from the beginning to node `index`."""
        path: list[int] = []
        at: int | None = index
        while at is not None:
            path.append(at)
            at = self.nodes[at].parent
        return path[::-1]

    def written(self, index: int) -> list[int]:
        """All tokens from the start mark to node `index`."""
        return [*self.beginning, *(self.nodes[at].token for at in self.path(index))]

    def score(self, index: int) -> float:
        """What translations are compared by: the total, or its mean a token with `by_length`."""
        node = self.nodes[index]
        return node.total / node.step if self.by_length else node.total


def beam_search(
    writer: Writer, memory: Any, beginning: Sequence[int], *, width: int, limit: int, by_length: bool = False
) -> Search:
    """Keep the `width` likeliest beginnings of a translation after every token (Sutskever et al. 2014, section 3.2).

    A beginning that writes the end mark is whole: it leaves the beam, which goes on with one place less. The search
    ends when no place is left, when no beginning can overtake the best whole one any more, or at `limit` tokens after
    the start mark. With `by_length` whole translations are compared by their mean log-probability a token, else by the
    sum, which prefers short ones. Of the candidates that fall out the best `width` of each step stay in the tree. With
    `width` 1 this is `greedy`. It is no exact search: even the greedy translation can fall out of a wider beam.
    """
    nodes: list[Node] = []
    search = Search(tuple(beginning), width, by_length, (), -1)
    live: list[int | None] = [None]
    ended: list[int] = []
    for step in range(1, limit - len(beginning) + 2):
        search = Search(search.beginning, width, by_length, tuple(nodes), -1)
        prefixes = [list(beginning) if at is None else search.written(at) for at in live]
        own = writer.following(memory, prefixes)
        before = torch.tensor([0.0 if at is None else nodes[at].total for at in live], dtype=own.dtype)
        totals = (own.cpu() + before[:, None]).flatten()
        slots = width - len(ended)
        best = totals.topk(min(slots + width, int(totals.isfinite().sum())))
        parents, live = live, []
        for rank, (total, index) in enumerate(zip(best.values.tolist(), best.indices.tolist(), strict=True)):
            row, token = divmod(index, own.shape[1])
            fate: Fate = "dropped" if rank >= slots else "ended" if token == writer.end else "kept"
            if fate != "dropped":
                (ended if fate == "ended" else live).append(len(nodes))
            nodes.append(Node(parents[row], token, step, float(own[row, token]), total, fate))
        if not live or _is_decided(nodes, live, ended, by_length=by_length):
            break
    whole = Search(search.beginning, width, by_length, tuple(nodes), -1)
    winner = max(ended or [at for at in live if at is not None], key=whole.score)
    return Search(search.beginning, width, by_length, tuple(nodes), winner)


def _is_decided(nodes: list[Node], live: Sequence[int | None], ended: list[int], *, by_length: bool) -> bool:
    """Whether no beginning can overtake: a sum only falls with every token; of a mean that cannot be said."""
    if by_length or not ended:
        return False
    return max(nodes[at].total for at in ended) >= max(nodes[at].total for at in live if at is not None)

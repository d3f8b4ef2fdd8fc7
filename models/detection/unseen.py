"""What the queries of an RF-DETR find without each other: one taken out, or none seeing any other.

The only place where queries see each other is the self-attention of the decoder; there the weights of hidden queries
become zero and the rest of the softmax stays as it is.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional


@dataclass(frozen=True)
class Unseen:
    """Which queries are hidden: all from one another (`alone`), or number `query` from all others; -1 for none."""

    alone: bool = False
    query: int = -1

    def mask(self, queries: int) -> np.ndarray:
        """`[queries, queries]` bool: whether the query of a row sees that of a column; each sees itself."""
        seen = np.eye(queries, dtype=bool) if self.alone else np.ones((queries, queries), bool)
        if 0 <= self.query < queries:
            seen[:, self.query] = False
            seen[self.query, self.query] = True
        return seen


NOBODY = Unseen()


@contextmanager
def hiding(network: Any, unseen: Unseen, queries: int) -> Iterator[None]:
    """While this thread runs `network`, its queries do not see those that are hidden."""
    seen, thread = torch.from_numpy(unseen.mask(queries)), threading.get_ident()

    def attend(module: Any, given: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        if threading.get_ident() != thread:
            return output
        states = given[0] if given else named["hidden_states"]
        places = named.get("position_embeddings")
        return _attended(module, states, states if places is None else states + places, seen.to(states.device)), None

    hooks = [layer.self_attn.register_forward_hook(attend, with_kwargs=True) for layer in network.model.decoder.layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _attended(module: Any, states: torch.Tensor, placed: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
    """The layer's self-attention with a mask, by its own weights; `functional`, so that no hook counts them twice."""

    def projected(layer: nn.Linear, read: torch.Tensor) -> torch.Tensor:
        return functional.linear(read, layer.weight, layer.bias).unflatten(-1, (-1, module.head_dim)).transpose(1, 2)

    query, key = projected(module.q_proj, placed), projected(module.k_proj, placed)
    value = projected(module.v_proj, states)
    mixed = functional.scaled_dot_product_attention(query, key, value, seen, scale=module.scaling)
    return functional.linear(mixed.transpose(1, 2).flatten(2), module.o_proj.weight, module.o_proj.bias)

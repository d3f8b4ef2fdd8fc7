"""One token's way through the layers: what every part of a layer makes of it, and what the network would say already.

The logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens") reads the residual stream after each layer as
if it were the last: final norm, table of tokens, softmax.
"""

from dataclasses import dataclass

import numpy as np
import torch

from models.attention.instrument import Kind, Place
from models.attention.subjects import Reading, Run, Subject, log_probabilities


@dataclass(frozen=True)
class Station:
    """A vector on the way. `values [its width] float32`; `stream` says whether it is the residual stream itself."""

    name: str
    values: np.ndarray
    stream: bool = False


@dataclass(frozen=True)
class Walk:
    """One token in one layer: the stations in order, and for each attention of the layer what each head did.

    `weights[kind] [heads, S]`: where the token looks; `query`, `mixed` `[heads, d]` of self-attention.
    """

    stations: tuple[Station, ...]
    weights: dict[Kind, np.ndarray]
    query: np.ndarray
    mixed: np.ndarray


@dataclass(frozen=True)
class Lens:
    """What each layer would predict. `ids`, `probabilities` `[layers + 1, T, k]`, the likeliest first; `entropy
    [layers + 1, T]` in bits; `final [layers + 1, T]`, the probability of what the last layer finds likeliest.
    """

    ids: np.ndarray
    probabilities: np.ndarray
    entropy: np.ndarray
    final: np.ndarray


def walk(subject: Subject, reading: Reading, run: Run, kind: Kind, layer: int, token: int) -> Walk:
    """The way of token number `token` through layer number `layer` of the encoder or decoder."""
    parts = {name: part[token] for name, part in subject.parts_of(reading, kind, layer).items()}
    before, after = run.stream[kind][layer, token], run.stream[kind][layer + 1, token]
    attended = run.attended[Place(kind, layer)]
    stations = [_station("residual stream in", before, stream=True)]
    if layer == 0 and kind == subject.kinds[0]:
        stations.insert(0, _station("token embedding", run.embedded[token]))
    post_norm, stream = "last norm" in parts, before
    for name, values in parts.items():
        normed = name.endswith("norm") and post_norm
        adds = name in ("attention", "cross-attention", "mlp")
        if name == "attention":
            for part in ("query", "key", "value", "mixed"):
                vector = getattr(attended, part)[:, token].flatten()
                stations.append(_station("heads, side by side" if part == "mixed" else part, vector))
        stations.append(_station(name, values, stream=normed))
        if normed:
            stream = values
        if adds:
            stream = stream + values
            last = name == "mlp" and not post_norm
            if not last:
                stations.append(_station(f"+ {name}", stream, stream=True))
    if not post_norm:
        stations.append(_station("residual stream out", after, stream=True))
    weights: dict[Kind, np.ndarray] = {kind: _array(attended.weights[:, token])}
    if kind == "decoder" and (cross := run.attended.get(Place("cross", layer))):
        weights["cross"] = _array(cross.weights[:, token])
    return Walk(tuple(stations), weights, _array(attended.query[:, token]), _array(attended.mixed[:, token]))


@torch.no_grad()
def logit_lens(subject: Subject, run: Run, k: int = 5) -> Lens | None:
    """What the stream of the last stack means after each layer; None for a network that predicts nothing."""
    if run.logits is None:
        return None
    stream = run.stream["decoder" if "decoder" in run.stream else "encoder"]
    found: list[tuple[torch.Tensor, ...]] = []
    best = run.logits.argmax(-1, keepdim=True)
    for number, hidden in enumerate(stream):
        logits = run.logits if number == len(stream) - 1 else subject.unembed(hidden)
        if logits is None:
            return None
        log_p = log_probabilities(logits)
        top = log_p.topk(min(k, log_p.shape[-1]), dim=-1)
        entropy = -(log_p.exp() * log_p).nan_to_num().sum(-1) / np.log(2)
        found.append((top.indices, top.values.exp(), entropy, log_p.gather(-1, best)[:, 0].exp()))
    ids, probabilities, entropies, final = (torch.stack(parts).cpu().numpy() for parts in zip(*found, strict=True))
    return Lens(ids, probabilities, entropies, final)


def next_token(run: Run, token: int, k: int) -> tuple[np.ndarray, np.ndarray, float]:
    """The `k` likeliest tokens at position `token`: ids, their logits less the highest, and log of the sum of all.

    So p(i) = exp(logit_i / temperature) over the sum of the same; what the `k` leave out is known at temperature 1.
    Raises `ValueError` for a network that predicts nothing.
    """
    if run.logits is None:
        raise ValueError("this network predicts nothing")
    logits = run.logits[token].double()
    logits = logits - logits.max()
    top = logits.topk(min(k, len(logits)))
    return top.indices.cpu().numpy(), top.values.cpu().numpy(), float(logits.logsumexp(-1))


def _station(name: str, values: torch.Tensor, *, stream: bool = False) -> Station:
    return Station(name, _array(values), stream)


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()

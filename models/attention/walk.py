"""One token's way through the layers: what every part of a layer makes of it, and what the network would say already.

The logit lens (nostalgebraist 2020, "interpreting GPT: the logit lens") reads the residual stream after each layer as
if it were the last: final norm, table of tokens, softmax.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from models.attention.subjects import Reading, Run, Subject, log_probabilities
from models.text.instrument import Attended, Kind, Place


@dataclass(frozen=True)
class Station:
    """A vector on the way. `values [its width] float32`; `stream` says whether it is the residual stream itself."""

    name: str
    values: np.ndarray
    stream: bool = False


@dataclass(frozen=True)
class Walk:
    """One token in one layer: the stations in order, and where each head looks, `weights[kind] [heads, S]`."""

    stations: tuple[Station, ...]
    weights: dict[Kind, np.ndarray]


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
    attended = run.attended[Place(kind, layer)]
    weights: dict[Kind, np.ndarray] = {kind: _array(attended.weights[:, token])}
    if kind == "decoder" and (cross := run.attended.get(Place("cross", layer))):
        weights["cross"] = _array(cross.weights[:, token])
    stations = list(_stations(subject, reading, run, kind, layer, token))
    if layer == 0 and kind == subject.kinds[0]:
        stations.insert(0, _station("token embedding", run.embedded[token]))
    return Walk(tuple(stations), weights)


def _stations(subject: Subject, reading: Reading, run: Run, kind: Kind, layer: int, token: int) -> Iterator[Station]:
    parts = {name: part[token] for name, part in subject.parts_of(reading, kind, layer).items()}
    post_norm, stream = "last norm" in parts, run.stream[kind][layer, token]
    yield _station("residual stream in", stream, stream=True)
    for name, values in parts.items():
        normed = post_norm and name.endswith("norm")
        if name == "attention":
            yield from _inside(run.attended[Place(kind, layer)], token)
        yield _station(name, values, stream=normed)
        if normed:
            stream = values
        elif name in ("attention", "cross-attention", "mlp"):
            stream = stream + values
            if post_norm or name != "mlp":
                yield _station(f"+ {name}", stream, stream=True)
    if not post_norm:
        yield _station("residual stream out", run.stream[kind][layer + 1, token], stream=True)


def _inside(attended: Attended, token: int) -> Iterator[Station]:
    """What a token's heads ask, offer, give and gather, one head after the other."""
    for name, part in (("query", attended.query), ("key", attended.key), ("value", attended.value)):
        yield _station(name, part[:, token].flatten())
    yield _station("heads, side by side", attended.mixed[:, token].flatten())


@torch.no_grad()
def logit_lens(subject: Subject, run: Run, k: int = 5) -> Lens | None:
    """What the stream of the last stack means after each layer; None for a network that predicts nothing."""
    if run.logits is None:
        return None
    stream = run.stream["decoder" if "decoder" in run.stream else "encoder"]
    found: list[tuple[torch.Tensor, ...]] = []
    best = run.logits.argmax(-1, keepdim=True).cpu()
    for number, hidden in enumerate(stream):
        logits = run.logits if number == len(stream) - 1 else subject.unembed(hidden)
        if logits is None:
            return None
        log_p = log_probabilities(logits)
        top = log_p.topk(min(k, log_p.shape[-1]), dim=-1)
        entropy = -(log_p.exp() * log_p).nan_to_num().sum(-1) / np.log(2)
        found.append((top.indices, top.values.exp(), entropy, log_p.gather(-1, best)[:, 0].exp()))
    ids, probabilities, entropies, final = (torch.stack(parts).numpy() for parts in zip(*found, strict=True))
    return Lens(ids, probabilities, entropies, final)


TEMPERATURES = tuple(round(0.1 + 0.05 * step, 2) for step in range(59))
"""What the page's slider can be set to: 0.1 to 3."""


def next_token(run: Run, token: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `k` likeliest tokens at position `token`: ids, their logits less the highest, and log-partitions.

    The log-partition of each of `TEMPERATURES` is log sum_j exp(logit_j / temperature) over the whole vocabulary, so
    that p(i) = exp(logit_i / temperature - log-partition) is exact though only `k` logits are given.
    Raises `ValueError` for a network that predicts nothing.
    """
    if run.logits is None:
        raise ValueError("this network predicts nothing")
    logits = run.logits[token].cpu().double()
    logits = logits - logits.max()
    top = logits.topk(min(k, len(logits)))
    partitions = torch.stack([(logits / temperature).logsumexp(-1) for temperature in TEMPERATURES])
    return top.indices.numpy(), top.values.numpy(), partitions.numpy()


def _station(name: str, values: torch.Tensor, *, stream: bool = False) -> Station:
    return Station(name, _array(values), stream)


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()

"""One patch through one layer and on to the answer: every vector on the way, and the sum behind one number of each.

Equations 2 to 4 of Dosovitskiy et al. 2021 with the attention of Vaswani et al. 2017 written out.
Shapes: T tokens (CLS first), D channels, H heads of d = D / H numbers, C categories.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from models.compute import compute
from models.errors import InputError
from models.vision.network import Block, VisionTransformer
from models.vit.trace import load_vit

SHOWN_TERMS = 3


@dataclass(frozen=True)
class Sum:
    """`left[i] * right[i]` added up, the largest few of `count`; the others together are `rest`; and `bias`."""

    left: tuple[float, ...]
    right: tuple[float, ...]
    rest: float
    count: int
    bias: float
    total: float


@dataclass(frozen=True)
class Step:
    """A vector on the way. stream: it is the residual stream. number, sum: the number worked out, from 0."""

    name: str
    values: np.ndarray
    stream: bool = False
    number: int = -1
    sum: Sum | None = None


@dataclass(frozen=True)
class Score:
    """The score of the first category in parts, which add up: CLS, the mean of the patches, the bias.

    patch: what the walked patch alone gives of the mean's part; 0 where the head reads CLS only.
    """

    label: str
    total: float
    cls: float
    mean: float
    patch: float
    bias: float
    probability: float


@dataclass(frozen=True)
class PatchWalk:
    """A token's way through layer number `layer` with head number `head` written out, and on to the answer.

    token: the one that walks; seen: the one it takes most from. channel: the number of the stream that is worked out.
    looks: `[H, T]`, where each head of the token looks. score: None for a network without categories.
    """

    layer: int
    head: int
    token: int
    seen: int
    channel: int
    steps: tuple[Step, ...]
    looks: np.ndarray
    score: Score | None


@compute
def walk_patch(
    model: str, entering: np.ndarray, last: np.ndarray, *, layer: int, head: int, token: int, channel: int = -1
) -> PatchWalk:
    """The way of a token through a layer of the model of that name.

    entering, last: the tokens `[T, D]` that enter the layer, and those after the last one, before its normalisation.
    token: with 0, CLS, the patch walks that CLS takes most from in this head.
    channel: number of the stream that is worked out; -1: the one that the layer changes most.
    Raises `InputError` for what this network does not have.
    """
    return walk(load_vit(model).network, entering, last, layer=layer, head=head, token=token, channel=channel)


@torch.inference_mode()
def walk(
    network: VisionTransformer,
    entering: np.ndarray,
    last: np.ndarray,
    *,
    layer: int,
    head: int,
    token: int,
    channel: int = -1,
) -> PatchWalk:
    """As `walk_patch`, for a network."""
    shape = network.shape
    if not (layer < shape.layers and head < shape.heads and token < len(entering) and channel < shape.width):
        raise InputError("There is no such layer, head, patch or number in this network.")
    block = network.blocks[layer]
    assert isinstance(block, Block)
    tokens, final = (torch.from_numpy(array).to(network.cls.device) for array in (entering, last))
    token = token or 1 + int(_looks(block, tokens, 0)[head, 1:].argmax())
    if channel < 0:
        channel = int((block(tokens[None])[0, token] - tokens[token]).abs().argmax())
    looks = _looks(block, tokens, token)
    seen = int(looks[head].argmax())
    attended, after = _attention(block, tokens, token, (head, seen, channel))
    steps = [*attended, *_mlp(block, after, channel)]
    answer, score = _answer(network, final, token, channel)
    return PatchWalk(layer, head, token, seen, channel, (*steps, *answer), _array(looks), score)


def _looks(block: Block, tokens: torch.Tensor, token: int) -> torch.Tensor:
    """Where each head of a token looks, `[H, T]`."""
    return _scores(block, tokens, token).softmax(-1)


def _scores(block: Block, tokens: torch.Tensor, token: int) -> torch.Tensor:
    attention, normed = block.attention, block.norm1(tokens)
    query = attention.query(normed[token]).unflatten(-1, (attention.heads, -1))
    keys = attention.key(normed).unflatten(-1, (attention.heads, -1))
    return torch.einsum("hd,thd->ht", query, keys) / query.shape[-1] ** 0.5


def _attention(
    block: Block, tokens: torch.Tensor, token: int, at: tuple[int, int, int]
) -> tuple[list[Step], torch.Tensor]:
    """The steps from the stream to the stream with what attention adds, and that stream `[D]`."""
    head, seen, channel = at
    attention, stream, normed = block.attention, tokens[token], block.norm1(tokens)
    size = len(stream) // attention.heads
    first = head * size
    own = slice(first, first + size)
    query, key = attention.query(normed[token])[own], attention.key(normed[seen])[own]
    values = attention.value(normed)
    products = query * key
    number = int(products.abs().argmax())
    scores = _scores(block, tokens, token)
    looks = scores.softmax(-1)
    mixed = torch.einsum("ht,thd->hd", looks, values.unflatten(-1, (attention.heads, -1))).flatten()
    summed = attention.output(mixed)
    scaled, added = _scaled(block.scale1, "attention layer scale", summed, channel)
    after = stream + added
    steps = [
        Step("residual stream in", _array(stream), stream=True, number=channel),
        Step("norm", _array(normed[token]), number=channel, sum=_normed(block.norm1, stream, channel)),
        Step("query", _array(query), number=number, sum=_linear(attention.query, normed[token], first + number)),
        Step("key", _array(key), number=number, sum=_linear(attention.key, normed[seen], first + number)),
        Step("query times key", _array(products), number=number, sum=_sum(query, key)),
        Step("scores", _array(scores[head]), number=seen),
        Step("weights", _array(looks[head]), number=seen),
        Step("value", _array(values[seen, own]), number=number),
        Step("sum of values", _array(mixed[own]), number=number, sum=_sum(looks[head], values[:, first + number])),
        Step("heads, side by side", _array(mixed), number=first + number),
        Step("attention", _array(summed), number=channel, sum=_linear(attention.output, mixed, channel)),
        *scaled,
        Step("+ attention", _array(after), stream=True, number=channel, sum=_added(stream, added, channel)),
    ]
    return steps, after


def _mlp(block: Block, stream: torch.Tensor, channel: int) -> list[Step]:
    """The steps from the stream `[D]` to what the next layer gets."""
    normed = block.norm2(stream)
    inner = block.expand(normed)
    hidden = nn.functional.gelu(inner)
    number = int((hidden * block.contract.weight[channel]).abs().argmax())
    made = block.contract(hidden)
    scaled, added = _scaled(block.scale2, "MLP layer scale", made, channel)
    return [
        Step("mlp norm", _array(normed), number=channel, sum=_normed(block.norm2, stream, channel)),
        Step("mlp inner", _array(inner), number=number, sum=_linear(block.expand, normed, number)),
        Step("mlp hidden", _array(hidden), number=number),
        Step("mlp", _array(made), number=channel, sum=_linear(block.contract, hidden, channel)),
        *scaled,
        Step(
            "residual stream out",
            _array(stream + added),
            stream=True,
            number=channel,
            sum=_added(stream, added, channel),
        ),
    ]


def _answer(
    network: VisionTransformer, last: torch.Tensor, token: int, channel: int
) -> tuple[list[Step], Score | None]:
    """The steps from the stream after the last layer `[T, D]` to the answer."""
    encoded, head = network.norm(last), network.head
    steps = [
        Step("after the last layer", _array(last[token]), stream=True, number=channel),
        Step("last norm", _array(encoded[token]), number=channel, sum=_normed(network.norm, last[token], channel)),
    ]
    if head is None:
        return steps, None
    read, width = network.pool(encoded[None])[0], network.shape.width
    steps.append(Step("CLS, normed", _array(encoded[0]), number=channel))
    if len(read) > width:
        count = len(encoded) - 1
        parts = torch.cat([encoded[token : token + 1], encoded[1:token], encoded[token + 1 :]])[:, channel]
        mean = _sum(parts, torch.full_like(parts, 1 / count), shown=[0])
        steps.append(Step("mean of the patches", _array(read[width:]), number=channel, sum=mean))
    scores = head(read)
    best = int(scores.argmax())
    probabilities = scores.softmax(-1)
    steps += [
        Step("scores of the categories", _array(scores), number=best, sum=_linear(head, read, best)),
        Step("answer", _array(probabilities), number=best),
    ]
    weight = head.weight[best]
    patch = weight[width:] @ encoded[token] / (len(encoded) - 1) if len(read) > width else torch.zeros(())
    score = Score(
        label=network.labels[best],
        total=float(scores[best]),
        cls=float(weight[:width] @ read[:width]),
        mean=float(weight[width:] @ read[width:]),
        patch=float(patch),
        bias=float(head.bias[best]),
        probability=float(probabilities[best]),
    )
    return steps, score


def _scaled(scale: nn.Module, name: str, values: torch.Tensor, channel: int) -> tuple[list[Step], torch.Tensor]:
    """What a layer scale makes of `values` `[D]`; no step where there is none."""
    if isinstance(scale, nn.Identity):
        return [], values
    scaled = scale(values)
    factor = scale(torch.ones_like(values))[channel]
    sum_ = _sum(values[channel][None], factor[None])
    return [Step(name, _array(scaled), number=channel, sum=sum_)], scaled


def _normed(norm: nn.Module, stream: torch.Tensor, channel: int) -> Sum:
    assert isinstance(norm, nn.LayerNorm)
    spread = (stream.var(correction=0) + norm.eps).sqrt()
    left = (stream[channel] - stream.mean()) / spread
    return _sum(left[None], norm.weight[channel][None], float(norm.bias[channel]))


def _added(stream: torch.Tensor, added: torch.Tensor, channel: int) -> Sum:
    parts = torch.stack([stream[channel], added[channel]])
    return _sum(parts, torch.ones_like(parts), shown=[0, 1])


def _linear(layer: nn.Linear, read: torch.Tensor, number: int) -> Sum:
    """Number `number` of what a linear layer makes of `read`."""
    return _sum(read, layer.weight[number], float(layer.bias[number]))


def _sum(left: torch.Tensor, right: torch.Tensor, bias: float = 0.0, *, shown: Sequence[int] | None = None) -> Sum:
    """Products of two vectors added up; `shown`: which are told one by one, by default the largest few."""
    left, right = left.cpu(), right.cpu()
    products = left.double() * right.double()
    first = list(shown) if shown is not None else products.abs().argsort(descending=True)[:SHOWN_TERMS].tolist()
    told, total = float(products[first].sum()), float(products.sum())
    return Sum(
        left=tuple(left[first].tolist()),
        right=tuple(right[first].tolist()),
        rest=total - told,
        count=len(products),
        bias=bias,
        total=total + bias,
    )


def _array(values: torch.Tensor) -> np.ndarray:
    return values.float().cpu().numpy()

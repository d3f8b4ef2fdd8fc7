"""The layers of one run for the browser: the logit lens as a grid, one token's way through one layer, the softmax."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.views.walk import HeadsLooking, StationView, WalkView, best_of
from demos.wire import Float16, Float32, Int32, view

if TYPE_CHECKING:
    from models.attention.layers import LayerWalk, LensGrid, NextTokens

MEANINGS = {
    "token embedding": "The token's row in the table of the vocabulary. With its position it begins the stream.",
    "query": "What the token asks for: one part for each head.",
    "key": "What the others' queries are compared with: this token's own, one part for each head.",
    "value": "What the token gives to those that look at it: one part for each head.",
    "residual stream in": "What is known of the token so far. Every layer adds to it.",
    "norm": "The stream brought to mean 0 and size 1, then scaled: what the attention reads.",
    "heads, side by side": "Each head's weighted sum of values, one after the other.",
    "attention": "The heads' sums through the output projection: what they add, together.",
    "cross norm": "The stream normed: what asks the source sentence.",
    "cross-attention": "What was read from the source sentence, through the output projection.",
    "mlp norm": "The stream normed: what the MLP reads.",
    "mlp hidden": "The MLP's inner layer after its bend: each number is a feature that is on or off for this token.",
    "mlp": "What the MLP adds: a function of this token alone.",
    "+ attention": "The stream with what the attention added.",
    "+ cross-attention": "The stream with what was read from the source.",
    "+ mlp": "The stream with what the MLP added.",
    "last norm": "The sum normed: what the next layer gets.",
    "residual stream out": "What the next layer gets.",
}
POST_NORM_MEANINGS = {"norm": "The sum normed: this network norms the stream itself.", "cross norm": "The sum normed."}


@view
class LensReading:
    """What the stream after each of L layers (row 0: before the first) would predict at T tokens.

    words: the tokens met. ids: `[L + 1, T, k]`, the likeliest first, by their place in `words`.
    probabilities: `[L + 1, T, k]`. entropy: `[L + 1, T]`, bits. final: `[L + 1, T]`, of the last layer's answer.
    """

    words: list[str]
    ids: Int32
    probabilities: Float16
    entropy: Float16
    final: Float16


@view
class LensView:
    """The grid layers x tokens (`logit_lens`), and the layer and the token picked.

    sizes: `[L + 1, T]`, length of the stream. changes: what the layer changed of it, as a share of its length.
    lens: None where this stack writes nothing.
    """

    kind: Literal["encoder", "decoder", "cross"]
    tokens: list[str]
    layer: int
    token: int
    sizes: Float32
    changes: Float32
    predicts: Literal["next", "masked", "nothing"]
    lens: LensReading | None


def view_of_lens(grid: "LensGrid") -> LensView:
    """The grid of a run."""
    lens = grid.lens
    reading = lens and LensReading(list(grid.words), lens.ids, lens.probabilities, lens.entropy, lens.final)
    return LensView(
        kind=grid.kind,
        tokens=list(grid.tokens),
        layer=grid.layer,
        token=grid.token,
        sizes=grid.sizes,
        changes=grid.changes,
        predicts=grid.predicts,  # pyright: ignore[reportArgumentType]  # one of the three
        lens=reading,
    )


def view_of_walk(found: "LayerWalk") -> WalkView:
    """The stations of one token's way through one layer, and where its heads look."""
    stations = found.walk.stations
    post_norm = stations[-1].name == "last norm"
    meanings = {**MEANINGS, **(POST_NORM_MEANINGS if post_norm else {})}
    width = next(one.values.size for one in stations if one.stream)
    return WalkView(
        title=f"{found.token.strip() or 'space'} ({found.number + 1}) in layer {found.layer + 1}",
        stations=[
            StationView(
                one.name,
                one.stream,
                _computed(one.name, one.values.size, before, width) + meanings[one.name],
                one.values.size,
                float(np.linalg.norm(one.values)),
            )
            for one, before in zip(stations, [width, *(station.values.size for station in stations)], strict=False)
        ],
        values=np.concatenate([station.values for station in stations]),
        heads=[
            HeadsLooking(kind, [best_of(row, found.sources[kind]) for row in weights])
            for kind, weights in found.walk.weights.items()
        ],
    )


MATRICES = {
    "query": "q = W_Q x",
    "key": "k = W_K x",
    "value": "v = W_V x",
    "attention": "W_O times the heads",
    "mlp hidden": "bend(W_1 x)",
    "mlp": "W_2 times the inner layer",
}
"""Stations that a matrix makes, in the names of Vaswani et al. (2017); some networks add a bias."""


def _computed(name: str, size: int, before: int, width: int) -> str:
    """By which matrix a station of `size` numbers is made, and how large that is, as the beginning of its meaning."""
    if name not in MATRICES:
        return ""
    columns = before if name in ("attention", "mlp") else width
    return f"{MATRICES[name]}, {size:,} \u00d7 {columns:,} weights. "


@view
class NextTokensView:
    """The likeliest tokens of one position, for the softmax in the browser (`next_token`).

    after: which position, in words. logits: of `words`, less the highest of all, the highest first.
    partitions: log of the sum of exp(logit / temperature) over the whole vocabulary, for every setting of the slider.
    writable: one of them can be written and gone on from.
    """

    after: str
    words: list[str]
    logits: list[float]
    partitions: list[float]
    writable: bool


def view_of_next(found: "NextTokens") -> NextTokensView:
    """What `next_token` shows."""
    return NextTokensView(
        after=f"Final softmax: the token {found.place}",
        words=list(found.words),
        logits=np.round(found.logits, 6).tolist(),
        partitions=np.round(found.partitions, 6).tolist(),
        writable=found.writable,
    )

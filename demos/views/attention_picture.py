"""The whole architecture on one sentence: every token's vector after every layer, and the states of the twin."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.wire import Int8, view

if TYPE_CHECKING:
    from models.attention.picture import Looks, Picture, Stack


@view
class StackVectors:
    """Encoder or decoder. vectors: `[layers + 1, T, width]` in 127ths of the largest number of each layer.

    largest: of each layer; width: numbers of a vector
    """

    tokens: list[str]
    vectors: Int8
    largest: list[float]
    width: int


@view
class SurestLooks:
    """One kind of attention. best: by layer and token the surest head, the token it looks at, and how much, 0 to 1."""

    kind: Literal["encoder", "decoder", "cross"]
    best: list[list[tuple[int, int, float]]]


@view
class TwinStates:
    """The recurrent translator: tokens read and written, its state after each in 127ths of 1, `[T, units]`."""

    read: list[str]
    written: list[str]
    encoder: Int8
    decoder: Int8


@view
class PictureView:
    """Both networks on one sentence (`architecture`).

    answers: what is written after each token of the decoder, and how surely, 0 to 1
    """

    text: str
    model: str
    encoder: StackVectors
    decoder: StackVectors
    looks: list[SurestLooks]
    answers: list[tuple[str, float]]
    twin: TwinStates
    note: str


def view_of_picture(found: "Picture", text: str) -> PictureView:
    """What the page draws of both runs."""
    twin = found.twin
    return PictureView(
        text=text,
        model=found.run.model,
        encoder=_stack(found.encoder),
        decoder=_stack(found.decoder),
        looks=[_looks(looks) for looks in found.looks],
        answers=[(word, round(share, 4)) for word, share in found.answers],
        twin=TwinStates(list(twin.read), list(twin.written), np.rint(127 * twin.encoder), np.rint(127 * twin.decoder)),
        note=found.note,
    )


def _stack(stack: "Stack") -> StackVectors:
    largest = np.abs(stack.vectors).max(axis=(1, 2)).clip(1e-9)
    vectors = np.rint(stack.vectors / largest[:, None, None] * 127)
    return StackVectors(
        list(stack.tokens), vectors, [round(float(value), 2) for value in largest], stack.vectors.shape[-1]
    )


def _looks(looks: "Looks") -> SurestLooks:
    layers, tokens = looks.heads.shape
    return SurestLooks(
        looks.kind,
        [
            [
                (int(looks.heads[at]), int(looks.sources[at]), round(float(looks.weights[at]), 3))
                for at in ((layer, token) for token in range(tokens))
            ]
            for layer in range(layers)
        ],
    )

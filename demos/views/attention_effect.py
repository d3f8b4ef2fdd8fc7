"""An edited run beside the unedited one: predictions at every position, and how far each token's vector moved."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from demos.wire import Float32, Int32, view

if TYPE_CHECKING:
    from models.attention.effects import Comparison


@view
class StackMoved:
    """How far each token's last vector of one stack moved, and that as a share of its length."""

    kind: Literal["encoder", "decoder", "cross"]
    tokens: list[str]
    share: list[float]
    moved: list[float]


@view
class EffectView:
    """Predictions before and after a change, at P positions (`prediction_pair`).

    bits: by how much each prediction changed; nothing where the network predicts nothing, as `ids` and `shares`.
    ids: `[P, 8]`, the likeliest tokens of either run, by their place in `words`.
    shares: `[P, 8, 2]`, their probabilities before and after.
    own: the position that predicts for the token that looks, if any. most: the one that changed most.
    changes: what was changed, in words.
    """

    predicts: Literal["next", "masked", "written", "nothing"]
    places: list[str]
    bits: list[float]
    words: list[str]
    ids: Int32
    shares: Float32
    own: int | None
    most: int
    stacks: list[StackMoved]
    cosine: float
    changes: list[str]


def view_of_effect(found: "Comparison") -> EffectView:
    """A comparison for the browser."""
    words = sorted({word for rows in found.rows for word, _, _ in rows})
    place = {word: index for index, word in enumerate(words)}
    return EffectView(
        predicts=found.predicts,  # pyright: ignore[reportArgumentType]  # one of the four
        places=list(found.places),
        bits=[] if found.bits is None else rounded(found.bits),
        words=words,
        ids=np.array([[place[word] for word, _, _ in rows] for rows in found.rows], np.int32),
        shares=np.array([[(before, after) for _, before, after in rows] for rows in found.rows], np.float32),
        own=found.own,
        most=found.most,
        stacks=[
            StackMoved(
                kind=stack.kind,
                tokens=list(stack.tokens),
                share=rounded(stack.moved / np.maximum(stack.length, 1e-12)),
                moved=rounded(stack.moved),
            )
            for stack in found.stacks
        ],
        cosine=round(found.cosine, 5),
        changes=list(found.changes),
    )


PLACES = {"next": "after", "masked": "in place of", "written": "of"}


def say_effect(found: "Comparison", which: str = "") -> str:
    """What a change does where it does most, in a sentence; nothing for the unedited run.

    which: what was changed, where that can be named: "head 2 of layer 3".
    """
    if not found.changes:
        return ""
    changed = f"Without {which}" if which else f"With {' and '.join(found.changes)}"
    if found.bits is None:
        return f"{changed} the vector of the sentence keeps a cosine of {found.cosine:.3f} with what it was."
    if not found.bits[found.most] > 0:
        return f"{changed} no prediction changes."
    word, before, after = max(found.rows[found.most], key=lambda row: abs(row[1] - row[2]))
    return (
        f"{changed} the prediction {PLACES[found.predicts]} “{found.places[found.most].strip()}” changes most: "
        f"“{word.strip()}” goes from {before:.3f} to {after:.3f}, {found.bits[found.most]:.2f} bits."
    )


def rounded(values: np.ndarray, digits: int = 5) -> list[float]:
    """Numbers for JSON, with that many significant digits."""
    return [float(f"{value:.{digits}g}") for value in values.tolist()]

"""What a head does, scored on the text at hand: how much of its attention goes to one fixed place."""

import numpy as np

from models.attention.trace import AttentionTrace

PLACES = ("same token", "previous token", "next token", "first token", "last token")


def score_heads(trace: AttentionTrace) -> dict[str, np.ndarray]:
    """Mean weight `[layers, heads]` that the tokens give to each of `PLACES`; self-attention of two tokens or more.

    A token without such a place (the first has no previous one) does not count, nor does a place that a mask hides
    or that is the token itself (first and last).
    """
    if trace.kind == "cross" or len(trace.tokens) < 2:
        return {}
    weights = trace.attention
    scores = {
        "same token": _diagonal(weights, 0),
        "previous token": _diagonal(weights, -1),
        "first token": weights[:, :, 1:, 0].mean(axis=-1),
    }
    if trace.kind == "encoder":
        scores |= {"next token": _diagonal(weights, 1), "last token": weights[:, :, :-1, -1].mean(axis=-1)}
    return {place: scores[place] for place in PLACES if place in scores}


def _diagonal(weights: np.ndarray, offset: int) -> np.ndarray:
    return np.diagonal(weights, offset, axis1=2, axis2=3).mean(axis=-1)

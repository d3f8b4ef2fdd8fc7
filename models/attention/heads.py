"""What a head does, scored on the text at hand: how much of its attention goes where a simple rule says."""

from collections.abc import Callable

import numpy as np

from models.attention.trace import AttentionTrace

Rule = Callable[[tuple[str, ...]], np.ndarray]


def _shifted(offset: int) -> Rule:
    """The token `offset` places further on."""
    return lambda tokens: np.eye(len(tokens), k=offset, dtype=bool)


def _at_end(place: int) -> Rule:
    """The first (0) or the last (-1) token, for all others."""

    def rule(tokens: tuple[str, ...]) -> np.ndarray:
        wanted = np.zeros((len(tokens),) * 2, bool)
        wanted[:, place] = True
        return wanted & ~np.eye(len(tokens), dtype=bool)

    return rule


def _repeats(tokens: tuple[str, ...]) -> np.ndarray:
    words = np.array([token.strip().lower() for token in tokens], dtype=object)
    return (words[:, None] == words[None]) & ~np.eye(len(tokens), dtype=bool)


def _induction(tokens: tuple[str, ...]) -> np.ndarray:
    """What came after the same token earlier on (Olsson et al. 2022): what comes next, if the text repeats itself."""
    wanted = np.zeros((len(tokens),) * 2, bool)
    wanted[:, 1:] = np.tril(_repeats(tokens))[:, :-1]
    return wanted


def _punctuation(tokens: tuple[str, ...]) -> np.ndarray:
    marks = [bool(token.strip()) and not any(c.isalnum() for c in token) for token in tokens]
    return np.array(marks)[None] & ~np.eye(len(tokens), dtype=bool)


RULES: dict[str, Rule] = {
    "same token": _shifted(0),
    "previous token": _shifted(-1),
    "next token": _shifted(1),
    "first token": _at_end(0),
    "last token": _at_end(-1),
    "same word elsewhere": _repeats,
    "induction": _induction,
    "punctuation": _punctuation,
}
"""Where each kind of head looks: `[T, T]`, True where the token of the row should look."""


def score_heads(trace: AttentionTrace) -> dict[str, np.ndarray]:
    """Mean weight `[layers, heads]` that tokens give to where each of `RULES` says; self-attention of two or more.

    A token for which a rule names no place that it may see does not count; a rule without any such token is left out.
    """
    count = len(trace.tokens)
    if trace.kind == "cross" or count < 2:
        return {}
    seen = np.ones((count, count), bool)
    if trace.kind == "decoder":
        seen = np.tril(seen)
    scores = {}
    for name, rule in RULES.items():
        wanted = rule(trace.tokens) & seen
        rows = wanted.any(axis=1)
        if rows.any() and not (name == "last token" and trace.kind == "decoder"):
            scores[name] = (trace.attention * wanted).sum(-1)[:, :, rows].mean(-1)
    return scores


def best_heads(scores: np.ndarray, count: int) -> list[tuple[int, int, float]]:
    """The `count` heads with the highest of `scores [layers, heads]`: `(layer, head, score)`, the highest first."""
    order = np.argsort(-scores, axis=None, kind="stable")[:count]
    layers, heads = np.unravel_index(order, scores.shape)
    return [(int(layer), int(head), float(scores[layer, head])) for layer, head in zip(layers, heads, strict=True)]

"""Sentences as people type them: in small letters, without the final stop, or both. The French stays as it is."""

from collections.abc import Iterable

import numpy as np

from models.text.pairs import Pair

SHARES = {"small letters": 0.3, "no stop": 0.3, "bare": 0.4}


def in_form(english: str, form: str) -> str:
    """`english` in one of the forms of `SHARES`; "bare" is both others at once. `KeyError` for another."""
    open_ended = english.rstrip(".!?")
    return {"small letters": english.lower(), "no stop": open_ended, "bare": open_ended.lower()}[form]


def with_forms(pairs: Iterable[Pair], seed: int) -> list[Pair]:
    """Every pair as it is, then every pair once more in a form drawn by its share."""
    pairs = list(pairs)
    drawn = np.random.default_rng(seed).choice(list(SHARES), size=len(pairs), p=list(SHARES.values()))
    return pairs + [
        Pair(in_form(pair.english, str(form)), pair.french) for pair, form in zip(pairs, drawn, strict=True)
    ]

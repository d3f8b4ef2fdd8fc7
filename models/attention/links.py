"""A look from one token to another: which heads give it, and which look of a text is worth seeing first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.attention.changes import as_head, lengths
from models.attention.effects import Comparison, compare, in_words
from models.attention.heads import best_heads
from models.attention.runs import run_text
from models.attention.trace import AttentionTrace, attention_of
from models.compute import Run as Facts
from models.compute import compute
from models.errors import InputError
from models.inputs import check_choice, check_integer
from models.text.instrument import Edits, Head, Kind

_PRONOUNS = "he she it they him her them his hers its their who which elle il ils elles"
_SAYING_LITTLE = """a about all an and are as at be been before but by can could did do does for from had has have if in
into is just me more my no not of on one or our out over so some than that the then there this to too up us very was we
were what when will with would you your because didn don isn wasn doesn"""
PRONOUNS, FUNCTION_WORDS = frozenset(_PRONOUNS.split()), frozenset(_SAYING_LITTLE.split())
LEAST_LETTERS = 3


@dataclass(frozen=True)
class Look:
    """Where a head looks: the token `query` takes `weight`, 0..1, of its attention from the token `key`."""

    layer: int
    head: int
    query: int
    key: int
    weight: float


@dataclass(frozen=True)
class Found:
    """The heads of one kind that look from one token to another most, the first first.

    heads: `(layer, head, weight)`; tokens, sources: those that look and those that are looked at.
    """

    kind: Kind
    tokens: tuple[str, ...]
    sources: tuple[str, ...]
    query: int
    key: int
    heads: tuple[tuple[int, int, float], ...]
    note: str
    run: Facts


def rank_heads(trace: AttentionTrace, query: int, key: int, count: int) -> list[tuple[int, int, float]]:
    """The `count` heads in which `query` takes most of its attention from `key`: `(layer, head, weight)`."""
    return best_heads(trace.attention[:, :, query, key], count)


def first_look(trace: AttentionTrace) -> Look | None:
    """The look worth seeing first; None where no token may be looked at that says something.

    In cross-attention the head whose rows agree best with what all heads read together, where it is surest. Else a
    pronoun and what it stands for: of all looks from a pronoun to an earlier word that says something, the strongest;
    in a text without pronouns the strongest from one such word to another that is not its neighbour.
    """
    weights = _cross_candidates(trace) if trace.kind == "cross" else _self_candidates(trace)
    if not weights.any():
        return None
    layer, head, query, key = map(int, np.unravel_index(int(weights.argmax()), weights.shape))
    return Look(layer, head, query, key, float(trace.attention[layer, head, query, key]))


def _cross_candidates(trace: AttentionTrace) -> np.ndarray:
    allowed = np.outer(_says_something(trace.tokens), _says_something(trace.sources))
    weights = trace.attention * allowed
    agreed = weights.sum(axis=(0, 1)).argmax(axis=-1)
    read = weights[:, :, np.arange(len(agreed)), agreed]
    layer, head, _ = best_heads(read.mean(axis=-1), 1)[0]
    candidates = np.zeros_like(weights)
    candidates[layer, head, np.arange(len(agreed)), agreed] = read[layer, head]
    return candidates


def _self_candidates(trace: AttentionTrace) -> np.ndarray:
    says, count = _says_something(trace.tokens), len(trace.tokens)
    distance = np.arange(count)[:, None] - np.arange(count)[None]
    pronouns = np.array([plain(token) in PRONOUNS for token in trace.tokens])
    referring = pronouns[:, None] & says[None] & (distance > 1)
    if referring.any():
        return trace.attention * referring
    return trace.attention * (says[:, None] & says[None] & (np.abs(distance) > 1))


def _says_something(tokens: Sequence[str]) -> np.ndarray:
    """`[T]` bool: the tokens that are words, or pieces of words, which say something by themselves."""
    words = [plain(token) for token in tokens]
    return np.array(
        [len(w) >= LEAST_LETTERS and w.isalpha() and w not in FUNCTION_WORDS and w not in PRONOUNS for w in words]
    )


def plain(token: str) -> str:
    """A token as it is compared with a word: without blanks and capitals."""
    return token.strip().lower()


@compute
def find_heads(model: str, text: str, query: object, key: object, kind: object, count: int) -> Found:
    """The `count` heads of `model` that look from `query` to `key` most, reading `text`.

    query, key: a token's number, or a word: the first token that is written so. In a translator's cross-attention the
    query is a token of the translation. kind: None for the last kind of attention that the network has. Raises
    `InputError` for a token that is not there or a kind that the network lacks.
    """
    ran = run_text(model, text)
    shown = attention_of(ran.subject, ran.reading, ran.run).traces
    traces: dict[str, AttentionTrace] = {trace.kind: trace for trace in shown}
    chosen = check_choice(ran.subject.kinds[-1] if kind is None else kind, list(traces), name="The kind of attention")
    trace = traces[chosen]
    at = find_token(trace.tokens, query), find_token(trace.sources, key)
    heads = tuple(rank_heads(trace, *at, count))
    return Found(trace.kind, trace.tokens, trace.sources, *at, heads, ran.reading.note, ran.facts)


def find_token(tokens: Sequence[str], wanted: object) -> int:
    """The place of a token given by its number, or by what is written there. Raises `InputError` if there is none."""
    if isinstance(wanted, str):
        for number, token in enumerate(tokens):
            if plain(token) == plain(wanted):
                return number
        said = " ".join(token.strip() for token in tokens)
        raise InputError(f"No token is written like that. There are: {said}")
    return check_integer(wanted, name="The token", low=0, high=len(tokens) - 1)


@compute
def without_head(
    model: str, text: str, kind: object, layer: object, head: object, query: object
) -> tuple[Comparison, Head, int]:
    """The run of `text` without one head beside the run as it is, that head, and the token `query` that looks.

    `own` of the comparison is the position that predicts for `query`, if any. Raises `InputError`.
    """
    ran = run_text(model, text)
    off = as_head(ran.subject, kind, layer, head)
    looking = lengths(ran.subject, ran.reading, off.kind)[0]
    looks = check_integer(query, name="The token", low=0, high=looking - 1)
    effect = compare(ran.subject, ran.reading, Edits(heads_off=frozenset([off])), before=ran.run)
    in_source = off.kind == "encoder" and "cross" in ran.subject.kinds
    own = effect.most_changed if in_source else looks
    return in_words(ran.subject, ran.reading, effect, own=own), off, looks

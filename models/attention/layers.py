"""What the page "Layer by layer" computes: the logit lens, one token's way through one layer, the final softmax."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.attention.runs import TextRun, run_text
from models.attention.walk import Lens, Walk, logit_lens, next_token, walk
from models.compute import Run as Facts
from models.compute import compute
from models.errors import InputError
from models.text.instrument import Kind

NEXT_TOKENS = 200


@dataclass(frozen=True)
class LensGrid:
    """A stack of L layers over T tokens, and the layer and the token picked (layer 0: before the first).

    sizes: `[L + 1, T]`, length of the stream; changes: what the layer changed of it, as a share of its length.
    lens: what each layer would predict, its tokens as places in `words`; None for a stack that writes nothing.
    """

    kind: Kind
    tokens: tuple[str, ...]
    layer: int
    token: int
    sizes: np.ndarray
    changes: np.ndarray
    predicts: str
    lens: Lens | None
    words: tuple[str, ...]


@dataclass(frozen=True)
class LayerWalk:
    """One token's way through layer number `layer`: its stations, and where its heads look (`sources` by kind)."""

    walk: Walk
    token: str
    number: int
    layer: int
    sources: dict[Kind, tuple[str, ...]]


@dataclass(frozen=True)
class NextTokens:
    """The likeliest tokens at one place: their logits less the highest, and log-partitions (see `walk.next_token`).

    place: `after` or `in place of`; writable: whether a token can be written behind the text.
    """

    place: str
    words: tuple[str, ...]
    logits: np.ndarray
    partitions: np.ndarray
    writable: bool


@dataclass(frozen=True)
class Layers:
    """All that the page shows of one cell; `next` is None where the stack writes nothing."""

    grid: LensGrid
    walk: LayerWalk
    next: NextTokens | None
    note: str
    run: Facts


@compute
def look_at_layers(
    model: str, text: str, stack: Literal["last", "encoder"], at: tuple[int, int] | None = None
) -> Layers:
    """A text's run layer by layer; `at` is the layer and the token picked, by default the last of what writes.

    Raises `InputError` for a cell that is not there.
    """
    ran = run_text(model, text)
    stream = ran.run.stream
    kind: Kind = "encoder" if "decoder" not in stream or (stack == "encoder" and "encoder" in stream) else "decoder"
    layers, count = len(stream[kind]) - 1, stream[kind].shape[1]
    layer, token = at or (layers, count - 1 if kind == "decoder" else min(count - 1, count // 2))
    if layer > layers or token >= count:
        raise InputError("There is no such cell in this run: press Run again.")
    writes = ran.run.logits is not None and kind == ("decoder" if "decoder" in stream else "encoder")
    return Layers(
        grid=_grid(ran, kind, (layer, token), writes=writes),
        walk=_walk(ran, kind, max(0, layer - 1), token),
        next=_next(ran, kind, token) if writes else None,
        note=ran.reading.note,
        run=ran.facts,
    )


def _tokens(ran: TextRun, kind: Kind) -> tuple[str, ...]:
    reading = ran.reading
    return reading.written_tokens[:-1] if kind == "decoder" and reading.written else reading.tokens


def _grid(ran: TextRun, kind: Kind, at: tuple[int, int], *, writes: bool) -> LensGrid:
    stream = ran.run.stream[kind].float().cpu().numpy()
    sizes = np.linalg.norm(stream, axis=-1)
    changes = np.linalg.norm(np.diff(stream, axis=0), axis=-1) / np.maximum(sizes[1:], 1e-9)
    tokens = _tokens(ran, kind)
    lens = logit_lens(ran.subject, ran.run) if writes else None
    words: tuple[str, ...] = ()
    if lens is not None and lens.ids.shape[1] == len(tokens):
        vocabulary, places = np.unique(lens.ids, return_inverse=True)
        words = tuple(ran.subject.word(int(number)) for number in vocabulary)
        lens = Lens(places.reshape(lens.ids.shape), lens.probabilities, lens.entropy, lens.final)
    else:
        lens = None
    return LensGrid(
        kind=kind,
        tokens=tokens,
        layer=at[0],
        token=at[1],
        sizes=sizes,
        changes=np.concatenate([np.zeros_like(changes[:1]), changes]),
        predicts=ran.subject.predicts,
        lens=lens,
        words=words,
    )


def _walk(ran: TextRun, kind: Kind, layer: int, token: int) -> LayerWalk:
    tokens = _tokens(ran, kind)
    found = walk(ran.subject, ran.reading, ran.run, kind, layer, token)
    return LayerWalk(found, tokens[token], token, layer, {"cross": ran.reading.tokens, kind: tokens})


def _next(ran: TextRun, kind: Kind, token: int) -> NextTokens:
    subject, reading, tokens = ran.subject, ran.reading, _tokens(ran, kind)
    ids, logits, partitions = next_token(ran.run, token, NEXT_TOKENS)
    place = "in place of" if subject.predicts == "masked" else "after"
    return NextTokens(
        place=f"{place} {tokens[token].strip() or 'space'} ({token + 1})",
        words=tuple(subject.word(int(number)) for number in ids),
        logits=logits,
        partitions=partitions,
        writable=kind == "decoder" and not reading.written and token == len(tokens) - 1 and not reading.is_cut,
    )

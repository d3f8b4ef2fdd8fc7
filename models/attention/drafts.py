"""What the page "Live translation" computes: a translation under way, tokens forced, beam search, three networks."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from models.attention.beam import Search, beam_search
from models.attention.draft import Draft
from models.attention.passages import translate_passage
from models.attention.writing import MAX_WRITTEN, Source, Writer, greedy, load_writer, log_probability
from models.compute import Run as Facts
from models.compute import compute, run_of
from models.errors import InputError
from models.inputs import check_integer
from models.runtime import Loaded
from models.text.sentences import CAPITALS_NOTE, in_small_letters, sentences_of

CANDIDATES = 8
SEVERAL = """The text has {} sentences, and the networks were trained on single ones: the first is written here.
Translate with all three takes every sentence."""
END_MARK = "</s>"

Candidate = tuple[int, str, float]


@dataclass(frozen=True)
class Written:
    """All there is to see of a draft.

    Attributes:
        source: the S tokens read; `written`: the T tokens written, the end mark among them; `ids` their numbers.
        candidates: for each of the T positions, and for the next one unless `ended`, the likeliest tokens as (number,
            token, probability), best first.
        attention: `[layers, heads, rows, S]`, a row for each entry of `candidates`; None for a network without.
        vector: all that such a network is told, `[units]`; None for others.
        total: natural logarithm of the probability of all that is written.
        text: the same as plain text; `note`: a sentence, or nothing.
    """

    draft: Draft
    source: tuple[str, ...]
    written: tuple[str, ...]
    ids: tuple[int, ...]
    candidates: tuple[tuple[Candidate, ...], ...]
    attention: np.ndarray | None
    vector: np.ndarray | None
    ended: bool
    total: float
    text: str
    note: str
    run: Facts


@dataclass(frozen=True)
class Find:
    """A translation: its text, the logarithm of its probability, and how many tokens were written for it."""

    text: str
    total: float
    tokens: int


@dataclass(frozen=True)
class Beam:
    """A beam search with the words of its nodes, what it found (best first) and the greedy translation beside it.

    written: the winner, as a draft. beginning: the text that was gone on from. better: whether the winner is at least
    as good as greedy by the rule of the search.
    """

    written: Written
    search: Search
    words: tuple[str, ...]
    beginning: str
    finds: tuple[Find, ...]
    greedy: Find
    better: bool


@dataclass(frozen=True)
class Translated:
    """A translated text, see `Passage`; `alignment` `[layers, heads, written, source]` float32 or None."""

    source: tuple[str, ...]
    written: tuple[str, ...]
    translation: str
    log_probability: float
    alignment: np.ndarray | None
    note: str
    run: Facts


@dataclass(frozen=True)
class _Desk:
    """A writer with a sentence open before it."""

    writer: Writer
    loaded: Loaded
    source: Source
    memory: Any
    said: str


def _open(draft: Draft) -> tuple[_Desk, Draft]:
    """The writer with the sentence read, and the draft with at least its start mark."""
    writer, loaded = load_writer(draft.model)
    writer.require_known(draft.text)
    sentences = sentences_of(draft.text)
    first = in_small_letters(sentences[0])
    several = SEVERAL.format(len(sentences)) if len(sentences) > 1 else ""
    said = " ".join(filter(None, (several, CAPITALS_NOTE if first != sentences[0] else "")))
    source = writer.read(first)
    desk = _Desk(writer, loaded, source, writer.encode(source), said)
    return desk, draft if draft.written else replace(draft, written=(writer.start,))


def _is_whole(desk: _Desk, draft: Draft) -> str:
    """A sentence if nothing can be added, else nothing."""
    if draft.written[-1] == desk.writer.end:
        return "The translation is whole: go back, or click a word to put another in its place."
    if len(draft.written) > MAX_WRITTEN:
        return f"{MAX_WRITTEN} tokens are written, no more are allowed."
    return ""


def _show(desk: _Desk, draft: Draft, note: str = "") -> Written:
    """Everything there is to see of a draft, by one pass over it."""
    writer, written, start = desk.writer, list(draft.written), time.perf_counter()
    ended = written[-1] == writer.end
    view = writer.look(desk.memory, written[:-1] if ended else written)
    best = view.log_probabilities.topk(CANDIDATES)
    attention = None if view.attention is None else view.attention.cpu().numpy()
    seconds = time.perf_counter() - start
    chosen = view.log_probabilities[range(len(written) - 1), written[1:]]
    candidates = tuple(
        tuple((number, writer.word(number), share) for number, share in zip(numbers, shares, strict=True))
        for numbers, shares in zip(best.indices.tolist(), best.values.exp().tolist(), strict=True)
    )
    return Written(
        draft=draft,
        source=desk.source.tokens,
        written=tuple(END_MARK if n == writer.end else writer.word(n) for n in written[1:]),
        ids=tuple(written[1:]),
        candidates=candidates,
        attention=attention,
        vector=desk.memory.context[0].cpu().numpy() if attention is None else None,
        ended=ended,
        total=float(chosen.sum()),
        text=writer.text(written),
        note=" ".join(filter(None, (desk.source.note, desk.said, note))),
        run=run_of(desk.loaded, seconds),
    )


def _with_next(desk: _Desk, draft: Draft) -> Draft:
    best = int(desk.writer.following(desk.memory, [draft.written])[0].argmax())
    return replace(draft, written=(*draft.written, best))


@compute
def show_draft(draft: Draft) -> Written:
    """What there is to see of a draft."""
    return _show(*_open(draft))


@compute
def write_next(draft: Draft) -> Written:
    """The draft with the likeliest token written after it; as it is, with a sentence, where nothing can be added."""
    desk, draft = _open(draft)
    if note := _is_whole(desk, draft):
        return _show(desk, draft, note)
    return _show(desk, _with_next(desk, draft))


@compute
def write_all(draft: Draft) -> Iterator[Written]:
    """The draft written to its end, one token more each time."""
    desk, draft = _open(draft)
    if note := _is_whole(desk, draft):
        yield _show(desk, draft, note)
        return
    limit = desk.source.limit(len(draft.written) - 1)
    while not _is_whole(desk, draft) and len(draft.written) <= limit:
        draft = _with_next(desk, draft)
        yield _show(desk, draft)
    if draft.written[-1] != desk.writer.end:
        yield _show(desk, draft, f"Stopped after {len(draft.written) - 1} tokens: it does not come to an end.")


@compute
def take_back(draft: Draft) -> Written:
    """The draft without its last token."""
    desk, draft = _open(draft)
    return _show(desk, replace(draft, written=draft.written[:-1] or draft.written) if draft.written[1:] else draft)


@compute
def force_token(draft: Draft, position: object, token: object) -> Written:
    """The draft with a token put in a position, and what stood after it forgotten. Raises `InputError`."""
    desk, draft = _open(draft)
    place = check_integer(position, name="The position", low=0, high=len(draft.written) - 1)
    vocabulary = desk.writer.following(desk.memory, [draft.written[: place + 1]]).shape[-1]
    number = check_integer(token, name="The token", low=0, high=vocabulary - 1)
    if number in desk.writer.never:
        raise InputError("This token is never written: choose another one.")
    return _show(desk, replace(draft, written=(*draft.written[: place + 1], number)))


@compute
def write_words(draft: Draft, words: str) -> Written:
    """The draft with the visitor's words written next. Raises `InputError` for what the network cannot write."""
    desk, draft = _open(draft)
    before = draft.written[:-1] if draft.written[-1] == desk.writer.end else draft.written
    written = (*before, *desk.writer.beginning(words))
    if len(written) > MAX_WRITTEN:
        raise InputError(f"A translation may have {MAX_WRITTEN} tokens at most.")
    return _show(desk, replace(draft, written=written))


@compute
def search_beam(draft: Draft, width: int, *, by_length: bool) -> Beam:
    """The likeliest way on from a draft, from nothing if it is whole; its winner is the new draft."""
    desk, draft = _open(draft)
    writer, start = desk.writer, time.perf_counter()
    beginning = draft.written[:1] if _is_whole(desk, draft) else draft.written
    limit = desk.source.limit(len(beginning) - 1)
    search = beam_search(writer, desk.memory, beginning, width=width, limit=limit, by_length=by_length)
    seconds = time.perf_counter() - start
    rival = _greedy(desk, beginning)
    own = rival.total / max(1, rival.tokens) if by_length else rival.total
    written = _show(desk, replace(draft, written=tuple(search.written(search.winner))))
    return Beam(
        written=replace(written, run=run_of(desk.loaded, seconds)),
        search=search,
        words=tuple(writer.word(node.token) for node in search.nodes),
        beginning=writer.text(beginning),
        finds=tuple(_find(writer, search, index) for index in _whole(search)),
        greedy=rival,
        better=search.score(search.winner) >= own - 1e-6,
    )


def _whole(search: Search) -> list[int]:
    """The whole translations among the nodes of a search, best first; its winner where there is none."""
    whole = [index for index, node in enumerate(search.nodes) if node.fate == "ended"] or [search.winner]
    return sorted(whole, key=search.score, reverse=True)


def _find(writer: Writer, search: Search, index: int) -> Find:
    node = search.nodes[index]
    return Find(writer.text(search.written(index)), node.total, node.step)


def _greedy(desk: _Desk, beginning: Sequence[int]) -> Find:
    """The greedy translation, with the log-probability of what follows the beginning."""
    written = greedy(desk.writer, desk.memory, beginning, desk.source.limit(len(beginning) - 1))
    before = log_probability(desk.writer, desk.memory, beginning)
    total = log_probability(desk.writer, desk.memory, written) - before
    return Find(desk.writer.text(written), total, len(written) - len(beginning))


@compute
def translate(model: str, text: str, *, width: int = 1, beginning: str = "") -> Translated:
    """Every sentence of a text by one network, see `translate_passage`."""
    writer, loaded = load_writer(model)
    start = time.perf_counter()
    passage = translate_passage(writer, text, width=width, beginning=beginning)
    seconds = time.perf_counter() - start
    return Translated(
        source=passage.source,
        written=passage.written,
        translation=passage.translation,
        log_probability=passage.log_probability,
        alignment=None if passage.alignment is None else passage.alignment.numpy(),
        note=passage.note,
        run=run_of(loaded, seconds),
    )

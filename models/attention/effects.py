"""What a change inside a network does to what it predicts: the edited run beside the unedited one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.attention.subjects import MAX_TOKENS, Reading, Run, Subject, log_probabilities
from models.errors import InputError
from models.text.instrument import Edits, Kind
from models.text.tokenizer import BOS, EOS, PAD, UNKNOWN

Row = tuple[str, float, float]
ROWS = 8


@dataclass(frozen=True)
class Effect:
    """Two runs compared, position by position.

    Attributes:
        places: what stands at each of the P positions that predict, see `predicting_tokens`.
        before: `[P, vocabulary]`, natural logarithms of the probabilities of the unedited run, and `after` those of
            the edited one; None where the network predicts nothing.
        bits: `[P]`, the Kullback-Leibler divergence of the edited prediction from the unedited one, in bits; None
            where the network predicts nothing.
        moved: for each stack of layers `[T]`, the length of the difference of each token's last vector; `length` the
            length of the unedited vector. A token that was swapped is compared with itself in its new place.
        cosine: between the means of the last vectors over all tokens, which is how all-MiniLM-L6-v2 makes one vector
            of a sentence (Reimers & Gurevych 2019).
    """

    places: tuple[str, ...]
    before: np.ndarray | None
    after: np.ndarray | None
    bits: np.ndarray | None
    moved: dict[Kind, np.ndarray]
    length: dict[Kind, np.ndarray]
    cosine: float

    def rows(self, subject: Subject, position: int, count: int) -> list[Row]:
        """(token, probability before, probability after) of the `count` likeliest tokens of either run, in the order
        of the larger of the two.
        """
        if self.before is None or self.after is None:
            return []
        before, after = np.exp(self.before[position]), np.exp(self.after[position])
        either = np.maximum(before, after)
        count = min(count, either.size)
        chosen = np.argpartition(-either, count - 1)[:count]
        order = chosen[np.argsort(-either[chosen], kind="stable")]
        return [(subject.word(int(i)), float(before[i]), float(after[i])) for i in order]

    @property
    def most_changed(self) -> int:
        """The position whose prediction changed most."""
        return 0 if self.bits is None else int(self.bits.argmax())


@dataclass(frozen=True)
class Moved:
    """How far each token's last vector of one stack moved: the length of the difference, and of the vector before."""

    kind: Kind
    tokens: tuple[str, ...]
    moved: np.ndarray
    length: np.ndarray


@dataclass(frozen=True)
class Comparison:
    """An edited run beside the unedited one, in words.

    Attributes:
        predicts: `next`, `masked`, `written` (a translation) or `nothing`.
        places: what stands at each of the P positions that predict.
        bits: `[P]`, by how much each prediction changed; None where nothing is predicted.
        rows: for each position the likeliest tokens of either run: (token, probability before, after).
        own: the position that predicts for the token that looks; None where it predicts nothing, or nobody asked.
        most: the position whose prediction changed most.
        stacks: by stack of layers, how far the last vectors moved.
        cosine: between the mean last vectors before and after.
        changes: what was changed, in words; nothing for the unedited run.
    """

    predicts: str
    places: tuple[str, ...]
    bits: np.ndarray | None
    rows: tuple[tuple[Row, ...], ...]
    own: int | None
    most: int
    stacks: tuple[Moved, ...]
    cosine: float
    changes: tuple[str, ...] = ()


def in_words(
    subject: Subject, reading: Reading, effect: Effect, *, own: int | None = None, changes: Sequence[str] = ()
) -> Comparison:
    """An effect with the words it is about."""
    read_back = reading.written_tokens[:-1]
    stacks = tuple(
        Moved(
            kind,
            read_back if reading.written and kind == "decoder" else reading.tokens,
            effect.moved[kind],
            effect.length[kind],
        )
        for kind in effect.moved
    )
    places = range(0 if effect.bits is None else len(effect.places))
    return Comparison(
        predicts="written" if reading.written else subject.predicts,
        places=effect.places,
        bits=effect.bits,
        rows=tuple(tuple(effect.rows(subject, position, ROWS)) for position in places),
        own=own,
        most=effect.most_changed,
        stacks=stacks,
        cosine=effect.cosine,
        changes=tuple(changes),
    )


def predicting_tokens(subject: Subject, reading: Reading) -> tuple[str, ...]:
    """A name for each position that predicts: the token just read, whose successor is predicted; in a translator the
    token that is being written; in a network for masked words the token itself.
    """
    return reading.written_tokens[1:] if reading.written else reading.tokens


def token_names(reading: Reading, kind: Kind) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tokens that look and those that are looked at, in an attention of that kind; see `AttentionTrace`."""
    if not reading.written:
        return reading.tokens, reading.tokens
    read_back = reading.written_tokens[:-1]
    return {
        "encoder": (reading.tokens, reading.tokens),
        "decoder": (read_back, read_back),
        "cross": (reading.written_tokens[1:], reading.tokens),
    }[kind]


def compare(
    subject: Subject, reading: Reading, edits: Edits, *, swap: tuple[int, int] | None = None, before: Run | None = None
) -> Effect:
    """Run `reading` with two tokens swapped, where given, and with `edits`, beside the run as it is (`before`)."""
    before = before or subject.run(reading)
    after = subject.run(subject.swapped(reading, *swap) if swap else reading, edits)
    return effect_of(subject, reading, before, after, swap=swap)


def effect_of(
    subject: Subject, reading: Reading, before: Run, after: Run, *, swap: tuple[int, int] | None = None
) -> Effect:
    """Two runs that are there already, compared; a run beside itself has not changed."""
    moved, length = {}, {}
    for kind in subject.stacks:
        old, new = before.stream[kind][-1], after.stream[kind][-1].to(before.stream[kind].device)
        if swap and not (kind == "decoder" and reading.written):
            new = _in_old_order(new, *swap)
        moved[kind] = (new - old).norm(dim=-1).cpu().numpy()
        length[kind] = old.norm(dim=-1).cpu().numpy()
    kind = subject.kinds[0]
    sentences = [run.stream[kind][-1].cpu().mean(dim=0).double() for run in (before, after)]
    cosine = float(torch.cosine_similarity(sentences[0], sentences[1], dim=0))
    places = predicting_tokens(subject, reading)
    if before.logits is None or after.logits is None:
        return Effect(places, None, None, None, moved, length, cosine)
    logs = [log_probabilities(logits.cpu()) for logits in (before.logits, after.logits)]
    bits = divergence_bits(logs[0], logs[1]).numpy()
    return Effect(places, logs[0].float().numpy(), logs[1].float().numpy(), bits, moved, length, cosine)


def divergence_bits(before: Tensor, after: Tensor) -> Tensor:
    """Kullback-Leibler divergence of `after` from `before`, logarithms `[..., vocabulary]`, in bits `[...]`."""
    terms = before.exp() * (before - after)
    return terms.nan_to_num(0.0).sum(dim=-1).clamp(min=0) / np.log(2)


def _in_old_order(new: Tensor, first: int, second: int) -> Tensor:
    order = list(range(len(new)))
    order[first], order[second] = second, first
    return new[order]


def write_again(
    subject: Subject, reading: Reading, edits: Edits, *, swap: tuple[int, int] | None = None
) -> Iterator[Reading]:
    """The reading with the translation that the edited network writes, greedily, a token more each time.

    The whole network runs once for each token, so that every edit counts. Raises `InputError` for a network that
    does not translate.
    """
    if not reading.written:
        raise InputError("This network does not translate.")
    source = subject.swapped(reading, *swap) if swap else reading
    end, never = _marks(subject)
    written = [reading.written[0]]
    while len(written) <= MAX_TOKENS and (len(written) == 1 or written[-1] != end):
        run = subject.run(replace(source, written=(*written, end)), _within(edits, len(written)))
        if run.logits is None:
            return
        scores = run.logits[-1].clone()
        scores[never] = -torch.inf
        written.append(int(scores.argmax()))
        tokens = tuple(subject.word(number) for number in written)
        yield replace(source, written=tuple(written), written_tokens=tokens)


def _marks(subject: Subject) -> tuple[int, list[int]]:
    """The token that ends a translation, and those that are never written."""
    if subject.architecture == "translator":
        return EOS, [PAD, BOS, UNKNOWN]
    config = subject.network.config
    return config.eos_token_id, [config.pad_token_id]


def _within(edits: Edits, written: int) -> Edits:
    """The edits that fit a translation of which only `written` tokens are there yet."""
    edges = (
        edge
        for edge in edits.edges_off
        if edge.kind == "encoder" or (edge.query < written and (edge.kind == "cross" or edge.key < written))
    )
    return replace(edits, edges_off=frozenset(edges))

"""Translators one token at a time: what could come next, where the network looks for it, and beam search.

A `Writer` is one face for networks that have little in common but a source that is read once and a translation that
is written token by token: the Transformer, the recurrent translator with and without attention, Marian from the hub.

    writer = load_writer("translator-en-fr")
    source = writer.read("I love you.")
    memory = writer.encode(source)
    view = writer.look(memory, [writer.start])         what could be the first token, and where the network looks
    found = beam_search(writer, memory, [writer.start], width=4, limit=source.limit())
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from models import runtime, weights
from models.attention.subjects import Subject, require_tokens
from models.errors import InputError
from models.text.instrument import Tap
from models.text.known import is_some_known, unknown_parts, unknown_sentence, words_with_unknown
from models.text.tokenizer import BOS, EOS, PAD, SPACE, UNKNOWN, as_source

MAX_SOURCE = 64
MAX_WRITTEN = 100
MAX_WIDTH = 8

RECURRENT = ("gru-attention-en-fr", "gru-translator-en-fr")
WRITERS = ("translator-en-fr", *RECURRENT, "opus-mt-en-fr")
"""Names of the catalogue that can write."""


@dataclass(frozen=True)
class Source:
    """What a writer reads: S tokens as `ids` and, for the eye, as `tokens`; `given` counts those of the whole text.

    `unknown`: a sentence about what of the text the network has no symbol for, or nothing.
    """

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    given: int
    unknown: str = ""

    def limit(self, given: int = 0) -> int:
        """How many tokens a translation may have, the end mark among them; `given` of them are not the network's."""
        return min(MAX_WRITTEN, 2 * len(self.ids) + 10 + given)

    @property
    def note(self) -> str:
        """A sentence if the text was cut, one about what is unknown of it, or nothing."""
        return " ".join(filter(None, (self.cut_note, self.unknown)))

    @property
    def cut_note(self) -> str:
        """A sentence if the text was cut, else nothing."""
        if self.given <= MAX_SOURCE:
            return ""
        return f"The sentence has {self.given:,} tokens; the first {MAX_SOURCE} are read."


@dataclass(frozen=True)
class View:
    """What a writer says along T tokens that have been written.

    Attributes:
        log_probabilities: `[T, vocabulary]` float64 on the CPU, nats; row t is about the token after the t-th.
        attention: `[layers, heads, T, S]` float32, row t where the network looks for the token after the t-th; rows
            sum to 1. None for a network without attention.
    """

    log_probabilities: Tensor
    attention: Tensor | None


class Writer(ABC):
    """A translator with its tokenizer. `start` is read first, `end` is written last, `never` is not written at all."""

    start: int
    end: int
    never: tuple[int, ...]
    tokenizer: Any

    @abstractmethod
    def read(self, text: str) -> Source:
        """The first `MAX_SOURCE` tokens of a text. Raises `InputError` where nothing of it is left as a token."""

    def strangers(self, text: str) -> tuple[str, ...]:
        """The parts of a text that have no symbol."""
        return ()

    def knows(self, text: str) -> bool:
        """Whether anything of a text has a symbol."""
        return True

    def require_known(self, text: str) -> None:
        """Raises `InputError` for a text of which nothing has a symbol."""
        if not self.knows(text):
            raise InputError("This network has no symbol for anything in this sentence: it was trained on English.")

    @abstractmethod
    def encode(self, source: Source) -> Any:
        """What `decode` needs to know of a source."""

    @abstractmethod
    def decode(self, memory: Any, written: Tensor) -> Tensor:
        """Scores `[B, T, vocabulary]` of the token after each of `written [B, T]`, which begins with `start`."""

    @abstractmethod
    def align(self, memory: Any, written: Tensor) -> tuple[Tensor, Tensor | None]:
        """As `decode` for a batch of one, with the attention as in `View`."""

    @abstractmethod
    def word(self, number: int) -> str:
        """A token as a reader would write it; a space before it begins a word."""

    @abstractmethod
    def tokens_of(self, words: str) -> list[int]:
        """The tokens of words in the language written, without start and end."""

    def text(self, written: Sequence[int]) -> str:
        """The translation as plain text."""
        return self.tokenizer.decode(list(written), skip_special_tokens=True)

    def beginning(self, words: str) -> list[int]:
        """Tokens to go on from. Raises `InputError` for characters that the network cannot write, or too many."""
        tokens = self.tokens_of(words)
        if any(token in (*self.never, self.end) for token in tokens):
            raise InputError("This network has no token for some character of the beginning: write it in French words.")
        if len(tokens) >= MAX_WRITTEN:
            raise InputError(f"The beginning has {len(tokens):,} tokens; it may have {MAX_WRITTEN - 1} at most.")
        return tokens

    @torch.inference_mode()
    def look(self, memory: Any, written: Sequence[int]) -> View:
        """What could follow each of the tokens written so far, and where the network looks for it."""
        scores, attention = self.align(memory, self._batch([written]))
        return View(self._log_probabilities(scores[0]), None if attention is None else attention.float())

    @torch.inference_mode()
    def following(self, memory: Any, written: Sequence[Sequence[int]]) -> Tensor:
        """Log-probabilities `[B, vocabulary]`, of the token after each of B beginnings of equal length.

        In float64, on the CPU.
        """
        return self._log_probabilities(self.decode(memory, self._batch(written))[:, -1])

    @property
    @abstractmethod
    def device(self) -> torch.device:
        """Where the weights are."""

    def _batch(self, written: Sequence[Sequence[int]]) -> Tensor:
        return torch.tensor([list(row) for row in written], device=self.device)

    def _log_probabilities(self, scores: Tensor) -> Tensor:
        scores = scores.cpu().double()
        scores[..., list(self.never)] = -torch.inf
        return scores.log_softmax(dim=-1)


class _OwnTokens(Writer):
    """What the networks of this project share: one tokenizer for both languages."""

    start, end, never = BOS, EOS, (PAD, BOS, UNKNOWN)

    def read(self, text: str) -> Source:
        """The first tokens of a text; characters never seen in training are named."""
        encoding = self.tokenizer.encode(text)
        require_tokens(len(encoding.ids) - 1)
        ids = as_source(encoding.ids, MAX_SOURCE)
        originals = [text[start:end] for start, end in encoding.offsets]
        tokens = [f"<unknown {o}>" if i == UNKNOWN else self.word(i) for i, o in zip(ids, originals, strict=False)]
        return Source(tuple(ids), tuple(tokens), len(encoding.ids), unknown_sentence(self.strangers(text)))

    def strangers(self, text: str) -> tuple[str, ...]:
        """Characters that training never saw."""
        return unknown_parts(self.tokenizer.encode(text), text, UNKNOWN)

    def knows(self, text: str) -> bool:
        """Whether training has seen any sign of a text but its stops."""
        return is_some_known(self.tokenizer.encode(text), text, UNKNOWN)

    def word(self, number: int) -> str:
        """A token with a space for its mark."""
        return (self.tokenizer.id_to_token(number) or "").replace(SPACE, " ")

    def tokens_of(self, words: str) -> list[int]:
        """Both languages have the same tokens."""
        return self.tokenizer.encode(words).ids[:-1]


class TransformerWriter(_OwnTokens):
    """Our encoder-decoder Transformer: its cross-attention, in every layer and head."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.network, self.tokenizer = subject, subject.network, subject.tokenizer

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.subject.device

    @torch.inference_mode()
    def encode(self, source: Source) -> Any:
        """Memory `[1, S, width]` and its mask."""
        return self.network.encode(torch.tensor([source.ids], device=self.device))

    def decode(self, memory: Any, written: Tensor) -> Tensor:
        """Scores, as for every writer."""
        states, mask = memory
        return self.network.logits(self.network.decode(written, states.expand(len(written), -1, -1), mask))

    def align(self, memory: Any, written: Tensor) -> tuple[Tensor, Tensor | None]:
        """Scores and cross-attention `[layers, heads, T, S]`."""
        with Tap(self.subject.places) as tap:
            scores = self.decode(memory, written)
        return scores, torch.stack([kept.weights for place, kept in tap.attended.items() if place.kind == "cross"])


class MarianWriter(Writer):
    """Marian of the transformers library; its start token is its padding, as in its training."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.network, self.tokenizer = subject, subject.network, subject.tokenizer
        self.start = self.network.config.decoder_start_token_id
        self.end = self.network.config.eos_token_id
        self.never = tuple({self.start, self.network.config.pad_token_id, self.tokenizer.unk_token_id} - {None})

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.subject.device

    def read(self, text: str) -> Source:
        """The first tokens of a text."""
        given = self.tokenizer(text, verbose=False)["input_ids"]
        require_tokens(len(given) - 1)
        ids = as_source(given, MAX_SOURCE, self.end)
        return Source(tuple(ids), tuple(map(self.word, ids)), len(given), unknown_sentence(self.strangers(text)))

    def strangers(self, text: str) -> tuple[str, ...]:
        """Words with a part that has no symbol."""
        return words_with_unknown(self.tokenizer, text)

    def word(self, number: int) -> str:
        """A token as a reader would write it."""
        return self.subject.word(number)

    def tokens_of(self, words: str) -> list[int]:
        """Tokens of the target language."""
        return self.tokenizer(text_target=words)["input_ids"][:-1]

    @torch.inference_mode()
    def encode(self, source: Source) -> Any:
        """Encoder states `[1, S, width]`."""
        return self.network.get_encoder()(torch.tensor([source.ids], device=self.device)).last_hidden_state

    def decode(self, memory: Any, written: Tensor) -> Tensor:
        """Scores, as for every writer."""
        states = memory.expand(len(written), -1, -1)
        return self.network(encoder_outputs=(states,), decoder_input_ids=written, use_cache=False).logits

    align = TransformerWriter.align  # pyright: ignore[reportAssignmentType]  # the same words for another network


class RecurrentWriter(_OwnTokens):
    """The recurrent translator: with additive attention one row of weights a token, without it none."""

    def __init__(self, bundle: Any) -> None:
        self.network, self.tokenizer = bundle.network, bundle.tokenizer

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.network.embedding.weight.device

    @torch.inference_mode()
    def encode(self, source: Source) -> Any:
        """A `models.text.gru_translator.Memory`, of a batch of one."""
        return self.network.encode(torch.tensor([source.ids], device=self.device))

    def decode(self, memory: Any, written: Tensor) -> Tensor:
        """Scores, as for every writer."""
        many = type(memory)(*(part.expand(len(written), *part.shape[1:]) for part in memory))
        return self.network.logits(self.network.decode(written, many)[0])

    def align(self, memory: Any, written: Tensor) -> tuple[Tensor, Tensor | None]:
        """Scores and `[1, 1, T, S]`, or None."""
        readouts, _, attention = self.network.decode_and_align(written, memory)
        return self.network.logits(readouts), None if attention is None else attention[None]


def load_writer(name: str) -> tuple[Writer, runtime.Loaded]:
    """The translator called `name`. Raises `InputError` for other names, `WeightsError` for unusable weights."""
    if name not in WRITERS:
        raise InputError(f"There is no such translator; choose one of: {', '.join(offered())}.")
    if name in RECURRENT:
        from models.text.gru_translator import load

        loaded = runtime.load(name, load)
        return RecurrentWriter(loaded.network), loaded
    from models.attention.trace import load as load_subject

    loaded = load_subject(name)
    own = loaded.network.architecture == "translator"
    return (TransformerWriter if own else MarianWriter)(loaded.network), loaded


def offered() -> list[str]:
    """The translators that a visitor may choose."""
    known = weights.offered()
    return [name for name in WRITERS if name in known]


def greedy(writer: Writer, memory: Any, written: Sequence[int], limit: int) -> list[int]:
    """Go on from `written` with the likeliest token each time, until the end mark or `limit` tokens after the start."""
    written = list(written)
    while written[-1] != writer.end and len(written) <= limit:
        written.append(int(writer.following(memory, [written])[0].argmax()))
    return written


def log_probability(writer: Writer, memory: Any, written: Sequence[int]) -> float:
    """Natural logarithm of the probability of all tokens after the start, given the source."""
    if len(written) < 2:
        return 0.0
    rows = writer.look(memory, written[:-1]).log_probabilities
    return float(rows.gather(1, torch.tensor(written[1:], device=rows.device)[:, None]).sum())

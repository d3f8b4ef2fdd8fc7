"""A translation step by step: the encoder reads piece after piece, the decoder writes from its last state alone."""

from dataclasses import dataclass

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models.errors import InputError
from models.inputs import check_text
from models.sequences.unrolled import UnrolledStep, UnrolledTrace
from models.text.gru_translator import GruTranslator
from models.text.known import is_some_known, require_some_known, unknown_parts, unknown_sentence
from models.text.sentences import CAPITALS_NOTE, in_small_letters, sentences_of
from models.text.tokenizer import BOS, EOS, PAD, SPACE, UNKNOWN, as_source

MAX_CHARACTERS = 10_000
MAX_SENTENCES = 20
MAX_SOURCE = 64
MAX_WRITTEN = 100
OUTPUTS = 8
NEVER_WRITTEN = (PAD, BOS, UNKNOWN)
BATCH_SENTENCES = 128


@dataclass(frozen=True)
class Translated:
    """A text translated sentence by sentence: a run for each, all answers joined, and what must be said of it.

    A sentence of which nothing is known has no run; it is handed on as it is.
    """

    runs: tuple[UnrolledTrace, ...]
    answer: str
    note: str


def trace_text(network: GruTranslator, tokenizer: Tokenizer, text: str) -> Translated:
    """Translate every sentence of `text` on its own, as the network was trained on single ones.

    Raises `InputError` for a text that is empty or too long, leaves no piece, or of which no piece is known.
    """
    text = check_text(text, name="The sentence", max_chars=MAX_CHARACTERS)
    given = sentences_of(text)
    read = [in_small_letters(sentence) for sentence in given[:MAX_SENTENCES]]
    notes = [cut_note(tokenizer, sentence) for sentence in read]
    encoding = tokenizer.encode(text)
    notes.append(unknown_sentence(unknown_parts(encoding, text, UNKNOWN)))
    if len(given) > MAX_SENTENCES:
        notes.append(f"The first {MAX_SENTENCES} of {len(given)} sentences were translated.")
    if read != given[:MAX_SENTENCES]:
        notes.append(CAPITALS_NOTE)
    require_some_known(encoding, text, UNKNOWN, "this sentence")
    runs = [
        trace_translation(network, tokenizer, one) if is_some_known(tokenizer.encode(one), one, UNKNOWN) else None
        for one in read
    ]
    answers = [run.answer if run else sentence for run, sentence in zip(runs, read, strict=True)]
    return Translated(tuple(filter(None, runs)), " ".join(answers), " ".join(filter(None, notes)))


@torch.inference_mode()
def trace_translation(network: GruTranslator, tokenizer: Tokenizer, text: str) -> UnrolledTrace:
    """Read one sentence piece by piece and write its translation, each time the likeliest piece, until `</s>`.

    Encoder steps have no output. Each decoder step gives the `OUTPUTS` likeliest pieces and reads the best of them in
    the next step. A leading space in a piece begins a word. At most `MAX_SOURCE` pieces are read (see `cut_note`) and
    `MAX_WRITTEN` written. Raises `InputError` for a text that is empty or too long or leaves no piece.
    """
    text = check_text(text, name="The sentence", max_chars=MAX_CHARACTERS)
    encoding = tokenizer.encode(text)
    if len(encoding.ids) < 2:
        raise InputError("Nothing of this sentence is left to read: type a few words.")
    read = as_source(encoding.ids, MAX_SOURCE)
    source = torch.tensor([read], device=network.embedding.weight.device)
    written = greedy(network, source, MAX_WRITTEN)
    memory = network.encode(source)
    readouts, states = network.decode(written[:, :-1], memory)
    best = scores_of_next(network, readouts[0]).softmax(dim=-1).topk(min(OUTPUTS, network.config.vocabulary))

    originals = [text[start:end] for start, end in encoding.offsets]
    pieces = [_piece(tokenizer, number, original) for number, original in zip(read, originals, strict=False)]
    encoder = [UnrolledStep(p, h.cpu().numpy(), part="encoder") for p, h in zip(pieces, memory.states[0], strict=True)]
    decoder = [
        UnrolledStep(
            _piece(tokenizer, number),
            state.cpu().numpy(),
            output=tuple((_piece(tokenizer, n), p) for n, p in zip(numbers, probabilities, strict=True)),
            asked=True,
            part="decoder",
            fed_back=number != BOS,
        )
        for number, state, numbers, probabilities in zip(
            written[0, :-1].tolist(), states[0], best.indices.tolist(), best.values.tolist(), strict=True
        )
    ]
    answer = tokenizer.decode(written[0].tolist(), skip_special_tokens=True)
    return UnrolledTrace("many to many", (*encoder, *decoder), answer)


def cut_note(tokenizer: Tokenizer, text: str) -> str:
    """One sentence if `text` has more pieces than are read, else nothing."""
    given = len(tokenizer.encode(text).ids)
    return f"The sentence has {given:,} pieces; the first {MAX_SOURCE} are read." if given > MAX_SOURCE else ""


@torch.inference_mode()
def greedy(network: GruTranslator, source: Tensor, max_pieces: int) -> Tensor:
    """`source [B, S]` (padded at its end) -> `[B, T]`: BOS, at most `max_pieces` pieces, the last EOS, then padding."""
    memory = network.encode(source)
    piece, hidden = torch.full((len(source), 1), BOS, device=source.device), memory.context
    written, ended = [piece], torch.zeros_like(piece, dtype=torch.bool)
    for _ in range(max_pieces):
        readouts, states = network.decode(piece, memory, hidden)
        piece, hidden = scores_of_next(network, readouts).argmax(dim=-1).masked_fill(ended, PAD), states[:, -1]
        written.append(piece)
        ended |= piece == EOS
        if bool(ended.all()):
            break
    return torch.cat(written, dim=1)


def scores_of_next(network: GruTranslator, readouts: Tensor) -> Tensor:
    """`[..., width]` -> scores `[..., vocabulary]`; pieces that are never written have -inf."""
    scores = network.logits(readouts)
    scores[..., NEVER_WRITTEN] = -torch.inf
    return scores


def translate(network: GruTranslator, tokenizer: Tokenizer, sentences: list[str]) -> list[str]:
    """French for each English sentence, in the order given; sentences of about equal length are read together."""
    device = network.embedding.weight.device
    sources = [as_source(encoding.ids, MAX_SOURCE) for encoding in tokenizer.encode_batch(sentences)]
    order = sorted(range(len(sources)), key=lambda index: len(sources[index]))
    translations = [""] * len(sentences)
    for first in range(0, len(order), BATCH_SENTENCES):
        batch = order[first : first + BATCH_SENTENCES]
        source = pad_sequence([torch.tensor(sources[i]) for i in batch], batch_first=True, padding_value=PAD)
        written = greedy(network, source.to(device), MAX_WRITTEN).tolist()
        for index, pieces in zip(batch, written, strict=True):
            translations[index] = tokenizer.decode(pieces, skip_special_tokens=True)
    return translations


def _piece(tokenizer: Tokenizer, number: int, original: str = "") -> str:
    """A piece with a space for its mark; for an unknown one the character it stands for."""
    if number == UNKNOWN:
        return f"<unknown {original}>"
    return (tokenizer.id_to_token(number) or "").replace(SPACE, " ")

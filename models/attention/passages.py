"""Several sentences at once: the translators were trained on single ones, so each is translated on its own."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.attention.beam import beam_search
from models.attention.writing import Writer, load_writer, log_probability
from models.compute import compute
from models.text.known import unknown_sentence
from models.text.sentences import CAPITALS_NOTE, in_small_letters, sentences_of

MAX_SENTENCES = 20


@dataclass(frozen=True)
class Passage:
    """A text and its translation.

    `source`, `written`: all tokens, sentence after sentence; `alignment` `[layers, heads, written, source]` float32, or
    None for a network without attention: rows sum to 1 and lie within their own sentence; `translation`: the sentences
    joined; `log_probability` of all tokens written, nats; `note`: what must be said of the text, or nothing.
    """

    source: tuple[str, ...]
    written: tuple[str, ...]
    alignment: Tensor | None
    translation: str
    log_probability: float
    note: str


@dataclass(frozen=True)
class _Sentence:
    source: tuple[str, ...]
    written: tuple[str, ...]
    alignment: Tensor | None
    translation: str
    log_probability: float
    note: str = ""


@compute
def translation_by(model: str, text: str) -> str:
    """What a translator makes of `text`, sentence by sentence; errors as for `translate_passage`."""
    return translate_passage(load_writer(model)[0], text).translation


def translate_passage(writer: Writer, text: str, *, width: int = 1, beginning: str = "") -> Passage:
    """Translate every sentence of `text` by a beam search of `width`; the first one goes on from `beginning`.

    A sentence of which nothing is known is handed on as it is. Raises `InputError` where that is all of the text, and
    for a beginning that cannot be written.
    """
    writer.require_known(text)
    given = sentences_of(text)
    read = [in_small_letters(sentence) for sentence in given[:MAX_SENTENCES]]
    words = [beginning, *[""] * (len(read) - 1)]
    done = [_translated(writer, one, width, begins) for one, begins in zip(read, words, strict=True)]
    notes = [one.note for one in done]
    if len(given) > len(read):
        notes.append(f"The first {MAX_SENTENCES} of {len(given)} sentences were translated.")
    if read != given[:MAX_SENTENCES]:
        notes.append(CAPITALS_NOTE)
    notes.append(unknown_sentence(writer.strangers(text)))
    return Passage(
        source=tuple(token for one in done for token in one.source),
        written=tuple(token for one in done for token in one.written),
        alignment=_side_by_side([one.alignment for one in done if one.alignment is not None]),
        translation=" ".join(one.translation for one in done),
        log_probability=sum(one.log_probability for one in done),
        note=" ".join(filter(None, notes)),
    )


def _translated(writer: Writer, sentence: str, width: int, beginning: str) -> _Sentence:
    if not writer.knows(sentence):
        return _Sentence((), (), None, sentence, 0.0)
    source = writer.read(sentence)
    memory = writer.encode(source)
    given = writer.beginning(beginning) if beginning.strip() else []
    search = beam_search(writer, memory, [writer.start, *given], width=width, limit=source.limit(len(given)))
    written = search.written(search.winner)
    tokens = tuple(writer.word(number) for number in written[1:])
    alignment = writer.look(memory, written[:-1]).attention
    total = log_probability(writer, memory, written)
    return _Sentence(source.tokens, tokens, alignment, writer.text(written), total, source.cut_note)


def _side_by_side(alignments: list[Tensor]) -> Tensor | None:
    """`[layers, heads, W, S]` of each sentence as blocks on the diagonal of one array."""
    if not alignments:
        return None
    rows, columns = (sum(one.shape[side] for one in alignments) for side in (2, 3))
    whole = torch.zeros(*alignments[0].shape[:2], rows, columns)
    row = column = 0
    for one in alignments:
        whole[:, :, row : row + one.shape[2], column : column + one.shape[3]] = one.float().cpu()
        row, column = row + one.shape[2], column + one.shape[3]
    return whole

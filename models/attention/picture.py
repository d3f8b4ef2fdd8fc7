"""The whole architecture on one sentence: a Transformer that translates, and its recurrent twin, vector by vector."""

import time
from dataclasses import dataclass

import numpy as np
import torch

from models import runtime
from models.attention.runs import run_text
from models.attention.subjects import Reading, Run
from models.compute import Run as Facts
from models.compute import compute, run_of
from models.text.gru_translator import GruTranslator
from models.text.instrument import Kind
from models.text.tokenizer import BOS, EOS, PAD, SPACE, UNKNOWN

TRANSFORMER, TWIN = "translator-en-fr", "gru-translator-en-fr"
MAX_WRITTEN = 60


@dataclass(frozen=True)
class Stack:
    """Encoder or decoder. vectors: `[layers + 1, T, width]` float32, what is known of each token before the first layer
    and after each.
    """

    kind: Kind
    tokens: tuple[str, ...]
    vectors: np.ndarray


@dataclass(frozen=True)
class Looks:
    """One kind of attention: of every token in every layer the head that is surest, where it looks, and how much.

    heads, sources: `[layers, T]` int; weights: `[layers, T]` float32, 0..1
    """

    kind: Kind
    heads: np.ndarray
    sources: np.ndarray
    weights: np.ndarray


@dataclass(frozen=True)
class Twin:
    """The recurrent translator on the same sentence.

    read, written: tokens; encoder `[read, units]`, decoder `[written, units]` float32: its state after each. The last
    of the encoder is all that the decoder is told.
    """

    read: tuple[str, ...]
    written: tuple[str, ...]
    encoder: np.ndarray
    decoder: np.ndarray


@dataclass(frozen=True)
class Picture:
    """Both networks on one sentence. answers: what the Transformer writes after each token of the decoder, and how sure
    it is (0..1).
    """

    encoder: Stack
    decoder: Stack
    looks: tuple[Looks, ...]
    answers: tuple[tuple[str, float], ...]
    twin: Twin
    note: str
    run: Facts
    twin_run: Facts


@compute
def look_at_picture(text: str) -> Picture:
    """Both networks read `text` and translate it. Raises `InputError` where nothing of it is a token."""
    ran = run_text(TRANSFORMER, text)
    reading, run = ran.reading, ran.run
    logits = run.logits
    assert logits is not None, "a translator predicts"
    best = logits.float().softmax(-1).max(-1)
    words = (ran.subject.word(int(number)) for number in best.indices)
    twin, facts = _twin(reading)
    return Picture(
        Stack("encoder", reading.tokens, _array(run.stream["encoder"])),
        Stack("decoder", reading.written_tokens[:-1], _array(run.stream["decoder"])),
        tuple(_looks(run, kind) for kind in ran.subject.kinds),
        tuple(zip(words, best.values.tolist(), strict=True)),
        twin,
        reading.note,
        ran.facts,
        facts,
    )


def _looks(run: Run, kind: Kind) -> Looks:
    weights, sources = run.weights(kind).max(-1)  # [layers, heads, T]
    surest, heads = weights.max(1)
    return Looks(
        kind,
        heads.cpu().numpy(),
        sources.gather(1, heads[:, None])[:, 0].cpu().numpy(),
        _array(surest),
    )


def _twin(reading: Reading) -> tuple[Twin, Facts]:
    """The twin on the same pieces: both translators have one tokenizer's pieces, each its own file of them."""
    from models.text.gru_translator import load

    loaded, started = runtime.load(TWIN, load), time.perf_counter()
    network, tokenizer = loaded.network.network, loaded.network.tokenizer
    source = torch.tensor([reading.ids], device=network.embedding.weight.device)
    written, encoder, decoder = _translated(network, source)
    pieces = tuple(_readable(tokenizer.id_to_token(number)) for number in written)
    twin = Twin(reading.tokens, pieces, encoder, decoder)
    return twin, run_of(loaded, time.perf_counter() - started)


@torch.inference_mode()
def _translated(network: GruTranslator, source: torch.Tensor) -> tuple[list[int], np.ndarray, np.ndarray]:
    """The likeliest piece each time, until the end: pieces, the encoder's states, the decoder's."""
    memory = network.encode(source)
    hidden, piece = memory.context, BOS
    written: list[int] = []
    states: list[torch.Tensor] = []
    while len(written) < MAX_WRITTEN and piece != EOS:
        given = torch.tensor([[piece]], device=source.device)
        readouts, after = network.decode(given, memory, hidden)
        scores = network.logits(readouts[0, -1]).float()
        scores[[PAD, BOS, UNKNOWN]] = -torch.inf
        hidden, piece = after[:, -1], int(scores.argmax())
        written.append(piece)
        states.append(hidden[0])
    return written, _array(memory.states[0]), _array(torch.stack(states))


def _readable(piece: str) -> str:
    return piece.replace(SPACE, " ")


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().float().cpu().numpy()

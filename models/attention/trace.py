"""One sentence through a model with every attention weight kept: each layer, each head, who reads from whom."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import nn

from models import runtime
from models.attention.causal import CausalTransformer
from models.attention.causal import load as load_causal
from models.attention.decoding import greedy
from models.attention.library import LibraryModel, load_library_model, readable_tokens
from models.attention.network import UNKNOWN, Attentions, Translator, load_network
from models.attention.tokenizer import SPACE, as_source, load_tokenizer
from models.errors import InputError
from models.sequences.symbols import START, encode

if TYPE_CHECKING:
    from models.runtime import Loaded

MAX_TOKENS = 128

Kind = Literal["encoder", "decoder", "cross"]


@dataclass(frozen=True)
class AttentionTrace:
    """The attention weights of one kind in one run.

    Attributes:
        kind: `encoder` (all tokens see all), `decoder` (each sees itself and what is left of it) or `cross`
            (each written token sees all of the source).
        tokens: the T tokens that look, as a reader would write them; in cross-attention each row is named for the
            token that it goes on to write, one later than the token it has just read.
        sources: the S tokens that are looked at; the same as `tokens` in self-attention.
        attention: `[layers, heads, T, S]`, float32; row t says how token t divides its attention, and sums to 1.
    """

    kind: Kind
    tokens: tuple[str, ...]
    sources: tuple[str, ...]
    attention: np.ndarray

    def __post_init__(self) -> None:
        if self.attention.ndim != 4 or self.attention.shape[2:] != (len(self.tokens), len(self.sources)):
            raise ValueError(f"attention {self.attention.shape} does not fit {len(self.tokens)} x {len(self.sources)}")
        self.attention.setflags(write=False)


@dataclass(frozen=True)
class AttentionRun:
    """All that one run gave: a trace for each kind of attention the model has, and its translation if it makes one.

    `tokens_given` counts the tokens of the whole text; more than `MAX_TOKENS` means that the end was cut off.
    """

    traces: tuple[AttentionTrace, ...]
    tokens_given: int
    translation: str | None = None

    @property
    def note(self) -> str:
        """One sentence if the text was cut, else nothing."""
        if self.tokens_given <= MAX_TOKENS:
            return ""
        return f"The text has {self.tokens_given:,} tokens; the first {MAX_TOKENS} are shown."


class EmbeddedTranslator(nn.Module):
    """Our translator with its tokenizer."""

    def __init__(self, network: Translator, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer


def load_model(folder: Path) -> EmbeddedTranslator | CausalTransformer | LibraryModel:
    """The model in `folder`: the library's if `config.json` names a `model_type`, else one of our own."""
    config = json.loads((folder / "config.json").read_text())
    if "model_type" in config:
        return load_library_model(folder)
    if "alphabet" in config:
        return load_causal(folder)
    return EmbeddedTranslator(load_network(folder), load_tokenizer(folder))


def load(name: str) -> "Loaded":
    """The model called `name` in the catalogue, ready to be traced; see `runtime.load`."""
    return runtime.load(name, load_model)


@torch.no_grad()
def trace_attention(model: EmbeddedTranslator | CausalTransformer | LibraryModel, text: str) -> AttentionRun:
    """Every attention weight of `model` reading `text`, and, if it translates, writing its own translation.

    Texts of more than `MAX_TOKENS` tokens are cut. Raises `InputError` if nothing of `text` is left as a token.
    """
    if isinstance(model, EmbeddedTranslator):
        return _trace_translator(model, text)
    if isinstance(model, CausalTransformer):
        return _trace_causal(model, text)
    if model.family == "translator":
        return _trace_library_translator(model, text)
    return _trace_library(model, text)


def _trace_translator(model: EmbeddedTranslator, text: str) -> AttentionRun:
    encoding = model.tokenizer.encode(text)
    _require_tokens(len(encoding.ids) - 1)
    ids = as_source(encoding.ids, MAX_TOKENS)
    device = model.network.embedding.weight.device
    source = torch.tensor([ids], device=device)
    target = greedy(model.network, source, MAX_TOKENS)
    kept = Attentions()
    model.network(source, target[:, :-1], kept)
    originals = [text[start:end] for start, end in encoding.offsets]
    sources = [_readable_piece(model.tokenizer, i, o) for i, o in zip(ids, originals, strict=False)]
    written = target[0].tolist()
    tokens = [_readable_piece(model.tokenizer, i) for i in written]
    return AttentionRun(
        (
            _trace("encoder", sources, sources, kept.encoder),
            _trace("decoder", tokens[:-1], tokens[:-1], kept.decoder),
            _trace("cross", tokens[1:], sources, kept.cross),
        ),
        len(encoding.ids),
        model.tokenizer.decode(written, skip_special_tokens=True),
    )


def _trace_causal(model: CausalTransformer, text: str) -> AttentionRun:
    _require_tokens(len(text))
    read = START + text[: MAX_TOKENS - 1]
    symbols = torch.from_numpy(encode(read).symbols).to(model.embedding.weight.device)
    tokens = ["\u23ce" if character == "\n" else character for character in read]
    return AttentionRun((_trace("decoder", tokens, tokens, list(model.attention(symbols)[:, None])),), len(text) + 1)


def _readable_piece(tokenizer: Tokenizer, number: int, original: str = "") -> str:
    """A token with spaces for their marks; for an unknown one the character it stands for."""
    if number == UNKNOWN:
        return f"<unknown {original}>"
    return (tokenizer.id_to_token(number) or "").replace(SPACE, " ")


def _trace_library(model: LibraryModel, text: str) -> AttentionRun:
    encoded, given = _encode(model, text)
    output = model.network(**encoded, output_attentions=True)
    tokens = readable_tokens(model.tokenizer, encoded["input_ids"][0].tolist())
    kind: Kind = "decoder" if model.family == "decoder" else "encoder"
    return AttentionRun((_trace(kind, tokens, tokens, output.attentions),), given)


def _trace_library_translator(model: LibraryModel, text: str) -> AttentionRun:
    encoded, given = _encode(model, text)
    written = model.network.generate(**encoded, max_new_tokens=MAX_TOKENS, do_sample=False, num_beams=1)
    output = model.network(**encoded, decoder_input_ids=written[:, :-1], output_attentions=True)
    sources = readable_tokens(model.tokenizer, encoded["input_ids"][0].tolist())
    tokens = readable_tokens(model.tokenizer, written[0].tolist())
    return AttentionRun(
        (
            _trace("encoder", sources, sources, output.encoder_attentions),
            _trace("decoder", tokens[:-1], tokens[:-1], output.decoder_attentions),
            _trace("cross", tokens[1:], sources, output.cross_attentions),
        ),
        given,
        model.tokenizer.decode(written[0], skip_special_tokens=True),
    )


def _encode(model: LibraryModel, text: str) -> tuple[dict[str, torch.Tensor], int]:
    """Inputs of at most `MAX_TOKENS` tokens `[1, T]`, and how many tokens the whole text has."""
    tokenizer = model.tokenizer
    given = len(tokenizer(text, verbose=False)["input_ids"])
    _require_tokens(given - tokenizer.num_special_tokens_to_add())
    encoded = tokenizer(text, return_tensors="pt", truncation=True, max_length=MAX_TOKENS)
    device = next(model.network.parameters()).device
    return {name: encoded[name].to(device) for name in ("input_ids", "attention_mask")}, given


def _require_tokens(count: int) -> None:
    if count < 1:
        raise InputError("Nothing of this text is left as a token: type a few words.")


def _trace(kind: Kind, tokens: list[str], sources: list[str], attentions: Any) -> AttentionTrace:
    """Stack one `[1, heads, T, S]` tensor a layer."""
    stacked = torch.cat([weights.float() for weights in attentions]).cpu().numpy()
    return AttentionTrace(kind, tuple(tokens), tuple(sources), stacked)

"""Networks of the Attention tab behind one face: read a text, run it with every value kept, say what it predicts.

A subject has one stack of layers (an encoder or a causal decoder) or two (a translator). Everything that is shown of it
comes from `run`: the attention of every layer (through `instrument.Tap`), the residual stream between the layers, and
the logits. What differs between architectures is stated once, in `ANATOMIES` and in the four classes below.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.hooks import RemovableHandle

from models.attention.decoding import greedy
from models.errors import InputError
from models.text.instrument import NOTHING_CHANGED, Attended, Edits, Kind, Place, Tap
from models.text.known import require_some_known, unknown_parts, unknown_sentence
from models.text.sentences import sentences_of
from models.text.tokenizer import BOS, EOS, SPACE, UNKNOWN, as_source
from models.text.transformer import Translator

MAX_TOKENS = 128


@dataclass(frozen=True)
class Reading:
    """A text as a network reads it.

    Attributes:
        ids: the T tokens that are read, and `tokens` the same for a reader's eye.
        written: for a translator the tokens of the translation, from the start mark to the end mark, and
            `written_tokens` the same for the eye. The decoder reads all but the last and predicts all but the first.
        tokens_given: how many tokens the whole text has; more than `MAX_TOKENS` means that its end was cut off.
        said: what must be said of the text, such as what of it the network has no symbol for, or nothing.
    """

    ids: tuple[int, ...]
    tokens: tuple[str, ...]
    written: tuple[int, ...] = ()
    written_tokens: tuple[str, ...] = ()
    tokens_given: int = 0
    said: str = ""

    @property
    def is_cut(self) -> bool:
        """Whether the end of the text is missing."""
        return self.tokens_given > MAX_TOKENS

    @property
    def note(self) -> str:
        """What must be said of the text, that it was cut first, or nothing."""
        given = f"The text has {self.tokens_given:,} tokens; the first {MAX_TOKENS} are shown."
        return " ".join(filter(None, (given if self.is_cut else "", self.said)))


@dataclass(frozen=True)
class Run:
    """One run: `attended` at every place; `stream[kind] [layers + 1, T, width]`, the residual stream before the first
    layer and after each; `logits [T, vocabulary]` by the position that predicts, None for a network that predicts
    nothing; `embedded [T, width]`, the vectors of the tokens read, before positions are added.
    """

    attended: dict[Place, Attended]
    stream: dict[Kind, Tensor]
    logits: Tensor | None
    embedded: Tensor

    def weights(self, kind: Kind) -> Tensor:
        """Attention weights `[layers, heads, T, S]` of one kind; rows sum to 1."""
        return torch.stack([attended.weights for place, attended in self.attended.items() if place.kind == kind])


@dataclass(frozen=True)
class Part:
    """A piece of a layer to be shown: its name in the field's terms, and the path of its module in the layer."""

    name: str
    path: str


def _parts(order: str, *paths: str) -> tuple[Part, ...]:
    return tuple(Part(name, path) for name, path in zip(order.split(", "), paths, strict=True))


POST_NORM = "attention, norm, mlp hidden, mlp, last norm"
PRE_NORM = "norm, attention, mlp norm, mlp hidden, mlp"
ANATOMIES: dict[tuple[str, Kind], tuple[Part, ...]] = {
    ("translator", "encoder"): _parts(
        PRE_NORM, "attention_norm", "attention", "forward_norm", "feed_forward.up", "feed_forward"
    ),
    ("translator", "decoder"): _parts(
        "norm, attention, cross norm, cross-attention, mlp norm, mlp hidden, mlp",
        *("attention_norm", "attention", "cross_norm", "cross", "forward_norm", "feed_forward.up", "feed_forward"),
    ),
    ("gpt2", "decoder"): _parts(PRE_NORM, "ln_1", "attn", "ln_2", "mlp.act", "mlp"),
    ("llama", "decoder"): _parts(
        PRE_NORM, "input_layernorm", "self_attn", "post_attention_layernorm", "mlp.act_fn", "mlp"
    ),
    ("bert", "encoder"): _parts(
        POST_NORM,
        *("attention.output.dense", "attention.output.LayerNorm", "intermediate", "output.dense", "output.LayerNorm"),
    ),
    ("distilbert", "encoder"): _parts(
        POST_NORM, "attention", "sa_layer_norm", "ffn.activation", "ffn", "output_layer_norm"
    ),
    ("marian", "encoder"): _parts(
        POST_NORM, "self_attn", "self_attn_layer_norm", "activation_fn", "fc2", "final_layer_norm"
    ),
    ("marian", "decoder"): _parts(
        "attention, norm, cross-attention, cross norm, mlp hidden, mlp, last norm",
        *("self_attn", "self_attn_layer_norm", "encoder_attn", "encoder_attn_layer_norm"),
        *("activation_fn", "fc2", "final_layer_norm"),
    ),
}
"""The parts of a layer of each architecture, in the order in which they are computed. Where a norm comes before the
attention, what goes through it is a branch, and the residual stream itself is never normed (pre-norm); where it comes
after, it is the stream that is normed (post-norm)."""


class Subject(nn.Module):
    """A network that can be looked into. Subclasses say how it reads, and how it is run."""

    kinds: tuple[Kind, ...]
    predicts: str  # "next" token, "masked" token, or "nothing"

    def __init__(self, network: Any, tokenizer: Any, architecture: str) -> None:
        super().__init__()
        self.network, self.tokenizer, self.architecture = network, tokenizer, architecture

    places: dict[nn.Module, Place]
    stacks: dict[Kind, Sequence[nn.Module]]
    embedding: nn.Module
    position_modules: tuple[nn.Module, ...] = ()

    def anatomy(self, kind: Kind) -> tuple[Part, ...]:
        """The parts of one layer of its encoder or decoder."""
        return ANATOMIES[self.architecture, kind]

    @property
    def heads(self) -> int:
        """How many heads each of its layers has."""
        raise NotImplementedError

    def read(self, text: str) -> Reading:
        """The tokens of `text`, and its translation, if the network translates.

        Raises `InputError` if nothing of `text` is left as a token.
        """
        raise NotImplementedError

    def word(self, number: int) -> str:
        """A token of the vocabulary (of the output, if there are two) as a reader would write it."""
        raise NotImplementedError

    def unembed(self, hidden: Tensor) -> Tensor | None:
        """What a residual stream `[..., width]` of the last stack means as logits `[..., vocabulary]`, now and not
        after the layers to come (the logit lens, nostalgebraist 2020); None where the network predicts nothing.
        """
        raise NotImplementedError

    def _compute(self, reading: Reading, edits: Edits) -> Tensor | None:
        """The logits `[T, vocabulary]`, or None."""
        raise NotImplementedError

    @property
    def device(self) -> torch.device:
        """Where its weights are."""
        return next(self.network.parameters()).device

    def run(self, reading: Reading, edits: Edits = NOTHING_CHANGED, *, differentiable: bool = False) -> Run:
        """Run `reading` through the network, changed inside by `edits`, with everything kept.

        With `differentiable` the logits can be differentiated with respect to `embedded` and to the kept attention.
        """
        stream: dict[Kind, list[Tensor]] = {kind: [] for kind in self.stacks}
        embedded: list[Tensor] = []

        def take_embedded(_: nn.Module, __: Any, output: Tensor) -> Tensor | None:
            if embedded:  # a translator embeds twice: the source first
                return None
            embedded.append(output[0].detach().requires_grad_(differentiable))
            return embedded[0][None]

        hooks = [self.embedding.register_forward_hook(_of_this_thread(take_embedded))]
        for kind, layers in self.stacks.items():
            for number, layer in enumerate(layers):
                off = Place(kind, number) in edits.layers_off
                hook = _of_this_thread(_layer_hook(stream[kind], off=off))
                hooks.append(layer.register_forward_hook(hook, with_kwargs=True))
        if not edits.positions:
            hooks += [module.register_forward_hook(_of_this_thread(_nothing)) for module in self.position_modules]
        with (
            torch.set_grad_enabled(differentiable),
            _removed(hooks),
            Tap(self.places, edits, differentiable=differentiable) as tap,
        ):
            logits = self._compute(reading, edits)
        stacked: dict[Kind, Tensor] = {
            kind: torch.stack([hidden[0] for hidden in layers]) for kind, layers in stream.items()
        }
        return Run(tap.attended, stacked, logits, embedded[0])

    @contextmanager
    def collecting(self) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
        """Of a network of one stack, while entered: the vectors of the tokens read, and the residual stream, whole."""
        embedded: list[Tensor] = []
        stream: list[Tensor] = []
        (layers,) = self.stacks.values()
        hooks = [self.embedding.register_forward_hook(_of_this_thread(lambda _, __, out: embedded.append(out)))]
        hook = _of_this_thread(_layer_hook(stream, off=False))
        hooks += [layer.register_forward_hook(hook, with_kwargs=True) for layer in layers]
        with _removed(hooks):
            yield embedded, stream

    def parts_of(self, reading: Reading, kind: Kind, layer: int) -> dict[str, Tensor]:
        """What every part of one layer gives, `{part: [T, its width]}`, in the order of the anatomy."""
        found: dict[str, Tensor] = {}

        def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
            def keep(_: nn.Module, __: Any, output: Any) -> None:
                found[name] = (output[0] if isinstance(output, tuple) else output)[0].detach()

            return keep

        module, anatomy = self.stacks[kind][layer], self.anatomy(kind)
        hooks = [
            module.get_submodule(part.path).register_forward_hook(_of_this_thread(hook(part.name))) for part in anatomy
        ]
        with torch.no_grad(), _removed(hooks):
            self._compute(reading, NOTHING_CHANGED)
        return {part.name: found[part.name] for part in anatomy}

    def without(self, reading: Reading, index: int) -> Reading:
        """The reading as if token `index` had not been in the text; a translation stays as it is."""
        ids, tokens = list(reading.ids), list(reading.tokens)
        del ids[index], tokens[index]
        return replace(reading, ids=tuple(ids), tokens=tuple(tokens))

    def swapped(self, reading: Reading, first: int, second: int) -> Reading:
        """The reading with two tokens in each other's place; a translation stays as it is."""
        order = list(range(len(reading.ids)))
        order[first], order[second] = second, first
        return replace(
            reading, ids=tuple(reading.ids[i] for i in order), tokens=tuple(reading.tokens[i] for i in order)
        )


def _of_this_thread(hook: Callable[..., Any]) -> Callable[..., Any]:
    """The hook, for this thread alone: several visitors look into one network at a time."""
    thread = threading.get_ident()
    return lambda *given: hook(*given) if threading.get_ident() == thread else None


def _layer_hook(stream: list[Tensor], *, off: bool) -> Callable[..., Any]:
    """Collects what goes into the first layer and comes out of each; a layer that is off hands on its input."""

    def hook(_: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any], output: Any) -> Any:
        given = arguments[0] if arguments else named["hidden_states"]
        if not stream:
            stream.append(given)
        result = given if off else output[0] if isinstance(output, tuple) else output
        stream.append(result)
        if not off:
            return None
        return (given, *output[1:]) if isinstance(output, tuple) else given

    return hook


def _nothing(_: nn.Module, __: Any, output: Tensor) -> Tensor:
    return torch.zeros_like(output)


@contextmanager
def _removed(hooks: list[RemovableHandle]) -> Iterator[None]:
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def require_tokens(count: int) -> None:
    """Raises `InputError` where nothing of a text is left as a token."""
    if count < 1:
        raise InputError("Nothing of this text is left as a token: type a few words.")


def one_by_one(text: str) -> str:
    """A sentence if there are several for a network that was trained on single ones, else nothing."""
    count = len(sentences_of(text))
    return f"The text has {count} sentences; this network translates one at a time well." if count > 1 else ""


class TranslatorSubject(Subject):
    """Our encoder-decoder Transformer with its tokenizer."""

    kinds = ("encoder", "decoder", "cross")
    predicts = "next"

    def __init__(self, network: Translator, tokenizer: Tokenizer) -> None:
        super().__init__(network, tokenizer, "translator")
        encoder: list[Any] = list(network.encoder)
        decoder: list[Any] = list(network.decoder)
        self.stacks = {"encoder": encoder, "decoder": decoder}
        self.places = {layer.attention: Place("encoder", n) for n, layer in enumerate(encoder)}
        self.places |= {layer.attention: Place("decoder", n) for n, layer in enumerate(decoder)}
        self.places |= {layer.cross: Place("cross", n) for n, layer in enumerate(decoder)}
        self.embedding, self.position_modules = network.embedding, (network.positions,)

    @property
    def heads(self) -> int:
        """How many heads each of its layers has."""
        return self.network.config.heads

    def read(self, text: str) -> Reading:
        """The pieces of an English text, and the French that the network makes of it, greedily."""
        encoding = self.tokenizer.encode(text)
        require_tokens(len(encoding.ids) - 1)
        require_some_known(encoding, text, UNKNOWN, "this text")
        ids = as_source(encoding.ids, MAX_TOKENS)
        originals = [text[start:end] for start, end in encoding.offsets]
        tokens = [self._readable(i, original) for i, original in zip(ids, originals, strict=False)]
        said = " ".join(filter(None, (one_by_one(text), unknown_sentence(unknown_parts(encoding, text, UNKNOWN)))))
        reading = Reading(tuple(ids), tuple(tokens), tokens_given=len(encoding.ids), said=said)
        return self.continued(reading, (BOS,))

    @torch.no_grad()
    def continued(self, reading: Reading, beginning: Sequence[int]) -> Reading:
        """The reading with the translation that begins with the tokens `beginning` and goes on greedily."""
        source = torch.tensor([reading.ids], device=self.device)
        written = greedy(self.network, source, MAX_TOKENS, beginning).tolist()[0]
        return replace(reading, written=tuple(written), written_tokens=tuple(map(self.word, written)))

    def word(self, number: int) -> str:
        """A piece with spaces for their marks."""
        return self._readable(number)

    def unembed(self, hidden: Tensor) -> Tensor | None:
        """Logits of a decoder's stream."""
        return self.network.logits(self.network.decoder_norm(hidden))

    def without(self, reading: Reading, index: int) -> Reading:
        """The end mark cannot be left out."""
        if reading.ids[index] == EOS:
            raise InputError("The end mark is not a word of the text: choose another token.")
        return super().without(reading, index)

    def _compute(self, reading: Reading, edits: Edits) -> Tensor:
        source = torch.tensor([reading.ids], device=self.device)
        target = torch.tensor([reading.written[:-1]], device=self.device)
        return self.network(source, target)[0]

    def _readable(self, number: int, original: str = "") -> str:
        if number == UNKNOWN:
            return f"<unknown {original}>"
        return (self.tokenizer.id_to_token(number) or "").replace(SPACE, " ")


def log_probabilities(logits: Tensor) -> Tensor:
    """Natural logarithms of the probabilities that softmax makes of `logits [..., vocabulary]`, in float64, on the CPU.

    Not every device has float64 (Apple's has not).
    """
    return F.log_softmax(logits.cpu().double(), dim=-1)

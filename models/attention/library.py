"""Models of the transformers library as subjects of the Attention tab.

Architectures: BERT and its kin (encoders), GPT-2 and Llama and their kin (causal decoders), Marian (encoder-decoder).
Everything is read from a local folder, weights from safetensors only, and no code that travels with them is run.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
)
from transformers.masking_utils import eager_mask

from models.attention.subjects import MAX_TOKENS, Reading, Run, Subject, one_by_one, require_tokens
from models.errors import InputError, WeightsError
from models.text.instrument import IMPLEMENTATION, BatchTap, Edits, Place, attend
from models.text.known import strangers_of
from models.text.readable import readable_tokens

AttentionInterface.register(IMPLEMENTATION, attend)
AttentionMaskInterface.register(IMPLEMENTATION, eager_mask)


def cut(ids: Sequence[int], limit: int, marks: Sequence[int]) -> list[int]:
    """At most `limit` tokens; a mark at the end stays."""
    if len(ids) <= limit:
        return list(ids)
    end = [ids[-1]] if ids[-1] in marks else []
    return [*ids[: limit - len(end)], *end]


class LibrarySubject(Subject):
    """A network of the library with its tokenizer."""

    @property
    def heads(self) -> int:
        """How many heads each of its layers has."""
        return self.network.config.num_attention_heads

    def ids_of(self, text: str) -> list[int]:
        """All tokens of `text` with the marks that the network wants around them; no mark comes from the text."""
        return self.tokenizer(text, verbose=False)["input_ids"]

    def read(self, text: str) -> Reading:
        """The tokens of `text`, at most `MAX_TOKENS` of them."""
        given = self.ids_of(text)
        require_tokens(len(given) - self.tokenizer.num_special_tokens_to_add())
        ids = cut(given, MAX_TOKENS, self.tokenizer.all_special_ids)
        unknown = strangers_of(self.tokenizer, text)
        return Reading(tuple(ids), tuple(readable_tokens(self.tokenizer, ids)), (), (), len(given), unknown)

    def word(self, number: int) -> str:
        """A token as a reader would write it."""
        return readable_tokens(self.tokenizer, [number])[0]

    def _inputs(self, reading: Reading, edits: Edits) -> dict[str, Tensor]:
        return {"input_ids": torch.tensor([reading.ids], device=self.device)}


class EncoderSubject(LibrarySubject):
    """BERT and its kin; those with a head for masked words predict the token at every position."""

    kinds = ("encoder",)

    def __init__(self, network: Any, tokenizer: Any, architecture: str) -> None:
        super().__init__(network, tokenizer, architecture)
        core = network.base_model
        layers = core.transformer.layer if architecture == "distilbert" else core.encoder.layer
        self.stacks = {"encoder": list(layers)}
        self.places = {
            (layer.attention if architecture == "distilbert" else layer.attention.self): Place("encoder", number)
            for number, layer in enumerate(layers)
        }
        self.embedding = core.embeddings.word_embeddings
        self.position_modules = (core.embeddings.position_embeddings,)
        self.predicts = "masked" if hasattr(network, "cls") or hasattr(network, "vocab_projector") else "nothing"

    def ids_of(self, text: str) -> list[int]:
        """As for every subject, but the mask is what a visitor may type: it stands for the word to be found."""
        mask, between = self.tokenizer.mask_token_id, text.split(self.tokenizer.mask_token or "\0")
        pieces = [self.tokenizer(part, add_special_tokens=False, verbose=False)["input_ids"] for part in between]
        inside = [token for piece in pieces for token in (mask, *piece)][1:]
        return [self.tokenizer.cls_token_id, *inside, self.tokenizer.sep_token_id]

    def unembed(self, hidden: Tensor) -> Tensor | None:
        """Logits of the head for masked words."""
        if self.predicts == "nothing":
            return None
        if self.architecture == "bert":
            return self.network.cls(hidden)
        network = self.network
        return network.vocab_projector(network.vocab_layer_norm(network.activation(network.vocab_transform(hidden))))

    def without(self, reading: Reading, index: int) -> Reading:
        """The marks at both ends cannot be left out."""
        if reading.ids[index] in (self.tokenizer.cls_token_id, self.tokenizer.sep_token_id):
            raise InputError("The marks at both ends are not words of the text: choose another token.")
        return super().without(reading, index)

    def run_all(self, readings: Sequence[Reading]) -> list[Run]:
        """`run` of each reading, unedited, in one pass: no token looks at what shorter ones are filled up with."""
        texts = [torch.tensor(reading.ids) for reading in readings]
        ids = pad_sequence(texts, batch_first=True).to(self.device)
        mask = pad_sequence([torch.ones_like(text) for text in texts], batch_first=True).to(self.device)
        with torch.no_grad(), self.collecting() as (embedded, stream), BatchTap(self.places) as tap:
            output = self.network(input_ids=ids, attention_mask=mask)
        logits = None if self.predicts == "nothing" else output.logits
        hidden = torch.stack(stream, dim=1)
        return [
            Run(
                tap.of(row, length),
                {"encoder": hidden[row, :, :length].clone()},
                None if logits is None else logits[row, :length].clone(),
                embedded[0][row, :length].clone(),
            )
            for row, length in enumerate(map(len, texts))
        ]

    def _compute(self, reading: Reading, edits: Edits) -> Tensor | None:
        output = self.network(**self._inputs(reading, edits))
        return None if self.predicts == "nothing" else output.logits[0]


class DecoderSubject(LibrarySubject):
    """GPT-2, Llama and their kin: every position predicts the token after it."""

    kinds = ("decoder",)
    predicts = "next"

    def __init__(self, network: Any, tokenizer: Any, architecture: str) -> None:
        super().__init__(network, tokenizer, architecture)
        core = network.base_model
        gpt2 = architecture == "gpt2"
        layers = core.h if gpt2 else core.layers
        self.stacks = {"decoder": list(layers)}
        self.places = {
            (layer.attn if gpt2 else layer.self_attn): Place("decoder", number) for number, layer in enumerate(layers)
        }
        self.embedding = network.get_input_embeddings()
        self.position_modules = (core.wpe,) if gpt2 else ()
        self.norm = core.ln_f if gpt2 else core.norm

    def unembed(self, hidden: Tensor) -> Tensor | None:
        """Logits of the last layer's norm and the table of tokens."""
        return self.network.lm_head(self.norm(hidden))

    def _compute(self, reading: Reading, edits: Edits) -> Tensor:
        inputs = self._inputs(reading, edits)
        if self.architecture == "llama" and not edits.positions:  # every token is turned as at the first place
            inputs["position_ids"] = torch.zeros_like(inputs["input_ids"])
            inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])  # or the library sees many texts of one
        return self.network(**inputs, use_cache=False).logits[0]


class MarianSubject(LibrarySubject):
    """Marian: translates, and shows all three kinds of attention."""

    kinds = ("encoder", "decoder", "cross")
    predicts = "next"

    def __init__(self, network: Any, tokenizer: Any, architecture: str) -> None:
        super().__init__(network, tokenizer, architecture)
        core = network.model
        self.stacks = {"encoder": list(core.encoder.layers), "decoder": list(core.decoder.layers)}
        self.places = {layer.self_attn: Place("encoder", n) for n, layer in enumerate(core.encoder.layers)}
        self.places |= {layer.self_attn: Place("decoder", n) for n, layer in enumerate(core.decoder.layers)}
        self.places |= {layer.encoder_attn: Place("cross", n) for n, layer in enumerate(core.decoder.layers)}
        self.embedding = core.encoder.embed_tokens
        self.position_modules = (core.encoder.embed_positions, core.decoder.embed_positions)

    @property
    def heads(self) -> int:
        """How many heads each of its layers has."""
        return self.network.config.encoder_attention_heads

    def read(self, text: str) -> Reading:
        """The tokens of a text, and the translation that the network makes of it, greedily."""
        reading = super().read(text)
        reading = replace(reading, said=" ".join(filter(None, (one_by_one(text), reading.said))))
        return self.continued(reading, (self.network.config.decoder_start_token_id,))

    @torch.no_grad()
    def continued(self, reading: Reading, beginning: Sequence[int]) -> Reading:
        """The reading with the translation that begins with the tokens `beginning` and goes on greedily."""
        written = self.network.generate(
            input_ids=torch.tensor([reading.ids], device=self.device),
            decoder_input_ids=torch.tensor([beginning], device=self.device),
            max_new_tokens=MAX_TOKENS - len(beginning),
            do_sample=False,
            num_beams=1,
        )[0].tolist()
        tokens = readable_tokens(self.tokenizer, written)
        return replace(reading, written=tuple(written), written_tokens=tuple(tokens))

    def unembed(self, hidden: Tensor) -> Tensor | None:
        """Logits of the decoder's stream, whose layers end with a norm."""
        return self.network.lm_head(hidden) + self.network.final_logits_bias[0]

    def _compute(self, reading: Reading, edits: Edits) -> Tensor:
        target = torch.tensor([reading.written[:-1]], device=self.device)
        inputs = self._inputs(reading, edits)
        return self.network(**inputs, decoder_input_ids=target, use_cache=False).logits[0]


SUBJECTS = {
    "bert": EncoderSubject,
    "distilbert": EncoderSubject,
    "gpt2": DecoderSubject,
    "llama": DecoderSubject,
    "marian": MarianSubject,
}
"""How a `model_type` of `config.json` is looked into."""


def load_library_subject(folder: Path) -> LibrarySubject:
    """The model in `folder`, its attention computed by `instrument.attend`.

    Raises `WeightsError` for an architecture outside `SUBJECTS`.
    """
    local = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **local)
    subject = SUBJECTS.get(config.model_type)
    if subject is None:
        raise WeightsError(f"Models of type {config.model_type} cannot be shown here.")
    network = _auto_class(subject, config.architectures or []).from_pretrained(
        folder, **local, use_safetensors=True, attn_implementation=IMPLEMENTATION, dtype=torch.float32
    )
    tokenizer = AutoTokenizer.from_pretrained(folder, **local, split_special_tokens=True)
    return subject(network, tokenizer, config.model_type)


def _auto_class(subject: type[LibrarySubject], architectures: Sequence[str]) -> Any:
    if subject is MarianSubject:
        return AutoModelForSeq2SeqLM
    if subject is DecoderSubject:
        return AutoModelForCausalLM
    masked = any(name.endswith("ForMaskedLM") for name in architectures)
    return AutoModelForMaskedLM if masked else AutoModel

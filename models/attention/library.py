"""Models of the transformers library behind one face: a network that keeps its attention, and readable tokens.

Architectures: BERT and its kin (encoder), GPT-2 and its kin (causal decoder), Marian (encoder-decoder).
Everything is read from a local folder, weights from safetensors only, and no code that travels with them is run.
"""

import functools
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM, AutoTokenizer

from models.errors import WeightsError

ARCHITECTURES = {"bert": "encoder", "distilbert": "encoder", "gpt2": "decoder", "marian": "translator"}
"""What a `model_type` of `config.json` is to us: which of its attentions there are to see."""


class LibraryModel(nn.Module):
    """A library network with its tokenizer; `family` is `encoder`, `decoder` or `translator`."""

    def __init__(self, network: Any, tokenizer: Any, family: str) -> None:
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer
        self.family = family


def load_library_model(folder: Path) -> LibraryModel:
    """The model in `folder`, with attention computed step by step ("eager") so that its weights can be kept.

    Raises `WeightsError` for an architecture outside `ARCHITECTURES`.
    """
    local = {"local_files_only": True, "trust_remote_code": False}
    config = AutoConfig.from_pretrained(folder, **local)
    family = ARCHITECTURES.get(config.model_type)
    if family is None:
        raise WeightsError(f"Models of type {config.model_type} cannot be shown here.")
    auto = AutoModelForSeq2SeqLM if family == "translator" else AutoModel
    network = auto.from_pretrained(
        folder, **local, use_safetensors=True, attn_implementation="eager", dtype=torch.float32
    )
    return LibraryModel(network, AutoTokenizer.from_pretrained(folder, **local), family)


def readable_tokens(tokenizer: Any, ids: list[int]) -> list[str]:
    """Tokens as a reader would write them: a space for the marks of a space, bytes of a split character as hex.

    Word pieces keep their "##" and special tokens their brackets; the piece after a space begins with it.
    """
    byte_level = any(token.startswith("\u0120") for token in tokenizer.convert_ids_to_tokens(ids[:64]))
    special = set(tokenizer.all_special_ids)
    tokens = tokenizer.convert_ids_to_tokens(ids)
    return [
        token if number in special else _readable(token, byte_level=byte_level)
        for number, token in zip(ids, tokens, strict=True)
    ]


def _readable(token: str, *, byte_level: bool) -> str:
    if not byte_level:
        return token.replace("\u2581", " ")
    content = bytes(_byte_of_character()[character] for character in token)
    try:
        return content.decode()
    except UnicodeDecodeError:
        return "<" + content.hex(" ").upper() + ">"


@functools.cache
def _byte_of_character() -> dict[str, int]:
    """The printable characters by which GPT-2's tokenizer writes the 256 bytes (Radford et al. 2019), inverted."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(hidden)}

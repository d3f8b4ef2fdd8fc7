"""Prompts as vectors: the embedded MiniLM, frozen, reads the words that the sprite U-Net is told."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from models import weights
from models.diffusion.words_network import Prompts, WordsUNet, load_words_network
from models.errors import InputError

NAME = "sprites-words"
ENCODER = "all-minilm-l6-v2"
MAX_TOKENS = 64
WORD = re.compile(r"[^\W\d_]+")


class Reader(nn.Module):
    """MiniLM and its tokenizer."""

    def __init__(self) -> None:
        from transformers import AutoModel, AutoTokenizer

        super().__init__()
        folder = weights.folder(ENCODER)
        self.tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self.tokenizer.model_max_length = MAX_TOKENS
        self.tokenizer.split_special_tokens = True  # what visitors type is text
        self.encoder: Any = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()

    @torch.no_grad()
    def forward(self, texts: list[str]) -> Prompts:
        """The vectors of all tokens of `texts`, padded to the longest, with those for start and end of a text."""
        encoded = self.tokenizer(texts, padding=True, truncation=True, return_tensors="pt")
        encoded = {name: tensor.to(self.encoder.device) for name, tensor in encoded.items()}
        return Prompts(self.encoder(**encoded).last_hidden_state, encoded["attention_mask"].bool())

    def check(self, text: str) -> None:
        """Raises `InputError` for a text that would not be read to its end."""
        length = len(self.tokenizer(text, verbose=False)["input_ids"])
        if length > MAX_TOKENS:
            raise InputError(
                f"This network reads {MAX_TOKENS} pieces of words; a prompt of yours has {length}: shorten it."
            )


class SpriteWords(nn.Module):
    """The sprite U-Net that reads words, and its reader."""

    def __init__(self, unet: WordsUNet, reader: Reader) -> None:
        super().__init__()
        self.unet, self.reader = unet, reader

    def told(self, prompt: str, negative: str, count: int) -> tuple[Prompts, Prompts]:
        """What the U-Net is told for `count` sprites. Raises `InputError` for prompts that are too long."""
        for text in (negative, prompt):
            self.reader.check(text)
        without, asked = self.reader([negative]), self.reader([prompt])
        return without.times(count), asked.times(count)


def load_sprite_words(folder: Path) -> SpriteWords:
    """The network in `folder`, with its reader."""
    return SpriteWords(load_words_network(folder), Reader())


@cache
def vocabulary() -> frozenset[str]:
    """The words that captions of the training had."""
    return frozenset(json.loads((weights.folder(NAME) / "config.json").read_text())["vocabulary"])


def unknown_words(prompt: str) -> list[str]:
    """The words of a prompt that no caption of the training had, each once: the U-Net never learned what they mean."""
    return [word for word in dict.fromkeys(WORD.findall(prompt.lower())) if word not in vocabulary()]

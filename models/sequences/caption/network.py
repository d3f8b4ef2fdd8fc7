"""A picture becomes a vector, the vector becomes a sentence: one word a step, each written word read again.

Source: Vinyals et al. 2015, "Show and tell: a neural image caption generator". Here the image vector is the first
hidden state of the decoder instead of its first input. The decoder is the gated recurrent unit of Cho et al. (2014),
with the equations of `models.text.recurrent.gru_cell`.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.sequences.caption.scenes import HEIGHT, WIDTH, WORDS
from models.text.recurrent import State, gru_cell
from models.text.stored import load_stored

END = "(end)"
OUTPUTS = (END, *WORDS)
START_SYMBOL = len(OUTPUTS)
END_SYMBOL = 0


@dataclass(frozen=True)
class Config:
    """Channels of the convolutions, size of the word vectors, hidden units, and the outputs in their order."""

    channels: tuple[int, ...] = (32, 48, 96, 64)
    embedding: int = 64
    units: int = 256
    outputs: tuple[str, ...] = OUTPUTS

    def __post_init__(self) -> None:
        for name in ("channels", "outputs"):  # JSON has lists only
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.outputs != OUTPUTS:
            raise ValueError("the weights were made for other words")


class CaptionNetwork(nn.Module):
    """Convolutions of stride 2 read the picture, a GRU cell writes the sentence."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        layers, before, height, width = [], 3, HEIGHT, WIDTH
        for index, channels in enumerate(config.channels):
            kernel = 5 if index == 0 else 3
            layers.append(nn.Conv2d(before, channels, kernel, stride=2, padding=kernel // 2, bias=False))
            layers += [nn.BatchNorm2d(channels), nn.ReLU()]
            before, height, width = channels, (height + 1) // 2, (width + 1) // 2
        self.convolutions = nn.Sequential(*layers, nn.Flatten())
        self.dropout = nn.Dropout(0.0)
        self.image_vector = nn.Linear(before * height * width, config.units)
        self.embedding = nn.Embedding(len(config.outputs) + 1, config.embedding)
        self.recurrent = nn.GRU(config.embedding, config.units)
        self.output = nn.Linear(config.units, len(config.outputs))

    def look(self, pictures: Tensor) -> Tensor:
        """The first hidden state [B, units] from pictures [B, 3, 72, 96] float 0..1."""
        return torch.tanh(self.image_vector(self.dropout(self.convolutions(pictures * 2 - 1))))

    def step(self, symbols: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """Read one word: `symbols` [...] int64, `hidden` [..., units]; returns the new state and logits [..., outputs].

        Symbols are places in `OUTPUTS`, or `START_SYMBOL` before the first word.
        """
        layer: Any = self.recurrent
        input_says = F.linear(self.embedding(symbols), layer.weight_ih_l0, layer.bias_ih_l0)
        memory_says = F.linear(hidden, layer.weight_hh_l0, layer.bias_hh_l0)
        state, _ = gru_cell(input_says, memory_says, State(hidden))
        return state.hidden, self.output(state.hidden)

    def forward(self, image_vector: Tensor, symbols: Tensor) -> Tensor:
        """Read whole sentences, `symbols` [T, B], after `image_vector` [B, units]; returns logits [T, B, outputs]."""
        hidden, _ = self.recurrent(self.dropout(self.embedding(symbols)), image_vector[None])
        return self.output(self.dropout(hidden))

    @torch.inference_mode()
    def write(self, pictures: Tensor, max_words: int = 12) -> tuple[Tensor, Tensor]:
        """The most probable word at every step: pictures [B, 3, 72, 96] to symbols and probabilities [B, max_words].

        What follows an end symbol means nothing.
        """
        hidden = self.look(pictures)
        symbols, chosen, certain = torch.full((len(pictures),), START_SYMBOL, device=pictures.device), [], []
        for _ in range(max_words):
            hidden, logits = self.step(symbols, hidden)
            probabilities, symbols = logits.softmax(-1).max(-1)
            chosen.append(symbols)
            certain.append(probabilities)
        return torch.stack(chosen, 1), torch.stack(certain, 1)


def encode(sentence: str) -> list[int]:
    """A sentence as places in `OUTPUTS`, with the end symbol."""
    return [*(OUTPUTS.index(word) for word in sentence.split()), END_SYMBOL]


def decode(symbols: list[int]) -> str:
    """The words before the first end symbol."""
    end = symbols.index(END_SYMBOL) if END_SYMBOL in symbols else len(symbols)
    return " ".join(OUTPUTS[symbol] for symbol in symbols[:end])


def load(folder: Path) -> CaptionNetwork:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: CaptionNetwork(Config(**config)))


def describe(network: CaptionNetwork) -> dict[str, object]:
    """What `load` needs beside the weights."""
    return asdict(network.config)

"""Many to one: an LSTM reads word pieces, and the state after the last one decides.

h_t, c_t = LSTM(E[x_t], h_{t-1}, c_{t-1});  p_t = sigmoid(v h_t + b), the probability that the review is positive.

The network reads from left to right only, so p_t uses the first t pieces and nothing else: the verdict after every word
is what the network would say if the review ended there. E is a fixed table that says roughly what a word means; only
the LSTM and the output are trained. Sources: Hochreiter and Schmidhuber (1997); for learning from few sentences with
word vectors made elsewhere, Kim (2014), "Convolutional neural networks for sentence classification".
"""

from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from models.text.stored import load_stored
from models.text.tokenizer import for_visitors


@dataclass(frozen=True)
class Config:
    """Number of word pieces, width of their vectors, hidden units."""

    pieces: int
    width: int = 256
    units: int = 128


class ReviewNetwork(nn.Module):
    """A table of word vectors, one LSTM layer and one output; `tokenizer` cuts a text into the pieces of the table."""

    def __init__(self, config: Config, tokenizer: Tokenizer) -> None:
        super().__init__()
        if tokenizer.get_vocab_size() != config.pieces:
            raise ValueError(f"the tokenizer has {tokenizer.get_vocab_size()} pieces, the table {config.pieces}")
        self.config = config
        self.tokenizer = tokenizer
        self.embedding = nn.Embedding(config.pieces, config.width)
        self.embedding.weight.requires_grad_(False)
        self.recurrent = nn.LSTM(config.width, config.units)
        self.output = nn.Linear(config.units, 1)

    def forward(self, pieces: Tensor) -> tuple[Tensor, Tensor]:
        """Hidden states [T, B, units] and logits of "positive" [T, B] after each of `pieces` [T, B] int64."""
        hidden, _ = self.recurrent(self.embedding(pieces))
        return hidden, self.output(hidden).squeeze(-1)

    def encode(self, text: str) -> list[int]:
        """The pieces of `text`, as rows of the table."""
        return self.tokenizer.encode(text, add_special_tokens=False).ids


def load(folder: Path) -> ReviewNetwork:
    """A network from `config.json`, `tokenizer.json` and `model.safetensors`, in float32.

    Raises `WeightsError` if they do not fit.
    """
    return load_stored(
        folder, lambda config: ReviewNetwork(Config(**config), load_tokenizer(folder / "tokenizer.json"))
    )


def load_tokenizer(path: Path) -> Tokenizer:
    """A tokenizer of the tokenizers library from its JSON file, for what visitors type.

    Raises `ValueError` if it is not one.
    """
    content = path.read_text(encoding="utf-8")
    try:
        return for_visitors(Tokenizer.from_str(content))
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(f"{path.name} is not a tokenizer") from error


def describe(network: ReviewNetwork) -> dict[str, object]:
    """What `load` needs beside the weights and the tokenizer."""
    return asdict(network.config)


def pad(sentences: list[list[int]]) -> tuple[Tensor, Tensor]:
    """Sentences side by side: pieces [T, B] int64, filled up with 0 at the end, and lengths [B]."""
    lengths = torch.tensor([len(sentence) for sentence in sentences])
    pieces = torch.zeros(int(lengths.max()), len(sentences), dtype=torch.int64)
    for column, sentence in enumerate(sentences):
        pieces[: len(sentence), column] = torch.tensor(sentence)
    return pieces, lengths

"""The bottleneck: one recurrent network reads a sentence into one vector, another writes the translation from it.

Encoder and decoder are GRUs (Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder"; Sutskever
et al. 2014, "Sequence to sequence learning with neural networks"). The encoder's last state, the context c, is all
that the decoder is ever told: it is the decoder's first state, and an input of each of its steps. However long the
sentence is, c has the same size.

The remedy is a second configuration of the same network: with `attention="additive"` (Bahdanau et al. 2015, "Neural
machine translation by jointly learning to align and translate") each written piece is read out from a context of its
own, a weighted mean of all encoder states, in place of c. (The state after a step asks for it, as in Luong et al.
2015, so that a whole sentence still runs in PyTorch's fused cell.)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from models.errors import WeightsError
from models.text.stored import load_stored
from models.text.tokenizer import PAD, load_tokenizer

AttentionName = Literal["none", "additive"]


@dataclass(frozen=True)
class Config:
    """Everything needed to build the network: pieces, numbers an embedding and a state, attention if any, dropout."""

    vocabulary: int
    width: int = 256
    units: int = 384
    attention: AttentionName = "none"
    dropout: float = 0.0


class Memory(NamedTuple):
    """What the decoder is given: the context `[B, units]`, all encoder states `[B, S, units]`, a mask `[B, S]`.

    States and mask are for attention; without it only the context is used. The mask is True where there is a piece.
    """

    context: Tensor
    states: Tensor
    mask: Tensor


class AdditiveAttention(nn.Module):
    """weight_ts = softmax over s of v . tanh(W state_t + U source_s); context_t = sum over s of weight_ts source_s."""

    def __init__(self, units: int, width: int) -> None:
        super().__init__()
        self.query = nn.Linear(units, width, bias=False)
        self.key = nn.Linear(units, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, states: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """`states [B, T, units]` -> contexts `[B, T, units]` and weights `[B, T, S]`, whose rows sum to 1."""
        summed = self.query(states)[:, :, None] + self.key(memory.states)[:, None]
        scores = self.score(torch.tanh(summed))[..., 0]
        weights = scores.masked_fill(~memory.mask[:, None], -torch.inf).softmax(dim=-1)
        return weights.to(memory.states.dtype) @ memory.states, weights


class GruTranslator(nn.Module):
    """Source pieces in, target pieces out; one embedding table serves source, target and output."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.width, padding_idx=PAD)
        self.encoder = nn.GRU(config.width, config.units, batch_first=True)
        self.decoder = nn.GRU(config.width + config.units, config.units, batch_first=True)
        self.attention = AdditiveAttention(config.units, config.width) if config.attention == "additive" else None
        self.readout = nn.Linear(2 * config.units, config.width)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.embedding.weight, std=config.width**-0.5)

    def embed(self, tokens: Tensor) -> Tensor:
        """Embeddings times sqrt(width), so of unit size. `[B, T]` -> `[B, T, width]`."""
        return self.dropout(self.embedding(tokens) * self.config.width**0.5)

    def encode(self, source: Tensor) -> Memory:
        """Read `source [B, S]` (padded at its end) to its last piece; padding changes nothing."""
        mask = source != PAD
        lengths = mask.sum(dim=1)
        packed = pack_padded_sequence(self.embed(source), lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, last = self.encoder(packed)
        return Memory(last[0], pad_packed_sequence(states, batch_first=True)[0], mask)

    def decode(self, target: Tensor, memory: Memory, hidden: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Read `target [B, T]` from the state `hidden [B, units]`, the context if None, and say what comes next.

        Returns the readouts `[B, T, width]`, which `logits` compares with all pieces, and the states
        `[B, T, units]`.
        """
        readouts, states, _ = self.decode_and_align(target, memory, hidden)
        return readouts, states

    def decode_and_align(
        self, target: Tensor, memory: Memory, hidden: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """As `decode`, with the attention weights `[B, T, S]` by which each readout was made; None without attention.

        Row t sums to 1 and says where the network looks for the piece after `target[:, t]`.
        """
        contexts = memory.context[:, None].expand(-1, target.shape[1], -1)
        first = (memory.context if hidden is None else hidden)[None]
        states, _ = self.decoder(torch.cat([self.embed(target), contexts], dim=-1), first.contiguous())
        weights = None
        if self.attention is not None:
            contexts, weights = self.attention(states, memory)
        return torch.tanh(self.readout(self.dropout(torch.cat([states, contexts], dim=-1)))), states, weights

    def logits(self, readouts: Tensor) -> Tensor:
        """`[..., width]` -> scores of the next piece `[..., vocabulary]`."""
        return F.linear(readouts, self.embedding.weight)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """`source [B, S]`, `target [B, T]` (it begins with BOS) -> logits `[B, T, vocabulary]`."""
        return self.logits(self.decode(target, self.encode(source))[0])


def load_network(folder: Path) -> GruTranslator:
    """A network from `config.json` and `model.safetensors`, in float32. Raises `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: GruTranslator(Config(**config)))


class EmbeddedTranslator(nn.Module):
    """The recurrent translator with its tokenizer."""

    def __init__(self, network: GruTranslator, tokenizer: Tokenizer) -> None:
        super().__init__()
        self.network = network
        self.tokenizer = tokenizer


def load(folder: Path) -> EmbeddedTranslator:
    """Network and tokenizer of `folder`, for `runtime.load`. Raises `WeightsError` if the files cannot be used."""
    network = load_network(folder)
    try:
        tokenizer = load_tokenizer(folder)
    except Exception as error:  # the tokenizers library raises nothing narrower
        raise WeightsError(f"The tokenizer in {folder.name} cannot be used.") from error
    return EmbeddedTranslator(network, tokenizer)

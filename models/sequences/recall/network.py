"""Small networks of about equal size, side by side: an Elman RNN, a GRU, an LSTM and a causal Transformer.

The Transformer is there twice: trained on the distances that all have seen, and on distances three times as far.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from models.text.causal import CausalConfig, CausalTransformer
from models.text.recurrent import CharacterNetwork, Config
from models.text.stored import load_stored

CellName = Literal["rnn", "gru", "lstm", "transformer", "far_transformer"]
CELLS: tuple[CellName, ...] = ("rnn", "gru", "lstm", "transformer", "far_transformer")
RECURRENT = ("rnn", "gru", "lstm")


def _units() -> dict[str, int]:
    return {"rnn": 272, "gru": 148, "lstm": 126}


def _transformer() -> dict[str, Any]:
    return {"width": 64, "heads": 4, "layers": 2, "hidden": 352, "context": 512}


def _trained_to() -> dict[str, int]:
    return {"rnn": 100, "gru": 100, "lstm": 100, "transformer": 100, "far_transformer": 300}


@dataclass(frozen=True)
class RecallConfig:
    """Hidden units of the recurrent networks, the Transformers' sizes, the longest distance each saw in training."""

    units: dict[str, int] = field(default_factory=_units)
    transformer: dict[str, Any] = field(default_factory=_transformer)
    trained_to: dict[str, int] = field(default_factory=_trained_to)


class RecallNetworks(nn.ModuleDict):
    """The networks by the name of their cell, in the order of `CELLS`."""

    def __init__(self, config: RecallConfig) -> None:
        recurrent = {cell: CharacterNetwork(Config(cell, config.units[cell])) for cell in RECURRENT}
        transformers = {c: CausalTransformer(CausalConfig(**config.transformer)) for c in CELLS if c not in RECURRENT}
        super().__init__({**recurrent, **transformers})
        self.config = config

    def read(self, cell: CellName, symbols: Tensor) -> Tensor:
        """`symbols [B, T]` read from the beginning by one network -> logits `[B, T, symbols]` of what comes next."""
        network = self[cell]
        if isinstance(network, CharacterNetwork):
            return network(symbols.t(), network.fresh_state(len(symbols)))[0].transpose(0, 1)
        return network(symbols)

    def sizes(self) -> dict[str, int]:
        """Parameters of each network."""
        return {cell: sum(p.numel() for p in self[cell].parameters()) for cell in CELLS}


def load(folder: Path) -> RecallNetworks:
    """The networks from `config.json` and `model.safetensors`, in float32; `WeightsError` if they do not fit."""
    return load_stored(folder, lambda config: RecallNetworks(RecallConfig(**config)))


def describe(networks: RecallNetworks) -> dict[str, object]:
    """What `load` needs beside the weights."""
    return asdict(networks.config)

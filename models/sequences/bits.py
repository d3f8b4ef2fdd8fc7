"""Bits per character: the mean of -log2 p(next character).

The text is read in up to 128 stretches side by side; each stretch but the first reads the 512 characters before its own
to warm up (not counted twice), so every character is predicted from all that precedes it in the text or from at least
512 characters. The first is predicted from a fresh state and a line break, as in the app.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from models.text.recurrent import CharacterNetwork
from models.text.symbols import ALPHABET, START

MAX_STRETCHES = 128
WARM_UP = 512
WINDOW = 256


@torch.inference_mode()
def bits_per_character(network: CharacterNetwork, symbols: Tensor) -> float:
    """Mean surprise in bits over `symbols` [T] int64, T >= 1."""
    count = len(symbols)
    stretches = max(1, min(MAX_STRETCHES, count // (8 * WARM_UP)))
    length = math.ceil(count / stretches)
    inputs = torch.cat([torch.tensor([ALPHABET.index(START)], device=symbols.device), symbols[:-1]])
    positions = torch.arange(-WARM_UP, length)[:, None] + length * torch.arange(stretches)
    counted = (positions < count) & (torch.arange(-WARM_UP, length) >= 0)[:, None]
    positions = positions.clamp(0, count - 1)
    state, bits = network.fresh_state(stretches), 0.0
    for first in range(0, len(positions), WINDOW):
        if first == WARM_UP:
            state = state.map(_begin_first_afresh)
        window = slice(first, first + WINDOW)
        logits, state = network(inputs[positions[window]], state)
        nats = F.cross_entropy(logits.flatten(0, 1), symbols[positions[window]].flatten(), reduction="none")
        bits += float(nats[counted[window].flatten()].cpu().double().sum()) / math.log(2)
    return bits / count


def _begin_first_afresh(part: Tensor) -> Tensor:
    return torch.cat([torch.zeros_like(part[:1]), part[1:]])

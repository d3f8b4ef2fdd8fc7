"""Influence against finite differences of the fused networks of PyTorch, in double precision."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.sequences.influence import trace_influence
from models.text.recurrent import GATES, CharacterNetwork, Config
from models.text.symbols import ALPHABET, START, encode

TEXT = "abc de."


def fused_scores(network, one_hot):
    """Logits [T, symbols] by torch.nn.RNN, GRU or LSTM."""
    return network.output(network.recurrent(one_hot)[0])


@pytest.fixture(params=tuple(GATES))
def network(request):
    torch.manual_seed(5)
    network = CharacterNetwork(Config(request.param, units=12)).double()
    for parameter in network.parameters():
        parameter.data *= 3
    return network.requires_grad_(False)


def test_scores_are_those_of_the_fused_network(network):
    one_hot = torch.rand(9, len(ALPHABET), dtype=torch.float64)
    torch.testing.assert_close(network.scores(one_hot), fused_scores(network, one_hot), rtol=1e-10, atol=1e-12)


def test_influence_is_the_finite_difference(network):
    *_, trace = trace_influence(network.float(), TEXT)
    network.double()
    one_hot = F.one_hot(torch.from_numpy(encode(START + TEXT).symbols), len(ALPHABET)).double()
    best = fused_scores(network, one_hot).argmax(-1)
    expected = np.zeros((len(one_hot), len(one_hot)))
    step = 1e-6
    for s in range(len(one_hot)):
        nudges = torch.eye(len(ALPHABET), dtype=torch.float64) * step
        for_each = []
        for nudge in nudges:
            high, low = one_hot.clone(), one_hot.clone()
            high[s], low[s] = high[s] + nudge, low[s] - nudge
            difference = (fused_scores(network, high) - fused_scores(network, low)) / (2 * step)
            for_each.append(difference.gather(1, best[:, None])[:, 0])
        expected[:, s] = torch.stack(for_each).norm(dim=0).numpy()
    assert np.allclose(trace.influence, expected, rtol=1e-3, atol=1e-5)

"""Our cells against torch.nn.RNN, GRU and LSTM, and against the equations worked out number by number."""

import math

import pytest
import torch
from torch.nn import functional as F

from models.sequences.trace import trace_text
from models.text.recurrent import GATES, CharacterNetwork, Config

CELLS = tuple(GATES)


@pytest.fixture(params=CELLS)
def network(request):
    torch.manual_seed(3)
    return CharacterNetwork(Config(request.param, units=24)).double()


def run_by_steps(network, symbols, state):
    steps = []
    for symbol in symbols:
        steps.append(network.step(symbol, state))
        state = steps[-1].state
    return torch.stack([step.logits for step in steps]), steps


def start(network, batch):
    torch.manual_seed(4)
    return network.fresh_state(batch).map(lambda part: torch.randn_like(part) / 2)


def test_forward_is_that_of_torch(network):
    symbols = torch.randint(100, (17, 5))
    ours, steps = run_by_steps(network, symbols, start(network, 5))
    theirs, last = network(symbols, start(network, 5))
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    for our_part, their_part in zip(steps[-1].state, last, strict=True):
        if our_part is not None:
            torch.testing.assert_close(our_part, their_part, rtol=1e-10, atol=1e-12)


def test_gradients_are_those_of_torch(network):
    symbols = torch.randint(100, (11, 3))
    gradients = []
    for run in (run_by_steps, CharacterNetwork.__call__):
        logits, _ = run(network, symbols[:-1], start(network, 3))
        network.zero_grad()
        F.cross_entropy(logits.flatten(0, 1), symbols[1:].flatten()).backward()
        gradients.append({name: p.grad.clone() for name, p in network.named_parameters()})
    for name, ours in gradients[0].items():
        torch.testing.assert_close(ours, gradients[1][name], rtol=1e-8, atol=1e-12, msg=name)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def gates_by_hand(network, symbol, state, unit):
    """The gates of one unit, from the weights of torch's own layer, one product at a time."""
    layer, size = network.recurrent, network.config.units

    def says(weight, bias, vector, gate):
        row = gate * size + unit
        return sum(float(w) * float(v) for w, v in zip(weight[row], vector, strict=True)) + float(bias[row])

    one_hot = F.one_hot(symbol, 100)
    x = [says(layer.weight_ih_l0, layer.bias_ih_l0, one_hot, g) for g in range(len(layer.bias_ih_l0) // size)]
    h = [says(layer.weight_hh_l0, layer.bias_hh_l0, state.hidden, g) for g in range(len(layer.bias_ih_l0) // size)]
    if network.config.cell == "lstm":
        squash = (sigmoid, sigmoid, math.tanh, sigmoid)
        return [f(a + b) for f, a, b in zip(squash, x, h, strict=True)]
    if network.config.cell == "gru":
        r, z = sigmoid(x[0] + h[0]), sigmoid(x[1] + h[1])
        return [r, z, math.tanh(x[2] + r * h[2])]
    return []


@pytest.mark.parametrize("unit", [0, 7, 23])
@torch.no_grad()
def test_gates_are_those_of_the_equations(network, unit):
    state = start(network, 1).map(lambda part: part[0])
    symbol = torch.tensor(41)
    step = network.step(symbol, state)
    assert step.gates.shape == (len(GATES[network.config.cell]), 24)
    assert step.gates[:, unit].tolist() == pytest.approx(gates_by_hand(network, symbol, state, unit), abs=1e-12)


@torch.no_grad()
def test_gates_rebuild_the_states_that_torch_gives(network):
    trace = trace_text(network.float(), "Gates, twice over.")
    h = torch.from_numpy(trace.hidden_state)
    before = torch.cat([torch.zeros(1, 24), h[:-1]])
    if network.config.cell == "lstm":
        i, f, g, o = torch.from_numpy(trace.gates)
        c = torch.from_numpy(trace.cell_state)
        torch.testing.assert_close(c, f * torch.cat([torch.zeros(1, 24), c[:-1]]) + i * g)
        torch.testing.assert_close(h, o * torch.tanh(c))
    elif network.config.cell == "gru":
        _, z, n = torch.from_numpy(trace.gates)
        torch.testing.assert_close(h, (1 - z) * n + z * before)
    one_hot = F.one_hot(torch.from_numpy(trace.symbols), 100).float()
    torch.testing.assert_close(h, network.recurrent(one_hot)[0])


@torch.no_grad()
def test_trace_gives_the_distribution_of_torch(network):
    trace = trace_text(network.float(), "the cat")
    logits, _ = network(torch.from_numpy(trace.symbols)[:, None], network.fresh_state(1))
    torch.testing.assert_close(torch.from_numpy(trace.probabilities), logits[:, 0].softmax(-1))
    nats = F.cross_entropy(logits[:-1, 0], torch.from_numpy(trace.symbols[1:]), reduction="none")
    torch.testing.assert_close(torch.from_numpy(trace.surprise_bits[1:]), nats / math.log(2))

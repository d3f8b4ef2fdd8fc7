"""The causal Transformer against NumPy by hand, torch's fused attention and finite differences."""

import cmath

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from models.text.causal import CausalAttention, CausalConfig, CausalTransformer, turn

SMALL = CausalConfig(width=24, heads=3, layers=2, hidden=40, context=12)


@pytest.fixture
def network():
    torch.manual_seed(5)
    network = CausalTransformer(SMALL).double().eval()
    for parameter in network.parameters():
        parameter.data += 0.05 * torch.randn_like(parameter)
    return network.requires_grad_(False)


def turned_by_complex_numbers(x):
    """`[T, d]`: pair (i, i + d/2) as one complex number, multiplied by e^(i angle)."""
    length, size = x.shape
    half = size // 2
    result = np.zeros_like(x)
    for position in range(length):
        for i in range(half):
            angle = position * 10_000 ** (-2 * i / size)
            z = complex(x[position, i], x[position, i + half]) * cmath.exp(1j * angle)
            result[position, i], result[position, i + half] = z.real, z.imag
    return result


def layer_norm(x, state, name):
    x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    return x * state[f"{name}.weight"] + state[f"{name}.bias"]


def by_hand(network, symbols):
    """Logits `[T, symbols]` and attention weights `[layers, heads, T, T]`, one head and one position at a time."""
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    size = SMALL.width // SMALL.heads
    x = state["embedding.weight"][symbols] * SMALL.width**0.5
    attention = np.zeros((SMALL.layers, SMALL.heads, len(symbols), len(symbols)))
    for n in range(SMALL.layers):
        normed, mixed = layer_norm(x, state, f"layers.{n}.attention_norm"), np.zeros_like(x)
        q, k, v = (normed @ state[f"layers.{n}.attention.{part}.weight"].T for part in ("query", "key", "value"))
        for head in range(SMALL.heads):
            part = slice(head * size, (head + 1) * size)
            queries, keys = turned_by_complex_numbers(q[:, part]), turned_by_complex_numbers(k[:, part])
            for t in range(len(symbols)):
                scores = keys[: t + 1] @ queries[t] / size**0.5
                weights = np.exp(scores) / np.exp(scores).sum()
                attention[n, head, t, : t + 1] = weights
                mixed[t, part] = weights @ v[: t + 1, part]
        x = x + mixed @ state[f"layers.{n}.attention.out.weight"].T
        hidden = np.maximum(0, layer_norm(x, state, f"layers.{n}.forward_norm") @ feed(state, n, "up"))
        x = x + hidden @ feed(state, n, "down")
    return layer_norm(x, state, "norm") @ state["embedding.weight"].T, attention


def feed(state, n, part):
    return state[f"layers.{n}.feed_forward.{part}.weight"].T


def test_logits_and_attention_are_those_of_the_equations(network):
    symbols = torch.randint(100, (11,))
    logits, attention = by_hand(network, symbols.numpy())
    np.testing.assert_allclose(network(symbols[None])[0], logits, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(network.attention(symbols), attention, rtol=1e-6, atol=1e-7)


def test_attention_is_that_of_torchs_fused_one():
    torch.manual_seed(0)
    ours, x = CausalAttention(48, 4).double(), torch.randn(2, 9, 48).double()
    q, k, v = (layer(x).unflatten(-1, (4, 12)).transpose(1, 2) for layer in (ours.query, ours.key, ours.value))
    fused = F.scaled_dot_product_attention(turn(q), turn(k), v, is_causal=True)
    mask = torch.full((9, 9), -torch.inf).triu(1)
    torch.testing.assert_close(ours(x, x, mask), ours.out(fused.transpose(1, 2).flatten(2)), rtol=1e-6, atol=1e-8)


def test_a_look_depends_on_the_distance_only():
    torch.manual_seed(0)
    q, k = torch.randn(32), torch.randn(32)
    scores = turn(q.expand(40, 32)) @ turn(k.expand(40, 32)).T
    for distance in (0, 1, 7, 30):
        along = scores.diagonal(-distance)
        torch.testing.assert_close(along, along[:1].expand_as(along), rtol=1e-4, atol=1e-4)


def test_gradient_of_the_input_is_that_of_finite_differences(network):
    one_hot = F.one_hot(torch.randint(100, (8,)), 100).double()
    point = one_hot.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(network.scores(point)[-1].log_softmax(-1)[42], point)
    step = 1e-6
    for t, symbol in ((0, 3), (4, 60), (7, 99)):
        moved = []
        for sign in (1, -1):
            changed = one_hot.clone()
            changed[t, symbol] += sign * step
            moved.append(float(network.scores(changed)[-1].log_softmax(-1)[42]))
        assert float(gradient[t, symbol]) == pytest.approx((moved[0] - moved[1]) / (2 * step), rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("cut", [[1] * 12, [5, 1, 6], [12]])
def test_reading_on_from_a_cache_is_reading_it_all(network, cut):
    symbols = torch.randint(100, (2, 12), generator=torch.Generator().manual_seed(3))
    read, cache, logits = 0, (), []
    for length in cut:
        part, cache = network.read_on(symbols[:, read : read + length], cache)
        logits.append(part)
        read += length
    torch.testing.assert_close(torch.cat(logits, 1), network(symbols), atol=1e-5, rtol=1e-5)

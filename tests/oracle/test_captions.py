"""The decoder of captions against the equations of Vaswani et al. 2017 in numpy, number by number: the probabilities
beside words, and the cross-attention that lies on the photo.
"""

import math

import numpy as np
import pytest
import torch

from models import weights
from models.sequences.caption.choice import Choice
from models.sequences.caption.photo_network import Config, PhotoCaptioner, load
from models.sequences.caption.photo_trace import describe_features
from models.sequences.caption.words import END, MARKS, START


def small():
    torch.manual_seed(3)
    words = (*MARKS, "a", "man", "dog", "wave")
    return PhotoCaptioner(Config(words, features=10, cells=64, width=16, heads=4, layers=3, hidden=20))


@pytest.fixture(scope="module", params=["small", "embedded"])
def network(request):
    made = small() if request.param == "small" else load(weights.EMBEDDED / "photo-captioner")
    return made.double().eval().requires_grad_(False)


def normed(x, state, name):
    middle, spread = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return (x - middle) / np.sqrt(spread + 1e-5) * state[f"{name}.weight"] + state[f"{name}.bias"]


def softmax(x):
    grown = np.exp(x - x.max(-1, keepdims=True))
    return grown / grown.sum(-1, keepdims=True)


def attention(state, name, heads, x, context, *, causal):
    """Sums `[T, width]` and weights `[heads, T, S]`, head by head."""
    q, k, v = (y @ state[f"{name}.{part}.weight"].T for part, y in (("query", x), ("key", context), ("value", context)))
    size = q.shape[-1] // heads
    sums, looks = [], []
    for head in range(heads):
        some = slice(head * size, (head + 1) * size)
        scores = q[:, some] @ k[:, some].T / math.sqrt(size)
        if causal:
            scores = np.where(np.tri(len(x), dtype=bool), scores, -np.inf)
        looks.append(softmax(scores))
        sums.append(looks[-1] @ v[:, some])
    return np.concatenate(sums, -1) @ state[f"{name}.out.weight"].T, np.stack(looks)


def by_hand(network, features, numbers):
    """Probabilities `[T, words]` after each of the numbers, and cross-attention `[layers, heads, T, cells]`."""
    state = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    shape = network.config
    entered = normed(features, state, "feature_norm") @ state["enter.weight"].T + state["enter.bias"]
    memory = normed(entered + state["places"], state, "memory_norm")
    place, half = np.arange(len(numbers))[:, None], np.arange(0, shape.width, 2)
    angles = place / 10_000 ** (half / shape.width)
    waves = np.stack([np.sin(angles), np.cos(angles)], -1).reshape(len(numbers), -1)
    x = state["embedding.weight"][numbers] * math.sqrt(shape.width) + waves
    looks = []
    for layer in range(shape.layers):
        at = f"layers.{layer}"
        own = normed(x, state, f"{at}.attention_norm")
        x = x + attention(state, f"{at}.attention", shape.heads, own, own, causal=True)[0]
        asked = normed(x, state, f"{at}.cross_norm")
        read, look = attention(state, f"{at}.cross", shape.heads, asked, memory, causal=False)
        looks.append(look)
        x = x + read
        thought = normed(x, state, f"{at}.forward_norm") @ state[f"{at}.feed_forward.up.weight"].T
        x = x + np.maximum(thought, 0) @ state[f"{at}.feed_forward.down.weight"].T
    scores = normed(x, state, "norm") @ state["embedding.weight"].T
    scores[:, [0, START, 3]] = -np.inf
    scores[0, END] = -np.inf
    for at, last in enumerate(numbers):  # no word twice in a row, no two words together twice
        before = [place for place in range(at) if numbers[place] == last]
        scores[at, [last, *(numbers[place + 1] for place in before)]] = -np.inf
    return softmax(scores), np.stack(looks)


def test_words_and_looks_are_those_of_the_equations(network):
    shape = network.config
    features = np.random.default_rng(5).normal(size=(shape.cells, shape.features))
    caption = describe_features(network, torch.from_numpy(features), Choice(beginning=("a", "man")))
    numbers = [START, *(shape.words.index(word.word) for word in caption.words[:-1])]
    shares, looks = by_hand(network, features, numbers)
    assert len(caption.words) > 2
    for at, word in enumerate(caption.words):
        assert word.probability == pytest.approx(shares[at, shape.words.index(word.word)], rel=1e-4, abs=1e-7)
        best = [shape.words[number] for number in np.argsort(-shares[at])[:4]]
        assert [name for name, _ in word.likely[:4]] == best
        np.testing.assert_allclose(word.read, looks[:, :, at], rtol=1e-4, atol=1e-6)

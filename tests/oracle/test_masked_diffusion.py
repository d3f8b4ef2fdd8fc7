"""Masked diffusion on a tiny alphabet: the posterior by Bayes' rule, the bound by enumeration of everything."""

import math
from itertools import combinations, permutations, product

import numpy as np
import pytest
import torch

from models.diffusion.lines import BLANK, count_words, draw, reverse_chances, symbols_of, text_of
from models.diffusion.masked import fill, said
from models.diffusion.masked_network import BlankReader, MaskedConfig
from models.recipes.diffusion.masked import blank_counts, bound, with_blanks

LETTERS = 3
GONE = LETTERS  # the blank of the tiny alphabet


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    network = BlankReader(MaskedConfig(width=16, heads=2, layers=1, hidden=32))
    torch.nn.init.normal_(network.embedding.weight, std=0.7)
    return network.eval().requires_grad_(False)


def forward(start, late, early=0.0):
    """Rows of the matrix from time `early` to `late`: each character becomes a blank, a blank stays one."""
    matrix = np.eye(LETTERS + 1) * (1 - late) / (1 - early)
    matrix[:, GONE] += 1 - (1 - late) / (1 - early)
    return matrix[start]


@pytest.mark.parametrize(("s", "t"), [(0.0, 0.999), (0.25, 0.5), (0.9, 0.95), (0.0, 0.1)])
def test_the_posterior_is_that_of_bayes(s, t):
    for x in range(LETTERS):
        told = np.eye(LETTERS)[x]
        before = forward(x, s)  # q(z_s | x)
        for seen in (x, GONE):
            onto = np.array([forward(z, t, s)[seen] for z in range(LETTERS + 1)])  # q(z_t = seen | z_s)
            bayes = before * onto / (before * onto).sum()
            ours = reverse_chances(told, t, s) if seen == GONE else np.append(told, 0.0)  # what is there stays
            np.testing.assert_allclose(ours, bayes, atol=1e-12)


def test_the_posterior_of_a_distribution_is_the_mean_of_the_posteriors():
    chances = np.array([0.2, 0.5, 0.3])
    each = np.array([reverse_chances(np.eye(LETTERS)[x], 0.8, 0.3) for x in range(LETTERS)])
    np.testing.assert_allclose(reverse_chances(chances, 0.8, 0.3), chances @ each, atol=1e-12)


def test_a_whole_run_of_steps_leaves_blanks_as_the_forward_process_does():
    """The chance to be a blank still after steps from 1 to s is s: steps of any size agree."""
    for steps in (1, 3, 64):
        left = 1.0
        for step in range(steps):
            t, s = 1 - step / steps, 1 - (step + 1) / steps
            assert math.isclose(left, t, abs_tol=1e-12)
            left *= reverse_chances(np.array([1.0]), t, s)[-1]
        assert left == 0


def test_draws_have_the_frequencies_of_their_distribution():
    chances = np.array([0.1, 0.0, 0.6, 0.3])
    evenly = (np.arange(1000) + 0.5) / 1000
    drawn = draw(np.repeat(chances[None], 1000, axis=0), evenly)
    assert np.bincount(drawn, minlength=4).tolist() == [100, 0, 600, 300]
    assert draw(chances, np.array(np.nextafter(1, 0))) == 3 and draw(chances, np.array(0.0)) == 0


def nats_of(network, line, filled):
    """-log p of every place of `line` when those in `filled` are seen."""
    seen = torch.full_like(line, BLANK)
    seen[list(filled)] = line[list(filled)]
    logits = network(seen[None])[0].double()
    return -logits.log_softmax(-1)[torch.arange(len(line)), line]


def exact_bound(network, line):
    """The integral over time of the weighted cross-entropy, for each set of blanks its exact weight: nats a place."""
    length, total = len(line), 0.0
    for count in range(1, length + 1):
        weight = math.factorial(count - 1) * math.factorial(length - count) / math.factorial(length)
        for blank in combinations(range(length), count):
            nats = nats_of(network, line, set(range(length)) - set(blank))
            total += weight * float(nats[list(blank)].sum())
    return total / length


def test_the_weights_of_the_enumeration_are_the_integrals_over_time():
    """Of t^m (1 - t)^(T - m) / t from 0 to 1, for m blanks of T."""
    length, times = 5, (np.arange(200_000) + 0.5) / 200_000
    for count in range(1, length + 1):
        integral = np.mean(times ** (count - 1) * (1 - times) ** (length - count))
        exact = math.factorial(count - 1) * math.factorial(length - count) / math.factorial(length)
        assert math.isclose(integral, exact, rel_tol=1e-4)


def test_the_bound_is_the_mean_over_all_orders_and_no_less_than_the_surprise(network):
    line = torch.from_numpy(symbols_of("cabs"))
    by_order = []
    for order in permutations(range(4)):
        nats = [float(nats_of(network, line, order[:place])[order[place]]) for place in range(4)]
        by_order.append(sum(nats))
    exact = exact_bound(network, line) * 4
    assert math.isclose(exact, np.mean(by_order), rel_tol=1e-9)
    surprise = -math.log(np.mean(np.exp(-np.array(by_order))))  # of the mixture of all orders, which is sampled from
    assert surprise <= exact + 1e-12


def test_the_loss_of_the_training_estimates_the_bound(network):
    line = torch.from_numpy(symbols_of("cabs"))
    generator = torch.Generator().manual_seed(0)
    lines = line.repeat(4000, 1)
    estimate = float(bound(network, lines, generator))
    assert math.isclose(estimate, exact_bound(network, line), rel_tol=0.01)
    counts = blank_counts(400, 4, generator)
    assert torch.bincount(counts).tolist() == [0, 100, 100, 100, 100]
    seen = with_blanks(lines[:400], counts, generator)
    assert torch.equal((seen == BLANK).sum(1), counts) and bool(
        (seen[seen != BLANK] == lines[:400][seen != BLANK]).all()
    )


def test_lines_come_as_often_as_the_network_says(network):
    """Of one blank the draws have the network's frequencies; of two in one step, the product of both by themselves."""
    template = symbols_of("ab_d_")
    chances = said(network, template[None])[0]
    *_, (_, _, after) = fill(network, template, 1, "random", list(range(3000)))
    expected = np.outer(chances[2], chances[4])
    counted = np.zeros_like(expected)
    np.add.at(counted, (after[:, 2], after[:, 4]), 1 / 3000)
    assert np.abs(counted - expected).sum() / 2 < 0.5  # total variation, most of it from the many rare pairs
    for place, letter in product((2, 4), range(chances.shape[1])):
        share = (after[:, place] == letter).mean()
        assert abs(share - chances[place, letter]) < 4 * math.sqrt(chances[place, letter] / 3000 + 1e-6)


@pytest.mark.parametrize("order", ["random", "surest"])
@pytest.mark.parametrize("steps", [1, 5, 64])
def test_what_is_given_never_changes_and_a_seed_repeats_itself(network, order, steps):
    template = symbols_of("the ___ of __x")
    made = list(fill(network, template, steps, order, [3, 4]))
    again = list(fill(network, template, steps, order, [4, 3]))
    assert len(made) == steps
    given = template != BLANK
    for (seen, chances, after), (_, _, other) in zip(made, again, strict=True):
        assert (after[:, given] == template[given]).all()
        assert (after[seen != BLANK] == seen[seen != BLANK]).all(), "what is filled stays"
        np.testing.assert_array_equal(after, other[::-1])
        np.testing.assert_allclose(chances.sum(-1), seen == BLANK, atol=1e-12)
    last = made[-1][2]
    assert (last != BLANK).all() and not np.array_equal(last[0], last[1])
    assert "_" not in text_of(last[0]) and "\n" not in text_of(last[0])


def test_the_surest_places_are_filled_first_in_equal_shares(network):
    template = symbols_of("a" + "_" * 12)
    left = []
    for seen, chances, after in fill(network, template, 4, "surest", [0]):
        filled = (seen == BLANK) & (after != BLANK)
        others = (after == BLANK)[0]
        sure = chances[0].max(-1)
        assert not others.any() or sure[filled[0]].min() >= sure[others].max()
        left.append(int(others.sum()))
    assert left == [9, 6, 3, 0]


def test_words_with_something_drawn_are_counted(monkeypatch):
    monkeypatch.setattr("models.diffusion.lines.book_words", lambda: frozenset({"the", "cat", "sat"}))
    template, line = symbols_of("the ___ s__ on _____"), symbols_of("the cat sxt on a mat")
    words = count_words(line, template)
    assert (words.known, words.total) == (1, 3), "cat, sxt and a; the and on were given, mat may be cut"

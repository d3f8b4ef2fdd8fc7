"""Changes, their effects and four kinds of importance, against hand computations in float64, SciPy and fresh runs."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import rel_entr
from scipy.stats import rankdata, spearmanr

from models.attention.changes import parse_edits, parse_sum, visible_keys
from models.attention.effects import compare, divergence_bits, predicting_tokens, write_again
from models.attention.importance import (
    gradient_times_input,
    last_attention,
    mean_ranks,
    measure_importance,
    rank_correlation,
    rollout,
    stacked_rollout,
)
from models.attention.trace import load, load_subject
from models.text.instrument import Edits, Head, Place
from tests.hub import checkpoints

TEXT = "the cat sat on the mat"
MAKERS = {
    "gpt2": checkpoints.gpt2,
    "llama": checkpoints.smollm2,
    "bert": checkpoints.bert,
    "marian": checkpoints.marian,
}


@pytest.fixture(scope="module", params=[*MAKERS, "translator"])
def subject(request, tmp_path_factory):
    if request.param == "translator":
        return load("translator-en-fr").network
    folder = tmp_path_factory.mktemp("importance") / request.param
    MAKERS[request.param](folder)
    return load_subject(folder).eval().requires_grad_(False)


@pytest.fixture
def reading(subject):
    return subject.read(TEXT)


def stack_of(subject):
    return "decoder" if "decoder" in subject.kinds else "encoder"


def finished(steps):
    *shares, found = steps
    assert shares == sorted(shares)
    return found


def position_of(subject, reading):
    return min(3, len(predicting_tokens(subject, reading)) - 1)


# --- effects


def test_knocking_out_nothing_changes_nothing(subject, reading):
    effect = compare(subject, reading, parse_edits(subject, reading))
    assert effect.bits.max() == 0
    assert all((moved == 0).all() for moved in effect.moved.values())
    assert effect.cosine == pytest.approx(1)
    assert all(p == q for _, p, q in effect.rows(subject, 0, 8))


def test_the_divergence_is_scipys(subject, reading):
    kind = stack_of(subject)
    edits = Edits(heads_off=frozenset({Head(kind, 0, 0), Head(kind, 1, 1)}))
    before, after = (subject.run(reading, e).logits.double().softmax(-1).numpy() for e in (Edits(), edits))
    effect = compare(subject, reading, edits)
    np.testing.assert_allclose(effect.bits, rel_entr(before, after).sum(-1) / np.log(2), rtol=1e-6, atol=1e-12)
    assert effect.bits.max() > 0
    position = effect.most_changed
    rows = effect.rows(subject, position, 5)
    best = int(before[position].argmax())
    assert {word: p for word, p, _ in rows}[subject.word(best)] == pytest.approx(before[position, best], rel=1e-5)
    assert len(rows) == 5
    assert rows == sorted(rows, key=lambda row: -max(row[1:]))


def test_one_byte_level_token_alone_is_readable(tmp_path):
    checkpoints.gpt2(tmp_path / "gpt2")
    subject = load_subject(tmp_path / "gpt2")
    number = subject.tokenizer("\n")["input_ids"]
    assert [subject.word(i) for i in number] == ["\n"]


def test_impossible_tokens_do_not_spoil_the_divergence():
    before = torch.tensor([[0.5, 0.5, 0.0]], dtype=torch.float64).log()
    after = torch.tensor([[0.25, 0.75, 0.0]], dtype=torch.float64).log()
    expected = 0.5 * np.log2(0.5 / 0.25) + 0.5 * np.log2(0.5 / 0.75)
    assert float(divergence_bits(before, after)[0]) == pytest.approx(expected)


def test_what_moved_is_the_last_stream(subject, reading):
    kind = stack_of(subject)
    edits = Edits(layers_off=frozenset({Place(kind, 1)}))
    before, after = (subject.run(reading, e).stream[kind][-1].double() for e in (Edits(), edits))
    effect = compare(subject, reading, edits)
    expected = ((after - before) ** 2).sum(-1).sqrt().numpy()
    np.testing.assert_allclose(effect.moved[kind], expected, rtol=1e-4, atol=1e-5)
    if kind == "decoder" and "encoder" in effect.moved:
        assert not effect.moved["encoder"].any(), "what comes later does not reach back"


def test_a_swapped_token_is_compared_with_itself(subject, reading):
    """Without positions an encoder moves every token to the vector it had at its old place."""
    if subject.kinds != ("encoder",):
        pytest.skip("a mask or a decoder tells the order")
    blind = Edits(positions=False)
    unmoved = compare(subject, reading, blind, swap=(2, 4), before=subject.run(reading, blind))
    np.testing.assert_allclose(unmoved.moved["encoder"], 0, atol=1e-5)


def test_the_unedited_network_writes_its_translation_again(subject, reading):
    if not reading.written:
        pytest.skip("does not translate")
    *_, again = write_again(subject, reading, Edits())
    assert again.written == reading.written
    *_, other = write_again(subject, reading, Edits(layers_off=frozenset({Place("decoder", 0)})))
    run = subject.run(other, Edits(layers_off=frozenset({Place("decoder", 0)})))
    scores = run.logits.clone()
    scores[:, [0, 1, 3] if subject.architecture == "translator" else [subject.network.config.pad_token_id]] = -1e9
    assert tuple(scores.argmax(-1).tolist()) == other.written[1:]


def test_edges_of_a_translation_count_when_it_is_written_again(subject, reading):
    if not reading.written:
        pytest.skip("does not translate")
    edits = parse_edits(subject, reading, edges_off=[["cross", 1, 0], ["decoder", len(reading.written) - 2, 0]])
    *_, again = write_again(subject, reading, edits)
    assert again.written[0] == reading.written[0]


def test_a_token_of_the_text_is_hidden_and_none_of_the_translation(subject, reading):
    run = subject.run(reading, Edits(unseen=frozenset({1})))
    for kind in subject.kinds:
        hidden = (run.weights(kind)[..., 1] == 0).all()
        assert hidden == (not (kind == "decoder" and reading.written))


# --- the sum of one head


def test_weights_written_as_softmax_gave_them_change_nothing(subject, reading):
    kind, run = stack_of(subject), subject.run(reading)
    row = run.attended[Place(kind, 1)].weights[2, 3].tolist()
    given = {"kind": kind, "layer": 1, "head": 2, "rows": [{"query": 3, "weights": row}]}
    effect = compare(subject, reading, parse_sum(subject, reading, run, given), before=run)
    assert effect.bits.max() < 1e-6


def test_the_mask_is_the_one_of_the_architecture(subject, reading):
    run = subject.run(reading)
    for place, attended in run.attended.items():
        visible = visible_keys(run, place)
        rows, columns = attended.weights.shape[1:]
        causal = np.tril(np.ones((rows, columns), bool)) if place.kind == "decoder" else np.ones((rows, columns), bool)
        np.testing.assert_array_equal(visible, causal)


# --- importance


def by_hand(subject, run, position):
    """Rollout with explicit matrices in float64, the translator's decoder by one joint matrix over both languages."""
    eye = np.eye
    mean = {k: run.weights(k).double().mean(1).numpy() for k in subject.kinds}
    first = subject.kinds[0]
    product = eye(mean[first].shape[1])
    for layer in mean[first]:
        product = (0.5 * layer + 0.5 * eye(len(layer))) @ product
    if "cross" not in subject.kinds:
        return product[position]
    written, source = mean["cross"].shape[1:]
    joint = eye(written + source)
    for own, across in zip(mean["decoder"], mean["cross"], strict=True):
        look = eye(written + source)
        look[:written, :written] = 0.5 * own + 0.5 * eye(written)
        joint = look @ joint
        look = eye(written + source)
        look[:written, :written] = 0.5 * eye(written)
        look[:written, written:] = 0.5 * across
        joint = look @ joint
    share = joint[position, written:] @ product
    return share / share.sum()


def test_rollout_is_the_product_by_hand(subject, reading):
    run = subject.run(reading)
    for position in range(len(predicting_tokens(subject, reading))):
        found = rollout(subject, run, position)
        np.testing.assert_allclose(found, by_hand(subject, run, position), atol=1e-12)
        assert found.sum() == pytest.approx(1)


def test_rollout_of_two_layers_in_numbers():
    first = np.array([[1.0, 0.0], [0.5, 0.5]])
    second = np.array([[1.0, 0.0], [1.0, 0.0]])
    expected = np.array([[1.0, 0.0], [0.5 * 1.0 + 0.5 * 0.25, 0.5 * 0.75]])
    np.testing.assert_allclose(stacked_rollout(np.stack([first, second])), expected)


def test_the_attention_shown_is_the_mean_of_the_last_layer(subject, reading):
    run = subject.run(reading)
    kind = "cross" if reading.written else stack_of(subject)
    last = max(place.layer for place in run.attended if place.kind == kind)
    expected = run.attended[Place(kind, last)].weights[:, 1].double().mean(0)
    np.testing.assert_allclose(last_attention(subject, run, 1), expected, atol=1e-7)


def test_gradient_times_input_is_the_slope_of_finite_differences(subject, reading):
    """Each embedding made longer and shorter by a little, in float64; the log-probability follows as predicted."""
    double = copy.deepcopy(subject).double()
    position = position_of(subject, reading)
    token = int(subject.run(reading).logits[position].argmax())
    found = gradient_times_input(double, reading, position, token)
    step, tolerance = (1e-2, 1e-2) if subject.architecture == "llama" else (1e-5, 2e-4)  # its norm is in float32

    def log_probability(index, factor):
        calls = []

        def scaled(_, __, output):
            calls.append(1)
            if len(calls) > 1:
                return None
            output = output.clone()
            output[0, index] *= factor
            return output

        hook = double.embedding.register_forward_hook(scaled, prepend=True)
        try:
            return float(double.run(reading).logits[position].log_softmax(-1)[token])
        finally:
            hook.remove()

    measured = [
        (log_probability(i, 1 + step) - log_probability(i, 1 - step)) / (2 * step) for i in range(len(reading.ids))
    ]
    np.testing.assert_allclose(found, measured, rtol=tolerance, atol=tolerance * np.abs(measured).max())
    assert np.abs(measured).max() > 1e-6


def test_leaving_a_token_out_is_a_fresh_run_without_it(subject, reading):
    position = position_of(subject, reading)
    run = subject.run(reading)
    found = finished(measure_importance(subject, reading, run, position))
    token = int(run.logits[position].argmax())
    assert found.token == token
    before = float(run.logits[position].double().log_softmax(-1)[token])
    assert found.log_probability == pytest.approx(before)
    for index in np.flatnonzero(np.isfinite(found.scores["left_out"])):
        ids = [number for i, number in enumerate(reading.ids) if i != index]
        fresh = replace(reading, ids=tuple(ids), tokens=("",) * len(ids))
        place = position if reading.written else position - (index <= position)
        after = float(subject.run(fresh).logits[place].double().log_softmax(-1)[token])
        assert found.scores["left_out"][index] == pytest.approx(before - after, abs=1e-5)
    assert found.compared.sum() >= 3


def test_what_was_not_read_yet_has_no_importance(subject, reading):
    if subject.kinds != ("decoder",):
        pytest.skip("sees all of the text")
    found = finished(measure_importance(subject, reading, subject.run(reading), 2))
    for scores in found.scores.values():
        assert np.isfinite(scores[:3]).all()
        assert np.isnan(scores[3:]).all()


def test_agreement_is_scipys(subject, reading):
    found = finished(measure_importance(subject, reading, subject.run(reading), position_of(subject, reading)))
    chosen = found.compared
    for (a, b), value in found.agreement().items():
        expected = spearmanr(np.abs(found.scores[a][chosen]), np.abs(found.scores[b][chosen])).statistic
        assert value == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(20))
def test_ranks_with_ties_are_scipys(seed):
    generator = np.random.default_rng(seed)
    first, second = generator.integers(0, 6, (2, 12)).astype(float)
    np.testing.assert_allclose(mean_ranks(first), rankdata(first))
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic)


def test_no_order_no_agreement():
    assert rank_correlation(np.ones(5), np.arange(5.0)) is None
    assert rank_correlation(np.arange(2.0), np.arange(2.0)) is None

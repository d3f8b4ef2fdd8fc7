"""What `attention_explorer` gets: weights in steps, rows of a patch, runs that are kept and those that are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.views.explorer import (
    STEPS,
    attention_rollout,
    in_steps,
    pack_attention,
    pack_rows,
    view_of_attention,
    view_of_patch_attention,
)
from demos.views.picture import Picture
from demos.vit import runs
from demos.wire import to_wire
from models.attention.trace import AttentionRun, AttentionTrace, load, trace_attention
from tests.travelled import travelled

PICTURE = Picture("arrays/x", 2, 2)


def attention(layers, heads, tokens, seed=0):
    scores = np.random.default_rng(seed).exponential(size=(layers, heads, tokens, tokens)).astype(np.float32)
    return scores / scores.sum(-1, keepdims=True)


@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=40))
@settings(deadline=None, max_examples=50)
def test_weights_come_back_within_half_a_step(values):
    given_ = np.array(values, np.float32)
    assert np.abs(in_steps(given_) / STEPS - given_).max() <= 0.51 / STEPS


@given(layers=st.integers(1, 4), heads=st.integers(1, 4), tokens=st.integers(1, 9), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_rows_of_patches_come_back_within_a_hundredth_of_their_largest(layers, heads, tokens, seed):
    maps = attention(layers, heads, tokens, seed)
    packed = pack_attention(maps)
    whole = np.concatenate([maps, attention_rollout(maps)[:, None]], axis=1)
    for token in range(tokens):
        rows = packed.rows_of(token)
        largest = rows.largest[..., None]
        assert (np.abs((rows.steps / 255.0) ** 2 * largest - whole[:, :, token]) <= 0.01 * largest).all()
        again = pack_rows(whole[:, :, token])
        assert np.array_equal(again.steps, rows.steps)
        assert np.array_equal(again.largest, rows.largest)


def test_rollout_is_the_product_of_half_attention_and_half_the_token_itself():
    maps = attention(3, 2, 5)
    expected = np.eye(5)
    for layer, rollout in enumerate(attention_rollout(maps)):
        expected = (0.5 * maps[layer].mean(0) + 0.5 * np.eye(5)) @ expected
        np.testing.assert_allclose(rollout, expected, atol=1e-6)


def test_a_view_of_a_text_has_every_head_and_leaves_the_trace_alone():
    maps = attention(2, 3, 4)
    trace = AttentionTrace("encoder", ("a", "b", "c", "d"), ("a", "b", "c", "d"), maps.copy())
    drawn = view_of_attention(AttentionRun((trace,), "cut", "un chat"), "model", "text")
    (view,) = drawn.views
    assert (drawn.note, drawn.translation, view.kind) == ("cut", "un chat", "encoder")
    np.testing.assert_allclose(view.weights / view.steps, maps, atol=0.51 / STEPS)
    assert view.rollout.shape == (2, 4, 4)
    assert [(one.layer, one.head) for one in view.habits["same token"]] == [
        tuple(map(int, np.unravel_index(place, (2, 3))))
        for place in np.argsort(-np.trace(maps, axis1=2, axis2=3), axis=None, kind="stable")
    ]
    np.testing.assert_array_equal(trace.attention, maps)


def test_attention_at_64_tokens_takes_no_more_than_300_kilobytes():
    text = "The animal did not cross the street because it was too tired to go on, and the driver of the car waited . "
    run = trace_attention(load("all-minilm-l6-v2").network, " ".join((text * 3).split()[:60]))
    assert run.traces[0].attention.shape[-1] == 64
    assert travelled(view_of_attention(run, "model", "text")) <= 300_000


# Kept runs of pictures


@pytest.fixture
def kept():
    packed = pack_attention(attention(2, 3, 5))
    return runs.PACKED.put(packed, "a run of this test"), packed


def test_a_kept_run_answers_for_its_tokens(kept):
    name, packed = kept
    (view,) = view_of_patch_attention(packed, PICTURE, name).views
    assert np.array_equal(view.chosen.steps, packed.steps[:, :, 0])
    assert (view.layers, view.heads, view.token) == (2, 3, None)
    assert runs.attention_rows({"run": name, "token": 4}) == to_wire(packed.rows_of(4))


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        (None, "must name its run"),
        ([], "must name its run"),
        ({}, "no longer kept"),
        ({"run": 3, "token": 0}, "no longer kept"),
        ({"run": "another", "token": 0}, "no longer kept"),
        *(({"run": "a run of this test", "token": token}, "The token") for token in (-1, 5, 0.5, "1", None)),
    ],
)
def test_rows_that_cannot_be_are_refused_with_a_sentence(kept, request_, sentence):
    answer = runs.attention_rows(request_)
    assert set(answer) == {"error"}
    assert sentence in answer["error"]
    assert answer["error"].endswith(".")

"""Layer by layer: the logit lens, the walk through a layer, the softmax, and what bad input is told."""

import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from demos.attention import layers as page
from demos.views.attention_layers import view_of_next
from demos.wire import to_wire
from models import store
from models.attention import runs
from models.attention.layers import NextTokens
from models.attention.trace import load
from models.attention.trace import load_subject as load_folder
from models.attention.walk import TEMPERATURES, logit_lens, next_token, walk
from models.errors import InputError
from tests.hub import checkpoints

TRANSLATOR = "translator-en-fr"
TEXT = "I know the cat."


def event(**sent):
    return gr.EventData(None, sent)


@pytest.fixture(scope="module")
def gpt2(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layers") / "gpt2"
    checkpoints.gpt2(folder)
    return load_folder(folder).eval()


@pytest.fixture(scope="module")
def run(gpt2):
    reading = gpt2.read("the cat sat on the mat")
    return reading, gpt2.run(reading)


def test_the_lens_after_the_last_layer_is_the_prediction(gpt2, run):
    _, of = run
    lens = logit_lens(gpt2, of, k=4)
    top = of.logits.double().softmax(-1).topk(4)
    np.testing.assert_array_equal(lens.ids[-1], top.indices)
    np.testing.assert_allclose(lens.probabilities[-1], top.values, rtol=1e-6)
    np.testing.assert_allclose(lens.final[-1], top.values[:, 0], rtol=1e-6)
    p = of.logits.double().softmax(-1)
    np.testing.assert_allclose(lens.entropy[-1], -(p * p.log2()).sum(-1), rtol=1e-6)


def test_the_lens_in_between_is_norm_and_table_of_that_layers_stream(gpt2, run):
    _, of = run
    hidden, network = of.stream["decoder"][1].double(), gpt2.network.double()
    with torch.no_grad():
        expected = (network.transformer.ln_f(hidden) @ network.transformer.wte.weight.T).softmax(-1)
    network.float()
    lens = logit_lens(gpt2, of)
    np.testing.assert_allclose(lens.probabilities[1], expected.topk(5).values, rtol=1e-4)


def test_the_walk_adds_up(gpt2, run):
    reading, of = run
    stations = {station.name: station.values for station in walk(gpt2, reading, of, "decoder", 1, 3).stations}
    np.testing.assert_allclose(stations["residual stream in"], of.stream["decoder"][1, 3], rtol=1e-6)
    np.testing.assert_allclose(
        stations["+ attention"], stations["residual stream in"] + stations["attention"], atol=1e-6
    )
    np.testing.assert_allclose(stations["residual stream out"], stations["+ attention"] + stations["mlp"], atol=1e-6)
    with torch.no_grad():
        projected = gpt2.network.transformer.h[1].attn.c_proj(torch.tensor(stations["heads, side by side"]))
    np.testing.assert_allclose(stations["attention"], projected, atol=1e-6)


@pytest.mark.parametrize("stack", ["last", "encoder"])
def test_a_translators_decoder_and_encoder(stack):
    *_, (lens, walked, following, strip) = page.compute_layers(TEXT, TRANSLATOR, stack)
    json.dumps([to_wire(lens), to_wire(walked), to_wire(following)])
    names = [station.name for station in walked.stations]
    assert sum(station.numbers for station in walked.stations) == len(walked.values)
    assert ("cross-attention" in names) == (stack == "last")
    assert (following is not None) == (stack == "last")
    assert (lens.lens is not None) == (stack == "last")
    assert "7.05 M" in strip


def test_a_network_that_predicts_nothing_still_shows_its_stream():
    *_, (lens, walked, following, _) = page.compute_layers(TEXT, "all-minilm-l6-v2", "last")
    assert (lens.lens, following) == (None, None)
    assert lens.changes.shape == (7, len(lens.tokens))
    assert walked.stations[-1].name == "last norm"


def test_the_softmax_is_the_networks(gpt2, run):
    _, of = run
    ids, logits, partitions = next_token(of, 2, 10)
    for temperature, partition in zip(TEMPERATURES, partitions, strict=True):
        expected = (of.logits[2].double() / temperature).softmax(-1)
        np.testing.assert_allclose(np.exp(logits / temperature - partition), expected[ids], rtol=1e-9)


@given(arrays.arrays(np.float32, 500, elements=st.floats(-30, 30, width=32)), st.sampled_from(range(59)))
def test_what_the_page_computes_of_a_few_logits_is_the_softmax_of_all(logits, step):
    of = SimpleNamespace(logits=torch.from_numpy(logits)[None])
    ids, few, partitions = next_token(of, 0, 20)
    drawn = view_of_next(NextTokens("after a (1)", tuple(map(str, ids)), few, partitions, writable=False))
    temperature = TEMPERATURES[step]
    assert temperature == pytest.approx(0.1 + 0.05 * step)
    shares = np.exp(np.array(drawn.logits) / temperature - drawn.partitions[step])
    exact = (torch.from_numpy(logits).double() / temperature).softmax(-1)
    np.testing.assert_allclose(shares, exact[ids], rtol=1e-4, atol=1e-9)
    assert shares.sum() <= 1 + 1e-4


def test_a_cell_is_taken_apart():
    list(page.compute_layers(TEXT, TRANSLATOR, "last"))
    walked, following = page.view_cell(TEXT, TRANSLATOR, "last", event(layer=1, token=2))
    assert walked.title.endswith("(3) in layer 1")
    assert following.after.endswith("(3)")


@pytest.mark.parametrize(
    "sent",
    [{}, {"layer": 99, "token": 0}, {"layer": 1, "token": -1}, {"layer": "1", "token": 0}, {"layer": 1.5, "token": 0}],
)
def test_cells_that_are_not_there(sent):
    with pytest.raises(InputError):
        page.view_cell(TEXT, TRANSLATOR, "last", event(**sent))


@pytest.mark.parametrize(
    ("text", "model", "stack"),
    [
        ("", TRANSLATOR, "last"),
        (None, TRANSLATOR, "last"),
        ("a", "gpt5", "last"),
        ("a", TRANSLATOR, "first"),
        ("a", TRANSLATOR, None),
    ],
)
def test_requests_that_are_refused(text, model, stack):
    with pytest.raises(InputError):
        list(page.compute_layers(text, model, stack))


def test_a_token_is_written():
    assert page.write_token("The cat", event(word=" sat")) == "The cat sat"
    for word in (None, "", "x" * 101, 3, "<|endoftext|>"):
        with pytest.raises(InputError):
            page.write_token("The cat", event(word=word))


@pytest.mark.parametrize("text", ["x", "<b>a</b>", "the cat " * 200])
def test_strange_texts(text):
    *_, (lens, walked, *_rest) = page.compute_layers(text, TRANSLATOR, "encoder")
    assert len(lens.tokens) == lens.sizes.shape[1] <= 128
    assert walked.stations


def test_a_run_is_kept_and_not_run_again(monkeypatch):
    first = runs.run_text(TRANSLATOR, "word by word")
    monkeypatch.setattr(type(load(TRANSLATOR).network), "run", lambda *_: pytest.fail("the network must not run again"))
    assert runs.run_text(TRANSLATOR, "word by word").run is first.run


def test_kept_runs_are_bounded_in_bytes(monkeypatch):
    """In a store of the test's own: in that of the app, pages that are still opening keep runs too."""
    monkeypatch.setattr(store, "STORES", [])
    one = runs._size((None, runs.run_text(TRANSLATOR, "word 0").run))
    kept = store.Store("a test's", 3 * one, size=runs._size, gone="Gone.")
    for number in range(6):
        kept.put((None, runs.run_text(TRANSLATOR, f"word {number}").run))
    assert 1 <= len(kept) < 6
    assert kept.bytes <= 3 * one

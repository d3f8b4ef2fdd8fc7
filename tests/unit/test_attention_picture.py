"""The whole picture: the vectors and looks that are drawn are those of the runs."""

import json

import numpy as np
import pytest

from demos.attention.picture import EXAMPLE, compute_picture
from demos.views.attention_picture import view_of_picture
from demos.wire import to_wire
from models import runtime
from models.attention.picture import TWIN, look_at_picture
from models.attention.runs import run_text
from models.errors import InputError
from models.sequences.translation.trace import trace_translation
from models.text.gru_translator import load
from tests.handles import array_of


@pytest.fixture(scope="module")
def found():
    return look_at_picture(EXAMPLE)


def test_the_vectors_are_those_of_the_run(found):
    ran = run_text("translator-en-fr", EXAMPLE)
    view = to_wire(view_of_picture(found, EXAMPLE))
    for kind in ("encoder", "decoder"):
        sent = array_of(view[kind]["vectors"]) / 127 * np.array(view[kind]["largest"])[:, None, None]
        exact = ran.run.stream[kind].numpy()
        assert sent.shape == exact.shape == (4, len(view[kind]["tokens"]), 256)
        assert np.abs(sent - exact).max() <= 0.01 * np.abs(exact).max()
    json.dumps(view)


def test_every_look_is_the_surest_of_all_heads(found):
    ran = run_text("translator-en-fr", EXAMPLE)
    assert [looks.kind for looks in found.looks] == ["encoder", "decoder", "cross"]
    for looks in found.looks:
        weights = ran.run.weights(looks.kind).numpy()
        assert np.allclose(looks.weights, weights.max(axis=(1, 3)))
        for layer, token in np.ndindex(looks.heads.shape):
            head, source = looks.heads[layer, token], looks.sources[layer, token]
            assert weights[layer, head, token, source] == pytest.approx(looks.weights[layer, token])


def test_what_is_written_after_each_token_is_the_next_one(found):
    written = run_text("translator-en-fr", EXAMPLE).reading.written_tokens
    assert [word for word, _ in found.answers] == list(written[1:])


def test_the_twin_is_the_translator_of_the_sequences_tab(found):
    loaded = runtime.load(TWIN, load).network
    trace = trace_translation(loaded.network, loaded.tokenizer, EXAMPLE)
    read = [step for step in trace.steps if step.part == "encoder"]
    written = [step for step in trace.steps if step.part == "decoder"]
    assert np.allclose(found.twin.encoder, [step.hidden_state for step in read], atol=1e-5)
    assert np.allclose(found.twin.decoder, [step.hidden_state for step in written], atol=1e-4)
    assert [step.output[0][0] for step in written] == list(found.twin.written)


@pytest.mark.parametrize("text", ["", " ", 7, "日本語"])
def test_what_cannot_be_read_is_said(text):
    with pytest.raises(InputError):
        compute_picture(text)


def test_a_long_text_is_cut_as_everywhere():
    view, strip = compute_picture("The cat sat on the mat and looked at the dog. " * 20)
    assert "the first 128 are shown" in view.note
    assert len(view.twin.written) <= 60
    assert "Beside it the GRU translator" in strip

"""The public endpoint of the Attention tab, called as a client would."""

import time

import numpy as np
import pytest
from gradio_client.exceptions import AppError

from models import weights

SENTENCE = "The animal didn't cross the street because it was too tired."
OFFERED = [name for name in weights.offered("attention") if weights.find(name).kind != "hub"]


@pytest.mark.parametrize("model", OFFERED)
def test_tokens_layers_heads_and_the_file(client, model):
    facts, file = client.predict(SENTENCE, model, api_name="/attention_trace")
    arrays = np.load(file, allow_pickle=False)
    length = len(facts["tokens"])
    assert facts["model"] == model
    assert 0 < facts["seconds"] < 60
    assert arrays["attention"].dtype == np.float32
    assert arrays["attention"].shape == (facts["layers"], facts["heads"], length, length)
    np.testing.assert_allclose(arrays["attention"].sum(axis=-1), 1, atol=1e-5)
    assert not facts["cut"]


def test_the_translator_adds_its_translation_and_its_other_attentions(client):
    facts, file = client.predict("I love you.", "translator-en-fr", api_name="/attention_trace")
    arrays = np.load(file, allow_pickle=False)
    written = len(arrays["written"])
    assert facts["translation"].strip()
    assert arrays["decoder_attention"].shape == (facts["layers"], facts["heads"], written, written)
    assert arrays["cross_attention"].shape == (facts["layers"], facts["heads"], written, len(facts["tokens"]))


def test_the_default_model_is_the_pretrained_encoder(client):
    facts, _ = client.predict(SENTENCE, api_name="/attention_trace")
    assert facts["model"] == "all-minilm-l6-v2"


@pytest.mark.parametrize("model", OFFERED)
def test_long_text_is_cut_with_a_sentence(client, model):
    facts, _ = client.predict("the cat sat on the mat " * 100, model, api_name="/attention_trace")
    assert len(facts["tokens"]) == 128
    assert facts["cut"]
    assert "first 128" in facts["note"]


STRANGE = ["🙂", "مرحبا بالعالم", "<script>alert(1)</script>", "a\0b", "\u202e\u0301x", "{{value}}${1+1}"]
UNKNOWN = STRANGE[:2]


@pytest.mark.parametrize("text", STRANGE)
@pytest.mark.parametrize("model", OFFERED)
def test_strange_text_is_traced(client, text, model):
    if model == "translator-en-fr" and text in UNKNOWN:
        with pytest.raises(AppError, match="no symbol for anything"):
            client.predict(text, model, api_name="/attention_trace")
        return
    facts, _ = client.predict(text, model, api_name="/attention_trace")
    assert facts["tokens"]


REFUSED = {
    "empty": ("", OFFERED[0]),
    "blank": (" \n ", OFFERED[0]),
    "megabyte": ("word " * 210_000, OFFERED[0]),
    "unknown model": (SENTENCE, "gpt5"),
    "another tab's model": (SENTENCE, "sprites-unet"),
    "a path": (SENTENCE, "../../etc"),
    "no model": (SENTENCE, 7),
}


@pytest.mark.parametrize(("text", "model"), REFUSED.values(), ids=REFUSED)
def test_bad_input_gets_one_sentence(client, text, model):
    with pytest.raises(AppError) as refusal:
        client.predict(text, model, api_name="/attention_trace")
    sentence = str(refusal.value)
    assert 10 < len(sentence) < 400
    assert not any(word in sentence for word in ("Traceback", ".py", "/home", "/root", "Error("))


def test_the_app_goes_on_after_bad_input(client):
    start = time.perf_counter()
    facts, _ = client.predict("one", OFFERED[0], api_name="/attention_trace")
    assert facts["layers"] > 0
    assert time.perf_counter() - start < 30

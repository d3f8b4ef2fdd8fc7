"""The public endpoint of live translation, called as a client would."""

import numpy as np
import pytest
from gradio_client.exceptions import AppError

SENTENCE = "My brother bought a red car last week."
MODELS = {"translator-en-fr": (3, 8), "gru-attention-en-fr": (1, 1), "gru-translator-en-fr": (0, 0)}


def translate(client, *values, **named):
    return client.predict(*values, **named, api_name="/attention_translate")


@pytest.mark.parametrize(("model", "heads"), MODELS.items())
def test_translation_and_alignment(client, model, heads):
    facts, file = translate(client, SENTENCE, model)
    arrays = np.load(file, allow_pickle=False)
    assert facts["model"] == model
    assert facts["log_probability"] < 0
    assert facts["translation"].startswith("Mon frère a acheté")
    assert arrays["alignment"].shape == (*heads, len(facts["written"]), len(facts["source"]))
    np.testing.assert_allclose(arrays["alignment"].sum(-1), 1, atol=1e-5)
    assert arrays["written"].tolist() == facts["written"]


def test_a_beam_finds_a_likelier_one_here(client):
    sentence = "I don't know what you were talking about yesterday."
    plain, beam = (translate(client, sentence, "gru-attention-en-fr", width)[0] for width in (1, 4))
    assert beam["log_probability"] > plain["log_probability"]


def test_a_beginning_is_kept(client):
    facts, _ = translate(client, SENTENCE, "translator-en-fr", beginning="La semaine dernière")
    assert facts["translation"].startswith("La semaine dernière")
    assert len(facts["written"]) > 4


@pytest.mark.parametrize(
    ("text", "note"),
    [("<script>alert(1)</script>", "no symbol for"), ("a\0b", ""), ("\u202ex", ""), ("word " * 300, "first 64")],
)
def test_strange_text_is_translated(client, text, note):
    facts, _ = translate(client, text, "translator-en-fr")
    assert facts["written"]
    assert note in facts["note"] and bool(facts["note"]) == bool(note)


@pytest.mark.parametrize("text", ["🙂", "مرحبا"])
def test_a_text_of_which_nothing_is_known_is_refused(client, text):
    with pytest.raises(AppError, match="no symbol for anything"):
        translate(client, text, "translator-en-fr")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("", "translator-en-fr"), "is empty"),
        (("x" * 5_001, "translator-en-fr"), "5,000"),
        ((SENTENCE, "gpt2"), "must be one of"),
        ((SENTENCE, 7), "must be one of"),
        ((SENTENCE, "translator-en-fr", 0), "from 1 to 8"),
        ((SENTENCE, "translator-en-fr", 9), "from 1 to 8"),
        ((SENTENCE, "translator-en-fr", "4"), "from 1 to 8"),
        ((SENTENCE, "translator-en-fr", 2, "🙂"), "no token"),
        ((SENTENCE, "translator-en-fr", 2, "le " * 400), "limit"),
        ((SENTENCE, "translator-en-fr", 2, 5), "must be text"),
    ],
)
def test_mistakes(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        translate(client, *values)

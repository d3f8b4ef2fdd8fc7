"""Heads found by a look: against the library's own attention, and the looks that the page opens on."""

import numpy as np
import pytest
import torch
from transformers import AutoModel, AutoTokenizer

from demos.views.attention_sum import view_of_sum
from models import weights
from models.attention import trace
from models.attention.effects import divergence_bits
from models.attention.links import find_heads, find_token, first_look, rank_heads, without_head
from models.attention.sums import show_sum
from models.errors import InputError
from models.text.instrument import Edits, Head

ANIMAL = "The animal didn't cross the street because it was too tired."
MINILM, TRANSLATOR = "all-minilm-l6-v2", "translator-en-fr"


def traces(model, text):
    return {one.kind: one for one in trace.trace_attention(trace.load(model).network, text).traces}


def library_attention(text):
    """`[layers, heads, T, T]` and the tokens, by the library's eager attention."""
    folder = weights.folder(MINILM)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer(text, return_tensors="pt")
    with torch.inference_mode():
        attentions = model(**ids, output_attentions=True).attentions
    return torch.cat(attentions).numpy(), tokenizer.convert_ids_to_tokens(ids["input_ids"][0])


def test_heads_are_ranked_as_the_librarys_attention_says():
    attention, tokens = library_attention(ANIMAL)
    link = attention[:, :, tokens.index("it"), tokens.index("animal")]
    expected = np.argsort(-link, axis=None)[:4]
    found = find_heads(MINILM, ANIMAL, "it", "animal", None, 4)
    assert [(layer, head) for layer, head, _ in found.heads] == [divmod(int(at), link.shape[1]) for at in expected]
    np.testing.assert_allclose([weight for *_, weight in found.heads], link.flat[expected], atol=2e-3)
    assert [(layer + 1, head + 1) for layer, head, _ in found.heads[:2]] == [(4, 2), (6, 12)]


@pytest.mark.parametrize(
    ("model", "text", "kind", "query", "key", "least"),
    [
        (MINILM, ANIMAL, "encoder", "it", "animal", 0.6),
        (TRANSLATOR, ANIMAL, "cross", "rue", "street", 0.5),
        (TRANSLATOR, "My brother bought a red car last week.", "cross", "rouge", "red", 0.7),
    ],
)
def test_the_first_look_is_the_best_head_for_a_link_that_says_something(model, text, kind, query, key, least):
    found = traces(model, text)[kind]
    look = first_look(found)
    assert look.weight == found.attention[look.layer, look.head, look.query, look.key]
    assert look.weight >= least
    wanted = found.attention[look.layer, look.head, find_token(found.tokens, query)]
    assert wanted.argmax() == find_token(found.sources, key)
    assert wanted.max() >= least
    if kind == "encoder":
        assert rank_heads(found, look.query, look.key, 1)[0][:2] == (look.layer, look.head)
        assert (found.tokens[look.query], found.sources[look.key]) == (query, key)


def test_a_text_of_marks_has_no_first_look():
    assert first_look(traces(MINILM, "?! ...")["encoder"]) is None


def test_without_a_head_is_the_run_with_it_switched_off():
    subject = trace.load(TRANSLATOR).network
    reading = subject.read(ANIMAL)
    before, after = subject.run(reading), subject.run(reading, Edits(heads_off=frozenset([Head("cross", 2, 1)])))
    bits = divergence_bits(*(torch.log_softmax(run.logits.double(), -1) for run in (before, after)))
    found, *_ = without_head(TRANSLATOR, ANIMAL, "cross", 2, 1, 14)
    np.testing.assert_allclose(found.bits, bits.numpy(), atol=1e-4)
    assert (found.own, found.places[14].strip()) == (14, "trop")


def test_what_is_not_there_is_said():
    with pytest.raises(InputError, match="No token is written like that"):
        find_heads(MINILM, ANIMAL, "horse", "animal", None, 1)
    with pytest.raises(InputError, match="from 0 to 15"):
        find_heads(MINILM, ANIMAL, 16, "animal", None, 1)
    with pytest.raises(InputError, match="must be one of: encoder"):
        find_heads(MINILM, ANIMAL, "it", "animal", "cross", 1)


def test_the_sum_opens_on_the_head_that_counts_most():
    """Every head of the cross-attention switched off in turn, and the words that are looked at, once more by hand."""
    subject = trace.load(TRANSLATOR).network
    reading = subject.read(ANIMAL)
    run = subject.run(reading)
    logs = torch.log_softmax(run.logits.double(), -1)
    best = (0.0, -1, -1, -1)
    for layer, head in np.ndindex(run.weights("cross").shape[:2]):
        after = subject.run(reading, Edits(heads_off=frozenset([Head("cross", layer, head)])))
        bits = divergence_bits(logs, torch.log_softmax(after.logits.double(), -1))
        for query, most in enumerate(run.weights("cross")[layer, head].argmax(-1).tolist()):
            if any(letter.isalpha() for letter in reading.tokens[most].replace("</s>", "")):
                best = max(best, (float(bits[query]), layer, head, query))
    shown = show_sum(TRANSLATOR, ANIMAL)
    assert (shown.sum.head.layer, shown.sum.head.head, shown.sum.query) == best[1:]
    assert shown.without.bits[shown.sum.query] == pytest.approx(best[0], abs=1e-4)
    assert best[0] > 0.3
    assert shown.heads == run.weights("cross").shape[0] * run.weights("cross").shape[1]
    assert "Of 24 heads none counts more for a prediction here" in view_of_sum(shown).said

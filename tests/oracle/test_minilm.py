"""The embedded all-MiniLM-L6-v2 says what its weights in 32 bits say, but for rounding.

`data/minilm_float32.json` was computed once with the published `model.safetensors` (SHA-256 in the model's NOTICE): for
each text its tokens, the mean of the last vectors `[384]`, and what token 1 looks at, averaged over heads `[6, T]`.
"""

import json
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch

from models.attention import trace
from models.attention.library import LibrarySubject

REFERENCES = json.loads((Path(__file__).parent / "data" / "minilm_float32.json").read_text())


@pytest.fixture(scope="module")
def minilm() -> LibrarySubject:
    return trace.load("all-minilm-l6-v2").network


def vector(minilm, ids):
    with torch.inference_mode():
        return minilm.network(torch.tensor([ids], device=minilm.device)).last_hidden_state[0].mean(0).numpy(force=True)


@pytest.mark.parametrize("reference", REFERENCES, ids=[r["text"] for r in REFERENCES])
def test_tokens_vectors_and_attention_are_those_of_32_bits(minilm, reference):
    assert minilm.tokenizer(reference["text"])["input_ids"] == reference["ids"]
    np.testing.assert_allclose(vector(minilm, reference["ids"]), reference["vector"], atol=2e-3)
    (found,) = trace.trace_attention(minilm, reference["text"]).traces
    np.testing.assert_allclose(found.attention[:, :, 1].mean(1), reference["attention"], atol=2e-3)


def test_sentences_are_as_alike_as_in_32_bits(minilm):
    def cosine(a, b):
        return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))

    for first, second in combinations(REFERENCES, 2):
        expected = cosine(np.array(first["vector"]), np.array(second["vector"]))
        found = cosine(vector(minilm, first["ids"]), vector(minilm, second["ids"]))
        assert found == pytest.approx(expected, abs=5e-4)
    cat, kitten, market = (np.array(reference["vector"]) for reference in REFERENCES[:3])
    assert cosine(cat, kitten) > cosine(cat, market) + 0.4

"""Each kind of hub model, tiny but in its true format: fetched from the stand-in hub, loaded, and run."""

import numpy as np
import pytest

from models import runtime

IMAGE = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)


@pytest.fixture
def arrived(stand_in, fetch, monkeypatch):
    """`arrived(name)`: fetched from the stand-in; nothing stays in memory afterwards."""
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())

    def arrived_(name):
        state = fetch(name)
        assert state.status == "ready", state

    return arrived_


@pytest.mark.parametrize(("name", "layers", "heads"), [("gpt2", 2, 4), ("bert-base-uncased", 2, 4)])
def test_language_models_give_all_their_attention(arrived, name, layers, heads):
    from models.attention.trace import load, trace_attention

    arrived(name)
    trace = trace_attention(load(name).network, "the cat sat on the mat").traces[0]
    assert trace.attention.shape == (layers, heads, len(trace.tokens), len(trace.tokens))
    np.testing.assert_allclose(trace.attention.sum(-1), 1, atol=1e-5)
    if name == "gpt2":
        assert np.allclose(np.triu(trace.attention, 1), 0), "a decoder must not see what follows"


def test_marian_translates_and_shows_its_cross_attention(arrived):
    from models.attention.trace import load, trace_attention

    arrived("opus-mt-en-fr")
    run = trace_attention(load("opus-mt-en-fr").network, "the cat sat on the mat")
    assert [trace.kind for trace in run.traces] == ["encoder", "decoder", "cross"]


@pytest.mark.parametrize(("name", "patches", "labels"), [("vit-base-patch16-224", 14, 3), ("dinov2-small", 16, 0)])
def test_vision_transformers(arrived, name, patches, labels):
    from models.vit import library
    from models.vit.trace import trace_image

    arrived(name)
    trace = trace_image(runtime.load(name, library.load).network, IMAGE)
    assert trace.grid == (patches, patches)
    assert len(trace.probabilities) == labels


def test_rf_detr(arrived):
    from models.detection.network import detect, load_detector

    arrived("rf-detr-base")
    loaded = runtime.load("rf-detr-base", load_detector)
    found = detect(loaded.network, IMAGE, 0.0)
    assert len(found) > 0
    assert loaded.network.labels == ("person", "cat", "dog")
    assert (found.xyxy >= 0).all()
    assert (found.xyxy[:, 2] <= 120).all()

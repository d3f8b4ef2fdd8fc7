"""Each kind of hub model, tiny but in its true format: fetched from the stand-in hub, loaded, and run."""

import re

import numpy as np
import pytest

from models import runtime, weights

IMAGE = np.random.default_rng(0).integers(0, 256, (80, 120, 3), dtype=np.uint8)


@pytest.fixture
def arrived(stand_in, fetched, monkeypatch):
    """`arrived(name)`: fetched from the stand-in; nothing stays in memory afterwards."""
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())

    def arrived_(name):
        assert fetched(name)[-1].status == "ready"

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


@pytest.mark.parametrize(
    ("name", "patches", "labels"),
    [
        ("vit-base-patch16-224", 14, 3),
        ("deit-small-patch16-224", 14, 3),
        ("dinov2-small", 16, 0),
        ("dinov2-base", 16, 0),
    ],
)
def test_vision_transformers(arrived, name, patches, labels):
    from models.vision import library
    from models.vit.trace import trace_image

    arrived(name)
    trace = trace_image(runtime.load(name, library.load).network, IMAGE)
    assert trace.grid == (patches, patches)
    assert len(trace.probabilities) == labels


def test_clip_says_what_the_library_says(arrived):
    import torch
    from PIL import Image
    from transformers import CLIPModel, CLIPTokenizer
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from models.vit import clip

    arrived("clip-vit-base-patch32")
    loaded = runtime.load("clip-vit-base-patch32", clip.load)
    folder = weights.folder("clip-vit-base-patch32")
    names = ["cat", "a rather long name " * 4, "dog"]
    answer = clip.name_picture(loaded.network, IMAGE, names, "a photo of a {}.")
    network, tokenizer = CLIPModel.from_pretrained(folder), CLIPTokenizer.from_pretrained(folder)
    text = tokenizer(list(answer.sentences), padding=True, truncation=True, max_length=77, return_tensors="pt")
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(Image.fromarray(IMAGE), return_tensors="pt")
    with torch.no_grad():
        expected = network(**text, **pixels).logits_per_image[0]
    np.testing.assert_allclose(answer.scale * answer.cosines, expected, atol=0.05)
    np.testing.assert_allclose(answer.probabilities, expected.softmax(-1), atol=0.01)
    assert answer.sentences[0] == "a photo of a cat."


def test_names_of_ones_own_wait_for_clip_and_then_get_their_probabilities(arrived, tmp_path):
    from PIL import Image

    from demos.vit import zero_shot as page

    path = tmp_path / "picture.png"
    Image.fromarray(IMAGE).save(path)
    asked = (str(path), "cat\n\n dog <b>\nmat", "a photo of a {}.", "clip-vit-base-patch32")
    arrived("clip-vit-base-patch32")
    table, _, _, strip = list(page.compute_zero_shot(*asked))[-1]
    assert "a photo of a dog &lt;b&gt;." in table
    shares = [float(share) for share in re.findall(r"([\d.]+)&nbsp;%", table)]
    assert len(shares) == 3
    assert sum(shares) == pytest.approx(100, abs=0.3)
    assert "CLIP ViT-B/32" in strip


def test_a_sentence_that_clip_would_cut_is_refused(arrived):
    from models.errors import InputError
    from models.vit.clip import choose_name

    arrived("clip-vit-base-patch32")
    with pytest.raises(InputError, match="the longest sentence has"):
        choose_name("clip-vit-base-patch32", IMAGE, ["cat", "dog " * 100], "a photo of a {}.")


@pytest.mark.parametrize("name", ["rf-detr-nano", "rf-detr-small", "rf-detr-medium", "rf-detr-large", "rf-detr-base"])
def test_rf_detr(arrived, name):
    from models.detection.network import detect, load_detector

    arrived(name)
    loaded = runtime.load(name, load_detector)
    found = detect(loaded.network, IMAGE, 0.0)
    assert len(found) > 0
    assert loaded.network.labels == ("person", "cat", "dog")
    assert (found.corners >= 0).all()
    assert (found.pixels(IMAGE.shape[:2])[:, 2] <= 120).all()


def test_rf_detr_with_windows_is_traced_and_drawn(arrived):
    from demos.views.detection_trace import view_of_patches, view_of_trace
    from models.detection.network import load_detector
    from models.detection.trace import trace_detection

    arrived("rf-detr-base")
    trace = trace_detection(runtime.load("rf-detr-base", load_detector).network, IMAGE)
    assert trace.backbone.side == 2
    np.testing.assert_allclose(trace.backbone.rows_of(5).sum(-1), 1, atol=1e-5)
    np.testing.assert_allclose(trace.boxes_cxcywh[-1], trace.prediction.boxes_cxcywh, atol=1e-5)
    assert view_of_trace(trace, IMAGE, "run").stages[-1] == "layer 2"
    assert "2 x 2 windows" in view_of_patches(trace, IMAGE, "run").note

"""Every model of the hub in its published format: served, fetched and loaded by the app, compared with the library.

The network that is compared with is the one that was saved, not one that was read back; its input is made by the
library's own pre-processing of the published files. With `GLASSBOX_WRITE_TABLE=1` what was found is written to
docs/true_format.md:

    GLASSBOX_WRITE_TABLE=1 python -m pytest -n0 -m "" tests/hub/test_true_format.py
"""

import json
import os
import shutil
import types
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from models import hub_cache, runtime, weights
from models.images import read_image
from tests.hub.conftest import FIRST_COMMIT
from tests.hub.published import PUBLISHED, RF_DETR

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "docs" / "true_format.md"
TEXT = "the cat sat on the mat, and the dog sat on the log."
HUB = [entry.name for entry in weights.CATALOGUE.values() if entry.kind == "hub"]
FULL = ("swin-tiny-patch4-window7-224", "clip-vit-base-patch32", *(f"rf-detr-{one}" for one in RF_DETR))
ALWAYS_FULL = ("taesd", "taesdxl", "taef1")
ROWS = {}


@pytest.fixture(scope="module")
def picture():
    return read_image(ROOT / "assets" / "media" / "vit-elephant.jpg")


@pytest.fixture
def arrive(stand_in, fetched, monkeypatch, tmp_path):
    """`arrive(name, full)`: made as published and fetched; returns the network that was saved and the app's folder."""
    monkeypatch.setattr(runtime, "_loaded", type(runtime._loaded)())

    def arrive_(name, full=False):
        entry, folder = weights.CATALOGUE[name], tmp_path / "published"
        saved = PUBLISHED[name](folder, full=full)
        (folder / "pytorch_model.bin").write_bytes(b"a pickle, which nobody fetches")
        commit = entry.revision if hub_cache.COMMIT.fullmatch(entry.revision) else FIRST_COMMIT
        stand_in.repositories = {entry.origin: (commit, folder)}
        assert fetched(name)[-1].status == "ready"
        return saved, weights.folder(name)

    yield arrive_
    shutil.rmtree(tmp_path, ignore_errors=True)  # some are of hundreds of megabytes


def same_weights(loaded, saved, *, at_least):
    """Every number of the loaded network that the saved one has, too, is the same; returns how many tensors were."""
    ours, theirs = loaded.state_dict(), saved.state_dict()
    shared = set(ours) & set(theirs)
    assert len(shared) >= at_least * len(ours), sorted(set(ours) - shared)[:5]
    different = [name for name in sorted(shared) if not torch.equal(ours[name].float(), theirs[name].float())]
    assert different == []


def widest(*pairs):
    """The largest difference between two arrays of any pair."""
    return max(float(np.abs(np.asarray(a, np.float64) - np.asarray(b, np.float64)).max()) for a, b in pairs)


def compare_reader(name, saved, folder, _):
    """Tokens, all attention and the logits of a model of the Attention tab."""
    from transformers import AutoTokenizer

    from models.attention.trace import load

    subject = load(name).network
    same_weights(subject.network, saved, at_least=1)
    saved.set_attn_implementation("eager")
    ids = AutoTokenizer.from_pretrained(folder)(TEXT)["input_ids"]
    reading = subject.read(TEXT)
    assert list(reading.ids) == ids
    run = subject.run(reading)
    with torch.no_grad():
        core = saved(torch.tensor([ids]), output_attentions=True)
    logits = core.prediction_logits if "prediction_logits" in core else core.logits
    expected = torch.stack(core.attentions)[:, 0]
    kind = subject.kinds[0]
    return "tokens, attention, logits", widest((run.weights(kind), expected), (run.logits, logits[0])), 2e-4


def compare_translator(name, saved, folder, _):
    """What is read and written, and all three kinds of attention."""
    from transformers import MarianTokenizer

    from models.attention.trace import load, trace_attention

    subject = load(name).network
    same_weights(subject.network, saved, at_least=0.95)
    saved.set_attn_implementation("eager")
    tokenizer = MarianTokenizer.from_pretrained(folder)
    source = tokenizer(TEXT, return_tensors="pt").input_ids
    reading = subject.read(TEXT)
    assert list(reading.ids) == source[0].tolist()
    with torch.no_grad():
        written = saved.generate(source, do_sample=False, num_beams=1, max_new_tokens=len(reading.written) - 1)
        output = saved(source, decoder_input_ids=written[:, :-1], output_attentions=True)
    assert list(reading.written) == written[0].tolist()
    run = trace_attention(subject, TEXT)
    assert run.translation == tokenizer.decode(written[0], skip_special_tokens=True)
    theirs = (output.encoder_attentions, output.decoder_attentions, output.cross_attentions)
    pairs = [(one.attention, torch.stack(two)[:, 0]) for one, two in zip(run.traces, theirs, strict=True)]
    return "tokens, translation, attention", widest(*pairs), 2e-4


def compare_chat(name, saved, folder, _):
    """The prompt, what is answered, and the probabilities on the way."""
    from transformers import PreTrainedTokenizerFast

    from models.sequences.chat import answer, load_chat

    model = runtime.load(name, load_chat).network
    same_weights(model.network, saved, at_least=0.95)
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    turn = [{"role": "user", "content": TEXT}]
    ids = tokenizer.apply_chat_template(turn, add_generation_prompt=True, return_tensors="pt", return_dict=False)
    steps = list(answer(model, TEXT, max_tokens=12, temperature=0.0, top_p=1.0, seed=0))
    with torch.no_grad():
        written = saved.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=12)
        logits = saved(written).logits[0]
    assert [step.token_id for step in steps] == written[0, ids.shape[1] :].tolist()
    pairs = []
    for step in steps:
        expected = logits[step.tokens_read - 1].softmax(-1).topk(8).values
        pairs.append(([share for _, share in step.alternatives], expected))
    return "prompt, answer, probabilities", widest(*pairs), 1e-5


def compare_captioner(name, saved, folder, picture):
    """The pixels, the prompt, what is written, and the probabilities on the way."""
    from transformers.models.idefics3.image_processing_pil_idefics3 import Idefics3ImageProcessorPil

    from models.sequences.caption.photo import describe, load_captioner, prepare, prompt_of

    model = runtime.load(name, load_captioner).network
    same_weights(model.network, saved, at_least=1)
    processor = Idefics3ImageProcessorPil.from_pretrained(folder)
    pixels = processor(Image.fromarray(picture), do_image_splitting=False, return_tensors="pt").pixel_values
    ours = prepare(picture, saved.config.vision_config.image_size, model.longest)
    ids = torch.tensor([prompt_of(model).ids])
    assert int((ids == saved.config.image_token_id).sum()) == 64
    steps = list(describe(model, picture))
    with torch.no_grad():
        written = saved.generate(
            ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=pixels,
            do_sample=False,
            max_new_tokens=len(steps),
            eos_token_id=model.tokenizer.eos_token_id,
        )
        logits = saved(written, pixel_values=pixels).logits[0]
    assert [step.token_id for step in steps] == written[0, ids.shape[1] :].tolist()
    pairs = [(ours, pixels[0, 0])]
    for step in steps:
        expected = logits[step.tokens_read - 1].softmax(-1).topk(8).values
        pairs.append(([share for _, share in step.alternatives], expected))
    return "pixels, words, probabilities", widest(*pairs), 2e-4


def compare_vit(name, saved, folder, picture):
    """The pixels, all attention, and the answer or the features."""
    from transformers.models.bit.image_processing_pil_bit import BitImageProcessorPil
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    from models.vision import library
    from models.vit.trace import trace_image

    network = runtime.load(name, library.load).network
    processor = BitImageProcessorPil if name.startswith("dinov2") else ViTImageProcessorPil
    pixels = processor.from_pretrained(folder)(Image.fromarray(picture), return_tensors="pt")
    saved.set_attn_implementation("eager")
    with torch.no_grad():
        output = saved(**pixels, output_attentions=True)
    trace = trace_image(network, picture)
    attention = (trace.attention, torch.stack(output.attentions)[:, 0])
    if name.startswith("dinov2"):
        with torch.no_grad():
            features = network.norm(torch.from_numpy(trace.tokens[-1]))
        return "pixels, attention, features", widest(attention, (features, output.last_hidden_state[0])), 5e-3
    assert list(trace.labels) == [saved.config.id2label[number] for number in range(1000)]
    answer = (trace.probabilities, output.logits[0].softmax(-1))
    return "pixels, attention, answer, names", widest(attention, answer), 2e-4


def compare_swin(name, saved, folder, picture):
    from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

    from models.vit.windows import load, trace_windows

    swin = runtime.load(name, load).network
    same_weights(swin.network, saved, at_least=1)
    pixels = ViTImageProcessorPil.from_pretrained(folder)(Image.fromarray(picture), return_tensors="pt")
    with torch.no_grad():
        expected = saved(**pixels).logits[0].softmax(-1)
    trace = trace_windows(swin, picture)
    assert list(trace.labels) == [saved.config.id2label[number] for number in range(1000)]
    return "pixels, answer, names", widest((trace.probabilities, expected)), 2e-4


def compare_clip(name, saved, folder, picture):
    from transformers import CLIPTokenizerFast
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    from models.vit import clip

    network = runtime.load(name, clip.load).network
    same_weights(network.network, saved, at_least=0.95)
    answer = clip.name_picture(network, picture, ["an elephant", "a tree", "water"], "a photo of {}.")
    tokenizer = CLIPTokenizerFast.from_pretrained(folder)
    text = tokenizer(list(answer.sentences), padding=True, return_tensors="pt")
    pixels = CLIPImageProcessorPil.from_pretrained(folder)(Image.fromarray(picture), return_tensors="pt")
    with torch.no_grad():
        expected = saved(input_ids=text.input_ids, attention_mask=text.attention_mask, **pixels)
    cosines = expected.logits_per_image[0] / saved.logit_scale.detach().exp()
    return "pixels, tokens, cosines", widest((answer.cosines, cosines)), 2e-3


def compare_detector(name, saved, folder, picture):
    """The class scores and the boxes, by the published pre- and post-processing (`tests/oracle/test_detection.py`)."""
    from models.detection.boxes import postprocess
    from models.detection.network import load_detector, predict
    from tests.oracle.test_detection import published, published_postprocessing

    detector = runtime.load(name, load_detector).network
    same_weights(detector.network, saved, at_least=1)
    size = json.loads((folder / "preprocessor_config.json").read_text())["size"]["height"]
    assert detector.resolution == size
    with torch.no_grad():
        output = saved(published(picture, size))
    prediction = predict(detector, picture)
    found = postprocess(prediction, 0.05)
    height, width = picture.shape[:2]
    raw = types.SimpleNamespace(logits=output.logits, pred_boxes=output.pred_boxes)
    theirs = published_postprocessing()(None, raw, threshold=0.05, target_sizes=[(height, width)])[0]
    assert len(found) > 0
    assert abs(len(found) - len(theirs["scores"])) <= 2, "boxes outside of the picture are left out"
    assert detector.labels[17] == "cat"
    ours = np.concatenate([prediction.logits, prediction.boxes_cxcywh], 1)
    queries = torch.cat([output.logits[0], output.pred_boxes[0]], 1).numpy()
    apart = np.array([np.abs(queries - query).max(1).min() for query in ours])  # their order may differ between equals
    return "pixels, names, scores and boxes of 290 of 300 queries", float(np.sort(apart)[289]), 5e-3


def compare_detr(name, saved, folder, picture):
    """Scores, boxes and attention, by the library's own enlarging; ours is bilinear by another library."""
    from models.detection import detr

    network = runtime.load(name, detr.load_detr).network
    same_weights(network.network, saved, at_least=1)
    assert network.labels[17] == "cat" and len(network.labels) == 91
    prediction, attention = detr.look(network, picture)
    np.testing.assert_allclose(attention.sum((1, 2)), 1, atol=1e-4)
    height, width = detr.enlarged(picture)
    assert (min(height, width), max(height, width) <= 1333) == (800, True)
    pixels = detr.preprocess(picture)
    with torch.no_grad():
        output = saved(pixels, output_attentions=True)
    scores = output.logits[0].softmax(-1)[:, :-1]
    found = 1 / (1 + np.exp(-prediction.logits))
    weights_ = output.cross_attentions[-1][0].mean(0).reshape(attention.shape)
    pairs = ((found, scores), (prediction.boxes_cxcywh, output.pred_boxes[0]), (attention, weights_))
    return "names, scores, boxes and cross-attention", widest(*pairs), 1e-4


def compare_large(name, saved, _, __, monkeypatch):
    """The last latent of diffusers' own pipeline with its own scheduler."""
    from models.diffusion.large.load import load_large
    from models.diffusion.large.network import first_noise
    from models.diffusion.large.trace import Request, trace_prompt
    from tests.hub.test_large import theirs

    network = load_large(name).network
    same_weights(network.denoiser, saved.components[_denoiser(saved)], at_least=1)
    same_weights(network.vae, saved.vae, at_least=1)
    same_weights(network.text_encoders[0], saved.text_encoder, at_least=0.95)
    request = Request("A red potion", "blue", steps=4, guidance=4, seed=5)
    first = first_noise(network, request.seed)
    stand = types.SimpleNamespace(pipeline=saved, latent_shape=network.latent_shape, device=first.device)
    *_, last = trace_prompt(network, request)
    expected = theirs(stand, request, monkeypatch)
    return "tokens, last latent, in its largest values", widest((last.x_next, expected)) / np.abs(expected).max(), 3e-4


def _denoiser(pipeline):
    return "unet" if hasattr(pipeline, "unet") else "transformer"


def compare_decoder(name, saved, _, __):
    from models.diffusion.large.load import load_tiny_decoder
    from models.diffusion.large.network import decode_latent

    decoder = load_tiny_decoder(name).network
    same_weights(decoder, saved, at_least=1)
    latent = torch.randn(1, saved.config.latent_channels, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = saved.decode(latent).sample[0].clamp(-1, 1)
        found = decode_latent(decoder, latent)
    assert decoder.config.scaling_factor == 1
    assert not decoder.config.shift_factor
    return "picture, in 255 steps", widest((found, ((expected + 1) * 127.5).permute(1, 2, 0))), 0.51


COMPARED = {
    "attention": compare_reader,
    "sequences/chat": compare_chat,
    "sequences/caption/photo": compare_captioner,
    "vit": compare_vit,
    "vit/windows": compare_swin,
    "vit/clip": compare_clip,
    "detection": compare_detector,
    "detection/detr": compare_detr,
    "diffusion": compare_large,
    "diffusion/decoder": compare_decoder,
}


CASES = [
    *(pytest.param(name, False, id=name) for name in HUB if name not in ("rf-detr-medium", "rf-detr-large")),
    *(pytest.param(name, True, id=f"{name} in full", marks=pytest.mark.slow) for name in FULL),
]


@pytest.mark.parametrize(("name", "full"), CASES)
def test_as_published_it_does_what_the_library_does(arrive, monkeypatch, picture, name, full):
    saved, folder = arrive(name, full)
    compare = compare_translator if name.startswith("opus-mt") else COMPARED[weights.CATALOGUE[name].concept]
    if compare is compare_large:
        compare = partial(compare, monkeypatch=monkeypatch)
    what, difference, limit = compare(name, saved, folder, picture)
    size = "full" if full or name in ALWAYS_FULL else "reduced"
    ROWS[name, size] = (what, difference, sum(len(load_file(file)) for file in folder.rglob("*.safetensors")))
    assert difference <= limit


def test_every_hub_model_has_its_published_format():
    assert set(PUBLISHED) == set(HUB)


def test_the_table_in_the_documents_has_a_row_for_every_hub_model():
    """And writes it, where that is asked for; this test is the last of the file."""
    if os.environ.get("GLASSBOX_WRITE_TABLE"):
        TABLE.write_text(table(ROWS))
    written = TABLE.read_text()
    assert [name for name in HUB if f"| {name} |" not in written] == []


def table(rows):
    """The rows of docs/true_format.md, in the catalogue's order."""
    lines = [
        "# Models of the hub in their published format",
        "",
        "Each is rebuilt with random weights under the published key names, with the published `config.json` and",
        "pre-processing files, served by a stand-in for the hub, fetched and loaded by the app, and compared with the",
        "library's own processing and the very network that was saved. *reduced*: fewer layers, and for texts a small",
        "vocabulary, widths as published; diffusion models: tiny in every direction. Written by",
        '`GLASSBOX_WRITE_TABLE=1 python -m pytest -n0 -m "" tests/hub/test_true_format.py`.',
        "",
        "| model | size | tensors | compared | largest difference |",
        "|---|---|---|---|---|",
    ]
    for name, size in sorted(rows, key=lambda row: (HUB.index(row[0]), row[1] == "full")):
        what, difference, count = rows[name, size]
        lines.append(f"| {name} | {size} | {count} | {what} | {difference:.1e} |")
    return "\n".join([*lines, ""])

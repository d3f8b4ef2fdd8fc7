"""Networks looked into and changed inside, against the library's own outputs and against networks changed by hand."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    DistilBertConfig,
    DistilBertForMaskedLM,
)

from models.attention.trace import load, load_subject
from models.text.instrument import Edge, Edits, Head, Place
from tests.hub import checkpoints

TEXT = "the cat sat on the mat"
AUTO = {"bert": AutoModelForMaskedLM, "distilbert": AutoModelForMaskedLM, "marian": AutoModelForSeq2SeqLM}


def distilbert(folder):
    """DistilBERT of the same size and words as the tiny BERT."""
    checkpoints.bert(folder)
    torch.manual_seed(0)
    config = DistilBertConfig(vocab_size=14, dim=32, n_layers=2, n_heads=4, hidden_dim=64, max_position_embeddings=160)
    DistilBertForMaskedLM(config).save_pretrained(folder)


MAKERS = {
    "gpt2": checkpoints.gpt2,
    "llama": checkpoints.smollm2,
    "bert": checkpoints.bert,
    "distilbert": distilbert,
    "marian": checkpoints.marian,
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    made = {}
    for name, make in MAKERS.items():
        made[name] = tmp_path_factory.mktemp("subjects") / name
        make(made[name])
    return made


@pytest.fixture(scope="module", params=[*MAKERS, "translator"])
def subject(request, folders):
    if request.param == "translator":
        return load("translator-en-fr").network
    return load_subject(folders[request.param]).eval()


@pytest.fixture(scope="module", params=MAKERS)
def pair(request, folders):
    """A subject and the library's own model from the same folder, with the library's own attention."""
    auto = AUTO.get(request.param, AutoModelForCausalLM)
    theirs = auto.from_pretrained(folders[request.param], attn_implementation="eager", dtype=torch.float32).eval()
    return load_subject(folders[request.param]).eval(), theirs


def stack_of(subject):
    return "decoder" if "decoder" in subject.kinds else "encoder"


def test_logits_attention_and_residual_stream_are_the_librarys(pair):
    subject, theirs = pair
    reading = subject.read(TEXT)
    run = subject.run(reading)
    named = {"input_ids": torch.tensor([reading.ids])}
    if reading.written:
        named["decoder_input_ids"] = torch.tensor([reading.written[:-1]])
    with torch.no_grad():
        output = theirs(**named, output_attentions=True, output_hidden_states=True)
    torch.testing.assert_close(run.logits, output.logits[0], atol=1e-5, rtol=1e-5)
    found = {"encoder": "encoder_attentions", "decoder": "decoder_attentions", "cross": "cross_attentions"}
    for kind in subject.kinds:
        attentions = output[found[kind]] if reading.written else output.attentions
        torch.testing.assert_close(run.weights(kind), torch.cat(attentions), atol=1e-6, rtol=1e-5)
    states = output.decoder_hidden_states if reading.written else output.hidden_states
    kind = stack_of(subject)
    last = len(states) if subject.architecture in ("bert", "distilbert", "marian") else -1  # the others norm the last
    torch.testing.assert_close(run.stream[kind][:last], torch.cat(states)[:last], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(subject.unembed(run.stream[kind][-1]), run.logits, atol=1e-5, rtol=1e-5)


def test_nothing_changed_is_the_same_run_bit_by_bit(subject):
    reading = subject.read(TEXT)
    assert torch.equal(subject.run(reading).logits, subject.run(reading, Edits()).logits)
    assert not any(module._forward_hooks for module in subject.modules()), "a run leaves nothing behind"


def test_visitors_do_not_meet_in_one_network(subject):
    readings = [subject.read(text) for text in (TEXT, "the dog", TEXT + " " + TEXT, "on the log")]
    edits = [Edits(), Edits(positions=False), Edits(layers_off=frozenset({Place(stack_of(subject), 0)})), Edits()]
    alone = [subject.run(reading, edit) for reading, edit in zip(readings, edits, strict=True)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(subject.run, readings * 8, edits * 8))
    for expected, found in zip(alone * 8, together, strict=True):
        torch.testing.assert_close(found.logits, expected.logits)
        assert found.stream.keys() == expected.stream.keys()
        torch.testing.assert_close(found.stream[stack_of(subject)], expected.stream[stack_of(subject)])


def test_what_is_recorded_fits_together(subject):
    run = subject.run(subject.read(TEXT))
    for attended in run.attended.values():
        torch.testing.assert_close(attended.weights.sum(-1), torch.ones_like(attended.weights[..., 0]))
        torch.testing.assert_close(attended.weights @ attended.value, attended.mixed)
        torch.testing.assert_close(attended.scores.softmax(-1), attended.weights)
        raw = attended.query @ attended.key.transpose(1, 2) / attended.query.shape[-1] ** 0.5
        seen = attended.weights > 0
        torch.testing.assert_close(attended.scores[seen], raw[seen], atol=1e-5, rtol=1e-5)


def test_a_head_switched_off_is_one_that_adds_nothing(subject):
    """Beside the network whose matrix after the heads has zeros where that head comes in."""
    kind, reading = stack_of(subject), subject.read(TEXT)
    off = subject.run(reading, Edits(heads_off=frozenset({Head(kind, 1, 2)}))).logits
    changed = copy.deepcopy(subject)
    place = next(module for module, place in changed.places.items() if place == Place(kind, 1))
    out = {
        "gpt2": lambda: place.c_proj.weight.data.T,  # stored the other way round
        "llama": lambda: place.o_proj.weight.data,
        "bert": lambda: changed.stacks[kind][1].attention.output.dense.weight.data,
        "distilbert": lambda: place.out_lin.weight.data,
        "marian": lambda: place.out_proj.weight.data,
        "translator": lambda: place.out.weight.data,
    }[subject.architecture]()
    size = out.shape[1] // subject.heads
    out[:, 2 * size : 3 * size] = 0
    torch.testing.assert_close(off, changed.run(reading).logits, atol=2e-5, rtol=1e-5)
    assert not torch.allclose(off, subject.run(reading).logits, atol=1e-4)


def test_a_layer_switched_off_is_one_that_is_not_there(pair):
    subject, theirs = pair
    kind, reading = stack_of(subject), subject.read(TEXT)
    off = subject.run(reading, Edits(layers_off=frozenset({Place(kind, 0)}))).logits
    shorter = copy.deepcopy(theirs)
    core = shorter.base_model
    layers = {
        "gpt2": lambda: core.h,
        "llama": lambda: core.layers,
        "bert": lambda: core.encoder.layer,
        "distilbert": lambda: core.transformer.layer,
        "marian": lambda: core.decoder.layers,
    }[subject.architecture]()
    del layers[0]
    if "decoder" in subject.kinds:
        shorter.config.use_cache = False
    named = {"decoder_input_ids": torch.tensor([reading.written[:-1]])} if reading.written else {}
    with torch.no_grad():
        expected = shorter(input_ids=torch.tensor([reading.ids]), **named).logits[0]
    torch.testing.assert_close(off, expected, atol=1e-5, rtol=1e-5)


def test_a_look_that_is_forbidden_is_shared_among_the_others(subject):
    kind, reading = stack_of(subject), subject.read(TEXT)
    before = subject.run(reading).attended[Place(kind, 0)].weights
    after = subject.run(reading, Edits(edges_off=frozenset({Edge(kind, 3, 1)}))).attended[Place(kind, 0)].weights
    assert (after[:, 3, 1] == 0).all()
    expected = before[:, 3].clone()
    expected[:, 1] = 0.0
    torch.testing.assert_close(after[:, 3], expected / expected.sum(-1, keepdim=True), atol=1e-6, rtol=1e-5)
    others = [row for row in range(before.shape[1]) if row != 3]
    torch.testing.assert_close(after[:, others], before[:, others])


def test_one_head_alone_loses_a_look(subject):
    kind, reading = stack_of(subject), subject.read(TEXT)
    before = subject.run(reading).attended[Place(kind, 0)].weights
    edits = Edits(edges_off=frozenset({Edge(kind, 3, 1, layer=0, head=2)}))
    after = subject.run(reading, edits).attended[Place(kind, 0)].weights
    assert (after[2, 3, 1], (after != before).any(-1).nonzero().tolist()) == (0, [[2, 3]])


def test_weights_of_ones_own_and_temperature(subject):
    kind, reading = stack_of(subject), subject.read(TEXT)
    plain = subject.run(reading).attended[Place(kind, 0)]
    keys = plain.weights.shape[-1]
    row = tuple(float(key == 1) for key in range(keys))
    head = Head(kind, 0, 2)
    own = subject.run(reading, Edits(rows={(head, 3): row})).attended[Place(kind, 0)]
    torch.testing.assert_close(own.mixed[2, 3], own.value[2, 1])
    assert torch.equal(own.mixed[1], plain.mixed[1])
    warm = subject.run(reading, Edits(temperatures={head: 4.0})).attended[Place(kind, 0)].weights
    torch.testing.assert_close(warm[2], (plain.scores[2] / 4).softmax(-1), atol=1e-6, rtol=1e-5)


def test_a_token_nobody_sees(subject):
    kind, reading = subject.kinds[0], subject.read(TEXT)
    weights = subject.run(reading, Edits(unseen=frozenset({2}))).weights(kind)
    assert (weights[..., 2] == 0).all()
    assert torch.isfinite(weights).all()


def test_without_positions_an_encoder_cannot_tell_the_order(subject):
    """Two words that change places change nothing but their own places; with positions they do."""
    if subject.kinds != ("encoder",):
        pytest.skip("a mask tells a decoder the order even so")
    reading = subject.read(TEXT)
    swapped = subject.swapped(reading, 2, 4)
    order = list(range(len(reading.ids)))
    order[2], order[4] = 4, 2
    blind = Edits(positions=False)
    first, second = subject.run(reading, blind).logits, subject.run(swapped, blind).logits
    torch.testing.assert_close(first[order], second, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(subject.run(reading).logits[order], subject.run(swapped).logits, atol=1e-4)


def test_positions_are_taken_away(pair):
    """Beside the library's network with a table of zeros, or, for turned queries, all tokens at the first place."""
    subject, theirs = pair
    reading = subject.read(TEXT)
    blind = copy.deepcopy(theirs)
    named = {"input_ids": torch.tensor([reading.ids])}
    if subject.architecture == "llama":
        named["position_ids"] = torch.zeros_like(named["input_ids"])
    for name, parameter in blind.named_parameters():
        if any(part in name for part in ("wpe", "position_embeddings", "embed_positions")):
            parameter.data.zero_()
    if reading.written:
        named["decoder_input_ids"] = torch.tensor([reading.written[:-1]])
    with torch.no_grad():
        expected = blind(**named).logits[0]
    torch.testing.assert_close(subject.run(reading, Edits(positions=False)).logits, expected, atol=1e-5, rtol=1e-5)


def test_gradients_reach_the_embedded_tokens(subject):
    reading = subject.read(TEXT)
    run = subject.run(reading, differentiable=True)
    (gradient,) = torch.autograd.grad(run.logits[-1].max(), run.embedded)
    assert gradient.shape == (len(reading.ids), subject.embedding.embedding_dim)
    assert gradient.abs().sum() > 0


def test_every_part_of_a_layer_is_found(subject):
    reading, kind = subject.read(TEXT), stack_of(subject)
    parts = subject.parts_of(reading, kind, 1)
    assert list(parts) == [part.name for part in subject.anatomy(kind)]
    before, after = subject.run(reading).stream[kind][1:3]
    if "last norm" in parts:
        torch.testing.assert_close(parts["last norm"], after, atol=1e-5, rtol=1e-5)
    else:  # pre-norm: what the parts give adds up
        given = sum(parts[name] for name in ("attention", "cross-attention", "mlp") if name in parts)
        torch.testing.assert_close(before + given, after, atol=1e-5, rtol=1e-5)

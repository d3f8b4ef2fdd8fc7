"""Pairs and their split, tokens, decoding, traces, head scores, packing, and what bad input is told."""

import dataclasses
import gzip
import json
from collections import Counter

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from demos.attention import api
from demos.attention import explorer as tab
from models import hub, weights
from models.attention.decoding import greedy, translate
from models.attention.heads import best_heads, score_heads
from models.attention.subjects import MAX_TOKENS
from models.attention.trace import AttentionTrace, load_subject, trace_attention
from models.errors import InputError, WeightsError
from models.recipes.attention import evaluate, forms, train
from models.text.pairs import Pair, part_of, read_pairs
from models.text.tokenizer import BOS, EOS, PAD, UNKNOWN, as_source, load_tokenizer, train_tokenizer
from models.text.transformer import Config, Translator, load_network
from models.training import save_checkpoint
from tests.hub import checkpoints

SENTENCES = ["I don't know the cat.", "Je ne connais pas le chat.", "The dog, the cat!", "Qu'est-ce que c'est ?"] * 3
TINY = Config(vocabulary=0, width=32, heads=4, layers=2, hidden=64)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(SENTENCES, 120)


@pytest.fixture(scope="module")
def network(tokenizer):
    torch.manual_seed(0)
    return Translator(dataclasses.replace(TINY, vocabulary=tokenizer.get_vocab_size())).eval()


@pytest.fixture(scope="module")
def translator(tokenizer, network, tmp_path_factory):
    folder = tmp_path_factory.mktemp("translator")
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text(json.dumps(dataclasses.asdict(network.config)))
    save_file(network.state_dict(), folder / "model.safetensors")
    return load_subject(folder).eval()


@pytest.fixture(scope="module", params=["gpt2", "bert-base-uncased", "opus-mt-en-fr"])
def library_model(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("library") / request.param
    checkpoints.MAKERS[request.param](folder)
    return load_subject(folder).eval()


# --- pairs


@pytest.mark.parametrize(
    "other", ["Stop that!", "stop that", "  STOP   that ...", "“Stop that.”"], ids=["mark", "case", "spaces", "quotes"]
)
def test_sentences_of_the_same_words_are_in_the_same_part(other):
    assert part_of(other) == part_of("Stop that.")


def test_parts_have_the_documented_sizes():
    parts = [part_of(f"sentence number {n}") for n in range(20_000)]
    assert 0.017 < parts.count("test") / 20_000 < 0.023
    assert 0.008 < parts.count("validation") / 20_000 < 0.012


def test_the_split_never_changes():
    assert [part_of(f"sentence {n}") for n in (0, 31, 26)] == ["train", "validation", "test"]


@pytest.mark.parametrize("name", ["pairs.tsv", "pairs.tsv.gz"])
def test_pairs_are_read_with_and_without_more_columns(tmp_path, name):
    path = tmp_path / name
    opener = gzip.open if name.endswith("gz") else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write("Go.\tVa !\tCC-BY 2.0 #1\r\n\nRun!\tCours\u202f!\n")
    assert read_pairs(path) == [("Go.", "Va !"), ("Run!", "Cours\u202f!")]


def test_a_line_without_a_tab_is_named(tmp_path):
    (tmp_path / "bad.tsv").write_text("Go.\tVa !\nRun!\n")
    with pytest.raises(ValueError, match="sentence 2"):
        read_pairs(tmp_path / "bad.tsv")


# --- tokens


@pytest.mark.parametrize("text", ["I don't know the cat.", "Qu'est-ce que c'est ?", "The dog, the cat!"])
def test_known_text_survives_the_round_trip(tokenizer, text):
    assert tokenizer.decode(tokenizer.encode(text).ids) == text


def test_words_keep_their_apostrophe_and_the_space_before_them(tokenizer):
    assert tokenizer.encode("I don't").tokens == ["▁I", "▁don'", "t", "</s>"]


def test_unknown_characters_are_shown_not_dropped(tokenizer):
    assert tokenizer.encode("the 🙂🙂").ids.count(UNKNOWN) == 2


@pytest.mark.parametrize(("count", "limit", "length"), [(3, 5, 3), (5, 5, 5), (9, 5, 5)])
def test_a_cut_source_still_ends(count, limit, length):
    source = as_source([7] * (count - 1) + [EOS], limit)
    assert (len(source), source[-1]) == (length, EOS)


# --- decoding


def test_greedy_output_begins_ends_and_is_padded(network):
    source = torch.tensor([[5, 6, 7, EOS], [9, EOS, PAD, PAD]])
    target = greedy(network, source, 12)
    assert target.shape[1] <= 13
    assert (target[:, 0] == BOS).all()
    for row in target.tolist():
        after = row[row.index(EOS) + 1 :] if EOS in row else []
        assert all(token == PAD for token in after)
        assert UNKNOWN not in row


def test_a_sentence_is_translated_the_same_alone_and_in_a_batch(network, tokenizer):
    together = translate(network, tokenizer, SENTENCES[:4], max_tokens=20)
    assert together == [translate(network, tokenizer, [s], max_tokens=20)[0] for s in SENTENCES[:4]]


def test_padding_does_not_change_what_is_read(network):
    alone, _ = network.encode(torch.tensor([[5, 6, EOS]]))
    padded, _ = network.encode(torch.tensor([[5, 6, EOS, PAD, PAD]]))
    torch.testing.assert_close(padded[:, :3], alone)


def test_later_target_tokens_do_not_change_earlier_states(network):
    source = torch.tensor([[5, 6, EOS]])
    first, second = (network(source, torch.tensor([[BOS, 8, 9, last]])) for last in (10, 11))
    torch.testing.assert_close(first[:, :3], second[:, :3])


# --- training


def test_batches_hold_every_pair_once_and_follow_from_the_epoch():
    encoded = [([4] * (1 + n % 7), [BOS] * (2 + n % 5)) for n in range(500)]
    batches = train.make_batches(encoded, 3)
    assert sorted(index for batch in batches for index in batch) == list(range(500))
    assert batches == train.make_batches(encoded, 3)
    assert batches != train.make_batches(encoded, 4)
    assert len(batches) == len(train.make_batches(encoded, 4))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_loss_is_smoothed_cross_entropy_without_padding(network, smoothing):
    source, target = torch.tensor([[5, 6, EOS], [7, EOS, PAD]]), torch.tensor([[BOS, 8, 9, EOS], [BOS, 9, EOS, PAD]])
    logits = network(source, target[:, :-1]).flatten(0, 1)
    expected = torch.nn.functional.cross_entropy(
        logits, target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=smoothing
    )
    torch.testing.assert_close(train.loss_of(network, (source, target), smoothing), expected, rtol=0.01, atol=0)


def test_a_resumed_training_repeats_itself(tmp_path, tokenizer):
    data = tmp_path / "pairs.tsv"
    data.write_text("".join(f"the cat {n}.\tle chat {n}.\n" for n in range(60)))
    encoded = train.encode_pairs(tokenizer, data, "train")
    config = dataclasses.replace(TINY, vocabulary=tokenizer.get_vocab_size(), dropout=0.1)
    schedule = train.Trapezoid(1.0, 2, 4)
    straight = train.Training(config, encoded, schedule)
    losses = [step.loss for step in straight.fit()]
    halved = train.Training(config, encoded, train.Trapezoid(1.0, 2, 2))
    list(halved.fit())
    save_checkpoint(tmp_path / "checkpoint.pt", halved.state_dict())
    resumed = train.Training(config, encoded, schedule)
    resumed.resume(tmp_path / "checkpoint.pt")
    assert [step.loss for step in resumed.fit()] == losses[2:]
    for name, tensor in straight.ema.state.items():
        torch.testing.assert_close(resumed.ema.state[name], tensor, rtol=0, atol=0)


def test_every_pair_comes_as_it_is_and_in_another_form():
    pairs = [Pair(f"I see {n} cats.", f"Je vois {n} chats.") for n in range(400)]
    learnt = forms.with_forms(pairs, 0)
    assert learnt[:400] == pairs
    assert [pair.french for pair in learnt[400:]] == [pair.french for pair in pairs]
    counts = Counter(
        form
        for pair, other in zip(pairs, learnt[400:], strict=True)
        for form in forms.SHARES
        if forms.in_form(pair.english, form) == other.english
    )
    assert all(abs(counts[form] / 400 - share) < 0.08 for form, share in forms.SHARES.items())
    assert learnt == forms.with_forms(pairs, 0) != forms.with_forms(pairs, 1)


@pytest.mark.parametrize(
    ("form", "expected"),
    [("bare", "where is the café"), ("small letters", "where is the café?"), ("no stop", "Where is the café")],
)
def test_forms_of_a_sentence(form, expected):
    assert forms.in_form("Where is the café?", form) == expected


def test_what_is_measured_in_capitals_is_read_as_on_the_page():
    found = evaluate.other_forms(["I saw Tom.", "Where is it?"])
    assert found == {"capitals": ["I saw tom.", "Where is it?"], "bare": ["i saw tom", "where is it"]}


def test_fine_tuning_begins_with_the_stored_network(tmp_path):
    config = dataclasses.replace(TINY, vocabulary=60)
    stored = Translator(config)
    save_file(stored.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(dataclasses.asdict(config)))
    job = train.Training(config, [], train.Trapezoid(1.0, 2, 4), load_network(tmp_path))
    for name, tensor in stored.state_dict().items():
        assert torch.equal(job.network.state_dict()[name], tensor)
        assert torch.equal(job.ema.state[name], tensor)
    assert job.steps_done == 0


# --- measuring


def test_perfect_translations_score_100_and_each_sentence_counts_once():
    references = evaluate.references_of(
        [Pair("a", "le chat dort ici ."), Pair("a", "un chat dort là ."), Pair("b", "oui , il dort .")]
    )
    assert list(references) == ["a", "b"]
    figures = evaluate.measure(["un chat dort là .", "oui , il dort ."], list(references.values()))
    assert figures["bleu"] < figures["bleu_multi"] == pytest.approx(100)


def test_the_limit_draws_with_the_seed():
    references = {str(n): [str(n)] for n in range(50)}
    drawn = [list(evaluate.choose(references, 5, seed)) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert evaluate.choose(references, None, 1) == references


# --- traces


def assert_sound(run):
    for trace in run.traces:
        assert trace.attention.dtype == np.float32
        np.testing.assert_allclose(trace.attention.sum(axis=-1), 1, atol=1e-5)
        if trace.kind == "decoder":
            assert not np.triu(trace.attention, 1).any()
        if trace.kind != "cross":
            assert trace.tokens == trace.sources


def test_the_translator_shows_three_kinds_of_attention(translator):
    run = trace_attention(translator, "I don't know the 🙂.")
    assert [trace.kind for trace in run.traces] == ["encoder", "decoder", "cross"]
    assert_sound(run)
    encoder, decoder, cross = run.traces
    assert encoder.tokens[:3] == (" I", " don'", "t")
    assert "<unknown 🙂>" in encoder.tokens
    assert decoder.tokens[0] == "<s>"
    assert decoder.tokens[1:] == cross.tokens[:-1]
    assert cross.sources == encoder.tokens
    assert encoder.attention.shape[:2] == (2, 4)


def test_library_models_are_sound(library_model):
    run = trace_attention(library_model, "the cat sat on the mat")
    assert_sound(run)
    assert tuple(trace.kind for trace in run.traces) == library_model.kinds
    assert (run.translation is None) == ("cross" not in library_model.kinds)


@pytest.mark.parametrize("text", ["the cat " * 200])
def test_long_texts_are_cut_and_it_is_said(translator, library_model, text):
    for model in (translator, library_model):
        run = trace_attention(model, text)
        assert len(run.traces[0].tokens) == MAX_TOKENS
        assert str(MAX_TOKENS) in run.note


@pytest.mark.parametrize(
    "text",
    ["x", "🙂", "مرحبا بالعالم", "<script>alert(1)</script>", "e\u0301\u200b\u202e", "{{value}} ${value}", "\t a \n"],
)
def test_strange_texts_are_traced(library_model, text):
    assert_sound(trace_attention(library_model, text))


def test_markup_is_a_text_like_any_other(translator):
    assert_sound(trace_attention(translator, "<script>the cat</script> {{value}}"))


def test_byte_level_tokens_are_readable(tmp_path):
    checkpoints.gpt2(tmp_path / "gpt2")
    run = trace_attention(load_subject(tmp_path / "gpt2").eval(), "the cat é 🙂")
    assert run.traces[0].tokens[:2] == ("the", " cat")
    assert all(token.isprintable() and "\u0120" not in token for token in run.traces[0].tokens)


def test_a_trace_checks_its_shape():
    with pytest.raises(ValueError, match="does not fit"):
        AttentionTrace("encoder", ("a",), ("a",), np.ones((1, 1, 2, 2), np.float32))


def test_unknown_architectures_are_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "t5"}))
    with pytest.raises(WeightsError, match="t5"):
        load_subject(tmp_path)


# --- heads and figures


@pytest.mark.parametrize(
    ("place", "offset"), [("same token", 0), ("previous token", -1), ("next token", 1), ("first token", None)]
)
def test_heads_are_known_by_what_they_do(place, offset):
    weights_ = np.full((1, 2, 5, 5), 0.2, np.float32)
    ideal = np.eye(5, k=offset) if offset is not None else np.eye(5)[[0] * 5]
    ideal[ideal.sum(axis=1) == 0] = 0.2
    weights_[0, 1] = ideal
    scores = score_heads(AttentionTrace("encoder", tuple("abcde"), tuple("abcde"), weights_))
    assert max(scores, key=lambda name: scores[name][0, 1]) == place
    assert scores[place][0, 1] == pytest.approx(1)


def test_induction_repeated_words_and_punctuation():
    tokens = (" the", " cat", ",", " the", " dog", ".")
    place = {word: n for n, word in enumerate(("the", "cat", ",", "the again", "dog", "."))}
    weights_ = np.zeros((1, 3, 6, 6), np.float32)
    weights_[0, :, :, 0] = 1
    weights_[0, 0, place["the again"]] = np.eye(6)[place["cat"]]  # what followed the first "the"
    weights_[0, 1, place["the again"]] = np.eye(6)[place["the"]]
    weights_[0, 2, 3:] = np.eye(6)[place[","]]
    scores = score_heads(AttentionTrace("decoder", tokens, tokens, weights_))
    assert scores["induction"][0].tolist() == [1, 0, 0]
    assert scores["same word elsewhere"][0].tolist() == [0, 1, 0]
    assert scores["punctuation"][0].tolist() == pytest.approx([0, 0, 1])
    assert "next token" not in scores
    assert best_heads(scores["induction"], 2) == [(0, 0, 1.0), (0, 1, 0.0)]


def test_one_token_and_cross_attention_have_no_places():
    assert score_heads(AttentionTrace("encoder", ("a",), ("a",), np.ones((1, 1, 1, 1), np.float32))) == {}
    assert score_heads(AttentionTrace("cross", ("a", "b"), ("c",), np.ones((1, 1, 2, 1), np.float32))) == {}


# --- the tab's handlers

BAD_TEXTS = {
    "empty": "",
    "blank": " \n\t ",
    "megabyte": "word " * 210_000,
    "only NUL and surrogates": "\0\ud800\0",
    "a list": ["the"],
    "nothing": None,
    "a number": 3,
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
@pytest.mark.parametrize("handler", [api.attention_trace, lambda *given: list(tab.compute_attention(*given))])
def test_bad_texts_get_a_sentence(handler, text):
    with pytest.raises((InputError, WeightsError)) as refusal:
        handler(text, "translator-en-fr")
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize("model", ["", "gpt5", "../etc", "sprites-unet", None, ["gpt2"], {"a": 1}, "gpt2\0"])
@pytest.mark.parametrize("handler", [api.attention_trace, lambda *given: list(tab.compute_attention(*given))])
def test_unknown_models_get_a_sentence(handler, model):
    with pytest.raises((InputError, WeightsError), match="choose one of"):
        handler("the cat", model)


def test_a_hub_model_that_is_not_here_is_said_to_be_so(monkeypatch):
    monkeypatch.setattr(hub, "start", lambda name: hub.Download("failed", reason="the hub cannot be reached"))
    monkeypatch.setattr(hub, "state_of", hub.start)
    with pytest.raises((InputError, WeightsError), match="the hub cannot be reached"):
        api.attention_trace("the cat", "gpt2")


def test_a_text_of_which_nothing_is_left_is_refused(tmp_path):
    checkpoints.bert(tmp_path / "bert")
    with pytest.raises(InputError, match="Nothing of this text"):
        trace_attention(load_subject(tmp_path / "bert").eval(), "\u200b\u200b")


@pytest.mark.parametrize(("keep", "expected"), [(0.0, [1.0, 3.0]), (0.4, [1.4, 2.2]), (1.0, [2.0, 1.0])])
def test_fine_tuned_and_earlier_weights_are_blended_on_the_straight_line(keep, expected):
    tuned, before = {"w": torch.tensor([1.0, 3.0])}, {"w": torch.tensor([2.0, 1.0]).half()}
    torch.testing.assert_close(train.blend(tuned, before, keep)["w"], torch.tensor(expected))


@pytest.mark.parametrize(
    ("typed", "translated"),
    [
        ("the cat sleeps", "Le chat dort."),
        ("The cat sleeps.", "Le chat dort."),
        ("where is the station", "Où est la gare ?"),
        ("Where is the station?", "Où est la gare ?"),
    ],
)
def test_a_sentence_typed_bare_is_translated_like_the_written_one(typed, translated):
    folder = weights.folder("translator-en-fr")
    assert translate(load_network(folder), load_tokenizer(folder), [typed]) == [translated]

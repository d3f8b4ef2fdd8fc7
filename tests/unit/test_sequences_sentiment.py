"""Sentences and their split, reading a review of any length, training that resumes exactly, what the weights say."""

import json
import math
import random

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from models import runtime, training, weights
from models.errors import InputError, WeightsError
from models.recipes.sequences.sentiment import data, negations, train
from models.recipes.sequences.sentiment.evaluate import (
    measure_halves,
    measure_negations,
    measure_order,
    measure_reading,
    measure_reviews,
    verdicts,
)
from models.sequences.sentiment.network import Config, ReviewNetwork, describe, load, pad
from models.sequences.sentiment.trace import MAX_CHARS, trace_review
from models.text.recurrent import State, lstm_cell
from models.training import Trapezoid

VOCABULARY = ("[UNK]", "good", "bad", "film", "a", "not", "lad", "##dish", "!", ".", "'", "it", "s", *"bcdefghijklm")


@pytest.fixture(scope="module")
def tokenizer():
    made = Tokenizer(models.WordPiece({piece: n for n, piece in enumerate(VOCABULARY)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return made


@pytest.fixture
def network(tokenizer):
    torch.manual_seed(0)
    return ReviewNetwork(Config(len(VOCABULARY), width=6, units=5), tokenizer).eval().requires_grad_(False)


@pytest.fixture
def folder(tmp_path):
    """The five files, small, with copies on all sides."""
    (tmp_path / "sentence_polarity").mkdir()
    for name, word in (("rt-polarity.pos", "good"), ("rt-polarity.neg", "bad")):
        lines = [f"film {n} is {word} . " for n in range(300)]
        (tmp_path / "sentence_polarity" / name).write_text("\n".join([*lines, "both at once", lines[7]]) + "\n")
    for name in data.LABELLED:
        lines = [f"{name} number {n}, quite good!\t1\n" for n in range(40)]
        (tmp_path / name).write_text("".join([*lines, "Film 8 is GOOD...  \t1\n"]))
    return tmp_path


class TestData:
    def test_every_sentence_is_in_one_part_and_copies_are_kept_once(self, folder):
        parts = [[data.normalise(s.text) for s in data.read(folder, part)] for part in ("train", "validation", "test")]
        everything = [key for part in parts for key in part]
        assert len(everything) == len(set(everything)) == 600 + 120
        assert all(parts)

    def test_sentences_with_both_verdicts_are_left_out(self, folder):
        for part in ("train", "validation", "test"):
            assert "both at once" not in [s.text for s in data.read(folder, part)]

    def test_a_tenth_is_for_the_test(self, folder):
        sizes = {part: len(data.read(folder, part)) for part in ("train", "validation", "test")}
        assert sizes["test"] == pytest.approx(72, abs=25)
        assert sizes["validation"] == pytest.approx(36, abs=18)

    def test_capitals_and_punctuation_do_not_change_the_part(self):
        for n in range(50):
            assert data.part_of(f"film {n} , it's great") == data.part_of(f"Film {n}: It's GREAT!!")

    def test_labels_and_sources(self, folder):
        for sentence in data.read(folder, "train"):
            assert sentence.positive == ("good" in sentence.text.lower())
            assert (sentence.source == "uci") == ("number" in sentence.text)

    def test_missing_files_are_named(self, tmp_path):
        with pytest.raises(InputError, match=r"rt-polarity\.pos"):
            data.read(tmp_path, "train")


class TestNetwork:
    def test_the_fused_cell_does_what_the_equations_say(self, network):
        pieces, state = torch.tensor(network.encode("a good film .")), State(torch.zeros(5), torch.zeros(5))
        hidden, logits = network(pieces[:, None])
        layer = network.recurrent
        for t, piece in enumerate(pieces):
            input_says = layer.weight_ih_l0 @ network.embedding.weight[piece] + layer.bias_ih_l0
            memory_says = layer.weight_hh_l0 @ state.hidden + layer.bias_hh_l0
            state, _ = lstm_cell(input_says, memory_says, state)
            torch.testing.assert_close(hidden[t, 0], state.hidden)
            torch.testing.assert_close(logits[t], network.output(state.hidden))

    def test_filling_up_changes_nothing(self, network):
        sentences = [network.encode(text) for text in ("good", "a good film .", "not bad")]
        pieces, lengths = pad(sentences)
        together = network(pieces)[1]
        for column, sentence in enumerate(sentences):
            alone = network(torch.tensor(sentence)[:, None])[1]
            torch.testing.assert_close(together[: lengths[column], column], alone[:, 0])


class TestTrace:
    def test_one_step_a_piece_and_only_the_last_is_asked(self, network):
        trace = trace_review(network, "It's laddish!")
        assert trace.sequence_type == "many to one"
        assert [step.input for step in trace.steps] == ["It", "'", "s", "lad", "##dish", "!"]
        assert [step.asked for step in trace.steps] == [False] * 5 + [True]
        for step in trace.steps:
            assert step.hidden_state.shape == (5,)
            assert {label for label, _ in step.output} == {"positive", "negative"}
            assert sum(p for _, p in step.output) == pytest.approx(1)
        assert trace.answer.lower().startswith(trace.steps[-1].output[0][0])
        assert trace.note == ""

    def test_what_comes_later_does_not_change_an_earlier_verdict(self, network):
        short, long = trace_review(network, "a good film"), trace_review(network, "a good film . not bad !")
        for ours, theirs in zip(short.steps, long.steps, strict=False):
            assert dict(ours.output)["positive"] == pytest.approx(dict(theirs.output)["positive"], abs=1e-6)

    @pytest.mark.parametrize("text", ["", "  \n\t ", "\0\0", "\u200b\ufeff", None, 7])
    def test_nothing_to_read_is_refused(self, network, text):
        with pytest.raises(InputError):
            trace_review(network, text)

    @pytest.mark.parametrize("text", ["☃ good", "good 🙂🙂", "\ud800 good", "!" * 3000])
    def test_odd_texts_are_read(self, network, text):
        trace = trace_review(network, text)
        assert all(math.isfinite(step.output[0][1]) for step in trace.steps)

    @pytest.mark.parametrize("text", ["☃", "🙂🙂", "是", "x" * 5000])
    def test_a_text_of_which_nothing_has_a_symbol_is_not_judged(self, network, text):
        with pytest.raises(InputError, match="has no symbol for anything in this review"):
            trace_review(network, text)

    def test_of_long_texts_the_beginning_is_read_and_the_trace_says_so(self, network):
        text = "a good film . " * 2000
        trace = trace_review(network, text)
        assert "20,000" in trace.note
        assert "28,000" in trace.note
        assert len(trace.steps) == len(network.encode(text[:MAX_CHARS]))
        assert trace_review(network, text[:MAX_CHARS]).note == ""


class TestEvaluate:
    def test_verdicts_are_those_of_the_trace(self, network):
        texts = ["good", "a good film .", "not bad !"]
        for text, positive in zip(texts, verdicts(network, texts), strict=True):
            steps = trace_review(network, text).steps
            assert positive == pytest.approx([dict(step.output)["positive"] for step in steps], abs=1e-6)

    def test_a_network_that_looks_for_one_word(self, network):
        """A stand-in that says "positive" from the word "good" on: everything measured about it is known."""
        good = VOCABULARY.index("good")

        class Finder(type(network)):
            def forward(self, pieces):
                return pieces, torch.where((pieces == good).cumsum(0) > 0, 9.0, -9.0)

        network.__class__ = Finder
        sentences = [
            *[data.Sentence("a film good .", True, "rotten tomatoes"), data.Sentence("bad", False, "uci")] * 10,
            *[data.Sentence("not good .", False, "rotten tomatoes")] * 10,
        ]
        reading = measure_reading(network, sentences)
        assert reading["accuracy"] == {"rotten tomatoes": 0.5, "uci": 1.0, "both": 0.6667}
        assert reading["accuracy_after"]["50%"]["rotten tomatoes"] == 0.0
        assert reading["log_loss"] == pytest.approx(9 / 3, abs=0.01)
        assert measure_order(network, sentences)["verdicts_changed"]["both"] == 0.0
        assert measure_reviews(network, sentences) == {"reviews": 2, "accuracy": 0.5}
        assert measure_halves(network, sentences) == {"good half first": 1.0, "bad half first": 1.0, "reviews": 2}


def sentences(count=160):
    dice = random.Random(0)
    words = [VOCABULARY[n] for n in (3, 4, 8, 9, 11, 12)]
    made = []
    for _ in range(count):
        positive = dice.random() < 0.5
        text = [*dice.choices(words, k=dice.randint(1, 6)), "good" if positive else "bad"]
        made.append(data.Sentence(" ".join(text), positive, "uci"))
    return made


class TestTraining:
    def job(self, tokenizer, steps=8):
        torch.manual_seed(1)
        network = ReviewNetwork(Config(len(VOCABULARY), width=6, units=5), tokenizer)
        return train.Training(network, sentences(), Trapezoid(0.02, 2, steps, 2))

    def test_resumed_training_is_the_same_training(self, tokenizer, tmp_path):
        whole = self.job(tokenizer)
        losses = [step.loss for step in whole.fit()]
        first = self.job(tokenizer)
        steps = first.fit()
        for _ in range(3):
            next(steps)
        training.save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
        second = self.job(tokenizer)
        torch.manual_seed(99)
        second.load_state_dict(training.load_checkpoint(tmp_path / "checkpoint.pt"))
        assert [step.loss for step in second.fit()] == losses[3:]
        for name, tensor in whole.averaged_reader().state_dict().items():
            assert torch.equal(tensor, second.averaged_reader().state_dict()[name]), name

    def test_it_learns_and_leaves_the_word_vectors_alone(self, tokenizer):
        job = self.job(tokenizer, steps=150)
        vectors = job.reader.embedding.weight.clone()
        losses = [step.loss for step in job.fit()]
        assert np.mean(losses[-20:]) < 0.8 * np.mean(losses[:20])
        assert torch.equal(job.averaged_reader().embedding.weight, vectors)

    def test_reviews_are_sentences_of_one_verdict(self, tokenizer, monkeypatch):
        job = self.job(tokenizer)
        monkeypatch.setattr(train, "SHARE_OF_REVIEWS", 1.0)
        examples, positive = job._examples(list(range(train.BATCH)))
        good, bad = VOCABULARY.index("good"), VOCABULARY.index("bad")
        assert len(examples) == train.BATCH // 3
        for pieces, label in zip(examples, positive, strict=True):
            right, wrong = (good, bad) if label else (bad, good)
            assert 2 <= pieces.count(right) <= 5
            assert wrong not in pieces

    def test_the_loss_is_half_the_last_verdict_and_half_all_on_the_way(self):
        logits = torch.tensor([[0.0, 1.0], [2.0, -7.0]])
        nats = [[math.log(2), math.log1p(math.exp(-1))], [math.log1p(math.exp(-2)), 0]]
        first = 0.5 * (nats[0][0] * 1 + nats[1][0] * 2) / 3 + 0.5 * nats[1][0]
        second = nats[0][1]
        loss = train.loss_of(logits, torch.tensor([2, 1]), torch.tensor([1.0, 1.0]))
        assert float(loss) == pytest.approx((first + second) / 2)

    def test_principal_components_keep_what_varies(self, monkeypatch):
        monkeypatch.setattr(train, "COMPONENTS", 2)
        generator = torch.Generator().manual_seed(0)
        plane = torch.randn(200, 2, generator=generator)
        vectors = torch.cat([plane, 0.01 * torch.randn(200, 5, generator=generator)], 1)
        reduced = train.principal_components(vectors)
        assert reduced.shape == (200, 2)
        centred = torch.nn.functional.normalize(vectors - vectors.mean(0), dim=1)
        distances = torch.cdist(reduced, reduced) / torch.cdist(centred, centred).clamp(min=0.3)
        assert float(reduced.std()) == pytest.approx(1)
        far = torch.cdist(centred, centred) > 0.3
        assert float(distances[far].std() / distances[far].mean()) < 0.02

    def test_exported_weights_load_and_damaged_ones_are_refused(self, tokenizer, network, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        (tmp_path / "review-lstm").mkdir()
        tokenizer.save(str(tmp_path / "review-lstm" / "tokenizer.json"))
        folder = training.export("review-lstm", network.state_dict(), describe(network), half=True)
        assert set(json.loads((tmp_path / "manifest.json").read_text())["review-lstm"]) == {
            *("config.json", "model.safetensors", "tokenizer.json")
        }
        again = load(folder)
        assert describe(again) == describe(network)
        assert again.encode("It's laddish!") == network.encode("It's laddish!")
        assert torch.allclose(again.output.weight, network.output.weight, atol=1e-3)
        config = (folder / "config.json").read_text()
        for damaged in ('{"pieces": 7}', config.replace('"units": 5', '"units": 6'), "{"):
            (folder / "config.json").write_text(damaged)
            with pytest.raises(WeightsError, match="review-lstm"):
                load(folder)
        (folder / "config.json").write_text(config)
        (folder / "tokenizer.json").write_text("{}")
        with pytest.raises(WeightsError, match="review-lstm"):
            load(folder)


@pytest.fixture(scope="module")
def embedded():
    return runtime.load("review-lstm", load).network


def positive_after_each(network, text):
    return [dict(step.output)["positive"] for step in trace_review(network, text).steps]


def test_generated_negations_are_balanced_and_none_is_measured_with():
    generated = negations.generated(500)
    assert sum(sentence.positive for sentence in generated) == 250
    listed = {data.normalise(text) for text, _ in negations.LIST}
    assert len(listed) == 60
    assert not listed & {data.normalise(sentence.text) for sentence in generated}
    assert sum(positive for _, positive in negations.LIST) == 30
    assert generated == negations.generated(500)


class TestEmbeddedWeights:
    @pytest.mark.parametrize(
        ("text", "verdict"),
        [
            ("I loved every minute of it.", "positive"),
            ("It starts slowly, but in the end it is a wonderful film.", "positive"),
            ("The film is good.", "positive"),
            ("The film is not good.", "negative"),
            ("A waste of time and money.", "negative"),
            ("It starts wonderfully, but in the end it is a boring film.", "negative"),
            ("The food was cold and the waiter was rude.", "negative"),
        ],
    )
    def test_plain_reviews(self, embedded, text, verdict):
        label, probability = trace_review(embedded, text).steps[-1].output[0]
        assert label == verdict
        assert probability > 0.8

    @pytest.mark.parametrize("text", ["Not bad at all.", "I was not disappointed.", "It is not stupid, it is smart."])
    def test_not_turns_a_bad_word_into_a_good_verdict(self, embedded, text):
        assert trace_review(embedded, text).steps[-1].output[0][0] == "positive"

    def test_three_quarters_of_the_negations_are_read_rightly(self, embedded):
        found = measure_negations(embedded)
        assert found["sentences"] == 60
        assert found["both"] >= 0.75
        assert min(found["positive"], found["negative"]) >= 0.65

    def test_one_word_turns_the_verdict_and_nothing_is_decided_before_it(self, embedded):
        assert positive_after_each(embedded, "It is")[-1] == pytest.approx(0.5, abs=0.2)
        assert max(positive_after_each(embedded, "It starts wonderfully, but")) > 0.8
        assert positive_after_each(embedded, "It starts wonderfully, but in the end it is boring")[-1] < 0.2

    def test_visitors_and_the_data_set_write_alike(self, embedded):
        pairs = [
            ("It\u2019s so laddish\u2026", "it's so laddish ."),
            ("\u201cCaf\u00e9\u201d \u2013 a JOY!", '" cafe " - a joy !'),
        ]
        for typed, tokenised in pairs:
            assert embedded.encode(typed) == embedded.encode(tokenised)

    def test_words_outside_the_vocabulary_are_read_in_pieces(self, embedded):
        assert trace_review(embedded, "Laddishness").steps[0].input == "Lad"
        assert 0 not in embedded.encode("antidisestablishmentarianism floccinaucinihilipilification 12345")
        assert embedded.encode("\u2603") == [0]

    def test_a_long_review_is_read_to_its_end(self, embedded):
        text = "A joy from start to end. " * 800
        trace = trace_review(embedded, text)
        assert len(trace.steps) == 7 * 800
        assert trace.steps[-1].output[0][0] == "positive"

"""Translation through one vector: what is read and written, training that resumes, lengths, the embedded weights."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import training, weights
from models.errors import InputError, WeightsError
from models.recipes.attention.train import encode_pairs
from models.recipes.sequences.translation import evaluate, train
from models.sequences.translation.trace import (
    MAX_SOURCE,
    MAX_WRITTEN,
    OUTPUTS,
    cut_note,
    greedy,
    trace_translation,
    translate,
)
from models.text.gru_translator import Config, GruTranslator, load, load_network
from models.text.pairs import part_of
from models.text.recurrent import State, gru_cell
from models.text.tokenizer import BOS, EOS, PAD, UNKNOWN, train_tokenizer
from models.training import Trapezoid

SENTENCES = ["I don't know the cat.", "Je ne connais pas le chat.", "The dog, the cat!", "Qu'est-ce que c'est ?"] * 3
SOURCE = torch.tensor([[5, 6, 7, EOS], [9, EOS, PAD, PAD]])


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(SENTENCES, 120)


def build(vocabulary=120, **options):
    torch.manual_seed(0)
    return GruTranslator(Config(vocabulary, width=16, units=24, **options)).eval().requires_grad_(False)


@pytest.fixture(params=["none", "additive"])
def network(request, tokenizer):
    return build(tokenizer.get_vocab_size(), attention=request.param)


class TestNetwork:
    def test_one_vector_is_all_that_the_decoder_is_told(self):
        """Whatever else is changed in what the encoder leaves behind, the same context gives the same translation."""
        network, target = build(), torch.tensor([[BOS, 5, 9]])
        memory = network.encode(SOURCE[:1])
        changed = memory._replace(states=torch.randn_like(memory.states), mask=~memory.mask)
        assert torch.equal(network.decode(target, changed)[0], network.decode(target, memory)[0])

    def test_attention_reads_the_states_and_its_weights_sum_to_one(self):
        network, target = build(attention="additive"), torch.tensor([[BOS, 5, 9]])
        memory = network.encode(SOURCE)
        context, shares = network.attention(torch.randn(2, 5, 24), memory)
        assert context.shape == (2, 5, 24)
        assert shares.sum(-1).allclose(torch.ones(2, 5))
        assert (shares[1, :, 2:] == 0).all()
        first = type(memory)(*(part[:1] for part in memory))
        changed = first._replace(states=torch.randn_like(first.states))
        assert not torch.allclose(network.decode(target, changed)[0], network.decode(target, first)[0])

    def test_the_encoder_is_the_gru_of_the_other_tasks(self):
        network = build()
        layer, state = network.encoder, State(torch.zeros(24))
        for embedded in network.embed(SOURCE[:1])[0]:
            input_says = layer.weight_ih_l0 @ embedded + layer.bias_ih_l0
            state, _ = gru_cell(input_says, layer.weight_hh_l0 @ state.hidden + layer.bias_hh_l0, state)
        torch.testing.assert_close(network.encode(SOURCE[:1]).context[0], state.hidden)

    def test_padding_changes_nothing(self, network):
        alone, padded = network.encode(SOURCE[1:, :2]), network.encode(SOURCE)
        torch.testing.assert_close(padded.context[1:], alone.context)
        torch.testing.assert_close(network(SOURCE, SOURCE)[1:], network(SOURCE[1:, :2], SOURCE[1:]))

    def test_later_target_pieces_do_not_change_earlier_scores(self, network):
        first, second = (network(SOURCE[:1], torch.tensor([[BOS, 8, 9, last]])) for last in (10, 11))
        torch.testing.assert_close(first[:, :3], second[:, :3])

    def test_step_by_step_is_the_whole_at_once(self, network):
        target, memory = torch.tensor([[BOS, 8, 9, 10]]), network.encode(SOURCE[:1])
        whole, hidden, parts = network.decode(target, memory)[0], None, []
        for piece in target[0]:
            readouts, states = network.decode(piece.view(1, 1), memory, hidden)
            hidden = states[:, -1]
            parts.append(readouts)
        torch.testing.assert_close(torch.cat(parts, dim=1), whole)


class TestTrace:
    def test_the_encoder_reads_and_the_decoder_writes(self, network, tokenizer):
        trace = trace_translation(network, tokenizer, "I know the cat.")
        assert trace.sequence_type == "many to many"
        encoder = [step for step in trace.steps if step.part == "encoder"]
        decoder = trace.steps[len(encoder) :]
        assert "".join(step.input for step in encoder) == " I know the cat.</s>"
        assert not any(step.output or step.asked or step.fed_back for step in encoder)
        assert all(step.part == "decoder" and step.asked and len(step.output) == OUTPUTS for step in decoder)
        assert decoder[0].input == "<s>"
        assert [step.fed_back for step in decoder] == [False] + [True] * (len(decoder) - 1)
        assert [step.input for step in decoder[1:]] == [step.output[0][0] for step in decoder[:-1]]
        assert {step.hidden_state.shape for step in trace.steps} == {(24,)}
        written = "".join(step.output[0][0] for step in decoder).removesuffix("</s>")
        assert written.strip() == trace.answer.strip()
        assert trace.answer == translate(network, tokenizer, ["I know the cat."])[0]

    def test_the_last_encoder_state_is_the_context(self, network, tokenizer):
        trace = trace_translation(network, tokenizer, "The dog")
        last = [step for step in trace.steps if step.part == "encoder"][-1]
        context = network.encode(torch.tensor([tokenizer.encode("The dog").ids])).context[0]
        assert last.hidden_state == pytest.approx(context.numpy(), abs=1e-6)

    def test_the_same_sentence_gives_the_same_trace(self, network, tokenizer):
        first, second = (trace_translation(network, tokenizer, "the cat") for _ in range(2))
        assert first.answer == second.answer
        for a, b in zip(first.steps, second.steps, strict=True):
            assert (a.input, a.output) == (b.input, b.output)
            assert np.array_equal(a.hidden_state, b.hidden_state)

    def test_long_sentences_are_cut_and_it_is_said(self, network, tokenizer):
        text = "the cat " * 200
        trace = trace_translation(network, tokenizer, text)
        encoder = [step for step in trace.steps if step.part == "encoder"]
        assert len(encoder) == MAX_SOURCE
        assert encoder[-1].input == "</s>"
        assert len(trace.steps) <= MAX_SOURCE + MAX_WRITTEN
        assert f"the first {MAX_SOURCE} are read" in cut_note(tokenizer, text)
        assert cut_note(tokenizer, "the cat") == ""

    def test_unknown_characters_are_shown(self, network, tokenizer):
        assert any(s.input == "<unknown 🙂>" for s in trace_translation(network, tokenizer, "cat 🙂").steps)

    @pytest.mark.parametrize("text", ["", "   ", "\n\t", "\0", None, 5, "a" * 20_000])
    def test_bad_input_gets_one_sentence(self, network, tokenizer, text):
        with pytest.raises(InputError, match=r"sentence .*\.$|text\.$"):
            trace_translation(network, tokenizer, text)

    @settings(max_examples=25, deadline=None)
    @given(st.text(min_size=1, max_size=40))
    def test_any_text_is_traced_or_refused(self, tokenizer, text):
        try:
            trace = trace_translation(build(), tokenizer, text)
        except InputError:
            return
        json.dumps([step.input for step in trace.steps], ensure_ascii=False).encode()


class TestGreedy:
    def test_output_begins_ends_and_is_padded(self, network):
        written = greedy(network, SOURCE, 12)
        assert written.shape[1] <= 13
        assert (written[:, 0] == BOS).all()
        for row in written.tolist():
            after = row[row.index(EOS) + 1 :] if EOS in row else []
            assert all(piece == PAD for piece in after)
            assert not {UNKNOWN, BOS} & set(row[1:])

    def test_a_sentence_is_translated_the_same_alone_and_in_a_batch(self, network, tokenizer):
        together = translate(network, tokenizer, SENTENCES[:4])
        assert together == [translate(network, tokenizer, [s])[0] for s in SENTENCES[:4]]


@pytest.fixture
def encoded(tokenizer, tmp_path):
    data = tmp_path / "pairs.tsv"
    data.write_text("".join(f"the cat {n}.\tle chat {n}.\n" for n in range(60)))
    return encode_pairs(tokenizer, data, "train")


class TestTraining:
    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_the_loss_is_smoothed_cross_entropy_without_padding(self, network, smoothing):
        target = torch.tensor([[BOS, 8, 9, EOS], [BOS, 9, EOS, PAD]])
        logits = network(SOURCE, target[:, :-1]).flatten(0, 1)
        expected = torch.nn.functional.cross_entropy(
            logits, target[:, 1:].flatten(), ignore_index=PAD, label_smoothing=smoothing
        )
        torch.testing.assert_close(train.loss_of(network, (SOURCE, target), smoothing), expected, rtol=0.01, atol=0)

    def test_resumed_training_is_the_same_training(self, encoded, tmp_path, monkeypatch):
        monkeypatch.setattr("models.recipes.attention.train.BATCH_TOKENS", 150)
        config, schedule = Config(120, width=16, units=24, dropout=0.3), Trapezoid(1.0, 2, 8, 3)
        whole = train.Training(config, encoded, schedule)
        losses = [step.loss for step in whole.fit()]
        assert len(losses) == 8
        first = train.Training(config, encoded, schedule)
        steps = first.fit()
        for _ in range(4):
            next(steps)
        training.save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
        torch.manual_seed(99)
        second = train.Training(config, encoded, schedule)
        second.resume(tmp_path / "checkpoint.pt")
        assert [step.loss for step in second.fit()] == losses[4:]
        for name, tensor in whole.averaged_network().state_dict().items():
            assert torch.equal(tensor, second.averaged_network().state_dict()[name]), name

    def test_it_learns(self, encoded):
        job = train.Training(Config(120, width=16, units=24), encoded, Trapezoid(1.0, 5, 30, 10))
        losses = [step.loss for step in job.fit()]
        assert losses[-1] < 0.9 * losses[0]
        assert job.validation_loss(encoded) < 0.9 * losses[0]

    def test_the_test_part_is_never_read_and_the_end_is_saved(self, encoded, tmp_path, monkeypatch):
        parts = []
        monkeypatch.setattr(train, "encode_pairs", lambda tokenizer, data, part: parts.append(part) or encoded)
        train.train(Config(120, width=16, units=24), tmp_path / "pairs.tsv", tmp_path, Trapezoid(1.0, 1, 2))
        assert parts == ["train", "validation"]
        assert training.load_checkpoint(tmp_path / "checkpoint.pt")["steps_done"] == 2

    def test_exported_weights_load_and_damaged_ones_are_refused(self, tmp_path, monkeypatch):
        given = weights.folder(train.TOKENIZER)
        monkeypatch.setattr(weights, "folder", lambda name: given)
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        network = GruTranslator(Config(120, width=16, units=24))
        folder = train.export(network)
        model = load(folder)
        assert model.network.config == network.config
        assert model.network.embedding.weight.dtype == torch.float32
        assert torch.allclose(model.network.embedding.weight, network.embedding.weight, atol=1e-3)
        assert model.tokenizer.get_vocab_size() == 6000
        (folder / "tokenizer.json").write_text("{")
        with pytest.raises(WeightsError, match=train.NAMES["none"]):
            load(folder)
        (folder / "config.json").write_text(json.dumps({**dataclasses.asdict(network.config), "units": 25}))
        with pytest.raises(WeightsError, match=train.NAMES["none"]):
            load_network(folder)
        (folder / "model.safetensors").write_bytes(b"nothing")
        with pytest.raises(WeightsError, match=train.NAMES["none"]):
            load(folder)


class TestEmbeddedWeights:
    @pytest.fixture(scope="class")
    def model(self):
        return load(weights.folder(train.NAMES["none"])).eval()

    def test_both_translators_read_the_same_pieces(self):
        ours, theirs = (weights.folder(name) / "tokenizer.json" for name in (train.NAMES["none"], train.TOKENIZER))
        assert ours.read_bytes() == theirs.read_bytes()

    def test_the_card_states_the_number_of_parameters(self, model):
        assert sum(p.numel() for p in model.parameters()) == 3_654_400
        assert "3,654,400" in (weights.folder(train.NAMES["none"]) / "README.md").read_text()

    @pytest.mark.parametrize(
        ("english", "french"),
        [
            ("I love you.", "Je t'aime."),
            ("The cat is sleeping.", "Le chat dort."),
            ("Where is the station?", "Où est la gare\u202f?"),
            ("I am tired.", "Je suis fatigué."),
        ],
    )
    def test_short_sentences_are_translated(self, model, english, french):
        trace = trace_translation(model.network, model.tokenizer, english)
        assert " ".join(trace.answer.split()) == " ".join(french.split())
        assert trace.steps[-1].output[0][0] == "</s>"

    def test_a_long_sentence_loses_its_end(self, model):
        """What the lesson shows: the beginning arrives, the rest does not."""
        answer = trace_translation(model.network, model.tokenizer, "My brother bought a red car last week.").answer
        assert answer.startswith("Mon frère a acheté une voiture")
        assert "semaine" not in answer


class TestEvaluate:
    def test_every_length_is_in_one_group(self):
        for words in range(1, 100):
            assert sum(low <= words <= high for low, high in evaluate.LENGTHS.values()) == 1

    def test_perfect_translations_score_100_in_their_group(self):
        references = {
            "It is the cat.": ["C'est bien le chat.", "Voilà le chat."],
            "I do not know that cat.": ["Je ne connais pas ce chat."],
        }
        figures = evaluate.by_length(["C'est bien le chat.", "Autre chose ."], references)
        assert list(figures) == ["1-4", "5-6"]
        assert figures["1-4"] == {"bleu": pytest.approx(100), "sentences": 1, "words": 4}
        assert figures["5-6"]["bleu"] < 20

    def test_one_line_a_model_on_held_out_sentences_only(self, tmp_path, monkeypatch, capsys):
        data, read = tmp_path / "pairs.tsv", []
        data.write_text("".join(f"I see {n} cats\tJe vois {n} chats\n" for n in range(300)))
        for name in ("recurrent", "transformer"):
            monkeypatch.setattr(
                evaluate, name, lambda *_: lambda english: read.extend(english) or ["Je vois"] * len(english)
            )
        monkeypatch.setattr("sys.argv", ["evaluate", "--data", str(data)])
        evaluate.main()
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [line["model"] for line in lines] == ["gru-translator-en-fr", "gru-attention-en-fr", "translator-en-fr"]
        assert {part_of(english) for english in read} == {"test"}
        assert lines[0]["by_length"]["1-4"]["sentences"] == lines[0]["sentences"] == len(read) / 3

"""Symbols, corpus split, traces, sampling, training that resumes exactly, bits per character."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models import training, weights
from models.errors import InputError, WeightsError
from models.recipes.sequences import train
from models.sequences.bits import WARM_UP, bits_per_character
from models.sequences.trace import SequenceTrace, choose_next, continue_text, predict_next, trace_step, trace_text
from models.text import books
from models.text.recurrent import GATES, CharacterNetwork, Config, describe, load
from models.text.symbols import ALPHABET, START, UNKNOWN, decode, encode, fold
from models.training import Trapezoid


@pytest.fixture(params=tuple(GATES))
def network(request):
    torch.manual_seed(0)
    return CharacterNetwork(Config(request.param, units=16)).eval().requires_grad_(False)


@pytest.fixture
def lstm():
    torch.manual_seed(0)
    return CharacterNetwork(Config("lstm", units=16)).eval().requires_grad_(False)


class TestSymbols:
    def test_alphabet_is_a_hundred_different_characters_and_one_of_them_is_unknown(self):
        assert len(ALPHABET) == len(set(ALPHABET)) == 100
        assert UNKNOWN in ALPHABET
        assert START in ALPHABET

    @pytest.mark.parametrize(
        ("character", "plain"),
        [
            *[("a", "a"), ("—", "—"), ("…", "…"), ("“", '"'), ("’", "'"), ("é", "e"), ("Ç", "C"), ("–", "-")],
            *[("\t", " "), ("\r", "\n"), ("\u00a0", " ")],
            *[("🙂", UNKNOWN), ("я", UNKNOWN), ("\0", UNKNOWN), ("\u0301", UNKNOWN)],
        ],
    )
    def test_fold(self, character, plain):
        assert fold(character) == plain

    def test_counts(self):
        encoded = encode("“Café” 🙂\ufffd")
        assert decode(encoded.symbols) == f'"Cafe" {UNKNOWN}{UNKNOWN}'
        assert (encoded.folded, encoded.unknown) == (3, 2)

    @given(st.text(max_size=200))
    def test_one_character_is_one_symbol(self, text):
        encoded = encode(text)
        assert len(encoded.symbols) == len(text)
        assert decode(encoded.symbols) == "".join(map(fold, text))
        assert encoded.folded + encoded.unknown <= len(text)


class TestBooks:
    TEXT = "\n\n".join(f"Paragraph {n} " + "with some words " * (n % 7) for n in range(400)) + "\n\n"

    def test_every_paragraph_is_in_exactly_one_part(self):
        parts = books.split(self.TEXT)
        pieces = [*parts["train"], *parts["validation"], *parts["test"]]
        assert sorted("".join(pieces).split("\n\n")) == sorted(self.TEXT.split("\n\n"))
        assert all(piece.endswith("\n\n") for piece in pieces)

    def test_a_twentieth_each_is_held_out(self):
        parts = books.split(self.TEXT)
        for part in ("validation", "test"):
            assert len(parts[part][0]) == pytest.approx(len(self.TEXT) / 20, rel=0.2)

    def test_variety_keeps_the_words(self):
        varied = books.vary(self.TEXT, seed=1)
        assert varied == books.vary(self.TEXT, seed=1)
        assert varied.lower().split() == self.TEXT.lower().split()
        assert varied.count("\n\n") < self.TEXT.count("\n\n")
        assert "PARAGRAPH" in varied

    def test_more_to_read_are_the_nine_books_twice_and_all_of_the_others_unheld(self, tmp_path):
        for title in (*books.TITLES, *books.MORE_TITLES):
            (tmp_path / f"{title}.txt").write_text("\n\n".join([f"a page of {title[:5]} is here"] * 40))
        texts = books.varied(tmp_path), books.varied(tmp_path, more=True)
        nine, more = (" ".join(text.lower().split()) for text in texts)
        assert 30 < nine.count("page of arthu") < 40
        assert more.count("page of arthu") == 2 * nine.count("page of arthu")
        assert (nine.count("page of p-g-w"), more.count("page of p-g-w")) == (0, 40)

    def test_missing_books_are_named(self, tmp_path):
        with pytest.raises(InputError, match="sherlock-holmes"):
            books.read(tmp_path, "train")


class TestTrace:
    def test_shapes_and_sums(self, network):
        trace = trace_text(network, "Hello ☃")
        assert trace.text == "\nHello ☃"
        assert trace.hidden_state.shape == (8, 16)
        assert trace.gates.shape == (len(trace.gate_names), 8, 16)
        assert trace.probabilities.sum(1) == pytest.approx(1, abs=1e-5)
        assert trace.surprise_bits[0] == 0
        index = trace.symbols[3]
        assert trace.surprise_bits[3] == pytest.approx(-math.log2(trace.probabilities[2, index]), rel=1e-4)

    @pytest.mark.parametrize("text", ["", "abc", "abcdef and more", "abX", "Xbc"])
    def test_an_earlier_trace_changes_nothing_but_the_work(self, network, text):
        before = trace_text(network, "abcdef")
        for name, ours in vars(trace_text(network, text, before=before)).items():
            theirs = getattr(trace_text(network, text), name)
            assert ours == theirs if isinstance(ours, (str, tuple)) else np.allclose(ours, theirs, atol=1e-6)

    def test_a_keystroke_costs_one_step(self, lstm, monkeypatch):
        before, calls = trace_text(lstm, "a" * 50), []
        step = type(lstm).step
        monkeypatch.setattr(type(lstm), "step", lambda *a: calls.append(1) or step(*a))
        trace_text(lstm, "a" * 50 + "b", before=before)
        assert len(calls) == 1
        trace_text(lstm, "a" * 20, before=before)
        assert len(calls) == 1

    def test_step_is_reading_one_character_more(self, network):
        ours = trace_step(network, trace_text(network, "ab"), "c")
        assert np.allclose(ours.probabilities, trace_text(network, "abc").probabilities, atol=1e-6)

    def test_prediction_without_trace_is_the_same(self, network):
        assert predict_next(network, "abc") == pytest.approx(trace_text(network, "abc").probabilities[-1], abs=1e-6)

    def test_wrong_shapes_are_refused(self, lstm):
        parts = vars(trace_text(lstm, "ab"))
        with pytest.raises(ValueError, match="surprise_bits has shape"):
            SequenceTrace(**{**parts, "surprise_bits": np.zeros(2, np.float32)})
        with pytest.raises(ValueError, match="does not fit"):
            SequenceTrace(**{**parts, "text": "x"})


class TestSampling:
    def test_temperature_zero_and_top_one_take_the_best(self, lstm):
        trace = trace_text(lstm, "ab")
        masked = trace.probabilities[-1].copy()
        masked[ALPHABET.index(UNKNOWN)] = 0
        best = ALPHABET[masked.argmax()]
        assert choose_next(trace, temperature=0, top_k=100, seed=1) == best
        assert choose_next(trace, temperature=2, top_k=1, seed=1) == best

    def test_same_seed_same_character(self, lstm):
        trace = trace_text(lstm, "ab")
        drawn = [choose_next(trace, temperature=1, top_k=100, seed=s) for s in range(30)]
        assert drawn == [choose_next(trace, temperature=1, top_k=100, seed=s) for s in range(30)]
        assert len(set(drawn)) > 5

    def test_unknown_is_never_drawn_and_top_k_holds(self, lstm):
        trace = trace_text(lstm, "ab")
        loud = trace.probabilities.copy()
        loud[-1] = 0.001
        loud[-1, ALPHABET.index(UNKNOWN)] = 0.9
        loud[-1, [5, 6, 7]] = 0.01
        trace = SequenceTrace(**{**vars(trace), "probabilities": loud})
        drawn = {choose_next(trace, temperature=2, top_k=3, seed=s) for s in range(60)}
        assert drawn == {ALPHABET[5], ALPHABET[6], ALPHABET[7]}

    def test_top_p_keeps_the_nucleus(self, lstm):
        trace = trace_text(lstm, "ab")
        p = np.full(100, 1e-9)
        p[[5, 6, 7]] = 0.6, 0.3, 0.1
        trace = SequenceTrace(**{**vars(trace), "probabilities": np.tile(p.astype(np.float32), (3, 1))})
        how = {"temperature": 1, "top_k": 100}
        drawn = {top_p: {choose_next(trace, **how, top_p=top_p, seed=s) for s in range(200)} for top_p in (0.5, 0.7, 1)}
        assert drawn == {0.5: {ALPHABET[5]}, 0.7: {ALPHABET[5], ALPHABET[6]}, 1: {ALPHABET[i] for i in (5, 6, 7)}}
        sharper = {choose_next(trace, temperature=0.5, top_k=100, top_p=0.7, seed=s) for s in range(200)}
        assert sharper == {ALPHABET[5]}, "the temperature comes first: 0.36 of 0.46 is more than 0.7"

    def test_writing_on_without_a_trace_is_the_same_as_step_by_step(self, network):
        trace = longer = trace_text(network, "ab")
        how = {"temperature": 1, "top_k": 40, "seed": 3}
        written = continue_text(network, trace, 12, **how)
        for _ in range(12):
            longer = trace_step(network, longer, choose_next(longer, **how))
        assert longer.text == trace.text + written

    def test_temperature_sharpens_as_the_formula_says(self, lstm):
        trace = trace_text(lstm, "ab")
        p = np.full(100, 1e-12)
        p[[5, 6]] = 0.75, 0.25
        trace = SequenceTrace(**{**vars(trace), "probabilities": np.tile(p.astype(np.float32), (3, 1))})
        drawn = [choose_next(trace, temperature=0.5, top_k=2, seed=s) for s in range(2000)]
        assert drawn.count(ALPHABET[5]) / 2000 == pytest.approx(0.9, abs=0.03)


class TestEvaluate:
    def naive(self, network, symbols):
        newline = ALPHABET.index(START)
        logits, _ = network(torch.tensor([newline, *symbols[:-1]])[:, None], network.fresh_state(1))
        nats = torch.nn.functional.cross_entropy(logits[:, 0], symbols, reduction="none")
        return float(nats.mean()) / math.log(2)

    @pytest.mark.parametrize("length", [1, 2, 300, 5000])
    def test_short_texts_are_read_in_one_stretch(self, network, length):
        symbols = torch.randint(100, (length,), generator=torch.Generator().manual_seed(1))
        assert bits_per_character(network, symbols) == pytest.approx(self.naive(network, symbols), rel=1e-5)

    def test_many_stretches_count_every_character_once(self, network):
        """After 512 characters an untrained network has forgotten all before: one stretch or five is the same."""
        symbols = torch.randint(100, (5 * 8 * WARM_UP + 17,), generator=torch.Generator().manual_seed(1))
        assert bits_per_character(network, symbols) == pytest.approx(self.naive(network, symbols), rel=1e-5)


@pytest.fixture
def text():
    return encode("\n\n".join(f"{n} men went to mow, went to mow a meadow." for n in range(300))).symbols


@pytest.fixture
def small_windows(monkeypatch):
    monkeypatch.setattr(train, "READERS", 4)
    monkeypatch.setattr(train, "WINDOW", 16)


@pytest.mark.usefixtures("small_windows")
class TestTraining:
    def job(self, text, cell="lstm"):
        return train.Training(torch.from_numpy(text), Config(cell, units=8), Trapezoid(1e-3, 2, 5, 2))

    def test_readers_read_on_or_jump_to_a_paragraph(self, text):
        readers = train.Readers(torch.from_numpy(text), seed=0)
        before = readers.positions.clone()
        window, fresh = readers.next_window()
        assert fresh.all()
        assert window.shape == (train.WINDOW + 1, train.READERS)
        jumped = readers.fresh
        assert torch.equal(readers.positions[~jumped], before[~jumped] + train.WINDOW)
        newline = ALPHABET.index("\n")
        assert (readers.text[readers.positions[jumped]] == newline).all()
        assert (readers.text[readers.positions[jumped] + 1] != newline).all()

    def test_slips_are_rare_and_can_be_any_symbol(self, text, monkeypatch):
        readers, clean = train.Readers(torch.from_numpy(text), seed=0), train.Readers(torch.from_numpy(text), seed=0)
        monkeypatch.setattr(train.books, "SLIP_PROBABILITY", 0.25)
        slipped, _ = readers.next_window()
        monkeypatch.setattr(train.books, "SLIP_PROBABILITY", 0.0)
        original, _ = clean.next_window()
        changed = slipped != original
        assert changed.float().mean() == pytest.approx(0.25, abs=0.12)
        assert len(set(slipped[changed].tolist())) > 8

    @pytest.mark.parametrize("cell", tuple(GATES))
    def test_resumed_training_is_the_same_training(self, text, cell, tmp_path):
        whole = self.job(text, cell)
        losses = [step.loss for step in whole.fit()]
        first = self.job(text, cell)
        steps = first.fit()
        for _ in range(3):
            next(steps)
        training.save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
        torch.manual_seed(99)
        second = self.job(text, cell)
        second.load_state_dict(training.load_checkpoint(tmp_path / "checkpoint.pt"))
        assert [step.loss for step in second.fit()] == losses[3:]
        for name, tensor in whole.network.state_dict().items():
            assert torch.equal(tensor, second.network.state_dict()[name]), name

    def test_it_goes_on_from_given_weights_with_other_readers(self, text, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        begun = self.job(text)
        list(begun.fit())
        folder = training.export("char-lstm", begun.weights(), describe(begun.network), half=True)
        begun_text, config, schedule = torch.from_numpy(text), Config("lstm", units=8), Trapezoid(1e-3, 2, 5, 2)
        continued = train.Training(begun_text, config, schedule, seed=1, start=folder)
        for name, tensor in begun.network.state_dict().items():
            torch.testing.assert_close(continued.network.state_dict()[name], tensor.half().float())
        assert continued.network.dropout.p == train.DROPOUT
        assert not torch.equal(continued.readers.positions, self.job(text).readers.positions)

    def test_exported_weights_load_and_damaged_ones_are_refused(self, lstm, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        folder = training.export("char-lstm", lstm.state_dict(), describe(lstm), half=True)
        again = load(folder)
        assert describe(again) == describe(lstm)
        assert again.output.weight.dtype == torch.float32
        assert torch.allclose(again.output.weight, lstm.output.weight, atol=1e-3)
        (folder / "config.json").write_text(json.dumps({"cell": "lstm", "units": 17}))
        with pytest.raises(WeightsError, match="char-lstm"):
            load(folder)

"""The causal Transformer: what it may look at, its training, its figures, and what the embedded weights can do."""

import dataclasses
import json
import math
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from models import runtime, training, weights
from models.errors import InputError, WeightsError
from models.recipes.attention import train_causal
from models.recipes.attention.evaluate_causal import NAME, bits_by_position, bits_per_character
from models.text import books
from models.text.causal import CausalConfig, CausalTransformer, load
from models.text.symbols import ALPHABET, START, encode
from models.training import Trapezoid

SMALL = CausalConfig(width=16, heads=2, layers=2, hidden=32, context=24)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CausalTransformer(SMALL).eval().requires_grad_(False)


@pytest.fixture
def symbols():
    return torch.randint(100, (20,), generator=torch.Generator().manual_seed(1))


class TestNetwork:
    def test_shapes(self, network, symbols):
        assert network(symbols.view(2, 10)).shape == (2, 10, 100)
        assert network.scores(F.one_hot(symbols, 100).float()).shape == (20, 100)

    def test_what_comes_later_changes_nothing_before(self, network, symbols):
        changed = symbols.clone()
        changed[12] = (changed[12] + 1) % 100
        before, after = network(symbols[None])[0], network(changed[None])[0]
        torch.testing.assert_close(before[:12], after[:12])
        assert (before[12:] != after[12:]).any(1).all()

    def test_scores_are_the_same_network(self, network, symbols):
        torch.testing.assert_close(network.scores(F.one_hot(symbols, 100).float()), network(symbols[None])[0])

    def test_gradient_reaches_back_and_not_ahead(self, network, symbols):
        one_hot = F.one_hot(symbols, 100).float().requires_grad_()
        network.scores(one_hot)[11].sum().backward()
        reached = one_hot.grad.abs().sum(1) > 0
        assert reached[:12].all()
        assert not reached[12:].any()

    def test_attention_weights_are_kept(self, network, symbols):
        attention = network.attention(symbols)
        assert attention.shape == (2, 2, 20, 20)
        torch.testing.assert_close(attention.sum(-1), torch.ones(2, 2, 20))
        assert (attention.triu(1) == 0).all()

    def test_learning_takes_the_same_sums_and_gradients(self, network, symbols):
        network.requires_grad_(True)
        gradients = []
        for learning in (False, True):
            network.train(learning).zero_grad()
            F.cross_entropy(network(symbols[None, :-1])[0], symbols[1:]).backward()
            gradients.append([parameter.grad.clone() for parameter in network.parameters()])
        for written_out, fused in zip(*gradients, strict=True):
            torch.testing.assert_close(fused, written_out)
        torch.testing.assert_close(network.attention(symbols), network.eval().attention(symbols))

    def test_longer_texts_than_the_context_are_refused(self, network):
        with pytest.raises(InputError, match="25 characters; this network reads 24"):
            network(torch.zeros(1, 25, dtype=torch.int64))

    def test_using_it_loads_no_training_library(self):
        code = "import sys, models.text.causal; print({'sklearn', 'pandas', 'transformers'} & set(sys.modules))"
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


class TestEvaluate:
    def naive(self, network, symbols):
        """Each character in turn, from a window that begins where `evaluate_causal` says."""
        context, inputs = network.config.context, [ALPHABET.index(START), *symbols.tolist()]
        bits = []
        for place, symbol in enumerate(symbols.tolist()):
            half = context // 2
            start = 0 if place < context else (place // half - 1) * half
            logits = network(torch.tensor([inputs[start : place + 1]]))[0, -1]
            bits.append(-float(logits.double().log_softmax(-1)[symbol]) / math.log(2))
        return sum(bits) / len(bits)

    @pytest.mark.parametrize("length", [1, 11, 24, 25, 36, 37, 100])
    def test_every_character_counts_once(self, network, length):
        symbols = torch.randint(100, (length,), generator=torch.Generator().manual_seed(length))
        assert bits_per_character(network, symbols) == pytest.approx(self.naive(network, symbols), rel=1e-5)

    def test_by_position(self, network):
        symbols = torch.randint(100, (100,), generator=torch.Generator().manual_seed(1))
        by_position = bits_by_position(network, symbols)
        assert list(by_position) == ["1-8", "9-16", "17-24"]
        inputs = torch.cat([torch.tensor([ALPHABET.index(START)]), symbols[:-1]])
        nats = [
            F.cross_entropy(network(inputs[None, s : s + 24])[0], symbols[s : s + 24], reduction="none")[:8]
            for s in range(0, 88, 12)
        ]
        assert by_position["1-8"] == pytest.approx(float(torch.cat(nats).mean()) / math.log(2), abs=1e-3)


@pytest.fixture
def text():
    return torch.from_numpy(encode("\n\n".join(f"{n} men went to mow, to mow a meadow." for n in range(300))).symbols)


class TestTraining:
    def job(self, text):
        return train_causal.Training(text, SMALL, Trapezoid(1.0, 2, 5, 2))

    def test_windows_are_pieces_of_the_text(self, text, monkeypatch):
        monkeypatch.setattr(books, "SLIP_PROBABILITY", 0.0)
        monkeypatch.setattr(train_causal, "WINDOWS", 200)
        windows = self.job(text).windows(0)
        assert windows.shape == (200, SMALL.context + 1)
        whole = bytes(text.tolist())
        assert all(bytes(window.tolist()) in whole for window in windows)
        newline = ALPHABET.index(START)
        begins = (windows[:, 0] == newline) & (windows[:, 1] != newline)
        assert float(begins.float().mean()) == pytest.approx(train_causal.PARAGRAPH_PROBABILITY, abs=0.1)

    def test_steps_have_their_own_windows_with_slips(self, text, monkeypatch):
        job = self.job(text)
        clean = job.windows(3)
        assert torch.equal(clean, job.windows(3))
        assert not torch.equal(clean, job.windows(4))
        monkeypatch.setattr(books, "SLIP_PROBABILITY", 0.3)
        assert float((job.windows(3) != clean).float().mean()) == pytest.approx(0.29, abs=0.08)

    def test_resumed_training_is_the_same_training(self, text, tmp_path):
        whole = self.job(text)
        losses = [step.loss for step in whole.fit()]
        first = self.job(text)
        steps = first.fit()
        for _ in range(3):
            next(steps)
        training.save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
        torch.manual_seed(99)
        second = self.job(text)
        second.load_state_dict(training.load_checkpoint(tmp_path / "checkpoint.pt"))
        assert [step.loss for step in second.fit()] == losses[3:]
        for name, tensor in whole.network.state_dict().items():
            assert torch.equal(tensor, second.network.state_dict()[name]), name

    def test_it_goes_on_from_given_weights(self, text, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        begun = self.job(text)
        list(begun.fit())
        folder = training.export(NAME, begun.weights(), dataclasses.asdict(SMALL), half=True)
        continued = train_causal.Training(text, SMALL, Trapezoid(1.0, 2, 5, 2), 1, folder)
        for name, tensor in begun.network.state_dict().items():
            torch.testing.assert_close(continued.network.state_dict()[name], tensor.half().float())

    def test_exported_weights_load_and_damaged_ones_are_refused(self, network, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        folder = training.export(NAME, network.state_dict(), dataclasses.asdict(SMALL), half=True)
        again = load(folder)
        assert again.config == SMALL
        assert again.embedding.weight.dtype == torch.float32
        assert torch.allclose(again.embedding.weight, network.embedding.weight, atol=1e-3)
        for damage in ({"width": 18}, {"depth": 3}, {"layers": "two"}):
            (folder / "config.json").write_text(json.dumps({**dataclasses.asdict(SMALL), **damage}))
            with pytest.raises(WeightsError, match="char-transformer"):
                load(folder)


class TestEmbedded:
    @pytest.fixture(scope="class")
    def embedded(self):
        return runtime.load(NAME, load).network

    def completes(self, network, text):
        symbols = torch.from_numpy(encode(START + text).symbols)
        return ALPHABET[int(network(symbols[None])[0, -1].argmax())]

    def test_it_is_about_as_large_as_the_lstm(self, embedded):
        assert sum(p.numel() for p in embedded.parameters()) == pytest.approx(1_308_772, rel=0.06)
        assert embedded.config.alphabet == ALPHABET

    @pytest.mark.parametrize(
        ("text", "character"),
        [("It was a dark and stormy nigh", "t"), ('"I do not know," he sai', "d"), ("She went into the garde", "n")],
    )
    def test_it_spells(self, embedded, text, character):
        assert self.completes(embedded, text) == character

    def test_plain_english_is_no_surprise_and_noise_is(self, embedded):
        plain = encode("The children ran down to the river and looked for the little boat, but it was not there.")
        noise = encode("qzx vbnk tplw gxh jjq mmwz rrtk vvx hhqp zzl")
        assert bits_per_character(embedded, torch.from_numpy(plain.symbols)) < 1.9
        assert bits_per_character(embedded, torch.from_numpy(noise.symbols)) > 5

    def test_what_came_before_helps(self, embedded):
        """The line break that opens every text, or a sentence before: the next sentence is less of a surprise."""
        before, after = "The captain looked at the ship. ", "He went on board, and the sailors saluted him."
        symbols = torch.from_numpy(encode(START + before + after).symbols)
        nats = [
            float(F.cross_entropy(embedded(s[None, :-1])[0], s[1:], reduction="none")[-len(after) :].mean())
            for s in (symbols, torch.cat([symbols[:1], symbols[-len(after) :]]))
        ]
        assert nats[0] < nats[1]

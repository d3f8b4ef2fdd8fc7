"""The small GPT-2 on books: pieces, training, resuming, measuring, and the format it is stored in."""

import json
import math

import pytest
import torch
from torch.nn import functional as F

from models import training, weights
from models.attention.trace import load
from models.recipes.attention import evaluate_books, train_books
from models.training import Trapezoid

TEXT = "It was late, and nobody had waited for the old captain but the dog.\n\nThe dog slept by the door.\n\n" * 40
SCHEDULE = Trapezoid(1.0, 2, 8, 3)


@pytest.fixture(scope="module")
def tokenizer():
    return train_books.train_tokenizer(TEXT)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(train_books, "CONTEXT", 16)
    monkeypatch.setattr(train_books, "WINDOWS", 4)


@pytest.fixture
def job(small, tokenizer):
    return train_books.Training(train_books.encode(tokenizer, TEXT), SCHEDULE)


@pytest.mark.parametrize("text", [TEXT, "déjà vu 🙂", "שלום", "\n\n\n\n", "a\n\n", "\t x  y "])
def test_every_text_can_be_written_in_pieces(tokenizer, text):
    assert tokenizer.decode(train_books.encode(tokenizer, text)) == text


def test_it_learns(job):
    losses = [report.loss for report in job.fit()]
    assert job.steps_done == len(losses) == 8
    assert losses[0] == pytest.approx(math.log(train_books.VOCABULARY), rel=0.05)
    assert losses[-1] < losses[0] - 0.3


def test_a_resumed_training_goes_on_exactly(job, small, tokenizer, tmp_path):
    whole = [report.loss for report in job.fit()]
    first = train_books.Training(job.text, SCHEDULE)
    steps = first.fit()
    begun = [next(steps).loss for _ in range(3)]
    training.save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
    second = train_books.Training(job.text, SCHEDULE, seed=0)
    second.load_state_dict(training.load_checkpoint(tmp_path / "checkpoint.pt"))
    assert begun + [report.loss for report in second.fit()] == pytest.approx(whole, rel=1e-6)
    for name, tensor in job.ema.state.items():
        torch.testing.assert_close(second.ema.state[name], tensor)


def test_every_piece_is_counted_once_and_from_half_a_context(job):
    network, text = job.averaged_network(), job.text[:45]
    inputs = torch.cat([text.new_zeros(1), text[:-1]])
    nats = []
    for place in range(len(text)):
        begin = max(0, (place // 8) * 8 - 8)
        logits = network(inputs[None, begin : place + 1]).logits[0, -1]
        nats.append(F.cross_entropy(logits, text[place]).item())
    assert train_books.nats_per_piece(network, text) == pytest.approx(sum(nats) / len(nats), rel=1e-5)


def test_what_is_stored_is_what_was_averaged(job, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path / "weights")
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    (tmp_path / "weights").mkdir()
    list(job.fit())
    folder = train_books.export(job, tokenizer)
    assert "model.safetensors" in json.loads((tmp_path / "manifest.json").read_text())["book-gpt"]
    from models.attention.trace import load_subject

    subject = load_subject(folder)
    torch.testing.assert_close(
        subject.network.transformer.wte.weight, job.ema.state["transformer.wte.weight"], atol=1e-3, rtol=1e-3
    )
    assert subject.read("The dog").tokens[-1] == " dog"


def test_the_embedded_weights_are_those_of_the_card(tmp_path, monkeypatch, capsys):
    card = (weights.folder("book-gpt") / "README.md").read_text()
    assert f"{load('book-gpt').parameters:,}" in card
    (tmp_path / "alice.txt").write_text("Alice was beginning to get very tired of sitting by her sister on the bank.")
    monkeypatch.setattr("sys.argv", ["evaluate", "--data", str(tmp_path / "alice.txt")])
    evaluate_books.main()
    line = json.loads(capsys.readouterr().out)
    assert line["characters"] == 75
    assert line["bits_per_character"] < 1.6

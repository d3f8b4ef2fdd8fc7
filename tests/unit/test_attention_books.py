"""The small GPT-2 on books: pieces, training, resuming, measuring, and the format it is stored in."""

import json
import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from transformers import GPT2LMHeadModel

from demos.attention.inside import EXAMPLE
from models import training, weights
from models.attention.inside import edit_inside, look_inside
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
    monkeypatch.setattr(train_books, "WINDOWS", 8)
    monkeypatch.setattr(train_books, "REPEATING", 2)


@pytest.fixture
def job(small, tokenizer):
    text = train_books.encode(tokenizer, TEXT)
    return train_books.Training(text, text.flip(0), SCHEDULE)


@pytest.mark.parametrize("text", [TEXT, "déjà vu 🙂", "שלום", "\n\n\n\n", "a\n\n", "\t x  y "])
def test_every_text_can_be_written_in_pieces(tokenizer, text):
    assert tokenizer.decode(train_books.encode(tokenizer, text)) == text


@pytest.mark.thorough
def test_it_learns(job, monkeypatch):
    monkeypatch.setattr(train_books, "GUIDE_WEIGHT", 0.0)
    losses = [report.loss for report in job.fit()]
    assert job.steps_done == len(losses) == 8
    assert losses[0] == pytest.approx(math.log(train_books.VOCABULARY), rel=0.05)
    assert losses[-1] < losses[0] - 0.3


@pytest.mark.thorough
def test_a_resumed_training_goes_on_exactly(job, small, tokenizer, tmp_path):
    whole = [report.loss for report in job.fit()]
    first = train_books.Training(job.text, job.more, SCHEDULE)
    steps = first.fit()
    begun = [next(steps).loss for _ in range(3)]
    training.save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
    second = train_books.Training(job.text, job.more, SCHEDULE, seed=0)
    second.load_state_dict(training.load_checkpoint(tmp_path / "checkpoint.pt"))
    assert begun + [report.loss for report in second.fit()] == pytest.approx(whole, rel=1e-6)
    for name, tensor in job.ema.state.items():
        torch.testing.assert_close(second.ema.state[name], tensor)


@pytest.mark.thorough
def test_a_training_begins_with_the_weights_it_is_given(job, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    list(job.fit())
    folder = train_books.export(job, tokenizer, job.text[:40])
    continued = train_books.Training(job.text, job.more, SCHEDULE, start=folder)
    averaged = job.averaged_network()
    train_books.calibrate(averaged, job.text[:40])
    for name, tensor in averaged.state_dict().items():
        torch.testing.assert_close(continued.network.state_dict()[name], tensor.half().float())


def test_repeating_windows_come_again_and_say_from_where():
    windows, first = train_books.repeating_windows(50)
    periods = first.sum(1)
    assert windows.shape == first.shape == (50, train_books.CONTEXT + 1)
    assert 16 <= periods.min() < periods.max() <= 64
    for window, period in zip(windows, periods, strict=True):
        assert torch.equal(window[period:], window[:-period])
        assert len(set(window[:period].tolist())) > 0.9 * period


def test_only_what_comes_again_is_a_lesson_of_random_pieces(job, monkeypatch):
    monkeypatch.setattr(train_books, "WINDOWS", 2)
    monkeypatch.setattr(train_books, "GUIDE_WEIGHT", 0.0)
    windows, first = train_books.repeating_windows(2)
    monkeypatch.setattr(train_books, "repeating_windows", lambda count: (windows, first))
    loss, count = job.loss()
    torch.manual_seed(job.steps_done)
    nats = -job.network(windows[:, :-1]).logits.log_softmax(2).gather(2, windows[:, 1:, None])[..., 0]
    assert count == 2 * train_books.CONTEXT
    assert loss.item() == pytest.approx(nats[~first[:, 1:]].mean().item(), rel=0.02)


def test_two_heads_are_told_where_to_look_for_a_while(job, monkeypatch):
    monkeypatch.setattr(train_books, "GUIDE_WEIGHT", 0.0)
    told = [job.loss()[0].item()]
    monkeypatch.setattr(train_books, "GUIDE_WEIGHT", 1.0)
    told.append(job.loss()[0].item())
    job.steps_done = job.schedule.total_steps - 1
    monkeypatch.setattr(job, "guidance", lambda pieces: pytest.fail("told to the end"))
    job.loss()
    assert told[1] > told[0] + 1


def test_what_heads_are_told_is_measured_on_the_library_s_own_attention(small, tokenizer, tmp_path):
    torch.manual_seed(0)
    eager = GPT2LMHeadModel(train_books.new_network().config)
    eager.save_pretrained(tmp_path)
    eager.set_attn_implementation("eager")
    text = train_books.encode(tokenizer, TEXT)
    job = train_books.Training(text, text, SCHEDULE, start=tmp_path)
    pieces = train_books.repeating_windows(train_books.REPEATING)[0][:, :-1]
    with torch.inference_mode():
        attention = eager.eval()(pieces, output_attentions=True).attentions
        job.network.eval()(pieces)
    (previous, first), (induction, second) = train_books.PREVIOUS_HEAD, train_books.INDUCTION_HEAD
    nats_before = [
        -math.log(attention[previous][window, first, place, place - 1])
        for window in range(len(pieces))
        for place in range(1, pieces.shape[1])
    ]
    nats_looked_up = []
    for window, row in enumerate(pieces.tolist()):
        for place, piece in enumerate(row):
            after = [earlier + 1 for earlier in range(place) if row[earlier] == piece]
            if after:
                nats_looked_up.append(-math.log(attention[induction][window, second, place, after].sum()))
    expected = sum(nats_before) / len(nats_before) + sum(nats_looked_up) / len(nats_looked_up)
    assert job.guidance(pieces).item() == pytest.approx(expected, rel=1e-4)


def test_every_piece_is_counted_once_and_from_half_a_context(job):
    network, text = job.averaged_network(), job.text[:45]
    inputs = torch.cat([text.new_zeros(1), text[:-1]])
    nats = []
    for place in range(len(text)):
        begin = max(0, (place // 8) * 8 - 8)
        logits = network(inputs[None, begin : place + 1]).logits[0, -1]
        nats.append(F.cross_entropy(logits, text[place]).item())
    assert train_books.nats_per_piece(network, text) == pytest.approx(sum(nats) / len(nats), rel=1e-5)


def test_a_calibrated_network_is_as_sure_as_it_may_be(job):
    """Of all temperatures none leaves less surprise on the text; what is likeliest stays the same."""
    network, text = job.averaged_network(), job.text[:45]
    inputs = torch.cat([text.new_zeros(1), text[:-1]])[None, : train_books.CONTEXT]
    with torch.inference_mode():
        logits = network(inputs).logits
        nats = {
            value: F.cross_entropy(logits[0] / value, text[: inputs.shape[1]]).item()
            for value in train_books.TEMPERATURES
        }
        temperature = train_books.calibrate(network, text[: inputs.shape[1]])
        torch.testing.assert_close(network(inputs).logits, logits / temperature)
    assert nats[temperature] == min(nats.values())


@pytest.mark.thorough
def test_what_is_stored_is_what_was_averaged(job, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(weights, "EMBEDDED", tmp_path / "weights")
    monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
    (tmp_path / "weights").mkdir()
    list(job.fit())
    folder = train_books.export(job, tokenizer, job.text[:40])
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
    assert line["bits_per_character"] < 1.5
    assert f"| {line['repetition_nats']:.1f} nats | head {line['induction_head']} with" in card
    assert f"with {line['induction_attention']:.2f} of its attention" in card


def test_one_head_holds_the_list_that_is_read_twice():
    """What the page "Change the inside" opens on and says to try, with the figures of the card."""
    layer, head = train_books.INDUCTION_HEAD
    found = look_inside("book-gpt", EXAMPLE, without=True)
    assert (found.off.layer, found.off.head) == (layer, head)
    [(word, before, after)] = [row for row in found.comparison.rows[-1] if row[0].strip() == "garden"]
    card = " ".join((weights.folder("book-gpt") / "README.md").read_text().split())
    assert f"“{EXAMPLE}” with “{word}” at {100 * before:.0f} %" in card
    assert after < 0.001
    others = [["decoder", layer, other] for other in range(8) if other != head]
    without_others = edit_inside("book-gpt", EXAMPLE, {"heads_off": others}).comparison.rows[-1]
    assert max(without_others, key=lambda row: row[2])[0] == word


@pytest.mark.thorough
def test_the_induction_score_is_the_attention_to_what_came_after_the_same_piece():
    """Against the library's own attention weights, head by head."""
    subject = load("book-gpt").network
    eager = GPT2LMHeadModel.from_pretrained(weights.folder("book-gpt"), attn_implementation="eager").float().eval()
    torch.manual_seed(0)
    windows, _ = train_books.repeating_windows(train_books.MEASURED_WINDOWS)
    with torch.inference_mode():
        attention = torch.stack(eager(windows[:, :-1], output_attentions=True).attentions)
    shares = []
    for window, pieces in enumerate(windows[:, :-1].tolist()):
        looked_up = {
            place: [earlier + 1 for earlier in range(place) if pieces[earlier] == piece]
            for place, piece in enumerate(pieces)
        }
        rows = [attention[:, window, :, place, to].sum(-1) for place, to in looked_up.items() if to]
        shares.append(torch.stack(rows).mean(0))
    np.testing.assert_allclose(evaluate_books.induction(subject), torch.stack(shares).mean(0), atol=1e-4)

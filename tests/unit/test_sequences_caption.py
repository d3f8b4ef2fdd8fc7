"""The scene maker and its grammar, what is held out, the caption network against torch, training that resumes."""

import json

import numpy as np
import pytest
import torch

from models import training, weights
from models.errors import InputError, WeightsError
from models.recipes.sequences.caption import evaluate, train
from models.sequences.caption.network import (
    OUTPUTS,
    START_SYMBOL,
    CaptionNetwork,
    Config,
    decode,
    describe,
    encode,
    load,
)
from models.sequences.caption.scenes import (
    HEIGHT,
    NOUNS,
    WIDTH,
    Phrase,
    SceneDescription,
    draw_scene,
    is_held_out_pair,
    is_new_kind,
    parse,
    part_of,
    random_description,
)
from models.sequences.caption.trace import fit, trace_caption
from models.training import Trapezoid

SMALL = Config(channels=(4, 4, 4, 4), embedding=8, units=16)
SCENE = SceneDescription(Phrase(1, "red", "potion"), "left of", Phrase(2, "blue", "sword"))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return CaptionNetwork(SMALL).eval().requires_grad_(False)


class TestScenes:
    @pytest.mark.parametrize("part", ["train", "held-out pair", "new colour and noun"])
    def test_sentences_can_be_read_back_and_belong_to_one_part(self, part):
        rng = np.random.default_rng(3)
        for _ in range(50):
            description = random_description(rng, part)
            assert part_of(description) == part_of(description.mirrored()) == part
            assert parse(str(description)) == description
            assert all(word in OUTPUTS for word in str(description).split())

    def test_nothing_held_out_is_ever_drawn_for_training(self):
        rng = np.random.default_rng(4)
        for _ in range(300):
            kinds = [phrase.kind for phrase in random_description(rng, "train").phrases]
            assert not any(map(is_new_kind, kinds))
            assert len(kinds) == 1 or not is_held_out_pair(*kinds)

    def test_same_seed_same_picture(self):
        first, again, other = (draw_scene(SCENE, seed) for seed in (1, 1, 2))
        assert first.shape == (HEIGHT, WIDTH, 3)
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)

    @pytest.mark.parametrize(
        "text", ["", "potion", "a red", "four red potions", "a pink key", "a red potion near a blue key", None]
    )
    def test_what_is_no_sentence(self, text):
        with pytest.raises(InputError):
            parse(text)

    def test_two_groups_must_differ(self):
        with pytest.raises(InputError, match="differ"):
            SceneDescription(Phrase(1, "red", "key"), "above", Phrase(2, "red", "key"))


class TestNetwork:
    def test_steps_are_those_of_the_fused_cell(self, network):
        pictures = torch.rand(3, 3, HEIGHT, WIDTH)
        symbols = torch.tensor([[START_SYMBOL] * 3, [2, 3, 4], [5, 6, 7]])
        fused, hidden = network(network.look(pictures), symbols), network.look(pictures)
        for t in range(3):
            hidden, logits = network.step(symbols[t], hidden)
            torch.testing.assert_close(logits, fused[t], rtol=1e-4, atol=1e-5)

    def test_words_and_numbers(self):
        assert decode(encode(str(SCENE))) == str(SCENE)

    def test_trace_is_what_the_network_writes(self, network):
        image = draw_scene(SCENE, 0)
        trace = trace_caption(network, image)
        ((text, _),) = evaluate.write_all(network, image[None])
        assert trace.answer == (text or "(end)")
        assert trace.steps[0].input == "image"
        assert [step.fed_back for step in trace.steps] == [False] + [True] * (len(trace.steps) - 1)
        assert all(len(step.output) == 8 and step.asked for step in trace.steps)

    @pytest.mark.parametrize("shape", [(1, 1), (500, 20), (20, 500), (72, 96), (300, 400)])
    def test_any_size_of_picture(self, network, shape):
        image = np.full((*shape, 3), 200, np.uint8)
        assert fit(image).shape == (HEIGHT, WIDTH, 3)
        assert trace_caption(network, image).steps

    def test_exported_weights_load_and_damaged_ones_are_refused(self, network, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        folder = training.export("caption-gru", network.state_dict(), describe(network), half=True)
        assert describe(load(folder)) == describe(network)
        (folder / "config.json").write_text(json.dumps({"units": 17}))
        with pytest.raises(WeightsError, match="caption-gru"):
            load(folder)


def test_resumed_training_is_the_same_training(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "BATCH", 4)

    def job():
        return train.Training(SMALL, Trapezoid(1e-3, 2, 4, 1))

    whole = job()
    losses = [step.loss for step in whole.fit()]
    first = job()
    steps = first.fit()
    next(steps), next(steps)
    training.save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
    second = job()
    second.load_state_dict(training.load_checkpoint(tmp_path / "checkpoint.pt"))
    assert [step.loss for step in second.fit()] == losses[2:]


def test_slots_are_counted_against_the_nearer_sentence():
    written = [("two blue swords right of a red key", 1.0), ("nonsense", 1.0)]
    found = evaluate.slots([SCENE, SCENE], written)
    assert found == {"count": 0.5, "colour": 0.5, "noun": 0.25, "relation": 0.5}


def test_the_embedded_network_describes_what_it_never_saw_together():
    network = load(weights.folder("caption-gru")).eval()
    assert evaluate.exact_share(network, "held-out pair", count=100, seed=9) > 0.6
    assert set(NOUNS) <= set(OUTPUTS)

"""The recall task: its sequences, its measurements, its training, and what the embedded networks remember."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models import runtime, training, weights
from models.errors import InputError, WeightsError
from models.recipes.sequences.recall import train
from models.sequences.recall.measure import RecallPoint, measure_recall, recall_once
from models.sequences.recall.network import CELLS, RecallConfig, RecallNetworks, describe, load
from models.sequences.recall.task import (
    END,
    MAX_DISTANCE,
    NAMES,
    PAST_THE_END,
    as_lessons,
    cut,
    plain,
    prompt,
    random_words,
)
from models.text.symbols import ALPHABET, decode

SMALL = RecallConfig(
    units={"rnn": 8, "gru": 6, "lstm": 5},
    transformer={"width": 8, "heads": 2, "layers": 1, "hidden": 8, "context": 512},
    trained_to={"rnn": 10, "gru": 10, "lstm": 10, "transformer": 10, "far_transformer": 30},
)
PROSE = "The rain went on all night, and nobody in the little house by the river could sleep for the noise of it. " * 5


@pytest.fixture
def networks():
    torch.manual_seed(0)
    return RecallNetworks(SMALL).eval().requires_grad_(False)


class TestTask:
    def test_the_first_letter_tells_the_name(self):
        assert len({name[0] for name in NAMES}) == len(NAMES) == 24
        assert all(letter in ALPHABET for name in NAMES for letter in name)

    def test_only_the_name_and_its_end_are_asked_for(self):
        lessons = as_lessons(["Ida", "Ursula"], ["a b", "c d"])
        for row, name, filler in zip(range(2), ("Ida", "Ursula"), ("a b", "c d"), strict=True):
            inputs, targets, asked = (part[row] for part in lessons)
            assert decode(targets[asked]) == name + END
            first = int(asked.nonzero()[0])
            assert decode(inputs[: first + 1]) == prompt(name, filler)
            assert decode(inputs[first + 1 : first + 1 + len(name)]) == name

    def test_every_character_is_a_target_and_nothing_past_the_end(self):
        inputs, targets, _ = as_lessons(["Ida", "Ursula"], ["a b", "c d"])
        assert decode(inputs[:, 0]) == "IU"
        assert torch.equal(inputs[1, 1:], targets[1, :-1])
        read = targets[0] != PAST_THE_END
        assert decode(targets[0][read]) == "Ida: a b > Ida\n"[1:]
        assert int((~read).sum()) == 2 * (len("Ursula") - len("Ida"))

    @given(st.text(min_size=1, max_size=60), st.integers(0, 100))
    def test_cuts_have_the_distance_asked_for(self, text, distance):
        pieces = cut(text, distance, 5, np.random.default_rng(0))
        assert [len(piece) for piece in pieces] == [distance] * 5

    def test_a_long_text_is_cut_everywhere_and_never_joined(self):
        pieces = cut("abcdefghij", 4, 200, np.random.default_rng(0))
        assert set(pieces) == {"abcdefghij"[start : start + 4] for start in range(7)}

    def test_random_words_are_lower_case_words(self):
        words = random_words(5_000, np.random.default_rng(3))
        assert len(words) == 5_000
        assert set(words) <= set("abcdefghijklmnopqrstuvwxyz ")
        assert all(1 <= len(word) <= 9 for word in words.split(" ")[:-1])
        assert words == random_words(5_000, np.random.default_rng(3))

    def test_plain_is_one_line(self):
        assert plain(" a\n\nb\tc  d ") == "a b c d"


class TestMeasure:
    def points(self, networks, filler=PROSE, **changes):
        arguments = {"distances": (0, 7, 150), "count": 6, "seed": 1, "filler": filler, **changes}
        return list(measure_recall(networks, arguments.pop("distances"), **arguments))

    @pytest.mark.parametrize("filler", [PROSE, None, "x", "☃ é\n"])
    def test_one_point_for_each_network_and_distance(self, networks, filler):
        points = self.points(networks, filler)
        assert [(p.distance, p.cell) for p in points] == [(d, cell) for d in (0, 7, 150) for cell in CELLS]
        assert all(0 <= p.accuracy <= 1 and p.count == 6 for p in points)
        assert points == self.points(networks, filler)

    def test_a_distance_is_measured_the_same_alone(self, networks):
        assert self.points(networks, distances=(7,)) == self.points(networks)[len(CELLS) : 2 * len(CELLS)]

    def test_points_come_one_by_one(self, networks, monkeypatch):
        calls = []
        read = RecallNetworks.read
        monkeypatch.setattr(RecallNetworks, "read", lambda *a: calls.append(a[1]) or read(*a))
        stream = measure_recall(networks, (0, 5), count=3, seed=0, filler=None)
        assert isinstance(next(stream), RecallPoint)
        assert calls == ["rnn"]

    def test_right_is_the_whole_name_and_nothing_else(self, networks, monkeypatch):
        """A reader that copies the right name is right always, one that misses the last letter never."""

        def oracle(self, cell, symbols):
            spelled = torch.nn.functional.one_hot(symbols.roll(-1, 1), 100).float()
            spelled[:, -1] = torch.nn.functional.one_hot(torch.tensor(ALPHABET.index(END)), 100)
            if cell == "rnn":
                spelled[:, -2] = 0
            return spelled

        monkeypatch.setattr(RecallNetworks, "read", oracle)
        monkeypatch.setattr("models.sequences.recall.measure.NAMES", ("Anna", "Emma"))
        accuracy = {p.cell: p.accuracy for p in self.points(networks, distances=(5,))}
        assert accuracy == {"rnn": 0, "gru": 1, "lstm": 1, "transformer": 1, "far_transformer": 1}

    @pytest.mark.parametrize(
        ("mistake", "sentence"),
        [
            ({"distances": (MAX_DISTANCE + 1,)}, "The distance must be"),
            ({"distances": (-1,)}, "The distance must be"),
            ({"distances": (2.5,)}, "The distance must be"),
            ({"count": 0}, "The number of sequences must be"),
            ({"count": True}, "The number of sequences must be"),
            ({"seed": -1}, "The seed must be"),
            ({"filler": " \n"}, "The filler is empty"),
            ({"filler": 5}, "The filler must be text"),
            ({"filler": "x" * 1_000_001}, "The filler has 1,000,001"),
        ],
    )
    def test_mistakes_are_refused_before_the_first_point(self, networks, mistake, sentence):
        with pytest.raises(InputError, match=sentence):
            measure_recall(networks, **{"distances": (5,), "count": 5, "seed": 0, "filler": None, **mistake})

    def test_recall_once(self, networks):
        results = recall_once(networks, "Ruth", "some words\nbetween")
        assert tuple(results) == CELLS
        assert all(0 <= result.probability <= 1 and len(result.written) <= 12 for result in results.values())
        assert results == recall_once(networks, "Ruth", "some words between")

    def test_probability_is_that_of_the_letters(self, networks):
        inputs = as_lessons(["Ida"], ["abc"]).inputs
        for cell, result in recall_once(networks, "Ida", "abc").items():
            p = networks.read(cell, inputs)[0].double().softmax(-1)
            letters = [ALPHABET.index(c) for c in "Ida" + END]
            expected = np.prod([float(p[len(p) - 4 + n, letter]) for n, letter in enumerate(letters)])
            assert result.probability == pytest.approx(expected, rel=1e-5)

    @settings(max_examples=20, deadline=None)
    @given(st.text(max_size=MAX_DISTANCE))
    def test_any_filler_can_be_typed(self, filler):
        torch.manual_seed(0)
        recall_once(RecallNetworks(SMALL), "Zoe", filler)

    def test_bad_sequences_are_refused(self, networks):
        with pytest.raises(InputError, match="The name must be one of: Anna, Ben"):
            recall_once(networks, "Xerxes", "")
        with pytest.raises(InputError, match="The filler has 401"):
            recall_once(networks, "Ruth", "x" * 401)

    def test_using_it_loads_no_training_library(self):
        code = (
            "import sys, models.sequences.recall.measure; print({'sklearn', 'pandas', 'transformers'} & {*sys.modules})"
        )
        assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"


class TestTraining:
    def job(self, cell):
        return train.Training(cell, PROSE, SMALL, steps=6)

    def test_every_network_trained_as_far_gets_the_same_sequences(self):
        for step in range(4):
            lessons = [self.job(cell).lessons(step) for cell in CELLS if SMALL.trained_to[cell] == 10]
            assert all(torch.equal(a, b) for other in lessons for a, b in zip(lessons[0], other, strict=True))

    @pytest.mark.parametrize("cell", ["rnn", "far_transformer"])
    def test_distances_grow_to_the_limit_and_no_further(self, cell):
        job = train.Training(cell, PROSE, SMALL, steps=200)
        shape = job.lessons(0).inputs.shape
        assert shape[0] == train.SEQUENCES
        frame = len(prompt("Ursula", "") + "Ursula")
        assert shape[1] <= frame + 1
        assert max(job.lessons(step).inputs.shape[1] for step in range(150, 500)) == frame + SMALL.trained_to[cell]

    @pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
    def test_recurrent_matrices_start_orthogonal(self, cell):
        network = self.job(cell).networks[cell]
        for matrix in network.recurrent.weight_hh_l0.detach().split(network.config.units):
            torch.testing.assert_close(matrix @ matrix.T, torch.eye(len(matrix)), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize("cell", CELLS)
    def test_resumed_training_is_the_same_training(self, cell, tmp_path):
        losses = [step.loss for step in self.job(cell).fit()]
        first = self.job(cell)
        steps = first.fit()
        for _ in range(3):
            next(steps)
        training.save_checkpoint(tmp_path / "lstm.pt", first.state_dict())
        second = self.job(cell)
        second.load_state_dict(training.load_checkpoint(tmp_path / "lstm.pt"))
        assert [step.loss for step in second.fit()] == losses[3:]

    def test_exported_weights_load_and_damaged_ones_are_refused(self, networks, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        folder = training.export("recall-cells", networks.state_dict(), describe(networks), half=True)
        again = load(folder)
        assert {name.split(".")[0] for name in again.state_dict()} == set(CELLS)
        assert again.config == SMALL
        for damage in ({"units": {**SMALL.units, "gru": 7}}, {"units": {}}, {"extra": 1}):
            (folder / "config.json").write_text(json.dumps({**describe(networks), **damage}))
            with pytest.raises(WeightsError, match="recall-cells"):
                load(folder)


class TestEmbedded:
    @pytest.fixture(scope="class")
    def embedded(self):
        return runtime.load("recall-cells", load).network

    @pytest.fixture(scope="class")
    def accuracy(self, embedded):
        points = measure_recall(embedded, (0, 60, 160, 260), count=60, seed=5, filler=PROSE)
        return {(point.cell, point.distance): point.accuracy for point in points}

    def test_they_are_about_equally_large(self, embedded):
        sizes = embedded.sizes()
        assert max(sizes.values()) < 1.05 * min(sizes.values())
        assert set(embedded.config.trained_to.values()) == {100, 300}

    def test_all_know_the_name_at_once(self, accuracy):
        assert all(accuracy[cell, 0] == 1 for cell in CELLS)

    def test_the_elman_network_forgets_within_its_trained_range(self, accuracy):
        assert accuracy["rnn", 60] < 0.8
        assert all(accuracy[cell, 60] > 0.9 for cell in ("gru", "lstm", "transformer"))

    def test_gates_hold_beyond_the_trained_range_and_the_transformer_does_not(self, accuracy):
        assert all(accuracy[cell, 160] > 0.8 for cell in ("gru", "lstm"))
        assert accuracy["transformer", 160] < 0.2

    def test_a_transformer_trained_further_looks_further_and_loses_nothing_on_the_way(self, accuracy):
        assert all(accuracy["far_transformer", distance] > 0.95 for distance in (60, 160, 260))

    @pytest.mark.parametrize("name", ["Anna", "Ruth", "Ursula"])
    def test_a_sequence_typed_by_hand(self, embedded, name):
        results = recall_once(embedded, name, "It was late, and the snow lay deep upon the road")
        for cell in ("gru", "lstm", "transformer", "far_transformer"):
            assert results[cell].written == name
            assert results[cell].probability > 0.5

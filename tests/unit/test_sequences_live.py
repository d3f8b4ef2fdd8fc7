"""A training in front of the visitor: it learns, can be left and taken up, explodes and is cured, refuses bad input."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from demos.sequences import learning as page
from demos.sequences.training import LEARNING_RATES
from demos.views.training import MAX_POINTS, thin, view_of_training
from demos.wire import to_wire
from models.errors import InputError
from models.recipes.sequences import live as command
from models.sequences import live, trainings
from models.sequences.live import WINDOW, LiveTraining, Settings, check_settings, gradient_by_distance, write
from models.sequences.networks import OWN, load_cell
from models.sequences.trace import trace_text
from models.sequences.trainings import TRAININGS
from models.text.symbols import UNKNOWN

RHYMES = page.TEXTS["Nursery rhymes"]()
SMALL = Settings("gru", 16, seed=3)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def train(job, steps):
    return [step for _, step in zip(range(steps), job.fit(), strict=False)]


def mean_loss(steps):
    return sum(step.loss for step in steps) / len(steps)


def without_measurements(job):
    job._measurement_is_due = lambda: False
    return job


class TestLearning:
    @pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
    def test_every_cell_learns(self, cell):
        job = LiveTraining(RHYMES, Settings(cell, 32, 0.01))
        steps = train(job, 151)
        held_out = [bits for _, bits in job.history.held_out]
        assert steps[0].loss == pytest.approx(math.log2(100), abs=0.3)
        assert mean_loss(steps[-10:]) < 3.9
        assert held_out[-1] < job.baselines()["letter frequencies"] - 0.3 < held_out[0] - 2

    def test_same_seed_same_training_another_seed_another(self):
        a, b, c = (LiveTraining(RHYMES, Settings("gru", 16, seed=seed)) for seed in (3, 3, 4))
        losses = [[step.loss for step in train(job, 12)] for job in (a, b, c)]
        assert losses[0] == losses[1] != losses[2]
        assert a.history.samples == b.history.samples

    def test_left_and_taken_up_again_is_the_same_as_unbroken(self):
        broken, unbroken = LiveTraining(RHYMES, SMALL), LiveTraining(RHYMES, SMALL)
        first, second = train(broken, 5), train(broken, 8)
        assert [s.loss for s in first + second] == [s.loss for s in train(unbroken, 13)]
        assert [s.step for s in broken.history.steps] == list(range(1, 14))

    def test_settings_do_not_depend_on_random_numbers_drawn_elsewhere(self):
        a = LiveTraining(RHYMES, SMALL)
        torch.rand(5)
        b = LiveTraining(RHYMES, SMALL)
        assert torch.equal(a.network.recurrent.weight_hh_l0, b.network.recurrent.weight_hh_l0)

    def test_held_out_characters_are_never_trained_on(self):
        text = "ab" * 450 + "0123456789" * 10
        job = LiveTraining(text, SMALL)
        assert not set(job.train_part.tolist()) & set(job.held_out_part.tolist())
        assert len(job.train_part) + len(job.held_out_part) == len(text) + 1

    def test_shortest_text_trains(self):
        assert len(train(LiveTraining("abcde " * 34, SMALL), 2)) == 2

    def test_baselines(self):
        job = LiveTraining("ab" * 200, SMALL)
        assert job.baselines()["uniform"] == pytest.approx(6.644, abs=1e-3)
        assert 1 < job.baselines()["letter frequencies"] < 1.5


class TestChanges:
    def test_learning_rate_and_clipping_take_effect_at_the_next_step_and_are_marked(self):
        job = without_measurements(LiveTraining(RHYMES, SMALL))
        train(job, 2)
        job.change(learning_rate=0.0, clip=None)
        before = job.network.output.weight.clone()
        assert train(job, 1)[0].learning_rate == 0
        assert torch.equal(before, job.network.output.weight)
        assert job.history.marks == [(2, "learning rate 0"), (2, "clipping off")]

    def test_no_change_leaves_no_mark(self):
        job = LiveTraining(RHYMES, SMALL)
        job.change(learning_rate=SMALL.learning_rate, clip=SMALL.clip)
        assert job.history.marks == []

    def test_clipping_limits_the_step_and_reports_the_norm_before(self):
        job = without_measurements(LiveTraining(RHYMES, Settings("rnn", 16, 1.0, "SGD", clip=0.01)))
        before = [p.detach().clone() for p in job.network.parameters()]
        step = train(job, 1)[0]
        moved = math.sqrt(
            sum(float((p.detach() - b).square().sum()) for p, b in zip(job.network.parameters(), before, strict=True))
        )
        assert moved == pytest.approx(0.01, rel=1e-3)
        assert step.gradient_norm > 0.1

    def test_kept_network_does_not_change_any_more(self):
        job = LiveTraining(RHYMES, SMALL)
        kept = job.kept_network()
        before = kept.output.weight.clone()
        train(job, 2)
        assert torch.equal(kept.output.weight, before)
        assert not kept.output.weight.requires_grad
        assert not kept.training
        assert len(trace_text(kept, "abc").text) == 4


class TestExplosion:
    @staticmethod
    def job(**changes):
        preset = page.values_of(page.EXPLOSION)
        _, settings = page._check((RHYMES, *preset))
        return without_measurements(LiveTraining(RHYMES, live.replace(settings, **changes)))

    def test_provoked(self):
        steps = train(self.job(), 60)
        assert max(step.gradient_norm for step in steps[:20]) > 1_000
        assert mean_loss(steps[-20:]) > math.log2(100)

    def test_cured_by_clipping_alone(self):
        steps = train(self.job(clip=1.0), 300)
        assert max(step.gradient_norm for step in steps[:20]) > 1_000
        assert mean_loss(steps[-20:]) < 4.7

    def test_a_loss_that_is_not_finite_ends_the_training_and_keeps_its_history(self):
        job = LiveTraining(RHYMES, SMALL)
        train(job, 3)
        with torch.no_grad():
            job.network.output.bias[5] = math.inf
        assert len(train(job, 10)) == 1
        assert job.ended.startswith("The gradients exploded at step 4: ")
        assert len(job.history.steps) == 4
        assert train(job, 1) == []
        json.dumps(to_wire(view_of_training(job)), allow_nan=False)

    def test_ends_at_the_last_step(self, monkeypatch):
        monkeypatch.setattr(live, "MAX_STEPS", 3)
        job = LiveTraining(RHYMES, SMALL)
        assert len(train(job, 10)) == 3
        assert job.ended == "3 steps are done, the most this page trains."


class TestGradientByDistance:
    @pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
    def test_is_what_a_nudge_of_the_memory_says(self, cell):
        """Against finite differences in float64: nudge h at T - d, read on, and see how the loss changes."""
        torch.manual_seed(0)
        network = live.fresh_network(Settings(cell, 16), torch.Generator().manual_seed(0)).double()
        window = torch.randint(100, (9, 1))
        norms = gradient_by_distance(network, window)
        assert norms.shape == (8,)
        for d in (0, 3, 7):
            gradient = [self.slope(network, window, 7 - d, unit) for unit in range(16)]
            assert np.linalg.norm(gradient) == pytest.approx(norms[d], rel=1e-4)

    @staticmethod
    @torch.no_grad()
    def slope(network, window, at, unit, size=1e-6):
        losses = []
        for nudge in (size, -size):
            state = network.fresh_state(1)
            for t, symbols in enumerate(window[:-1]):
                step = network.step(symbols, state)
                state = step.state
                if t == at:
                    change = torch.zeros_like(state.hidden)
                    change[0, unit] = nudge
                    state = state._replace(hidden=state.hidden + change)
            losses.append(float(F.cross_entropy(network.output(state.hidden), window[-1])))
        return (losses[0] - losses[1]) / (2 * size)

    def test_gain_decides_whether_it_vanishes_or_explodes(self):
        windows = torch.randint(100, (WINDOW + 1, 4), generator=torch.Generator().manual_seed(0))
        ends = [
            gradient_by_distance(live.fresh_network(Settings("rnn", 32, gain=gain), torch.Generator()), windows)[-1]
            for gain in (0.5, 1.0, 2.2)
        ]
        assert ends[0] < 1e-12 < ends[1] < 1e2 < ends[2]


class TestSamples:
    def test_same_dice_for_every_network(self):
        network = LiveTraining(RHYMES, SMALL).network
        assert write(network, seed=1, count=40) == write(network, seed=1, count=60)[:40]
        assert write(network, seed=1) != write(network, seed=2)

    def test_unknown_is_never_written(self):
        network = LiveTraining(RHYMES, SMALL).network
        with torch.no_grad():
            network.output.bias[0] = 50.0
        assert UNKNOWN not in write(network, seed=0)


class TestBadInput:
    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "is empty"),
            ("too short", "has 9 characters; training needs at least 200"),
            ("x" * 1_000_000, "has 1,000,000 characters; the limit is 100,000"),
            ("язык" * 100, "400 of the 400 characters are outside the alphabet"),
            (None, "must be text"),
            (["a"] * 300, "must be text"),
        ],
    )
    def test_texts(self, text, sentence):
        with pytest.raises(InputError, match=sentence):
            LiveTraining(text, SMALL)

    def test_unknown_characters_are_counted(self):
        assert LiveTraining(RHYMES + "🙂🙂", SMALL).unknown == 2

    @pytest.mark.parametrize(
        ("position", "bad"),
        [
            *[(0, value) for value in ("transformer", None, ["gru"])],
            *[(1, value) for value in (15, 257, 32.5, math.nan, "64", True)],
            *[(2, value) for value in (0, -1, 1e9, math.nan, math.inf, "0.1", None)],
            *[(3, value) for value in ("Muon", None)],
            *[(4, value) for value in (0, 1e9, math.nan, "1", True)],
            *[(5, value) for value in (0, 50, math.nan, None)],
            *[(6, value) for value in (-1, 2**31, 0.5, math.nan)],
        ],
    )
    def test_settings(self, position, bad):
        values = ["gru", 32, 0.01, "AdamW", 1.0, 1.0, 0]
        check_settings(*values)
        values[position] = bad
        with pytest.raises(InputError):
            check_settings(*values)


class TestPage:
    controls = (RHYMES, "gru", 16, 0.01, "AdamW", True, 1.0, 1.0, 0)

    def test_limits_are_those_of_the_model(self):
        assert page.MAX_CHARS == live.MAX_CHARACTERS
        for preset in (page.DEFAULT, page.EXPLOSION):
            for name in page.TEXTS:
                text, settings = page._check((page.view_text(name), *page.values_of(preset)))
                assert LiveTraining(text, settings).unknown == 0
        assert {page.DEFAULT.learning_rate, page.EXPLOSION.learning_rate} <= set(LEARNING_RATES)

    def begin(self, before=None):
        return page.compute_start(*self.controls, before)[0]

    def test_train_pause_go_on_keep(self, monkeypatch):
        monkeypatch.setattr(trainings, "SECONDS_BETWEEN_STEPS", 0.01)
        name, strip, *_ = page.compute_go_on(*self.controls, None)
        training = TRAININGS.find(name)
        assert "Waiting for its turn" in strip
        stream = page.compute_training(name)
        view, strip, *_ = next(stream)
        json.dumps(to_wire(view), allow_nan=False)
        assert "GRU, 16 units" in strip
        assert "steps/s" in strip
        done = training.job.steps_done
        page.view_change(0.5, True, 1.0, name)
        _, strip, *buttons = page.view_pause(name)
        assert list(stream) == []
        assert training.job.steps_done == done
        assert f"Paused at step {done}" in strip
        assert buttons[0].interactive
        assert not buttons[1].interactive
        assert page.compute_go_on(*self.controls, name)[0] == name
        next(page.compute_training(name))
        assert training.job.steps_done > done
        assert training.job.history.marks == [(done, "learning rate 0.5"), (done, "learning rate 0.01")]
        own, strip = page.view_keep(name)
        assert OWN.find(own).title in strip
        assert load_cell(own).network is not training.job.network

    def test_a_training_that_nobody_follows_any_more_stops(self, monkeypatch):
        monkeypatch.setattr(trainings, "SECONDS_BETWEEN_STEPS", 0.01)
        name = self.begin()
        stream = page.compute_training(name)
        next(stream)
        stream.close()
        assert not TRAININGS.find(name).going

    def test_another_cell_needs_a_new_start(self):
        name = self.begin()
        page.view_pause(name)
        with pytest.raises(InputError, match="press Start again"):
            page.compute_go_on(RHYMES, "lstm", *self.controls[2:], name)
        assert not TRAININGS.find(name).going

    def test_starting_again_stops_the_run_before_and_draws_it_beside(self):
        first = self.begin()
        train(TRAININGS.find(first).job, 3)
        second = TRAININGS.find(self.begin(first))
        assert not TRAININGS.find(first).going
        assert list(page.compute_training(first)) == []
        train(second.job, 2)
        names = [series.name for series in view_of_training(second.job, second.before).loss.series]
        assert names == ["training", "held out", "uniform", "letter frequencies", "training, run before"]

    def test_pauses_by_itself_and_says_so(self, monkeypatch):
        monkeypatch.setattr(trainings, "RUN_SECONDS", 0)
        name = self.begin()
        *_, last = page.compute_training(name)
        assert "so that others can train too" in last[1]
        assert not TRAININGS.find(name).going

    def test_an_explosion_is_told_and_cannot_be_continued(self):
        name = self.begin()
        with torch.no_grad():
            TRAININGS.find(name).job.network.output.bias[0] = math.inf
        _, strip, *buttons = list(page.compute_training(name))[-1]
        assert "The gradients exploded at step 1" in strip
        assert not buttons[0].interactive
        with pytest.raises(InputError, match="start again"):
            page.compute_go_on(*self.controls, name)

    @pytest.mark.parametrize("name", [None, "run", 7, {}])
    def test_a_training_that_does_not_exist(self, name):
        for handler in (page.view_pause, page.view_keep, lambda name: list(page.compute_training(name))):
            with pytest.raises(InputError, match="There is no training yet"):
                handler(name)

    @pytest.mark.parametrize(
        ("position", "bad"),
        [(0, ""), (0, "x" * 1_000_000), (0, 5), (1, "cnn"), (2, math.nan), (3, math.nan), (5, "yes"), (6, 1e6)],
    )
    def test_bad_values_are_refused_by_both_ways_to_begin(self, position, bad):
        values = list(self.controls)
        values[position] = bad
        for begin in (page.compute_start, page.compute_go_on):
            with pytest.raises(InputError):
                begin(*values, None)

    @pytest.mark.parametrize("bad", [math.nan, -1, "fast", None, [1]])
    def test_bad_changes_are_refused(self, bad):
        name = self.begin()
        with pytest.raises(InputError):
            page.view_change(bad, True, 1.0, name)
        assert TRAININGS.find(name).job.settings.learning_rate == 0.01

    def test_text_to_pick(self):
        with pytest.raises(InputError):
            page.view_text("../../etc/passwd")


def test_long_curves_are_thinned_and_keep_their_peaks():
    points = [(step, 1.0) for step in range(1, 5_001)]
    points[2_345] = (2_346, 900.0)
    thinned = thin(points, max)
    assert len(thinned) <= MAX_POINTS
    assert max(y for _, y in thinned) == 900
    assert thinned[-1][0] == 5_000
    assert thin([(1, math.nan), (2, math.inf)], max) == []


def test_command_line(capsys, monkeypatch, tmp_path):
    path = Path(tmp_path) / "text.txt"
    path.write_text(RHYMES)
    monkeypatch.setattr("sys.argv", ["live", "--text", str(path), "--seconds", "0", "--threads", "1", "--units", "16"])
    command.main()
    answer = json.loads(capsys.readouterr().out)
    assert answer["steps"] == 1
    assert answer["held_out_bits_before"] > 6

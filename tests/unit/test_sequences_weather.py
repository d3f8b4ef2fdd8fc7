"""Days and their split, one step of the cell, its baselines, training, and what the embedded weights say."""

import json
import math

import numpy as np
import pytest
import torch

from models import runtime, training, weights
from models.errors import InputError, WeightsError
from models.recipes.sequences.weather import data, train
from models.recipes.sequences.weather.evaluate import measure, predict, predict_unseen
from models.recipes.sequences.weather.train import fit, fit_logistic
from models.sequences.weather.network import Config, RainNetwork, describe, load
from models.sequences.weather.trace import baselines, trace_rain

HEADER = "date,precipitation,temp_max,temp_min,wind,weather\n"


@pytest.fixture
def network():
    torch.manual_seed(0)
    config = Config((15.0, 8.0, 3.0, 0.0, 0.0), (7.0, 5.0, 1.5, 0.7, 0.7), (-2.0, 1.5, 0.5, 0.1, 0.2), -0.3, 0.43, 4)
    return RainNetwork(config).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def days():
    """Two hundred made-up days on which it rains when it is windy and neither warm nor cold: no straight line helps."""
    dice = np.random.default_rng(0)
    warm, wind = dice.uniform(0, 30, 200), dice.uniform(0, 10, 200)
    features = np.array(
        [data.features_of(t, t - 5, w, 1 + n % 12) for n, (t, w) in enumerate(zip(warm, wind, strict=True))]
    )
    rain = (abs(warm - 15) < 8) & (wind > 3)
    return data.Days(features, rain, 2012 + np.arange(200) % 4)


@pytest.fixture(scope="module")
def fitted(days):
    return fit(days)


@pytest.fixture(scope="module")
def embedded():
    return runtime.load("rain-network", load).network


class TestData:
    def test_the_file_is_read_as_it_says(self, tmp_path):
        path = tmp_path / "days.csv"
        path.write_text(HEADER + "2012/01/01,0.0,12.8,5.0,4.7,drizzle\n2015-04-02,0.3,10.6,2.8,4.5,rain\n")
        days = data.read(path)
        assert days.features[0] == pytest.approx([12.8, 5.0, 4.7, 0, 1])
        assert days.features[1] == pytest.approx([10.6, 2.8, 4.5, 1, 0], abs=1e-9)
        assert days.rain.tolist() == [False, True]
        assert days.year.tolist() == [2012, 2015]

    @pytest.mark.parametrize("content", ["", HEADER, "a,b\n1,2\n", HEADER + "2012/01/01,wet,1,1,1,rain\n"])
    def test_other_tables_are_refused(self, tmp_path, content):
        path = tmp_path / "days.csv"
        path.write_text(content)
        with pytest.raises(InputError, match=r"days\.csv"):
            data.read(path)

    def test_the_held_out_year_is_in_no_training(self, days):
        trained, held_out = data.split(days)
        assert set(held_out.year) == {data.HELD_OUT_YEAR}
        assert data.HELD_OUT_YEAR not in trained.year
        assert len(trained.rain) + len(held_out.rain) == len(days.rain)

    def test_december_is_as_near_to_january_as_june_to_july(self):
        month = {number: np.array(data.features_of(0, 0, 0, number)[3:]) for number in (1, 6, 7, 12)}
        assert np.linalg.norm(month[12] - month[1]) == pytest.approx(np.linalg.norm(month[6] - month[7]))


class TestNetwork:
    def test_one_step_is_one_step_of_torchs_rnn(self, network):
        features = torch.randn(7, 5) * 10
        reference = torch.nn.RNN(5, 4)
        reference.load_state_dict(
            {
                "weight_ih_l0": network.input.weight,
                "bias_ih_l0": network.input.bias,
                "weight_hh_l0": torch.randn(4, 4),
                "bias_hh_l0": torch.zeros(4),
            }
        )
        hidden, logits = network(features)
        expected = reference(network.scaled(features)[None])[0][0]
        torch.testing.assert_close(hidden, expected)
        torch.testing.assert_close(logits, network.output(expected)[:, 0])


class TestTrace:
    def test_one_step_that_is_asked(self, network):
        trace = trace_rain(network, 12.8, 5.0, 4.7, 1)
        (step,) = trace.steps
        assert trace.sequence_type == "one to one"
        assert step.asked
        assert step.hidden_state.shape == (4,)
        assert step.input == "12.8 °C by day, 5 °C by night, wind 4.7 m/s, January"
        assert {label for label, _ in step.output} == {"yes", "no"}
        assert sum(p for _, p in step.output) == pytest.approx(1)
        assert trace.answer.lower().startswith(step.output[0][0])
        assert dict(step.output) == dict(trace_rain(network, 12.8, 5.0, 4.7, 1).steps[0].output)

    @pytest.mark.parametrize(
        ("day", "sentence"),
        [
            ((float("nan"), 5, 4, 1), "highest temperature"),
            ((51, 5, 4, 1), "highest temperature"),
            ((10, float("-inf"), 4, 1), "lowest temperature"),
            ((10, -31, 4, 1), "lowest temperature"),
            ((10, 10.5, 4, 1), "below the lowest"),
            ((10, 5, -0.1, 1), "wind"),
            ((10, 5, 41, 1), "wind"),
            ((10, 5, "3", 1), "wind"),
            ((10, 5, 4, 0), "month"),
            ((10, 5, 4, 13), "month"),
            ((10, 5, 4, 6.5), "month"),
            ((10, 5, 4, None), "month"),
            ((True, 5, 4, 1), "highest temperature"),
        ],
    )
    def test_days_that_cannot_be_are_refused(self, network, day, sentence):
        for ask in (trace_rain, baselines):
            with pytest.raises(InputError, match=sentence):
                ask(network, *day)

    def test_the_ends_of_the_ranges_are_answered(self, embedded):
        for day in ((-30, -30, 0, 1), (50, 50, 40, 12), (50, -30, 40, 7)):
            assert np.isfinite(trace_rain(embedded, *day).steps[0].output[0][1])

    def test_baselines_are_those_of_the_config(self, network):
        found = baselines(network, 22.0, 8.0, 3.0, 1)
        logit = -2.0 * 1 + 0.1 * 0 + 0.2 * 1 / 0.7 - 0.3
        assert found["logistic regression"] == pytest.approx(1 / (1 + math.exp(-logit)), abs=1e-6)
        assert found["base rate"] == 0.43


class TestTraining:
    def test_same_days_same_network(self, days, fitted):
        again = fit(days)
        for name, tensor in fitted.state_dict().items():
            assert torch.equal(tensor, again.state_dict()[name]), name

    def test_it_learns_what_a_straight_line_cannot(self, days, fitted):
        found = predict(fitted, days.features)
        accuracy = {name: measure(probabilities, days.rain)[0] for name, probabilities in found.items()}
        assert accuracy["network"] > accuracy["logistic regression"] + 0.1

    def test_the_logistic_regression_is_at_its_optimum(self, days):
        scaled = (days.features - days.features.mean(0)) / days.features.std(0)
        weights_, bias = fit_logistic(scaled, days.rain)
        error = 1 / (1 + np.exp(-(scaled @ weights_ + bias))) - days.rain
        assert abs(error.mean()) < 1e-3
        assert np.abs(scaled.T @ error).max() / len(error) < 1e-3

    def test_every_day_is_predicted_by_a_network_that_has_not_seen_it(self, days, monkeypatch):
        seen = []
        monkeypatch.setattr(train, "STEPS", 3)
        monkeypatch.setattr(
            "models.recipes.sequences.weather.evaluate.fit", lambda some, seed: seen.append(some) or fit(some)
        )
        pooled = predict_unseen(days, days.year, seed=0)
        assert [sorted(set(some.year)) for some in seen] == [
            sorted({2012, 2013, 2014, 2015} - {y}) for y in range(2012, 2016)
        ]
        assert all(len(probabilities) == len(days.rain) for probabilities in pooled.values())

    def test_measures(self):
        accuracy, log_loss, brier = measure(np.array([0.9, 0.4]), np.array([True, True]))
        assert accuracy == 0.5
        assert log_loss == pytest.approx(-(math.log(0.9) + math.log(0.4)) / 2)
        assert brier == pytest.approx((0.01 + 0.36) / 2)

    def test_exported_weights_load_and_damaged_ones_are_refused(self, network, tmp_path, monkeypatch):
        monkeypatch.setattr(weights, "EMBEDDED", tmp_path)
        monkeypatch.setattr(weights, "MANIFEST", tmp_path / "manifest.json")
        folder = training.export("rain-network", network.state_dict(), describe(network), half=True)
        again = load(folder)
        assert json.loads(json.dumps(describe(again))) == json.loads(json.dumps(describe(network)))
        assert torch.allclose(again.input.weight, network.input.weight, atol=1e-3)
        config = json.loads((folder / "config.json").read_text())
        for damage in ({"units": 5}, {"mean": [1.0]}, {"logistic_weights": []}, {"colour": 1}):
            (folder / "config.json").write_text(json.dumps(config | damage))
            with pytest.raises(WeightsError, match="rain-network"):
                load(folder)


class TestEmbeddedWeights:
    def test_mild_windy_winter_days_are_wet_and_hot_summer_days_dry(self, embedded):
        wet, dry = trace_rain(embedded, 9, 7, 6, 12), trace_rain(embedded, 30, 14, 2, 7)
        assert wet.steps[0].output[0][0] == "yes"
        assert dry.steps[0].output[0][0] == "no"
        assert min(wet.steps[0].output[0][1], dry.steps[0].output[0][1]) > 0.8

    def test_the_single_step_is_small(self, embedded):
        assert sum(p.numel() for p in embedded.parameters()) < 500

"""A training while somebody watches: one step taken apart, learning, stopping, keeping, forgetting."""

import threading
from collections import OrderedDict
from contextlib import closing

import numpy as np
import pytest
import torch

from models import stops
from models.diffusion import live
from models.diffusion.learning import sprite_loss
from models.diffusion.network import Config
from models.diffusion.schedule import add_noise, cosine_schedule, velocity
from models.diffusion.trace import Plan, denoise, first_noise
from models.diffusion.trained import TRAINED, Settings, Trained
from models.errors import InputError

TINY = Config(classes=(), widths=(16, 16), blocks=1, heads=2, embedding=16)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    monkeypatch.setattr(live, "SMALL", TINY)
    monkeypatch.setattr(TRAINED, "_kept", OrderedDict())


def squares(count=3, size=16):
    rgba = np.zeros((count, size, size, 4), np.uint8)
    for number in range(count):
        rgba[number, 2 + number : 10 + number, 3:12] = (60 * number, 250 - 60 * number, 90, 255)
    return rgba


def training(**settings):
    return live.LiveTraining(Settings(**{"seconds": 1000, **settings}), squares(size=settings.get("size", 16)))


def after(steps, **settings):
    made = training(**settings)
    for step in made.fit():
        if step.step == steps:
            break
    return made


def test_the_four_parts_of_a_step_fit_together():
    network = live.first_network(Settings(seed=4))
    kept = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    example = live.trace_training_step(network, squares()[1], 300, seed=7, start="noise")
    schedule = cosine_schedule()
    x_0, epsilon = torch.from_numpy(example.x_0)[None], torch.from_numpy(example.epsilon)[None]
    np.testing.assert_allclose(example.x_t, add_noise(schedule, x_0, epsilon, 300)[0], atol=1e-6)
    np.testing.assert_allclose(example.target, velocity(schedule, x_0, epsilon, 300)[0], atol=1e-6)
    assert example.loss == pytest.approx(np.square(example.said - example.target).mean(), rel=1e-5)
    assert (example.said == 0).all(), "a network whose last layer is zero says nothing yet"
    assert example.loss_after < example.loss
    assert example.gradient_norm > 0
    signal, noise = schedule.signal(300), schedule.noise(300)
    np.testing.assert_allclose(
        signal * example.x_0_predicted + noise * example.epsilon_predicted, example.x_t, atol=1e-5
    )
    assert all(torch.equal(tensor, kept[name]) for name, tensor in network.state_dict().items())


def test_a_step_of_a_network_that_says_the_noise():
    network = live.first_network(Settings(seed=4, target="epsilon"))
    torch.nn.init.normal_(network.unfold.weight, std=0.1)
    example = live.trace_training_step(network, squares()[1], 300, seed=7, start="noise")
    assert example.predicts == "epsilon"
    np.testing.assert_array_equal(example.target, example.epsilon)
    np.testing.assert_allclose(example.epsilon_predicted, example.said, atol=1e-5)
    schedule = cosine_schedule()
    expected = (example.x_t - schedule.noise(300) * example.said) / schedule.signal(300)
    np.testing.assert_allclose(example.x_0_predicted, expected, atol=1e-4)
    assert example.loss_after < example.loss


@pytest.mark.parametrize("target", ["v", "epsilon"])
def test_the_loss_is_that_of_what_is_said(target):
    torch.manual_seed(0)
    network = live.first_network(Settings(target=target))
    torch.nn.init.normal_(network.unfold.weight, std=0.1)
    x_0, epsilon, t = torch.randn(4, 4, 16, 16), torch.randn(4, 4, 16, 16), torch.tensor([5, 300, 700, 990])
    none = torch.full((4,), network.no_class)
    with torch.no_grad():
        loss = sprite_loss(network, x_0, none, t, epsilon).item()
        said = network(add_noise(cosine_schedule(), x_0, epsilon, t), t, none)
    snr = torch.from_numpy(cosine_schedule().signal_to_noise(t)).float()
    weight = torch.ones(4) if target == "epsilon" else snr.clamp(max=5) / (snr + 1)
    should = epsilon if target == "epsilon" else velocity(cosine_schedule(), x_0, epsilon, t)
    error = (said - should).square().mean((1, 2, 3))
    assert loss == pytest.approx(((weight * error).sum() / weight.sum()).item(), rel=2e-2)


def test_a_network_that_says_the_noise_is_sampled_by_what_it_says():
    network = live.first_network(Settings(target="epsilon", seed=1)).eval()
    torch.nn.init.normal_(network.unfold.weight, std=0.1)
    plan = Plan("any", 2, 4, 0, guidance=1, size=16)
    for step in denoise(network, plan, first_noise(2, 0, 16)):
        with torch.no_grad():
            x = torch.from_numpy(step.x_t)
            said = network(x, torch.full((2,), step.t), torch.full((2,), network.no_class)).numpy()
        signal, noise = cosine_schedule().signal(step.t), cosine_schedule().noise(step.t)
        expected = np.clip((step.x_t - noise * said) / signal, -1, 1)
        close = np.isclose(step.x_0, expected, atol=0.1).mean()
        assert close > 0.97, (step.t, close)  # bfloat16 moves what is divided by next to nothing
        assert step.predicts == "epsilon"


def test_it_ends_after_its_steps_too():
    made = training(steps=3)
    assert [step.step for step in made.fit()] == [1, 2, 3]
    *_, last = live.train_live(Settings(steps=2), squares(), "short")
    assert last.step == TRAINED.find("short").steps == 2


def test_the_embedded_model_learns_v_alone():
    with pytest.raises(InputError, match="predicts v"):
        Settings(size=32, start="embedded", target="epsilon")


def test_a_blur_is_as_far_from_pictures_as_their_mean_is():
    assert live.blur_distance(squares(1)) == 0
    black, white = np.zeros((2, 1, 16, 16, 4), np.uint8)
    white[:] = 255
    assert live.blur_distance(np.concatenate([black, white])) == pytest.approx(127.5)


def test_one_step_makes_the_embedded_network_a_little_less_wrong():
    network = live.first_network(Settings(size=32, start="embedded")).eval()
    example = live.trace_training_step(network, squares(size=32)[1], 500, seed=1, start="embedded")
    assert 0 < example.loss_after < example.loss


def test_it_learns_and_the_same_seed_learns_the_same():
    first, again, other = (after(25, seed=seed) for seed in (1, 1, 2))
    before = training(seed=1)

    def nearness(made):
        samples = live.sample_pictures(made.network_for_sampling(), 16, count=4, steps=6)
        return live.nearest_pictures(samples, made.rgba)[1].mean()

    assert nearness(first) < 0.8 * nearness(before)
    weights, same, unlike = (made.ema.state["fold.weight"] for made in (first, again, other))
    assert torch.equal(weights, same)
    assert not torch.equal(weights, unlike)


def test_the_embedded_model_is_where_a_training_may_start():
    start = training(start="embedded", size=32)
    assert start.network.no_class == 13
    assert next(start.fit()).loss < 0.5, "it can denoise already"
    with pytest.raises(InputError, match="32 x 32 only"):
        Settings(size=16, start="embedded")


def telling(reports):
    """Reports without those that only say that the sampling goes on."""
    with closing(reports):
        yield from (report for report in reports if report.samples or report.loss is not None)


def test_time_and_stop_end_it():
    assert list(training(seconds=0).fit()) == []
    stops.ask("somebody else's guess")
    stops.ask(None)
    reports = telling(live.train_live(Settings(seconds=1000), squares(), "mine"))
    first = next(reports)
    assert (first.step, first.loss) == (0, None)
    assert first.samples.rgba.shape == first.samples.nearest.shape == (live.SAMPLES, 16, 16, 4)
    assert "mine" not in TRAINED
    next(reports)
    stops.ask("mine")
    *_, last = reports
    assert last.samples is not None
    assert TRAINED.find("mine").steps == last.step >= 1
    assert not stops.asked("mine")


def test_a_report_says_what_happened_since_the_last_one(monkeypatch):
    monkeypatch.setattr(live, "REPORT_SECONDS", 0)
    reports = telling(live.train_live(Settings(seconds=1000, seed=3), squares(), "mine"))
    made = [next(reports) for _ in range(4)]
    reports.close()
    expected = [step.loss for step, _ in zip(training(seed=3).fit(), range(3), strict=False)]
    assert [report.step for report in made] == [0, 1, 2, 3]
    assert [report.loss for report in made[1:]] == pytest.approx(expected)
    assert TRAINED.find("mine").steps == 3


def test_nothing_is_kept_of_a_training_without_a_step():
    assert len(list(telling(live.train_live(Settings(seconds=0), squares(), "mine")))) == 2
    assert "mine" not in TRAINED
    for name in ("mine", None, 3, ["x"]):
        with pytest.raises(InputError, match="train one first"):
            TRAINED.find(name)


def test_trainings_of_two_visitors_are_stopped_one_by_one():
    both = {name: live.train_live(Settings(seconds=1000), squares(), name) for name in ("one", "two")}
    ended = {}

    def run(name):
        ended[name] = sum(1 for _ in both[name])

    next(both["one"]), next(both["two"])
    stops.ask("one")
    first = threading.Thread(target=run, args=["one"])
    first.start()
    first.join(60)
    assert set(ended) == {"one"}
    assert not stops.asked("two")
    both["two"].close()


def test_what_was_trained_can_be_used():
    made = after(2)
    trained = Trained(made.network_for_sampling(), made.settings, made.rgba, made.step)
    assert trained.parameters == sum(p.numel() for p in made.network.parameters())
    assert live.sample_pictures(trained.network, 16, count=3, steps=2).shape == (3, 16, 16, 4)


def test_nearest_pictures():
    known = squares()
    found, distance = live.nearest_pictures(known[[2, 0]], known)
    assert np.array_equal(found, known[[2, 0]])
    assert np.allclose(distance, 0)


def test_nothing_to_train_on_is_refused():
    for rgba in (np.zeros((0, 16, 16, 4), np.uint8), squares(size=32)):
        with pytest.raises(InputError, match="nothing to train on"):
            live.LiveTraining(Settings(), rgba)


def test_sprites_of_a_class_come_from_the_embedded_model(monkeypatch):
    monkeypatch.setattr(live, "CLASS_SPRITES", 4)
    monkeypatch.setattr(live, "CLASS_STEPS", 2)
    monkeypatch.setattr(live, "CLASS_BATCH", 2)
    batches = [batch for batch in live.class_sprites("potion", 16) if len(batch)]
    assert [batch.shape for batch in batches] == [(2, 16, 16, 4)] * 2
    assert not np.array_equal(*batches)

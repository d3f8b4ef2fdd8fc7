"""Sprites as data, the network, training that goes on where it stopped, traces, measuring, pipelines."""

import json
from dataclasses import asdict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from models.diffusion import novelty
from models.diffusion.data import CLASSES, to_rgba, to_signal
from models.diffusion.learning import Recipe
from models.diffusion.network import Config, SpriteUNet, load_network
from models.diffusion.schedule import add_noise, cosine_schedule, from_velocity, noise_in, velocity
from models.diffusion.trace import ANY_CLASS, DenoisingStep, finished_sprites, trace_denoising
from models.errors import InputError, WeightsError
from models.recipes.diffusion import evaluate as measuring
from models.recipes.diffusion.data import Sprites, held_out, read_sprites
from models.recipes.diffusion.train import Training, recoloured
from models.training import save_checkpoint

SMALL = Config(classes=CLASSES, widths=(16, 16), blocks=1, heads=2, embedding=16)
RECIPE = Recipe(steps=4, cooldown=2, warmup=1, batch=4, seed=3)


def random_rgba(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 4), dtype=np.uint8)


def write_npz(path, classes, names=None, rgba=None):
    rgba = random_rgba(len(classes)) if rgba is None else rgba
    names = names or [f"thing {n}" for n in range(len(classes))]
    np.savez(path, rgba=rgba, cls=np.array(classes), name=np.array(names))
    return path


@pytest.fixture
def network():
    torch.manual_seed(0)
    network = SpriteUNet(SMALL).eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    return network


def test_only_whole_sprites_of_known_classes_are_read(tmp_path):
    classes = ["monster", "unused_monster", "wall", "potion", "potion", "monster"]
    names = ["troll", "imp", "brick", "i-blood", "red", "kraken tentacle segment N"]
    sprites = read_sprites(write_npz(tmp_path / "a.npz", classes, names))
    assert sprites.names.tolist() == ["troll", "imp", "red"]
    assert [CLASSES[label] for label in sprites.labels] == ["monster", "monster", "potion"]


def test_other_files_are_refused(tmp_path):
    (tmp_path / "no.npz").write_bytes(b"not a zip")
    np.savez(tmp_path / "keys.npz", a=np.zeros(3))
    write_npz(tmp_path / "small.npz", ["monster"], rgba=np.zeros((1, 16, 16, 4), np.uint8))
    write_npz(tmp_path / "walls.npz", ["wall"])
    for name in ("absent", "no", "keys", "small", "walls"):
        with pytest.raises(InputError):
            read_sprites(tmp_path / f"{name}.npz")


def test_variants_of_one_drawing_stay_on_one_side_of_the_split():
    names = np.array([f"beast {a}{n}" for a in "abcdefghijklmnopqrstuvwxyz" for n in range(4)])
    split = held_out(names).reshape(26, 4)
    assert (split.all(axis=1) | ~split.any(axis=1)).all()
    assert 0 < split[:, 0].sum() < 13
    assert np.array_equal(held_out(names[::-1])[::-1], split.ravel())


def test_signal_and_back():
    rgba = random_rgba(5)
    rgba[..., 3] |= 128
    kept = rgba.copy()
    signal = to_signal(rgba)
    assert signal.shape == (5, 4, 32, 32)
    assert (np.abs(signal) <= 1).all()
    assert np.abs(to_rgba(signal).astype(int) - rgba).max() <= 1
    assert np.array_equal(rgba, kept)


def test_what_is_transparent_is_one_value():
    rgba = random_rgba(1)
    rgba[..., 3] = 0
    assert (to_signal(rgba) == -1).all()


def test_a_fresh_network_predicts_zero():
    x = torch.randn(2, 4, 32, 32)
    assert (SpriteUNet(SMALL)(x, torch.tensor([0, 999]), torch.tensor([0, len(CLASSES)])) == 0).all()


def test_sprites_do_not_see_each_other(network):
    x, t, c = torch.randn(3, 4, 32, 32), torch.tensor([5, 500, 999]), torch.tensor([0, 3, len(CLASSES)])
    together = network(x, t, c)
    alone = torch.cat([network(x[i : i + 1], t[i : i + 1], c[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_time_and_class_matter(network):
    x, zero = torch.randn(1, 4, 32, 32), torch.tensor([0])
    out = network(x, zero, zero)
    assert not torch.allclose(out, network(x, torch.tensor([700]), zero))
    assert not torch.allclose(out, network(x, zero, torch.tensor([1])))


def test_weights_and_back(network, tmp_path):
    save_file({k: v.half() for k, v in network.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(asdict(SMALL)))
    loaded = load_network(tmp_path)
    assert loaded.config == SMALL
    x, t = torch.randn(1, 4, 32, 32), torch.tensor([300])
    torch.testing.assert_close(loaded(x, t, torch.tensor([2])), network(x, t, torch.tensor([2])), atol=1e-2, rtol=1e-2)


def test_colours_change_places_and_shapes_stay():
    signal = torch.from_numpy(to_signal(random_rgba(400)))
    changed = recoloured(signal, 0.3, torch.Generator().manual_seed(0))
    assert torch.equal(changed[:, 3], signal[:, 3])
    assert torch.equal(changed[:, :3].sort(1).values, signal[:, :3].sort(1).values)
    other = (changed != signal).flatten(1).any(1)
    assert 0.15 < other.float().mean() < 0.35  # one order in six is the old one
    assert torch.equal(recoloured(signal, 0.0, torch.Generator()), signal)


def test_a_training_begins_with_the_weights_it_is_given(tmp_path):
    signal, labels = torch.from_numpy(to_signal(random_rgba(12))), torch.arange(12) % 3
    network = SpriteUNet(SMALL)
    save_file({k: v.half() for k, v in network.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps(asdict(SMALL)))
    begun, anew = Training(RECIPE, SMALL, signal, labels, tmp_path), Training(RECIPE, SMALL, signal, labels)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(begun.network.state_dict()[name], tensor.half().float())
    assert begun.schedule.peak < anew.schedule.peak


def steps_of(training):
    return [(step.step, step.loss) for step in training.fit()]


def test_training_goes_on_exactly_where_it_stopped(tmp_path):
    signal, labels = torch.from_numpy(to_signal(random_rgba(12))), torch.arange(12) % 3
    whole = Training(RECIPE, SMALL, signal, labels)
    losses = steps_of(whole)
    assert [step for step, _ in losses] == [1, 2, 3, 4]

    first = Training(RECIPE, SMALL, signal, labels)
    stream = first.fit()
    begun = [next(stream), next(stream)]
    save_checkpoint(tmp_path / "checkpoint.pt", first.state_dict())
    second = Training(RECIPE, SMALL, signal, labels)
    second.resume(tmp_path / "checkpoint.pt")
    assert [(step.step, step.loss) for step in begun] + steps_of(second) == losses
    for name, tensor in whole.ema.state.items():
        assert torch.equal(tensor, second.ema.state[name]), name


def test_velocity_holds_picture_and_noise():
    schedule, x_0, epsilon = cosine_schedule(), torch.randn(2, 4, 8, 8), torch.randn(2, 4, 8, 8)
    for t in (0, 300, 998):
        x_t, v = add_noise(schedule, x_0, epsilon, t), velocity(schedule, x_0, epsilon, t)
        torch.testing.assert_close(from_velocity(schedule, x_t, v, t), (x_0, epsilon), atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(noise_in(schedule, x_t, x_0, t), epsilon, atol=1e-2, rtol=1e-2)


@pytest.mark.parametrize("sampler", ["ddim", "ddpm"])
def test_a_trace_is_whole_and_the_same_for_the_same_seed(network, sampler):
    def run(seed):
        return list(trace_denoising(network, "potion", 2, 5, seed, sampler=sampler))

    steps, again, other = run(7), run(7), run(8)
    assert [(s.index, s.t) for s in steps] == [(0, 999), (1, 799), (2, 599), (3, 399), (4, 199)]
    assert [s.t_next for s in steps] == [799, 599, 399, 199, -1]
    schedule = cosine_schedule()
    for step, same, following in zip(steps, again, [*steps[1:], None], strict=True):
        assert step.x_t.dtype == step.epsilon.dtype == step.x_0.dtype == np.float32
        assert np.abs(step.x_0).max() <= 1
        mixed = schedule.signal(step.t) * step.x_0 + schedule.noise(step.t) * step.epsilon
        np.testing.assert_allclose(mixed, step.x_t, atol=1e-4)
        assert np.array_equal(step.x_next, same.x_next)
        assert following is None or np.array_equal(step.x_next, following.x_t)
    np.testing.assert_allclose(steps[-1].x_next, steps[-1].x_0, atol=1e-4)
    assert not np.array_equal(steps[0].x_t, other[0].x_t)


def test_more_sprites_begin_with_the_same_ones(network):
    one, three = (next(trace_denoising(network, ANY_CLASS, n, 2, 5)).x_t for n in (1, 3))
    assert np.array_equal(one[0], three[0])


def test_a_trace_that_is_not_read_on_is_not_computed(network):
    calls = []
    network.register_forward_hook(lambda *_: calls.append(1))
    stream = trace_denoising(network, "tree", 1, 50, 0)
    next(stream)
    stream.close()
    assert len(calls) == 1


def test_guidance_one_is_the_class_alone_and_more_goes_further(network):
    def first(guidance, sprite_class="food"):
        return next(trace_denoising(network, sprite_class, 1, 10, 0, guidance=guidance)).x_next

    assert not np.array_equal(first(1.0), first(3.0))
    assert np.array_equal(first(1.0, ANY_CLASS), first(3.0, ANY_CLASS))


def test_an_unknown_class_is_refused_before_the_first_step(network):
    with pytest.raises(InputError, match="monster"):
        next(trace_denoising(network, "dragon", 1, 5, 0))


def test_arrays_of_different_shapes_are_no_step():
    good, bad = np.zeros((1, 4, 32, 32), np.float32), np.zeros((2, 4, 32, 32), np.float32)
    with pytest.raises(ValueError, match="epsilon"):
        DenoisingStep(0, 1, 999, -1, good, bad, good, good)


def test_finished_sprites_have_clean_edges():
    x_0 = np.zeros((1, 4, 32, 32), np.float32)
    x_0[0, 3, 0], x_0[0, 3, 1] = -0.95, 0.95
    kept = x_0.copy()
    sprites = finished_sprites(x_0)
    assert sprites.dtype == np.uint8
    assert (sprites[0, 0] == 0).all()
    assert (sprites[0, 1, :, 3] == 255).all()
    assert np.array_equal(x_0, kept)


def test_frechet_distance_of_known_gaussians():
    random = np.random.default_rng(0)
    one = random.standard_normal((20_000, 3))
    assert measuring.frechet_distance(one, one) == pytest.approx(0, abs=1e-6)
    assert measuring.frechet_distance(one, one + np.array([3, 0, 0])) == pytest.approx(9)
    assert measuring.frechet_distance(one, 2 * random.standard_normal((20_000, 3))) == pytest.approx(3, rel=0.05)


def test_precision_and_recall_of_known_sets():
    random = np.random.default_rng(0)
    real = random.standard_normal((200, 2))
    assert measuring.precision_and_recall(real, real) == (1, 1)
    assert measuring.precision_and_recall(real, real + 100) == (0, 0)
    narrow = real[:20] * 0.01
    precision, recall = measuring.precision_and_recall(real, narrow)
    assert precision == 1
    assert recall < 0.1


def test_places_have_the_classes_asked_for():
    available = np.array([0] * 5 + [3] * 2)
    wanted = np.array([3, 0, 3, 0, 3])
    places = measuring.same_classes(wanted, available, np.random.default_rng(0))
    assert sorted(available[places]) == [0, 0, 3, 3, 3]
    with pytest.raises(InputError, match=CLASSES[1]):
        measuring.same_classes(np.array([1]), available, np.random.default_rng(0))


@pytest.fixture
def colour_features(monkeypatch, network):
    """Mean colours in place of the backbone and a small random network in place of the trained one."""

    class Loaded:
        def __init__(self, network):
            self.network = network

    for module in (measuring, novelty):
        monkeypatch.setattr(
            module, "sprite_features", lambda rgba: rgba.reshape(len(rgba), -1, 4).mean(1).astype(float)
        )
    monkeypatch.setattr(measuring.runtime, "load", lambda name, loader: Loaded(network))


def test_the_figures_of_an_evaluation(colour_features):
    reference = Sprites(random_rgba(9, 1), np.arange(9) % 3, np.array(["x"] * 9))
    training = Sprites(random_rgba(30, 2), np.arange(30) % 3, np.array(["x"] * 30))
    comparison = measuring.prepare(reference, training, limit=6, seed=0)
    rgba, again = (measuring.draw_samples(comparison.labels, steps=2, seed=0, guidance=1.0) for _ in range(2))
    figures = measuring.evaluate(comparison, rgba)
    assert set(figures) == {
        *("frechet_distance", "frechet_training", "frechet_ratio", "precision", "recall", "sprites"),
        *("class_right", "class_right_of_real"),
        *("nearest_training", "nearest_training_held_out", "suspiciously_near", "copies", "copies_held_out"),
    }
    assert figures["sprites"] == 6
    assert 0 <= figures["class_right"] <= 1
    assert figures["frechet_ratio"] > 1
    assert measuring.evaluate(comparison, again) == figures
    stolen = training.rgba[:6, :, ::-1]
    assert measuring.evaluate(comparison, stolen)["copies"] == 1
    assert measuring.evaluate(comparison, training.rgba[:6])["nearest_training"] == pytest.approx(0, abs=1e-4)


def test_classes_count_alike_where_it_is_asked_how_often_they_are_told():
    told, labels = np.array([0, 0, 0, 0, 1, 0]), np.array([0, 0, 0, 0, 1, 1])
    assert measuring._right_by_class(told, labels) == pytest.approx((1 + 0.5) / 2)


@pytest.fixture
def stored(colour_features, monkeypatch, tmp_path):
    """An npz whose training sprites are stored as features, beside weights that are only said to be there."""
    (tmp_path / "weights" / measuring.NAME).mkdir(parents=True)
    monkeypatch.setattr(measuring.weights, "EMBEDDED", tmp_path / "weights")
    monkeypatch.setattr(measuring.weights, "folder", lambda name: tmp_path / "weights" / name)
    monkeypatch.setattr(measuring.weights, "record", lambda name: None)
    for module in (measuring, novelty):
        monkeypatch.setattr(module, "backbone_digest", lambda: "the backbone")
    names = [f"thing {chr(97 + a)}{chr(97 + b)}" for a in range(10) for b in range(10)]
    return write_npz(tmp_path / "own.npz", ["monster"] * 100, names)


def test_our_own_file_is_split_and_another_counts_whole(stored, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="--training"):
        measuring.reference_and_training(stored, None)
    measuring.store_training_features(stored)
    kept = int(held_out(read_sprites(stored).names).sum())
    reference, training = measuring.reference_and_training(stored, None)
    assert (len(reference), len(training)) == (kept, 100 - kept)

    other = write_npz(tmp_path / "other.npz", ["monster"] * 7)
    reference, training = measuring.reference_and_training(other, None)
    assert len(reference) == 7
    assert isinstance(training, measuring.Features)
    assert len(training.labels) == 100 - kept
    _, training = measuring.reference_and_training(other, stored)
    assert isinstance(training, Sprites)

    monkeypatch.setattr(measuring, "backbone_digest", lambda: "another backbone")
    with pytest.raises(InputError, match="another backbone"):
        measuring.reference_and_training(other, None)


def test_the_command_prints_one_line_a_model(stored, capsys):
    measuring.main(["--data", str(stored), "--store-training-features"])
    capsys.readouterr()
    measuring.main(["--data", str(stored), "--limit", "5", "--steps", "2", "--seed", "1", "--network", "classes"])
    line = json.loads(capsys.readouterr().out)
    assert line["model"] == "sprites-unet"
    assert {"frechet_distance", "frechet_ratio", "precision", "recall"} <= set(line)


def test_the_command_says_what_is_wrong_in_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit):
        measuring.main(["--data", str(tmp_path / "absent.npz")])
    assert "is not an npz" in capsys.readouterr().err


def test_the_nearest_training_sprite_is_named(stored):
    measuring.store_training_features(stored)
    sprites = read_sprites(stored)
    known = sprites.take(~held_out(sprites.names))
    found = novelty.nearest_training(known.rgba[:3])
    np.testing.assert_allclose(found.distances, 0, atol=0.1)
    assert found.names == tuple(known.names[:3])
    assert (found.share_nearer <= 0.5).all()
    far = novelty.nearest_training(np.zeros((1, 32, 32, 4), np.uint8))
    assert far.share_nearer[0] == 1


def test_features_of_another_backbone_are_refused(stored, monkeypatch):
    measuring.store_training_features(stored)
    monkeypatch.setattr(novelty, "backbone_digest", lambda: "another")
    with pytest.raises(WeightsError, match="backbone"):
        novelty.nearest_training(np.zeros((1, 32, 32, 4), np.uint8))

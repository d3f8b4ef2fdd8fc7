"""Six differences: cost measured on tiny networks, the stored figures, the ten networks from scratch."""

import gc
import itertools
import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from demos.views import vit_compare as figures
from demos.vit import compare
from demos.vit.compare import DATA_FILE, compute_answers
from models import weights
from models.errors import InputError
from models.recipes.vit.from_scratch import Fit, Pictures, Recipe, augmented
from models.vision.network import Architecture, VisionTransformer
from models.vision.preprocessing import Preprocessing
from models.vit import data_need, from_scratch, speed
from models.vit.data_need import Learning
from models.vit.from_scratch import LABELS, NETWORKS, SHARES, build

TINY = Architecture(
    patch_size=14, grid=4, width=12, layers=2, heads=3, mlp_width=24, epsilon=1e-6, layer_scale=True, pool="cls"
)


@pytest.fixture(scope="module")
def vit():
    return VisionTransformer(TINY, ["a", "b"], Preprocessing()).eval().requires_grad_(False)


@pytest.fixture
def pictures():
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(200) % 10
    images = torch.randint(0, 60, (200, 32, 32, 3), generator=generator, dtype=torch.uint8)
    images[torch.arange(200), :, labels * 3] += 180  # a bright column says which label it is
    return Pictures(images, labels)


def test_the_memory_of_attention_grows_with_the_square_of_the_tokens(vit):
    small, large = (speed.saved_bytes(vit, torch.randn(1, side, side, 3)) for side in (14 * 8, 14 * 16))
    weights_of = {side: 4 * TINY.layers * TINY.heads * (1 + side**2) ** 2 for side in (8, 16)}
    assert weights_of[16] < large < 2 * weights_of[16]
    assert large / small > 10, "four times the tokens, sixteen times the weights"


def test_what_was_counted_is_free_again(vit):
    def live_bytes():
        gc.collect()
        return sum(one.nbytes for one in gc.get_objects() if isinstance(one, torch.Tensor))

    images = torch.randn(1, 14 * 16, 14 * 16, 3)
    first = speed.saved_bytes(vit, images)
    before = live_bytes()
    assert {speed.saved_bytes(vit, images) for _ in range(5)} == {first}
    assert live_bytes() - before < first / 10


def test_saved_memory_does_not_count_the_weights():
    layer = torch.nn.Linear(1000, 1000).requires_grad_(False)
    assert speed.saved_bytes(_Only(layer), torch.randn(1, 1000)) < 1000 * 1000


class _Only(speed.EfficientNetLite):
    """Something that `saved_bytes` runs as it is: one layer."""

    def __init__(self, layer):
        torch.nn.Module.__init__(self)
        self.layer = layer

    def forward(self, images):
        return self.layer(images)


def test_measuring_stops_at_its_budget(vit):
    sides = [timing.side for timing in speed.measure({"ViT": vit}, budget=60, sides=(14, 28)) if timing]
    assert sides == [14, 28]
    assert list(speed.measure({"ViT": vit}, budget=0.0, sides=(14, 28))) == []


def test_beyond_its_budget_the_largest_pictures_are_timed_once(vit, monkeypatch):
    """A machine on which every look at the clock is half a second later."""
    clock, patient = itertools.count(0, 0.5), []
    monkeypatch.setattr(speed, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    monkeypatch.setattr(speed, "median_seconds", lambda network, images, patience: patient.append(patience > 0) or 1.0)
    sides = [timing.side for timing in speed.measure({"ViT": vit}, budget=1.0, sides=(14, 28, 42, 56, 70)) if timing]
    assert sides == [14, 28, 42, 56]
    assert patient == [True, False, False, False]


def test_how_long_the_trainings_take_is_told_from_their_own_steps(monkeypatch):
    names = [(kind, share) for kind in NETWORKS for share in (1, 100)]
    half = Learning(dict.fromkeys(names, ((40, 0.2),)) | {names[0]: ((40, 0.2), (80, 0.3))}, {}, 160)
    monkeypatch.setattr(compare, "time", SimpleNamespace(perf_counter=lambda: 110.0))
    assert compare._so_far(half, 100.0) == " in 10 s, about 22 s left"
    assert compare._so_far(Learning(dict.fromkeys(names, ((160, 0.9),)), {}, 160), 100.0) == " in 10 s"


def test_cost_is_told_as_ratios():
    timings = [speed.Timing(n, s, s * k / 1000, s * s * k) for n, k in (("CNN", 1), ("ViT", 3)) for s in (56, 112)]
    seconds, memory = figures.view_of_cost(timings)
    assert seconds["series"][1]["points"] == [[56, 168.0], [112, 336.0]]
    assert memory["series"][0]["name"] == "CNN"
    assert figures.cost_sentence(timings).startswith("From 56 to 112 pixels a side, 4 times the pixels: CNN 2 times")
    assert figures.cost_sentence(timings[:1]) == ""
    beyond = [speed.Timing(name, 672, 1.0, None) for name in ("CNN", "ViT")]
    assert figures.cost_sentence([*timings, *beyond]) == figures.cost_sentence(timings)
    seconds, memory = figures.view_of_cost([*timings, *beyond])
    assert [len(line["points"]) for line in (*seconds["series"], *memory["series"])] == [3, 3, 2, 2]


def test_what_a_picture_gains_in_company_is_told_and_drawn():
    both = (("CNN", 1), ("ViT", 2))
    batches = [speed.Timing(n, 112, s * k, None, b) for b, s in ((1, 0.1), (4, 0.2)) for n, k in both]
    gain = "2 times as fast a picture with 4 at once"
    assert figures.batch_sentence(batches) == f"At 112 pixels: CNN {gain}; ViT {gain}."
    assert figures.batch_sentence(batches[:2]) == ""
    assert figures.view_of_batches(batches)["series"][1]["points"] == [[1, 200.0], [4, 100.0]]


def test_batches_are_measured_until_the_budget_is_used_up(vit, monkeypatch):
    monkeypatch.setattr(speed, "BATCHES", (1, 2))
    monkeypatch.setattr(speed, "BATCH_SIDE", 28)
    assert [timing.batch for timing in speed.measure_batches({"ViT": vit}, budget=60)] == [1, 2]
    assert list(speed.measure_batches({"ViT": vit}, budget=0.0)) == []


def test_both_small_networks_have_equally_many_parameters():
    cnn, vit = (sum(p.numel() for p in build(kind).parameters()) for kind in NETWORKS)
    assert (cnn, vit) == (308_458, 311_338)


def test_the_stored_figures_hold_every_share_and_seed_and_the_sentences_about_them():
    results = json.loads(DATA_FILE.read_text())["results"]
    table = figures.by_share(results)
    assert all(sorted(shares) == list(SHARES) for shares in table.values())
    assert all(len(seeds) == 3 for shares in table.values() for seeds in shares.values())
    mean = {name: {s: 100 * np.mean(a) for s, a in shares.items()} for name, shares in table.items()}
    assert all(10.5 < mean["CNN"][s] - mean["ViT"][s] < 13.5 for s in SHARES)
    pretrained = mean["pretrained ViT, linear head"]
    assert pretrained[1] > mean["ViT"][100]
    assert pretrained[10] == pytest.approx(mean["CNN"][100], abs=1)
    assert [point[0] for point in figures.view_of_data_need(results)["series"][0]["points"]] == list(SHARES)


def test_a_smaller_share_is_part_of_a_larger_one(pictures):
    small, large = pictures.share(10, 3), pictures.share(30, 3)
    assert torch.bincount(small.labels).tolist() == [2] * 10
    assert {image.numpy().tobytes() for image in small.images} <= {image.numpy().tobytes() for image in large.images}


def test_augmentation_moves_and_mirrors_pixels_only(pictures):
    given = torch.full((4, 32, 32, 3), 7, dtype=torch.uint8)
    moved = augmented(given, torch.Generator().manual_seed(1))
    assert moved.shape == given.shape
    assert set(moved.unique().tolist()) <= {0, 7}
    assert (moved == 7).float().mean() > 0.7


@pytest.mark.parametrize("kind", NETWORKS)
def test_a_run_that_was_stopped_goes_on_to_the_same_network(kind, pictures):
    recipe = Recipe(batch=8, pictures_at_one_percent=32)
    whole = Fit(kind, pictures, 1, 0, recipe)
    list(whole.fit())
    first = Fit(kind, pictures, 1, 0, recipe)
    for report in first.fit():
        if report.step == 2:
            break
    second = Fit(kind, pictures, 1, 0, recipe)
    second.load_state_dict(first.state_dict())
    list(second.fit())
    for name, tensor in whole.network.state_dict().items():
        assert torch.equal(tensor, second.network.state_dict()[name]), name


def test_the_ten_networks_load_and_answer():
    networks = from_scratch.load_pairs(weights.folder("cifar10-pairs")).eval()
    answers = from_scratch.answers(networks, np.full((40, 60, 3), 128, np.uint8))
    assert sorted(answers) == sorted(f"{kind}-{share}" for kind in NETWORKS for share in SHARES)
    assert all(p.shape == (len(LABELS),) and p.sum() == pytest.approx(1, abs=1e-4) for p in answers.values())
    rows = figures.rows_of_answers(answers, LABELS)
    assert [row[0] for row in rows] == [f"{share} %" for share in SHARES]


def test_no_picture_and_no_picture_at_all(tmp_path):
    assert "No picture yet" in compute_answers(None)[1]
    (tmp_path / "bad.png").write_bytes(b"x")
    with pytest.raises(InputError):
        compute_answers(str(tmp_path / "bad.png"))


# Parallelism and data need, measured now


def test_the_chain_is_as_long_as_the_products_that_run_one_after_the_other(vit):
    """Matrix products of a block that wait for one another, counted in a run: queries, keys and values are at once."""
    from torch.utils._python_dispatch import TorchDispatchMode

    calls = []

    class Counting(TorchDispatchMode):
        def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
            if operator.overloadpacket.__name__ in ("addmm", "mm", "bmm", "convolution"):
                calls.append(operator)
            return operator(*args, **(kwargs or {}))

    with torch.no_grad(), Counting():
        tokens = vit.tokens(torch.zeros(1, 56, 56, 3))
        for block in vit.blocks:
            tokens, _ = block.forward_with_weights(tokens)
        vit.classify(vit.norm(tokens))
    assert len(calls) - 2 * TINY.layers == speed.links(vit) == 2 + 6 * 2
    calls.clear()
    cnn = build("cnn").eval()
    with torch.no_grad(), Counting():
        cnn(torch.zeros(1, 32, 32, 3))
    beside = sum(isinstance(part.around, torch.nn.Conv2d) for part in cnn.stages)
    assert len(calls) == sum(isinstance(p, (torch.nn.Conv2d, torch.nn.Linear)) for p in cnn.modules()) and beside == 2


def test_threads_are_measured_and_given_back(vit, monkeypatch):
    monkeypatch.setattr(speed.runtime, "threads", lambda: 3)
    monkeypatch.setattr(speed, "median_seconds", lambda network, images: 1 / torch.get_num_threads())
    before = torch.get_num_threads()
    found = list(speed.measure_threads({"CNN": vit, "ViT": vit}))
    assert [(one.network, one.threads, one.seconds) for one in found] == [
        (name, count, 1 / count) for count in (1, 2, 3) for name in ("CNN", "ViT")
    ]
    assert torch.get_num_threads() == before
    chart = figures.view_of_threads(found)
    assert chart["series"][0]["points"] == [[1, 1000.0], [2, 500.0], [3, 333.0]]
    batches = tuple(speed.Timing(name, 112, 0.1, None, 1) for name in ("CNN", "ViT"))
    measured = speed.Measured((), batches, tuple(found), {"CNN": 50, "ViT": 74}, "cpu", 3)
    said = figures.links_sentence(measured)
    assert said.startswith("One after the other, at 112 pixels: CNN 50 products, 2 ms each, 3 times as fast with 3")
    monkeypatch.setattr(speed.runtime, "threads", lambda: 1)
    assert list(speed.measure_threads({"ViT": vit})) == [] and figures.view_of_threads([]) is None


def test_digits_are_drawn_alike_by_a_seed_and_as_many_of_each():
    images, digits = data_need.draw_digits(40, 3)
    again, _ = data_need.draw_digits(40, 3)
    other, _ = data_need.draw_digits(40, 4)
    assert images.shape == (40, 32, 32, 3) and (np.bincount(digits) == 4).all()
    np.testing.assert_array_equal(images, again)
    assert (images != other).any()
    assert images.reshape(40, -1).astype(float).std(1).min() > 15, "every digit can be told from its ground"


def test_four_trainings_grow_side_by_side(monkeypatch):
    for name, value in {"PICTURES": 200, "HELD_OUT": 20, "STEPS": 4, "STEPS_A_POINT": 2, "BATCH": 4}.items():
        monkeypatch.setattr(data_need, name, value)
    steps = list(data_need.train_four())
    assert len(steps) == 2 * 4
    last = steps[-1]
    assert set(last.points) == {(kind, share) for kind in NETWORKS for share in (1, 100)}
    assert all([at for at, _ in points] == [2, 4] for points in last.points.values())
    assert last.pictures == {1: 2, 100: 200}
    chart = figures.view_of_learning(last)
    assert [line["name"] for line in chart["series"]][:2] == ["CNN, 2 digits", "ViT, 2 digits"]
    assert figures.learning_sentence(steps[0]) == ""
    assert figures.learning_sentence(last).startswith("After 4 steps each: from 2 digits the CNN has ")

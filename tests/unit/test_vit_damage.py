"""Damages, the curve both networks draw, and the page's own checks."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from demos.inputs.mask import CELLS, LETTERS, read_mask
from demos.views import damage as figures
from demos.vit import damage_handlers as page
from demos.wire import to_wire
from models.compute import Run
from models.errors import InputError
from models.recipes.vit import robustness, train_cnn
from models.vision import cnn
from models.vision.network import Architecture, VisionTransformer
from models.vision.preprocessing import HALF, Preprocessing
from models.vit import contenders, curve
from models.vit.damage import DAMAGES, GREY, Choice, damaged, position_factor
from tests.handles import array_of

SIDE = 224
PIXELS = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
MASK = np.zeros((SIDE, SIDE), bool)
MASK[40:80, 100:160] = True
CHOICE = Choice(seed=3, grid=7, importance=np.arange(49.0).reshape(7, 7), mask=MASK)


@pytest.fixture(scope="module")
def pair():
    torch.manual_seed(0)
    shape = Architecture(56, 4, 12, 2, 2, 24, 1e-6, layer_scale=False, pool="cls")
    vit = VisionTransformer(shape, ["a", "b", "c"], Preprocessing()).eval()
    torch.nn.init.normal_(vit.positions)
    convolving = cnn.EfficientNetLite(["a", "b", "c"], Preprocessing(mean=HALF, std=HALF)).eval()
    return curve.Pair(vit.requires_grad_(False), convolving.requires_grad_(False))


def patches(pixels, side):
    count = SIDE // side
    cut = pixels.reshape(count, side, count, side, 3).swapaxes(1, 2).reshape(count * count, -1)
    return [row.tobytes() for row in cut]


@pytest.mark.parametrize("kind", DAMAGES)
def test_strength_0_is_the_picture_and_the_input_is_left_alone(kind):
    before = PIXELS.copy()
    assert np.array_equal(damaged(kind, PIXELS, 0.0, CHOICE), PIXELS)
    changed = damaged(kind, PIXELS, 1.0, CHOICE)
    assert np.array_equal(PIXELS, before)
    assert changed.shape == PIXELS.shape
    assert changed.dtype == np.uint8
    assert np.array_equal(changed, PIXELS) == (kind == "positions")


@pytest.mark.parametrize("kind", DAMAGES)
def test_the_same_seed_is_the_same_damage_and_another_seed_another(kind):
    first, again, other = (damaged(kind, PIXELS, 0.5, Choice(seed, 7, CHOICE.importance, MASK)) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert np.array_equal(first, other) == ("seed" not in DAMAGES[kind].uses)


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_shuffling_moves_patches_and_loses_none(strength):
    before, after = patches(PIXELS, 32), patches(damaged("shuffle", PIXELS, strength, CHOICE), 32)
    assert sorted(before) == sorted(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == round(strength * 49)


@pytest.mark.parametrize("kind", ["drop", "drop_most", "drop_least"])
def test_dropping_makes_that_share_of_patches_grey_and_more_contains_less(kind):
    grey = [
        np.array([set(p) == {GREY} for p in patches(damaged(kind, PIXELS, s, CHOICE), 14)]) for s in (0.25, 0.5, 1.0)
    ]
    assert [g.sum() for g in grey] == [64, 128, 256]
    assert all((less <= more).all() for less, more in pairwise(grey))


def test_the_most_important_patches_go_first():
    most, least = (damaged(kind, PIXELS, 0.25, CHOICE) for kind in ("drop_most", "drop_least"))
    assert (most[-14:, -14:] == GREY).all()
    assert np.array_equal(most[:14, :14], PIXELS[:14, :14])
    assert (least[:14, :14] == GREY).all()
    assert np.array_equal(least[-14:, -14:], PIXELS[-14:, -14:])


def test_paint_covers_what_was_painted_and_nothing_else():
    covered = damaged("occlude", PIXELS, 1.0, CHOICE)
    assert (covered[MASK] == GREY).all()
    assert np.array_equal(covered[~MASK], PIXELS[~MASK])
    assert np.array_equal(damaged("occlude", PIXELS, 1.0, Choice()), PIXELS)


def test_smoothing_keeps_a_strong_edge_and_removes_fine_texture():
    picture = np.full((SIDE, SIDE, 3), 60, np.uint8)
    picture[:, SIDE // 2 :] = 200
    picture[::2, ::2] += 20
    smooth = damaged("smooth", picture, 1.0, Choice()).astype(int)
    middle = smooth[100:124]
    assert middle[:, 20:90].std() < 1.5
    assert middle[:, 115:118].mean() - middle[:, 106:109].mean() > 110


def test_exchanged_detail_keeps_the_coarse_picture():
    coarse = [damaged("rescale", p, 0.8, Choice()).astype(int) for p in (PIXELS, damaged("swap", PIXELS, 1, CHOICE))]
    assert np.abs(coarse[0] - coarse[1]).mean() < 3


def test_turning_by_half_a_turn():
    assert np.array_equal(damaged("rotate", PIXELS, 1.0, Choice()), PIXELS[::-1, ::-1])


def test_both_networks_are_given_the_same_pixels(pair, monkeypatch):
    given = []
    monkeypatch.setattr(curve, "read", lambda network, pixels, category, **_: given.append((network, pixels)))
    point = curve.point(pair, PIXELS, "noise", 0.4, CHOICE, 0)
    assert [network for network, _ in given] == [pair.vit, pair.cnn]
    assert all(np.array_equal(pixels, point.pixels) for _, pixels in given)


def test_positions_are_removed_from_the_vit_only(pair):
    points = list(curve.curve(pair, PIXELS, "positions", CHOICE, 0))
    assert [point.strength for point in points] == list(curve.STRENGTHS)
    assert all(np.array_equal(point.pixels, PIXELS) for point in points)
    assert np.ptp([point.cnn.probabilities[0] for point in points]) == 0
    assert np.ptp([point.vit.probabilities[0] for point in points]) > 1e-4
    moved = PIXELS.copy()
    moved[:112] = PIXELS[112:]
    moved[112:] = PIXELS[:112]
    bag = [contenders.logits(pair.vit, p[None], positions=position_factor("positions", 1.0)) for p in (PIXELS, moved)]
    np.testing.assert_allclose(*bag, atol=1e-5)  # without positions a moved patch is the same patch


def test_networks_that_know_other_categories_are_not_compared(pair):
    other = cnn.EfficientNetLite(["a", "b"], Preprocessing())
    with pytest.raises(ValueError, match="categories"):
        curve.Pair(pair.vit, other)


def test_a_drawn_point_has_its_numbers(pair):
    run = Run("tiny", "Tiny", 1, "embedded", "cpu", 0.1)
    point = curve.point(pair, PIXELS, "blur", 0.5, CHOICE, 1)
    found = curve.Curve(1, (point,), run, run)
    view = figures.view_of_curve(found, curve.Wish(PIXELS, "blur"), pair.labels, total=11, map_title="m")
    (drawn,) = to_wire(view)["points"]
    assert drawn["cnn"]["p"] == pytest.approx(float(point.cnn.probabilities[1]))
    assert [label for label, _ in drawn["vit"]["top"]] == [pair.labels[i] for i in np.argsort(-point.vit.probabilities)]
    steps = array_of(drawn["vit"]["map"]).reshape(4, 4)
    assert steps.max() == 255
    assert steps.argmax() == point.vit.map.argmax()


def test_whole_set_counts_right_answers(pair, monkeypatch):
    squares = np.stack([PIXELS, 255 - PIXELS])
    right = robustness.answers_of(pair.cnn, squares).argmax(1)
    monkeypatch.setattr(robustness, "STRENGTHS", (0.5,))
    found = dict(robustness.measure(pair, squares, right))
    assert found["undamaged"]["cnn"] == [1.0]
    assert set(found) == {"undamaged", *robustness.rows()} == {"undamaged", *robustness.titles()}
    assert found["positions"]["cnn"] == [1.0]
    stored = robustness.table(found, 2, 0)
    assert figures.figures_of_robustness(stored, stored["titles"]).count("<figure>") == len(robustness.rows())


def as_sent(cells):
    """Lengths of runs, clear first, five bits a letter (`demos/ui/pieces/runs.js`)."""
    flat = cells.ravel()
    ends = [*np.flatnonzero(np.diff(flat, prepend=0)), flat.size]
    return "".join(letters(length) for length in np.diff(ends, prepend=0).tolist())


def letters(number):
    return LETTERS[number] if number < 32 else LETTERS[32 + number % 32] + letters(number // 32)


def test_a_mask_as_the_page_sends_it():
    cells = np.zeros((CELLS, CELLS), np.uint8)
    assert read_mask("", SIDE) is None
    assert read_mask(as_sent(cells), SIDE) is None
    cells[2, 3] = 1
    mask = read_mask(as_sent(cells), SIDE)
    assert mask.sum() == 16
    assert mask[8:12, 12:16].all()


@pytest.mark.parametrize("text", ["abc", "////", 7, ["a"], "x" * 8000, "_" * 30, "gg", "A" * 3136, {"a": 1}])
def test_a_garbled_mask_gets_a_sentence(text):
    with pytest.raises(InputError, match="paint again"):
        read_mask(text, SIDE)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (1, "fire"),
        (1, None),
        (2, "unicorn"),
        (2, ["a"]),
        (3, 5),
        (3, "8"),
        (4, "me"),
        (5, -1),
        (5, 1.5),
        (6, "abc"),
        (7, "any"),
    ],
)
def test_wrong_wishes_get_a_sentence(place, value):
    wish = [None, "occlude", page.TOGETHER, 8, "vit", 0, "", page.ROLLOUT]
    wish[place] = value
    with pytest.raises(InputError):
        page.check_wish(*wish)


def test_trained_parameters_are_those_of_the_upper_stages(pair):
    made = cnn.EfficientNetLite(["a"], Preprocessing())
    groups = train_cnn.parameter_groups(made, train_cnn.CnnRecipe())
    trained = {name.split(".")[0] + name.split(".")[1] for name, p in made.named_parameters() if p.requires_grad}
    assert {name for name in trained if name.startswith("stages")} == {f"stages{n}" for n in range(3, 7)}
    assert len(groups) == sum(p.requires_grad for p in made.parameters())
    assert max(group["lr"] for group in groups) == 1

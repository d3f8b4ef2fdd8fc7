"""Inside the U-Net: hooks show what runs, an edit of nothing changes nothing, and grids are runs made together."""

import gradio as gr
import numpy as np
import pytest
import torch

from demos.diffusion import side_by_side
from demos.diffusion.inside import view_inside
from demos.views.diffusion_grid import find_changes
from demos.views.diffusion_inside import find_skip, view_of_inside
from models import weights
from models.diffusion.data import to_signal
from models.diffusion.edits import begin, enter
from models.diffusion.grid import denoise_grid
from models.diffusion.inside import look_inside, parts, skips, switches
from models.diffusion.runs import RUNS, SpriteRun
from models.diffusion.schedule import GUIDED
from models.diffusion.sprites import denoise_entry, load_sprites
from models.diffusion.trace import Plan, class_vectors, first_noise, predicted
from models.errors import InputError

PLAN = Plan("potion", 2, 3, 0)


@pytest.fixture(scope="module")
def step():
    return [one.step for one in denoise_entry(begin(PLAN))][1]


@pytest.fixture(scope="module")
def unedited(step):
    return look_inside(PLAN, step.t, step.x_t, 1)


def test_looking_changes_nothing_to_the_bit(step, unedited):
    assert np.array_equal(unedited.x_0, step.x_0[1])
    assert np.array_equal(unedited.v, step.v[1])
    network = load_sprites().network
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


def test_every_part_is_shown(unedited):
    network = load_sprites().network
    assert [stage.name for stage in unedited.stages] == parts(network)
    for stage in unedited.stages:
        assert stage.maps.shape[0] == 8
        assert stage.maps.shape[1] in (8, 16)
        spread = stage.maps.std(axis=(1, 2))
        assert (np.diff(spread) <= 1e-6).all(), "the channels that vary most come first"
    for shares in unedited.looks.values():
        np.testing.assert_allclose(shares.sum(-1), 1, atol=1e-4)
    assert unedited.vectors["class"].shape == (256,)


@pytest.mark.parametrize("off", ["time", "class", "middle.0", "up_high.1", "skip down_high.0", "up_attention:2"])
def test_every_switch_changes_the_prediction_and_leaves_no_trace(step, unedited, off):
    edited = look_inside(PLAN, step.t, step.x_t, 1, (off,))
    assert not np.array_equal(edited.x_0, unedited.x_0)
    assert np.array_equal(look_inside(PLAN, step.t, step.x_t, 1).x_0, unedited.x_0)


def test_a_block_that_is_off_gives_on_what_came_in(step):
    stages = {s.name: s for s in look_inside(PLAN, step.t, step.x_t, 1, ("middle.1", "down_high.0")).stages}
    assert stages["middle.1"].rms == pytest.approx(stages["middle_attention"].rms, rel=1e-3)
    assert stages["down_high.0"].rms == pytest.approx(stages["fold"].rms, rel=1e-3)


def test_skips_are_named_by_where_they_begin_and_end():
    network = load_sprites().network
    assert skips(network) == {
        "down_high.0": "up_high.1",
        "down_high.1": "up_high.0",
        "down_low.0": "up_low.1",
        "down_low.1": "up_low.0",
    }
    assert len(switches(network)) == len(set(switches(network))) == 2 + 10 + 4 + 12


def test_the_view_says_that_nothing_changed(step, unedited):
    view = view_of_inside(unedited, step, run="x", place=1, total=3, sprite=1)
    assert (view.same, view.difference, view.off) == (True, 0.0, [])
    assert [part.skip for part in view.stages if part.skip] == ["up_high.1", "up_high.0", "up_low.1", "up_low.0"]


def test_the_skip_that_is_needed_most_is_named(step, unedited):
    skipped = {name: look_inside(PLAN, step.t, step.x_t, 1, (f"skip {name}",)) for name in unedited.skips}
    changes = {name: np.sqrt(np.square(one.x_0 - step.x_0[1]).mean()) for name, one in skipped.items()}
    most = max(changes, key=changes.get)
    place = f"block {int(most[-1]) + 1} at {'16 x 16' if 'high' in most else '8 x 8'}"
    said = find_skip(skipped, step, 1)
    assert said.startswith(f"At t = {step.t} the prediction needs the skip from {place} most")
    assert f"changes by {changes[most]:.2f}" in said


def test_neighbours_of_a_grid_are_compared():
    cells = np.zeros((6, 4, 2, 2), np.float32)
    cells[3:] = 0.5  # the second of two rows
    said = find_changes(cells, 2, "sampler", "seed")
    assert said.startswith(
        "Neighbours differ by 0.50 from row to row (sampler) and by 0.00 from column to column (seed);"
    )
    assert find_changes(cells[:1], 1, "sampler", "seed") == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"place": 3},
        {"place": "0"},
        {"sprite": 2},
        {"run": "x"},
        {"off": "time"},
        {"off": [1]},
        {"off": ["nothing"]},
        {"off": ["time"] * 65},
    ],
)
def test_questions_that_are_refused(step, wrong):
    run = SpriteRun(PLAN, 3, [step, step, step])
    asked = {"run": RUNS.put(run), "place": 0, "sprite": 0, "off": [], **wrong}
    assert "error" in view_inside(asked)


def test_a_grid_is_its_runs_made_together():
    plans = tuple(
        Plan("potion", 1, steps, 3, guidance, sampler, guided=guided)
        for steps, guidance, sampler, guided in (
            (2, 1.0, "ddim", "all the way"),
            (4, 1.5, "ddpm", "all the way"),
            (4, 3.0, "unipc", "all the way"),
            (4, 6.0, "ddim", "in the middle"),
        )
    )
    moments = list(denoise_grid(plans))
    assert [moment.made for moment in moments] == [(1, 1, 1, 1), (1, 2, 2, 2), (2, 3, 3, 3), (2, 4, 4, 4)]
    for number, plan in enumerate(plans):
        *_, alone = denoise_entry(begin(plan))
        difference = np.abs(moments[-1].x_0[number] - alone.step.x_0[0])
        assert difference.mean() < 0.02, "other batches round differently, no more"


def test_guidance_in_the_middle_is_none_before_and_after():
    network = load_sprites().network
    told = class_vectors(network, ["potion"] * 2)
    x_t = first_noise(2, 0)
    plain, strong, middle = (
        [predicted(network, plan, told, t, x_t)[1] for t in (999, 850, 849, 300, 299, 0)]
        for plan in (
            Plan("potion", 2, 4, 0, 1.0),
            Plan("potion", 2, 4, 0, 4.0),
            Plan("potion", 2, 4, 0, 4.0, guided="in the middle"),
        )
    )
    expected = [plain[0], plain[1], strong[2], strong[3], plain[4], plain[5]]
    assert all(torch.equal(found, wanted) for found, wanted in zip(middle, expected, strict=True))
    assert not torch.equal(plain[2], strong[2])


def test_where_guidance_acts_is_a_setting_of_the_grid():
    _, _, plans, _ = side_by_side.check_grid("guided", "all the way, in the middle", "guidance", "1.5, 2.5", **BASE)
    assert [(plan.guided, plan.guidance) for plan in plans] == [
        ("all the way", 1.5),
        ("all the way", 2.5),
        ("in the middle", 1.5),
        ("in the middle", 2.5),
    ]


def test_a_grid_of_strengths_is_its_entries_made_together():
    rgba = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    plan = Plan("potion", 1, 4, 3)
    moments = list(denoise_grid((plan,) * 4, rgba, (0.0, 0.25, 0.5, 1.0)))
    assert [moment.made for moment in moments] == [(4, 3, 2, 1), (4, 3, 2, 2), (4, 3, 3, 3), (4, 4, 4, 4)]
    assert [moment.times for moment in moments] == [
        (0, 249, 499, 999),
        (0, 249, 499, 749),
        (0, 249, 499, 499),
        (0, 249, 249, 249),
    ]
    picture = to_signal(rgba[None])[0]
    for moment, waiting in zip(moments, (3, 3, 2, 1), strict=True):
        assert (moment.x_0[:waiting] == picture).all()
    for number, strength in ((1, 0.25), (2, 0.5), (3, 1.0)):
        *_, alone = denoise_entry(enter(plan, rgba, strength))
        assert np.abs(moments[-1].x_0[number] - alone.step.x_0[0]).mean() < 0.02


def test_where_strength_differs_every_cell_has_its_own():
    asked = ("strength", "0, 0.5", "seed", "1, 2")
    rows, _, plans, strengths = side_by_side.check_grid(*asked, **BASE)
    assert rows == ["0", "0.5"] and [plan.seed for plan in plans] == [1, 2, 1, 2]
    assert strengths == (0, 0, 0.5, 0.5)
    assert side_by_side.check_grid(*asked[2:], *asked[:2], **BASE)[-1] == (0, 0.5, 0, 0.5)
    assert side_by_side.check_grid("seed", "1", "steps", "2", **BASE)[-1] == ()
    for bad in ("1.5", "-0.1", "nan"):
        with pytest.raises(InputError, match="Strength must be"):
            side_by_side.check_grid("strength", bad, "seed", "1", **BASE)


BASE = {"sprite_class": "potion", "steps": 8, "seed": 0, "guidance": 1.5, "sampler": "ddim"}


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (("seed", ",".join(map(str, range(100))), "steps", ",".join(["2"] * 100)), "10,000 cells; 48 are the most"),
        (("seed", "1", "seed", "2"), "the same setting"),
        (("seed", " , ", "steps", "2"), "at least one seed"),
        (("seed", "one", "steps", "2"), "not a list of numbers"),
        (("steps", "60", "seed", "1"), "At most 50 steps"),
        (("sampler", "fast", "seed", "1"), "sampler must be one of"),
        (("prompt", "red potion", "sprite_class", "tree"), "two different networks"),
        (("guided", "sometimes", "seed", "1"), "Where guidance acts must be one of"),
        (("colour", "red", "seed", "1"), "row to row"),
        (("seed", "1" * 401, "steps", "2"), "the limit is 400"),
    ],
)
def test_grids_that_are_refused(asked, sentence):
    with pytest.raises(InputError, match=sentence):
        side_by_side.check_grid(*asked, **BASE)


def test_the_page_says_where_guidance_in_the_middle_acts():
    low, high = GUIDED["in the middle"]
    for text in (side_by_side.GRID, side_by_side.QUALITY):
        assert f"the times {low} to {high - 1}" in " ".join(text.split())


def test_the_measured_table_is_that_of_the_card():
    card = (weights.EMBEDDED / "sprites-unet" / "README.md").read_text()
    rows = [line for line in side_by_side.QUALITY.splitlines() if line.startswith("|")]
    assert len(rows) == 6
    assert "\n".join(rows) in card
    assert side_by_side.QUALITY.split("\n\n")[-1] in card


def test_a_grid_has_a_plan_for_every_cell():
    rows, columns, plans, _ = side_by_side.check_grid("sampler", "ddim, unipc", "guidance", "1, 2.5", **BASE)
    assert (rows, columns) == (["DDIM", "UniPC"], ["1", "2.5"])
    assert [(p.sampler, p.guidance) for p in plans] == [("ddim", 1), ("ddim", 2.5), ("unipc", 1), ("unipc", 2.5)]
    assert {(p.count, p.steps, p.sprite_class) for p in plans} == {(1, 8, "potion")}


def test_a_stopped_grid_says_where():
    assert "Stopped at 3 of 16." in side_by_side.view_stopped("3 of 16")
    assert side_by_side.view_stopped("") == gr.skip()

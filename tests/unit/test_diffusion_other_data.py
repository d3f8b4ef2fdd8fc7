"""Other data: what is shown of a filled line follows from the run, and strokes come step by step."""

import re

import numpy as np
import pytest
import torch

from demos.diffusion.other_data import EXAMPLES, FIRST, compute_blanks, compute_strokes, open_page, view_sides
from demos.views.diffusion_blanks import entropy_of, sentence_of, view_of_sides
from models.diffusion.lines import BLANK, HOLE, LENGTH, Beside, Filled, Sides, Words, book_words, symbols_of, text_of
from models.diffusion.schedule import cosine_schedule, noise_in
from models.diffusion.strokes import denoise
from models.diffusion.strokes_network import StrokesConfig, StrokesNetwork
from models.errors import InputError
from models.text.symbols import ALPHABET


@pytest.fixture(scope="module")
def shown():
    return list(compute_blanks(FIRST, 6, "random", 1))


def test_a_line_comes_first_and_then_the_same_in_other_numbers_of_steps(shown):
    assert [[one.steps for one in view.beside] for view, _ in shown] == [[], [1], [1, 4], [1, 4, 16]]
    view, strip = shown[-1]
    assert len({tuple(one.lines) for one, _ in shown}) == 1
    assert "Lines out of blanks" in strip and "<b>blanks</b> 52" in strip
    for one in view.beside:
        assert one.lines == 8 and one.known <= one.total and one.line.startswith("the ") and HOLE not in one.line


def test_what_is_shown_of_each_place_is_what_was_said_and_drawn(shown):
    view, _ = shown[-1]
    assert view.lines[0] == FIRST and HOLE not in view.lines[-1] and len(view.lines) == 7
    for place, at in enumerate(view.drawn_at):
        assert view.given[place] == (FIRST[place] != HOLE) == (at == 0)
        assert [line[place] == HOLE for line in view.lines] == [step < at for step in range(7)]
        if at:
            drawn = view.lines[-1][place]
            likely = [view.alphabet[one] for one in view.likely[at - 1, place]]
            if drawn in likely:
                share = view.chances[at - 1, place, likely.index(drawn)]
                assert share == pytest.approx(view.drawn_chance[place], abs=1e-3)
    assert (np.diff(view.chances, axis=-1) <= 0).all()
    blank = np.array([[character == HOLE for character in line] for line in view.lines[:-1]])
    assert ((view.entropy > 0) == blank).all() and view.entropy.max() < np.log2(len(ALPHABET))


def test_both_sides_and_each_alone():
    line = EXAMPLES["One word"]
    place = line.index(HOLE)
    sides = view_sides({"line": line, "place": place})
    assert len({tuple(sides[side]["chances"]) for side in ("both", "left", "right")}) == 3
    cut = line[: place + 1] + HOLE * (len(line) - place - 1)
    alone = view_sides({"line": cut, "place": place})
    assert alone["both"]["chances"] == pytest.approx(sides["left"]["chances"], abs=1e-5)
    uniform = np.full(len(ALPHABET), 1 / len(ALPHABET))
    assert view_of_sides(Sides(uniform, uniform, uniform)).left.entropy == pytest.approx(np.log2(len(ALPHABET)))
    assert entropy_of(np.zeros(5)) == 0


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ({"line": "ab", "place": 0}, "This place is no blank."),
        ({"line": "a_", "place": 2}, "The place must be from 0 to 1"),
        ({"line": 7, "place": 0}, "The line must be text."),
        ({}, "The line must be text."),
        ({"line": "_" * 65, "place": 0}, "The line has 65 characters"),
    ],
)
def test_what_cannot_be_looked_at_is_a_sentence(request_, sentence):
    assert sentence in view_sides(request_)["error"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"text": "no blank"}, "The line has no blank"),
        ({"text": ""}, "The line is empty"),
        ({"text": "_" * 2000}, "The line has 2,000 characters; the limit is 64."),
        ({"text": None}, "The line must be text."),
        ({"steps": 0}, "The number of steps must be from 1 to 64"),
        ({"steps": 65}, "The number of steps must be from 1 to 64"),
        ({"order": "best"}, "The order must be one of: random, surest."),
        ({"seed": -1}, "The seed must be from 0"),
    ],
)
def test_what_cannot_be_filled_is_a_sentence(change, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        next(compute_blanks(**{"text": FIRST, "steps": 4, "order": "random", "seed": 0, **change}))


def test_other_scripts_are_named_and_stay():
    view, strip = next(compute_blanks("γάτα ___", 2, "random", 0))
    assert "no symbol for" in strip and view.given[:5] == [True] * 5


def test_templates_are_read_as_they_are_written():
    for line in (FIRST, *EXAMPLES.values()):
        assert len(line) <= LENGTH and text_of(symbols_of(line)) == line
        assert (symbols_of(line) == BLANK).sum() == line.count(HOLE) > 0
    assert {"the", "and", "alice"} <= book_words() and "xqz" not in book_words()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (Words(3, 4), "In 2 steps, 3 of 4 words with drawn letters are words of the books"),
        (Words(1, 1), "In 2 steps, the one word with drawn letters is a word of the books"),
        (Words(0, 1), "the one word with drawn letters is no word of the books"),
        (Words(0, 0), "In 2 steps, no whole word was drawn to be looked up in the books"),
    ],
)
def test_the_sentence_counts(words, said):
    filled = Filled((None, None), words, None)
    assert said in sentence_of(filled, [])
    beside = [Beside(1, "", 8, Words(1, 4)), Beside(16, "", 8, Words(3, 4))]
    assert "Of 8 lines: 75 % of the words in 16 steps, 25 % in one step, each blank drawn without" in sentence_of(
        filled, beside
    )


def test_strokes_are_denoised_as_pictures_are():
    torch.manual_seed(0)
    network = StrokesNetwork(StrokesConfig(width=16, heads=2, layers=1, hidden=32, classes=("star", "8"))).eval()
    torch.nn.init.normal_(network.out.weight, std=0.3)
    x_t, x_0 = denoise(network, ["star", "8", "any"], 5, 3)
    assert x_t.shape == (6, 3, 64, 2) and x_0.shape == (5, 3, 64, 2)
    np.testing.assert_allclose(x_t[-1], x_0[-1], atol=1e-5)
    again = denoise(network, ["star", "8", "any"], 5, 3)
    np.testing.assert_array_equal(x_t, again[0])
    schedule, start = cosine_schedule(), torch.from_numpy(x_t[0])
    epsilon = noise_in(schedule, start, torch.from_numpy(x_0[0]), 999)
    expected = schedule.signal(799) * x_0[0] + schedule.noise(799) * epsilon.numpy()
    np.testing.assert_allclose(x_t[1], expected, rtol=1e-3, atol=1e-3)


def test_a_star_comes_out_of_noise():
    view, strip = compute_strokes("star", 8, 0)
    assert view.x_t.shape == (9, 6, 64, 2) and np.abs(view.x_0[-1]).max() < 1.6
    assert f"By step {view.first + 1} of 8" in view.said and "Drawings in one stroke" in strip
    for bad in ("cube", None):
        with pytest.raises(InputError, match="What to draw must be one of"):
            compute_strokes(bad, 8, 0)


def test_the_page_opens_on_both():
    made = list(open_page(FIRST, 2, "random", 0, "any", 2, 0))
    assert [type(one).__name__ for one in made[0][:1] + made[1][2:3]] == ["BlanksView", "StrokesView"]
    assert len(made) == 5

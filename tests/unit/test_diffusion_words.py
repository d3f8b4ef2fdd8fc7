"""The sprite network that reads words: colours, captions, what is read, what is refused; grids and the inside."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from demos.diffusion.plans import check_plan
from models.diffusion.colours import COLOURS, colour_shares, dominant_colours, recoloured, to_hsv
from models.diffusion.data import CLASSES
from models.diffusion.network import Config, SpriteUNet, twin
from models.diffusion.novelty import Features
from models.diffusion.words_network import CrossAttention, Prompts, WordsConfig, WordsUNet, mean_vector, padded
from models.errors import InputError
from models.recipes.diffusion import evaluate_words
from models.recipes.diffusion.captions import UNSEEN, caption, kind_of, words_of_name


def plain(*rgb):
    sprite = np.zeros((1, 32, 32, 4), np.uint8)
    sprite[0, 8:24, 8:24] = (*rgb, 255)
    return sprite


@pytest.mark.parametrize(
    ("rgb", "colour"),
    [
        *(((220, 30, 30), "red"), ((240, 140, 20), "orange"), ((120, 70, 20), "brown"), ((230, 220, 40), "yellow")),
        *(((40, 200, 50), "green"), ((40, 210, 210), "cyan"), ((40, 60, 230), "blue"), ((140, 50, 220), "purple")),
        *(((240, 60, 180), "pink"), ((240, 240, 240), "white"), ((128, 128, 128), "grey"), ((30, 30, 30), "black")),
    ],
)
def test_a_plain_sprite_has_its_colour(rgb, colour):
    assert dominant_colours(plain(*rgb)) == [colour]


def test_an_empty_sprite_has_no_colour_and_shares_sum_to_one():
    sprites = np.concatenate([plain(220, 30, 30), np.zeros((1, 32, 32, 4), np.uint8)])
    assert colour_shares(sprites).sum(1) == pytest.approx([1, 0])
    assert dominant_colours(sprites)[1] is None


def test_half_red_and_half_blue_has_both():
    sprite = plain(220, 30, 30)
    sprite[0, :16] = np.where(sprite[0, :16, :, 3:] > 0, np.array([30, 30, 220, 255], np.uint8), 0)
    shares = dict(zip(COLOURS, colour_shares(sprite)[0], strict=True))
    assert shares["red"] == shares["blue"] == pytest.approx(0.5)


@pytest.mark.parametrize("colour", COLOURS)
def test_a_sprite_in_another_colour_has_it_and_keeps_its_shape(colour):
    made = recoloured(plain(150, 30, 30)[0], colour)
    assert dominant_colours(made[None])[0] == colour
    assert np.array_equal(made[..., 3], plain(0, 0, 0)[0, ..., 3])


def test_hues_are_those_of_colorsys():
    import colorsys

    rgb = np.random.default_rng(0).integers(0, 256, (50, 3), dtype=np.uint8)
    for pixel, hue, saturation, value in zip(rgb, *to_hsv(rgb), strict=True):
        theirs = colorsys.rgb_to_hsv(*(pixel / 255.0))
        assert (hue / 360, saturation, value) == pytest.approx(theirs, abs=1e-5)


def test_captions_say_the_kind_and_the_colour():
    random = np.random.default_rng(0)
    said = {caption(CLASSES.index("potion"), "emerald2", "green", True, random) for _ in range(200)}
    assert {"green potion", "potion", "emerald potion"} <= said
    assert all(text.endswith("potion") for text in said)
    moved = {caption(CLASSES.index("potion"), "emerald2", "red", False, random) for _ in range(200)}
    assert not any("emerald" in text for text in moved), "the name's colour is no longer true"
    assert kind_of(CLASSES.index("scroll"), "book of the dead") == "book"
    assert words_of_name("urand_dark_maul2", colours=True) == "dark maul"


def test_combinations_kept_aside_are_of_known_kinds_and_colours():
    assert {*UNSEEN} <= {*CLASSES}
    assert {colour for colours in UNSEEN.values() for colour in colours} <= {*COLOURS}


def test_every_combination_is_asked_and_those_kept_aside_more_often():
    asked = evaluate_words.prompts(1, 3)
    assert sum(one.unseen for one in asked) == 3 * sum(map(len, UNSEEN.values())) == 36
    assert len(asked) == len(CLASSES) * len(COLOURS) - 12 + 36
    assert {one.prompt for one in asked if one.unseen} >= {"white tree", "orange potion"}


def test_colours_and_kinds_are_counted(monkeypatch):
    monkeypatch.setattr(evaluate_words, "sprite_features", lambda rgba: rgba)
    tells = SimpleNamespace(predict=lambda values: np.array([0, 1, 0, 0]))
    asked = [
        evaluate_words.Asked(0, colour, unseen)
        for colour, unseen in zip(COLOURS, [False, False, True, True], strict=False)
    ]
    rgba = np.concatenate([plain(220, 30, 30), plain(240, 140, 20), plain(40, 60, 230), plain(40, 200, 50)])
    figures = evaluate_words.measure(asked, rgba, tells)
    assert [one.colour for one in asked] == ["red", "orange", "yellow", "green"]
    assert (figures["colour_right"], figures["kind_right"], figures["both_right"]) == (1, 0.5, 0.5)
    assert (figures["unseen_colour_right"], figures["unseen_kind_right"]) == (0.5, 1)
    assert (figures["sprites"], figures["unseen_sprites"]) == (2, 2)


def test_kinds_are_told_across_noise_that_says_nothing_and_rare_ones_too():
    """Class k stands at k on the first of 20 features; the others are noise, ten times as strong."""
    random = np.random.default_rng(0)

    def sprites(labels):
        return np.concatenate([labels[:, None] == np.arange(4), 10 * random.normal(size=(len(labels), 16))], 1)

    labels = np.repeat(np.arange(4), [300, 100, 100, 12])
    tells = evaluate_words.teller(Features(sprites(labels), labels))
    asked = np.repeat(np.arange(4), 50)
    right = tells.predict(sprites(asked)) == asked
    assert [right[asked == label].mean() > 0.8 for label in range(4)] == [True] * 4


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = WordsUNet(WordsConfig(("a", "b"), widths=(16, 32), embedding=16, text_width=24))
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return made.eval()


def read(count, tokens, seed=0):
    vectors = torch.randn(count, tokens, 24, generator=torch.Generator().manual_seed(seed))
    return Prompts(vectors, torch.ones(count, tokens, dtype=torch.bool))


def test_new_cross_attention_is_the_identity():
    layer, x = CrossAttention(16, 4, 24), torch.randn(2, 16, 4, 4)
    prompts = read(2, 5)
    assert torch.equal(layer(x, prompts.vectors, prompts.mask), x)


@torch.inference_mode()
def test_padding_is_not_read(network):
    x, t = torch.randn(2, 4, 32, 32), torch.tensor([10, 900])
    short, long = read(1, 3), read(1, 6, seed=1)
    together = padded([*short.each(), *long.each()])
    assert together.mask.sum(1).tolist() == [3, 6]
    both = network(x, t, together)
    assert torch.allclose(both[:1], network(x[:1], t[:1], short), atol=1e-4)
    assert torch.allclose(both[1:], network(x[1:], t[1:], long), atol=1e-4)
    assert not torch.allclose(both[:1], network(x[:1], t[:1], long), atol=1e-3)
    assert mean_vector(together).norm(dim=1) == pytest.approx(1, abs=1e-5)


def test_a_twin_has_the_same_weights_in_memory_and_hooks_of_its_own():
    network = SpriteUNet(Config(("a",), widths=(16, 32), embedding=16))
    other = twin(network)
    other.fold.register_forward_hook(lambda *_: None)
    assert not network.fold._forward_hooks
    pairs = zip(network.parameters(), other.parameters(), strict=True)
    assert all(one.data_ptr() == two.data_ptr() for one, two in pairs)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"prompt": "a" * 501}, "The prompt has 501 characters; the limit is 500"),
        ({"prompt": 3}, "The prompt must be text"),
        ({"prompt": "red potion", "negative": "b" * 2000}, "The negative prompt has 2,000 characters"),
        ({"prompt": "red potion", "sprite_class": "tree"}, "Give a class or a prompt, not both"),
        ({"negative": "red"}, "A negative prompt needs a prompt"),
    ],
)
def test_prompts_that_are_refused(change, sentence):
    asked = {"sprite_class": "any", "count": 1, "steps": 4, "seed": 0, **change}
    with pytest.raises(InputError, match=sentence):
        check_plan(**asked)


def test_an_empty_prompt_is_none():
    assert check_plan("potion", 1, 4, 0, prompt="  ").prompt == ""

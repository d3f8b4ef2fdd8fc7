"""Names of one's own: what is refused, what the embedded pair answers, what its heads learn by."""

import json

import numpy as np
import pytest
import torch

from demos.views.vit_zero_shot import sentence_of_names
from demos.vit import zero_shot as page
from demos.vit.shared import FIRST
from models import weights
from models.errors import InputError
from models.images import read_image
from models.recipes.vit.zero_shot.data import Pairs, is_held_out_name
from models.recipes.vit.zero_shot.evaluate import accuracies, recalls
from models.recipes.vit.zero_shot.train import SHARES, Recipe, contrast, train
from models.vit.namer import NAME, choose_name, load, name_picture
from models.vit.trace import load_vit

NAMES = ["elephant", "sofa", "couch", "xqzvkpw"]
TEMPLATE = "a photo of a {}."


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("", "is empty"),
        ("cat", "there are 1"),
        ("\n".join(map(str, range(51))), "there are 51"),
        ("cat\ncat", "stands there twice"),
        ("cat\nCat", "looks like another"),
        ("cat\nсat", "looks like another"),  # a Cyrillic es
        ("cat\n" + "x" * 101, "101 characters"),
        ("cat\n" * 1200, "the limit is 4,000"),
        (7, "must be text"),
        (None, "must be text"),
    ],
)
def test_names_that_are_refused(names, sentence):
    with pytest.raises(InputError, match=sentence):
        page.check_names(names)


def test_names_are_trimmed_lines():
    assert page.check_names(" cat \n\n a dog\n") == ["cat", "a dog"]


@pytest.mark.parametrize("template", ["a photo", "{} and {}", "", None, "{" + "x" * 300 + "}"])
def test_templates_that_are_refused(template):
    with pytest.raises(InputError):
        page.check_template(template)


def test_no_picture_is_a_sentence():
    with pytest.raises(InputError, match="There is no picture yet"):
        next(page.compute_zero_shot(None, page.NAMES, page.TEMPLATE, NAME))


def test_other_models_are_refused():
    with pytest.raises(InputError, match="no such model"):
        next(page.compute_zero_shot(None, page.NAMES, page.TEMPLATE, "vit-s14-caltech101"))


# The embedded pair


@pytest.fixture(scope="module")
def named():
    return choose_name(NAME, read_image(str(FIRST)), NAMES, TEMPLATE)[0]


def test_an_elephant_is_named_and_fits_better_than_wrong_names_do(named):
    assert named.answer.probabilities.argmax() == 0
    assert named.better[0] > 0.95
    assert named.answer.probabilities.sum() == pytest.approx(1, abs=1e-5)


def test_names_that_mean_the_same_and_words_of_no_meaning_are_told(named):
    assert [(one, other) for one, other, _ in named.alike] == [("sofa", "couch")]
    assert named.spelled == ("xqzvkpw",)
    said = sentence_of_names(named, NAMES)
    assert "“elephant” fits best" in said
    assert "“sofa” and “couch” mean nearly the same" in said
    assert "“xqzvkpw” is spelled out" in said


def test_the_map_and_what_cls_adds_make_the_cosine(named):
    np.testing.assert_allclose(named.cls + named.maps.mean((1, 2)), named.answer.cosines, atol=1e-5)
    namer, vit = load(weights.folder(NAME)).eval(), load_vit("vit-s14-caltech101").network
    with torch.inference_mode():
        prepared = vit.preprocessing.to_tensor(vit.preprocessing.square(read_image(str(FIRST))))[None]
        picture = namer.heads.of_pictures(vit.pool(vit.encode(vit.tokens(prepared))))
        expected = namer.heads.of_sentences(namer.reader(named.answer.sentences)) @ picture[0]
    np.testing.assert_allclose(named.answer.cosines, expected.numpy(), atol=1e-5)
    assert named.maps.shape == (4, 16, 16)


def test_fifty_names_are_one_question():
    namer = load(weights.folder(NAME)).eval()
    names = [f"thing number {n}" for n in range(49)] + ["elephant"]
    found = name_picture(namer, load_vit("vit-s14-caltech101").network, read_image(str(FIRST)), names, "{}")
    assert found.answer.probabilities.argmax() == 49


def test_the_page_answers_with_table_maps_and_sentence():
    *_, (table, maps, said, strip) = page.compute_zero_shot(str(FIRST), "elephant\n<b>bus</b>", TEMPLATE, NAME)
    assert "a photo of a &lt;b&gt;bus&lt;/b&gt;." in table
    assert "better than wrong names" in table
    assert maps.count("<figure>") == 2
    assert "<b>bus" not in maps + said
    assert "paired here" in strip


# What the heads learn by


def pairs(seed=0, kinds=12, each=6):
    """Pictures around a centre for each kind, one sentence for each kind."""
    rng = np.random.default_rng(seed)
    centres, vectors = rng.normal(0, 1, (kinds, 16)), rng.normal(0, 1, (kinds, 10))
    which = np.repeat(np.arange(kinds), each)
    pictures = centres[which] + rng.normal(0, 0.2, (len(which), 16))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    tensors = (torch.tensor(array, dtype=torch.float32) for array in (pictures, unit))
    return Pairs(next(tensors), [[kind] for kind in which], next(tensors), which, tuple(map(str, range(kinds))))


def test_heads_learn_to_bring_pictures_and_their_sentences_together():
    some = pairs()
    heads = train([some] * len(SHARES), Recipe(width=8, steps=300, batch=72, rate=1e-2, noise=0.1, drop=0.0))
    found = (heads.of_pictures(some.pictures) @ heads.of_sentences(some.vectors).T).argmax(1).numpy()
    assert (found == some.kinds).mean() > 0.95
    one_each = some.chosen(np.arange(len(some.kinds)) % 6 == 0)
    assert recalls(heads, one_each)["recall_at_1"] > 0.9


def test_pictures_of_one_kind_are_no_negatives_of_each_other():
    some = pairs(kinds=2, each=2)
    heads = train([some] * len(SHARES), Recipe(width=8, steps=300, batch=4, rate=1e-2, noise=0.0, drop=0.0))
    vectors = some.vectors[some.kinds]
    kinds = torch.from_numpy(some.kinds)
    together = contrast(heads, some.pictures, vectors, kinds[:, None] == kinds)
    as_negatives = contrast(heads, some.pictures, vectors, torch.eye(4, dtype=torch.bool))
    assert together.item() == pytest.approx(np.log(2), abs=0.05)  # two that share the probability
    assert as_negatives > together - 1e-4


def test_accuracies_of_new_names_are_taken_among_them_and_among_all():
    class Sure:
        """Says the kind that a picture holds, but never one of the new names 0 and 1 where others may be said."""

        def of_pictures(self, pictures):
            return pictures

        def of_sentences(self, vectors):
            return vectors

    kinds = np.array([0, 1, 2, 3])
    cosines = torch.eye(4) + torch.tensor([0.0, 0, 2, 0]) * torch.tensor([[1.0], [1], [0], [0]])
    every = Pairs(cosines, [[0]] * 4, torch.eye(4).repeat_interleave(5, 0), kinds, ())
    facts = accuracies(Sure(), every, kinds < 2)
    assert facts["mean_class_accuracy"] == 0.5
    assert facts["new_names_among_all"] == 0
    assert facts["new_names_among_new"] == 1


def test_the_card_holds_what_was_measured_and_no_new_name_was_learned():
    card = (weights.folder(NAME) / "README.md").read_text()
    assert "recall_at_1" in card
    assert 10 < sum(is_held_out_name(label) for label in load_vit("vit-s14-caltech101").network.labels) < 35
    assert len(json.loads((weights.folder(NAME) / "config.json").read_text())["wrong_names"]) == 101

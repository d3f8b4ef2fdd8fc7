"""Names of one's own: what is refused before CLIP is asked, and what stands there without it."""

import pytest

from demos.vit import zero_shot as page
from models.errors import InputError


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        ("", "is empty"),
        ("cat", "there are 1"),
        ("\n".join(map(str, range(13))), "there are 13"),
        ("cat\ncat", "stands there twice"),
        ("cat\nCat", "looks like another"),
        ("cat\nсat", "looks like another"),  # a Cyrillic es
        ("cat\n" + "x" * 101, "101 characters"),
        ("cat\n" * 600, "the limit is 2,000"),
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
        next(page.compute_zero_shot(None, page.NAMES, page.TEMPLATE, "clip-vit-base-patch32"))


def test_other_models_are_refused():
    with pytest.raises(InputError, match="no such model"):
        next(page.compute_zero_shot(None, page.NAMES, page.TEMPLATE, "vit-s14-caltech101"))

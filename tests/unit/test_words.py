"""One vocabulary in three languages: the interface's words are in one file, and the app uses no others."""

import re

import pytest

from demos.diffusion.plans import BADLY_DRAWN
from demos.page import create_app
from demos.sentences import percent
from demos.ui import HERE
from demos.words import INSTEAD, LANGUAGES, WORDS, in_english

NAMES_OF_DATA = {"person", "potion", "tree", "attention.npz", "detection.npz", "vit.npz", "or", "CLS", "grid", "noise"}
NAMES_OF_DATA |= {f"{name} {count}/16" for name, count in BADLY_DRAWN.items()}
"""What names a class, a file or a quantity and is the same in every language."""


@pytest.fixture(scope="module")
def components():
    return [(one["type"], one["props"]) for one in create_app().config["components"]]


def test_words_are_marked_for_the_page_and_plain_for_the_api():
    app = create_app()
    titles = [block.label for block in app.blocks.values() if block.get_block_name() == "tabitem"]
    assert titles and all("__i18n__" in title for title in titles)
    assert "__i18n__" not in str(app.get_api_info())


def words_of(components):
    """What the app's configuration shows: titles, labels, buttons, information, placeholders."""
    for kind, marked in components:
        props = {name: in_english(marked.get(name)) for name in ("value", "label", "info", "placeholder")}
        props |= {name: marked.get(name) for name in ("visible", "show_label")}
        if props.get("visible") is False:
            continue
        if kind == "button":
            yield props["value"]
        shown = kind not in ("api", "html", "state", "markdown") and props["show_label"] is not False
        yield from (props.get(name) for name in ("label", "info", "placeholder") if shown)


def test_every_word_is_there_in_every_language():
    for word, said in WORDS.items():
        assert set(said) == set(LANGUAGES) - {"en"}, word
        assert all(text.strip() and text.count("%s") == word.count("%s") for text in said.values()), word


def test_what_the_app_shows_is_in_the_file(components):
    missing = {word for word in words_of(components) if word and word not in WORDS} - NAMES_OF_DATA
    assert not missing, f"add to demos/words/interface.json: {sorted(missing)}"


def test_buttons_and_empty_states_of_views_are_in_the_file():
    written = set()
    for path in (HERE / "components").glob("*.js"):
        text = path.read_text(encoding="utf-8")
        written |= set(re.findall(r"<button[^>]*>([^<$]*[A-Za-z]{3}[^<$]*)</button>", text))
        written |= set(re.findall(r'class="gb-empty">([^<$]+)</p>', text))
    assert len(written) > 40
    missing = {word.strip() for word in written} - set(WORDS) - NAMES_OF_DATA
    assert not missing, f"add to demos/words/interface.json: {sorted(missing)}"


def test_of_two_words_for_the_same_one_is_used(components):
    other = re.compile(rf"\b({'|'.join(INSTEAD)})\b")
    used = {word for word in words_of(components) if word and other.search(word)}
    assert not used, {word: INSTEAD[other.search(word)[1]] for word in used}


@pytest.mark.parametrize(
    ("share", "digits", "said"),
    [
        (0.09, 0, "9 %"),
        (1, 0, "100 %"),
        (0.996, 0, "99.6 %"),
        (0.9999, 1, "> 99.9 %"),
        (0, 1, "0.0 %"),
        (-0.5, 0, "−50 %"),
    ],
)
def test_a_share_is_told_in_one_way(share, digits, said):
    assert percent(share, digits) == said


def test_no_page_formats_shares_by_itself():
    written = re.compile(r"\{[^{}]*:\.\d%\}")
    assert [path for path in HERE.parent.rglob("*.py") if written.search(path.read_text())] == []

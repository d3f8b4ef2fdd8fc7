"""Values from outside: every wrong one gets a sentence, no right one is changed."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InputError
from models.inputs import check_choice, check_flag, check_integer, check_number, check_text

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(ANYTHING)
def test_number_is_finite_and_inside_or_refused_in_a_sentence(value):
    try:
        number = check_number(value, name="Temperature", low=0.1, high=5)
    except InputError as error:
        assert str(error).startswith("Temperature must be")
    else:
        assert isinstance(number, float)
        assert math.isfinite(number)
        assert 0.1 <= number <= 5


@given(ANYTHING)
def test_integer_is_whole_and_inside_or_refused(value):
    try:
        number = check_integer(value, name="Steps", low=1, high=100)
    except InputError as error:
        assert str(error).startswith("Steps must be")
    else:
        assert type(number) is int
        assert 1 <= number <= 100
        assert number == value


@given(ANYTHING)
def test_text_never_holds_what_breaks_a_json_stream(value):
    try:
        text = check_text(value, name="The text", max_chars=50)
    except InputError as error:
        assert str(error).startswith("The text")
    else:
        text.encode("utf-8")
        assert "\0" not in text
        assert text.strip()


VISIBLE = st.characters(categories=("L", "N", "P", "S"), max_codepoint=0x2FF)


@given(st.text(alphabet=VISIBLE | st.sampled_from(" \n"), min_size=1, max_size=50))
def test_good_text_is_not_changed(text):
    if text.strip():
        assert check_text(text, name="The text", max_chars=50) == text


@pytest.mark.parametrize("value", ["9", True, None, [3], float("nan"), 10**400, 3.5, 0, 101, -1])
def test_integers_that_are_none(value):
    with pytest.raises(InputError):
        check_integer(value, name="Steps", low=1, high=100)


def test_text_too_long_is_refused_with_both_numbers():
    with pytest.raises(InputError, match="has 1,000,000 characters; the limit is 20,000"):
        check_text("x" * 1_000_000, name="The text", max_chars=20_000)


def test_choice_and_flag():
    assert check_choice("a", ["a", "b"], name="Model") == "a"
    for wrong in ("c", None, ["a"], {"a": 1}, 1):
        with pytest.raises(InputError, match="Model must be one of: a, b"):
            check_choice(wrong, ["a", "b"], name="Model")
    assert check_flag(True, name="Play") is True
    for wrong in (1, "true", None, {}):
        with pytest.raises(InputError):
            check_flag(wrong, name="Play")

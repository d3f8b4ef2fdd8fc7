"""The one form of text: what is changed at the door, what has no symbol, what is a sentence."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.errors import InputError
from models.inputs import check_name, check_text
from models.normal import LINE_ENDS, PLAIN, normal, plain, same_name, tidy_name
from models.text.known import unknown_sentence
from models.text.sentences import in_small_letters, sentences_of
from models.text.symbols import ALPHABET, encode, fold, unknown_note

ANY = st.text(st.characters(exclude_categories=()), max_size=60)


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("He went home.\r\nShe", "He went home.\nShe"),
        ("a\rb\r\n\r\nc\n", "a\nb\n\nc\n"),
        ("a\u2028b\u2029c\x85d\x0be\x0cf", "a\nb\nc\nd\ne\nf"),
        ("cafe\u0301", "café"),
        ("a\u00a0b\u202fc\u3000d", "a b c d"),
        ("zero\u200b width\ufeff, soft\u00ad hyphen\u2060", "zero width, soft hyphen"),
        ("\u202eturned\u202c \u200eleft", "turned left"),
        ("bell\a nul\0 lone\ud800", "bell nul lone"),
        ("heart \u2764\ufe0f", "heart \u2764"),
        ("join\u200ded", "joined"),
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("“quotes” — stay…", "“quotes” — stay…"),
        ("oﬃce ﬁnds ﬂowers", "office finds flowers"),
        ("blank\u2800braille", "blank braille"),
        ("\ttab and  two blanks", "\ttab and  two blanks"),
    ],
)
def test_the_normal_form(typed, read):
    assert normal(typed) == read
    assert check_text(typed, name="The text", max_chars=99) == read


@given(ANY)
def test_the_normal_form_is_reached_at_once_and_composed(text):
    once = normal(text)
    assert normal(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not LINE_ENDS.search(once)
    assert not set("\0\r\u200b\ufeff\u00ad\u202e\u00a0") & set(once)
    once.encode("utf-8")


@given(ANY, st.sampled_from(["\r\n", "\r", "\u2028", "\n"]))
def test_every_line_end_is_one_line_break(text, end):
    lines = [part for part in normal(text).split("\n") if part and not unicodedata.combining(part[0])]
    assert normal(end.join(lines)) == normal("\n".join(lines))


@given(st.text(st.characters(categories=("L", "M", "N", "P", "Zs")), max_size=30))
def test_composed_or_not_is_the_same_text(text):
    assert normal(unicodedata.normalize("NFD", text)) == normal(unicodedata.normalize("NFC", text))


@pytest.mark.parametrize(("variant", "own"), [*PLAIN.items(), ("Ａ", "A"), ("！", "!"), ("é", "é"), ("🎉", "🎉")])
def test_the_shared_table(variant, own):
    assert plain(variant) == own


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("my book", "my  book"),
        ("my book", "my\u00a0book"),
        ("café", "cafe\u0301"),
        ("book", "book\u200b"),
        ("cup", "Cup"),
        ("book", " book "),
        ("cup", "ＣＵＰ"),
        ("mum’s cup", "mum's cup"),
        ("a–b", "a-b"),
        ("straße", "STRASSE"),
        ("cat", "сat"),  # a Cyrillic es
        ("CAT", "САТ"),
        ("Apple", "Αpple"),  # a Greek alpha
        ("ﬁsh", "fish"),
        ("red\u2800cup", "red cup"),
    ],
)
def test_names_that_look_alike_are_one(one, other):
    assert same_name(one) == same_name(other)


@pytest.mark.parametrize(
    ("one", "other"), [("cup", "cups"), ("cafe", "café"), ("left", "right"), ("1", "2"), ("кот", "кит")]
)
def test_names_that_do_not_look_alike_are_two(one, other):
    assert same_name(one) != same_name(other)


@given(
    st.text(st.characters(categories=("L", "N")), min_size=1, max_size=12), st.sampled_from(["\u200b", " ", "\ufeff"])
)
def test_what_nobody_sees_makes_no_other_name(name, unseen):
    assert same_name(unseen + name + unseen) == same_name(name)
    assert same_name(tidy_name(name)) == same_name(name)


def test_a_name_is_shown_tidy():
    assert check_name("  my\u00a0 \u200bbook\n", name="The name", max_chars=40) == "my book"
    with pytest.raises(InputError, match="The name is empty"):
        check_name("\u200b\u00a0", name="The name", max_chars=40)


# What has no symbol


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("plain, “curly” and café – all known…", ""),
        ("안녕 ok", "This network has no symbol for “안”, “녕”: it reads them as unknown."),
        ("party 🎉🎉", "This network has no symbol for “🎉”: it reads them as unknown."),
        ("👨\u200d👧", "This network has no symbol for “👨”, “👧”: it reads them as unknown."),
        ("z\u0335", "This network has no symbol for “◌\u0335”: it reads them as unknown."),
        ("a\ue000", "This network has no symbol for “U+E000”: it reads them as unknown."),
    ],
)
def test_characters_without_a_symbol_are_named_once(text, said):
    assert unknown_note(text) == said


def test_of_many_the_first_are_named_and_the_others_counted():
    sentence = unknown_sentence("абвгдежз")
    assert "“а”, “б”, “в”, “г”, “д”, “е” and 2 more" in sentence


@given(st.text(max_size=40))
def test_a_text_is_silent_only_if_every_character_has_a_symbol(text):
    encoded = encode(text)
    assert bool(unknown_note(text)) == bool(encoded.unknown)
    assert set(encoded.strangers) == {character for character in text if fold(character) == ALPHABET[0]}
    assert len(encoded.symbols) == len(text)


# Sentences


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("I am tired.", ["I am tired."]),
        ("Hello. I am tired! Are you?", ["Hello.", "I am tired!", "Are you?"]),
        ("Mr. Smith came. He left.", ["Mr. Smith came.", "He left."]),
        ("J. R. Smith wrote it.", ["J. R. Smith wrote it."]),
        ("He said: “No.” Then he left.", ["He said: “No.”", "Then he left."]),
        ("It costs 3.50 dollars. Really?!", ["It costs 3.50 dollars.", "Really?!"]),
        ("Wait... what?", ["Wait... what?"]),
        ("one line\nanother line", ["one line", "another line"]),
        ("So did I. You too.", ["So did I.", "You too."]),
        ("no stop", ["no stop"]),
        ("", []),
        ("Hello. 🎉", ["Hello.", "🎉"]),
    ],
)
def test_a_text_is_cut_into_its_sentences(text, sentences):
    assert sentences_of(text) == sentences


@given(st.text(st.sampled_from("abAB.!? \n\"'”…1"), max_size=60))
def test_no_sentence_is_dropped(text):
    assert "".join("".join(sentences_of(text)).split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("I LOVE YOU.", "I love you."),
        ("WHERE AM I?", "Where am I?"),
        ("“STOP!”", "“Stop!”"),
        ("I love NASA.", "I love NASA."),
        ("OK.", "OK."),
        ("123", "123"),
    ],
)
def test_a_sentence_in_capitals_is_read_in_small_letters(typed, read):
    assert in_small_letters(typed) == read

"""What is typed is text for every network: control tokens, quotes, several sentences, strange scripts."""

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from demos.sequences import api
from models import weights
from models.attention.passages import translate_passage
from models.attention.trace import load
from models.attention.writing import load_writer
from models.errors import InputError
from models.text.tokenizer import EOS, PAD, UNKNOWN, load_tokenizer

CONTROL = ["<pad>", "<s>", "</s>", "<unk>", "<|endoftext|>", "<|im_start|>", "[CLS]", "[SEP]", "[PAD]", "[UNK]"]
TRANSLATORS = ["translator-en-fr", "gru-attention-en-fr", "gru-translator-en-fr"]


@pytest.fixture(scope="module")
def pieces():
    """The pieces that all translators share."""
    return load_tokenizer(weights.folder("translator-en-fr"))


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("I love</s> you.", [" I", " love", "<unknown <>", "/", "s", "<unknown >>", " you", ".", "</s>"]),
        (
            "I write <pad> in HTML.",
            [" I", " write", " ", "<unknown <>", "p", "ad", "<unknown >>", *[" in", " H", "T", "M", "L", ".", "</s>"]],
        ),
    ],
)
@pytest.mark.parametrize("name", TRANSLATORS)
def test_control_tokens_are_text_for_the_translators(name, text, tokens):
    source = load_writer(name)[0].read(text)
    assert list(source.tokens) == tokens
    assert source.unknown == "This network has no symbol for “<”, “>”: it reads them as unknown."


@pytest.mark.parametrize("mark", CONTROL)
@pytest.mark.parametrize("name", TRANSLATORS)
def test_no_mark_that_is_typed_ends_or_pads_a_sentence(name, mark):
    source = load_writer(name)[0].read(f"I write {mark} here.")
    assert source.tokens[-1] == "</s>"
    assert [token for token in source.tokens if token in (*CONTROL, "</s>")] == ["</s>"]
    assert source.tokens[:2] == (" I", " write")
    assert source.tokens[-3:-1] == (" here", ".")


@pytest.mark.parametrize("mark", CONTROL)
def test_every_mark_is_read_by_the_small_gpt2_as_it_is_typed(mark):
    assert "".join(load("book-gpt").network.read(f"Hello {mark} world").tokens) == f"Hello {mark} world"


def test_control_tokens_are_text_for_the_small_gpt2():
    reading = load("book-gpt").network.read("Hello <|endoftext|> world")
    pieces_of_the_mark = ["<", "|", "e", "nd", "o", "ft", "e", "xt", "|", ">"]
    assert list(reading.tokens) == ["H", "ell", "o", " ", *pieces_of_the_mark, " world"]


def test_the_mask_of_bert_is_the_one_exception():
    subject = load("all-minilm-l6-v2").network
    tokens = subject.read("I [MASK] you [SEP] [PAD] [CLS].").tokens
    assert tokens[:4] == ("[CLS]", "i", "[MASK]", "you")
    assert [token for token in tokens if token in subject.tokenizer.all_special_tokens] == ["[CLS]", "[MASK]", "[SEP]"]


@given(st.lists(st.sampled_from([*CONTROL, "I", " ", "you", ".", "é"]), min_size=1, max_size=8).map("".join))
@hypothesis_settings(deadline=None)
def test_no_typed_text_becomes_a_control_token(pieces, text):
    ids = pieces.encode(text).ids
    assert ids[-1] == EOS
    assert not {PAD, 1, EOS} & set(ids[:-1])
    gpt = load("book-gpt").network
    assert gpt.tokenizer.eos_token_id not in gpt.ids_of(text)
    bert = load("all-minilm-l6-v2").network
    inside = bert.ids_of(text)[1:-1]
    unknown = bert.tokenizer.unk_token_id
    assert not (set(bert.tokenizer.all_special_ids) - {unknown}) & set(inside)


@pytest.mark.parametrize("name", TRANSLATORS)
@pytest.mark.parametrize("words", ["</s>", "Je suis</s>", "<s>", "<pad> oui"])
def test_a_given_beginning_never_holds_a_mark(name, words):
    with pytest.raises(InputError, match="no token for some character"):
        load_writer(name)[0].beginning(words)


@pytest.mark.parametrize("name", TRANSLATORS)
@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("He said: “I am tired.”", 'He said: "I am tired."'),
        ("It is a well‐known book.", "It is a well-known book."),
        ("I ‘love’ you.", "I 'love' you."),
        ("I don’t know.", "I don't know."),
        ("Ｉ ｌｏｖｅ ｙｏｕ．", "I love you."),
        ("Wait…", "Wait..."),
        ("The caf\u0065\u0301 is here.", "The café is here."),
    ],
)
def test_quotes_dashes_and_widths_are_those_of_keyboards(name, typed, plain):
    writer = load_writer(name)[0]
    assert writer.read(typed).ids == writer.read(plain).ids


def test_french_quotes_of_a_beginning_stay(pieces):
    assert UNKNOWN not in pieces.encode("« Oui »").ids
    assert "«" in pieces.decode(pieces.encode("« Oui »").ids)


@pytest.mark.parametrize("name", TRANSLATORS)
def test_several_sentences_are_translated_one_by_one_and_joined(name):
    writer = load_writer(name)[0]
    whole = translate_passage(writer, "I am tired. Where is the station? I love you.")
    alone = [translate_passage(writer, one) for one in ("I am tired.", "Where is the station?", "I love you.")]
    assert whole.translation == " ".join(one.translation for one in alone)
    assert whole.written == sum((one.written for one in alone), ())
    assert whole.log_probability == pytest.approx(sum(one.log_probability for one in alone))
    if whole.alignment is None:
        assert name == "gru-translator-en-fr"
    else:
        assert whole.alignment.shape[2:] == (len(whole.written), len(whole.source))
        torch.testing.assert_close(whole.alignment.sum(-1), torch.ones(whole.alignment.shape[:3]))
        first = len(alone[0].source)
        assert whole.alignment[:, :, : len(alone[0].written), first:].abs().max() == 0


SENTENCES = [
    *("Where is the station?", "I am tired.", "She is reading a book.", "We need more time.", "He lost his keys."),
    *("Can you help me?", "The door is open.", "They live in a small house.", "It is very cold today.", "I love you."),
]


@pytest.mark.parametrize("sentence", SENTENCES)
def test_capitals_are_translated_as_small_letters_and_it_is_said(sentence):
    writer = load_writer("translator-en-fr")[0]
    loud, quiet = (translate_passage(writer, text) for text in (sentence.upper(), sentence))
    assert loud.translation == quiet.translation
    assert "all in capitals" in loud.note
    assert not quiet.note


def test_a_sentence_of_which_nothing_is_known_is_handed_on():
    passage = translate_passage(load_writer("translator-en-fr")[0], "I am tired. 🎉")
    assert passage.translation.endswith(" 🎉")
    assert "“🎉”" in passage.note


@pytest.mark.parametrize("text", ["안녕하세요 영화가 좋아요", "🎉🎉", "映画が好き", "это хорошо"])
@pytest.mark.parametrize("endpoint", [api.sequences_classify, api.sequences_translate])
def test_what_cannot_be_read_is_not_judged(endpoint, text):
    with pytest.raises(Exception, match="has no symbol for anything in this"):
        endpoint(text)


def test_what_is_partly_unknown_is_judged_and_marked():
    answer = api.sequences_classify("A warm film 😀 and good")
    assert "“😀”" in answer["note"]
    assert "<unknown 😀>" in [step["word"] for step in answer["steps"]]
    assert api.sequences_classify("A warm film and good")["note"] == ""


def test_a_stored_tokenizer_is_not_changed(pieces):
    stored = Tokenizer.from_file(str(weights.folder("translator-en-fr") / "tokenizer.json"))
    text = "I don't know what you were talking about yesterday."
    assert stored.encode(text).ids == pieces.encode(text).ids

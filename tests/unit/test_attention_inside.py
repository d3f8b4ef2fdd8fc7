"""What the pages of the weighted sum and of the inside refuse, and what they draw."""

import json
import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from demos.attention import controls, inside, weighted_sum
from demos.views.attention_effect import say_effect, view_of_effect
from demos.views.attention_inside import view_of_importance, view_of_question
from demos.views.attention_sum import view_of_sum
from demos.wire import to_wire
from models.attention.changes import MAX_ROWS, parse_sum
from models.attention.effects import compare, effect_of, in_words
from models.attention.importance import MAX_TOKENS_LEFT_OUT, measure_importance, predicted_tokens
from models.attention.inside import Explained, changes_of, edit_inside, look_inside, question_of
from models.attention.runs import TextRun
from models.attention.sums import SumShown, first_head, sum_of
from models.attention.trace import load, load_subject
from models.compute import Run as Facts
from models.errors import InputError
from models.text.instrument import Edits, Head, Place
from tests.hub import checkpoints

TEXT = "the cat sat on the mat"
MODEL = "translator-en-fr"


@pytest.fixture(scope="module", params=["gpt2", "bert", "translator"])
def subject(request, tmp_path_factory):
    if request.param == "translator":
        return load(MODEL).network
    folder = tmp_path_factory.mktemp("inside") / request.param
    {"gpt2": checkpoints.gpt2, "bert": checkpoints.bert}[request.param](folder)
    return load_subject(folder).eval().requires_grad_(False)


@pytest.fixture
def looked(subject):
    reading = subject.read(TEXT)
    return subject, reading, subject.run(reading)


def event(**data):
    return SimpleNamespace(_data=data)


# --- weights of one's own


def row_of(looked, **changes):
    subject, reading, run = looked
    kind = subject.kinds[-1]
    keys = run.attended[Place(kind, 0)].weights.shape[-1]
    given = {"kind": kind, "layer": 0, "head": 1, "rows": [{"query": 1, "weights": [1.0] + [0.0] * (keys - 1)}]}
    return subject, reading, run, given | changes


def test_weights_of_ones_own_are_taken(looked):
    subject, reading, run, given = row_of(looked, temperature=2.5)
    edits = parse_sum(subject, reading, run, given)
    head = Head(given["kind"], 0, 1)
    assert edits.rows[head, 1][0] == 1
    assert edits.temperatures == {head: 2.5}
    assert parse_sum(subject, reading, run, {**given, "rows": [], "temperature": 1}) == Edits()


BAD_WEIGHTS = {
    "NaN": lambda n: [math.nan] * n,
    "infinite": lambda n: [math.inf] + [0.0] * (n - 1),
    "negative": lambda n: [-0.5, 1.5] + [0.0] * (n - 2),
    "more than one": lambda n: [1.0, 1.0] + [0.0] * (n - 2),
    "nothing": lambda n: [0.0] * n,
    "too few": lambda n: [1.0] + [0.0] * (n - 2),
    "too many": lambda n: [1.0] + [0.0] * n,
    "huge": lambda n: [0.0] * 1_000_000,
    "text": lambda n: ["1"] + ["0"] * (n - 1),
    "true": lambda n: [True] + [False] * (n - 1),
    "no list": lambda n: "1",
    "None": lambda n: None,
}


@pytest.mark.parametrize("make", BAD_WEIGHTS.values(), ids=BAD_WEIGHTS)
def test_bad_weights_get_a_sentence(looked, make):
    subject, reading, run, given = row_of(looked)
    keys = len(given["rows"][0]["weights"])
    with pytest.raises(InputError) as refusal:
        parse_sum(subject, reading, run, {**given, "rows": [{"query": 1, "weights": make(keys)}]})
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "eye"},
        {"layer": 99},
        {"head": -1},
        {"head": None},
        {"temperature": 0},
        {"temperature": math.nan},
        {"temperature": "warm"},
        {"rows": {"query": 1}},
        {"rows": [[1]]},
        {"rows": [{"query": 10_000, "weights": []}]},
        {"rows": [{"weights": []}] * (MAX_ROWS + 1)},
    ],
)
def test_a_bad_change_gets_a_sentence(looked, changes):
    subject, reading, run, given = row_of(looked)
    with pytest.raises(InputError):
        parse_sum(subject, reading, run, {**given, **changes})


@pytest.mark.parametrize("given", [None, 3, [], "x"])
def test_what_is_no_change_gets_a_sentence(looked, given):
    with pytest.raises(InputError, match="object"):
        parse_sum(*looked, given)


def test_a_hidden_key_gets_no_weight(looked):
    subject, reading, run, given = row_of(looked)
    if "decoder" not in subject.kinds:
        pytest.skip("sees all")
    keys = run.attended[Place("decoder", 0)].weights.shape[-1]
    row = [0.0] * (keys - 1) + [1.0]
    with pytest.raises(InputError, match="cannot see"):
        parse_sum(subject, reading, run, {**given, "kind": "decoder", "rows": [{"query": 1, "weights": row}]})


# --- views

FACTS = Facts("a model", "A model", 1, "a test", "cpu", 0.0)


def sum_view(subject, reading, run):
    ran = TextRun(subject, reading, run, FACTS)
    comparison = in_words(subject, reading, effect_of(subject, reading, run, run))
    return view_of_sum(SumShown(sum_of(ran, *first_head(run, subject.kinds)), comparison, FACTS))


def importance_view(subject, reading, run, found):
    question = question_of(TextRun(subject, reading, run, FACTS))
    return view_of_importance(Explained(found, subject.word(found.token), question, 0.1))


def test_the_numbers_sent_are_those_of_the_head(looked):
    subject, reading, run = looked
    view = sum_view(subject, reading, run)
    attended = run.attended[Place(view.kind, view.layer)]
    for name, part in (("q", attended.query), ("k", attended.key), ("v", attended.value)):
        np.testing.assert_array_equal(getattr(view, name), part[view.head].numpy())
    assert not attended.weights[view.head].numpy()[view.hidden == 1].any()
    assert (len(view.queries), len(view.keys)) == view.hidden.shape


def test_effects_and_importance_travel(looked):
    subject, reading, run = looked
    edits = Edits(heads_off=frozenset({Head(subject.kinds[0], 0, 0)}))
    effect = in_words(subject, reading, compare(subject, reading, edits), changes=["a"])
    view = view_of_effect(effect)
    json.dumps(to_wire(view), allow_nan=False)
    assert len(view.places) == len(view.bits) == len(view.ids) == len(view.shares)
    first = [(view.words[number], *shares) for number, shares in zip(view.ids[0], view.shares[0], strict=True)]
    assert [word for word, *_ in first] == [word for word, *_ in effect.rows[0]]
    np.testing.assert_allclose([shares for _, *shares in first], [shares for _, *shares in effect.rows[0]], rtol=1e-6)
    assert not any(view_of_effect(in_words(subject, reading, effect_of(subject, reading, run, run))).bits)
    *_, found = measure_importance(subject, reading, run, 2)
    importance = importance_view(subject, reading, run, found)
    json.dumps(to_wire(importance), allow_nan=False)
    assert len(importance.question.choices) == len(importance.question.places)
    assert [column.name for column in importance.answer.columns] == ["attention", "rollout", "gradient", "left_out"]
    assert len(importance.answer.agreement) == 6
    assert importance.answer.sentences


@pytest.mark.parametrize(
    "text", ["x", "🙂", "مرحبا بالعالم", "<script>alert(1)</script>", "e\u0301\u200b\u202e", "the"]
)
def test_strange_and_short_texts_are_shown(subject, text):
    try:
        reading = subject.read(text)
    except InputError as refusal:
        assert "no symbol" in str(refusal)
        return
    run = subject.run(reading)
    sum_view(subject, reading, run)
    *_, found = measure_importance(subject, reading, run, 0)
    json.dumps(to_wire(importance_view(subject, reading, run, found)), allow_nan=False)


def test_long_texts_are_not_left_out_one_by_one(subject):
    reading = subject.read("the cat " * 100)
    run = subject.run(reading)
    last = len(run.logits) - 1
    with pytest.raises(InputError, match=f"{MAX_TOKENS_LEFT_OUT} at most"):
        list(measure_importance(subject, reading, run, last))


@pytest.mark.parametrize(("position", "token"), [(-1, None), (10_000, None), (0, -1), (0, 10**9)])
def test_there_is_no_importance_outside(looked, position, token):
    with pytest.raises(InputError, match="There is no"):
        list(measure_importance(*looked, position, token))


def test_an_encoder_without_words_says_so():
    subject = load("all-minilm-l6-v2").network
    reading = subject.read(TEXT)
    run = subject.run(reading)
    assert "predicts no word" in view_of_question(question_of(TextRun(subject, reading, run, FACTS))).nothing
    for ask in (
        lambda: predicted_tokens(subject, run, 0, 3),
        lambda: list(measure_importance(subject, reading, run, 0)),
    ):
        with pytest.raises(InputError, match="predicts no token"):
            ask()
    effect = compare(subject, reading, Edits(layers_off=frozenset({Place("encoder", 5)})))
    view = view_of_effect(in_words(subject, reading, effect))
    assert view.bits == [] and view.ids.size == 0 and 0 < view.cosine < 1


# --- handlers


@pytest.mark.parametrize("text", ["", " \n", "word " * 2_000, None, ["the"], 3, "\0\ud800"])
@pytest.mark.parametrize("handler", [weighted_sum.compute_sum, inside.compute_inside])
def test_bad_texts_are_refused(handler, text):
    with pytest.raises(InputError):
        list(handler(text, MODEL))


@pytest.mark.parametrize("model", ["", "gpt5", "../etc", "sprites-unet", None, ["gpt2"]])
@pytest.mark.parametrize("handler", [weighted_sum.compute_sum, inside.compute_inside])
def test_unknown_models_are_refused(handler, model):
    with pytest.raises(InputError, match="choose one of"):
        list(handler(TEXT, model))


def test_nothing_can_be_changed_before_a_run():
    for handler in (weighted_sum.view_head, weighted_sum.compute_change, inside.compute_edit):
        with pytest.raises(InputError, match="Run a text first"):
            handler(None, event())


def test_choosing_a_head_runs_no_network(monkeypatch):
    *_, (shown, *_) = weighted_sum.compute_sum(TEXT, MODEL)
    monkeypatch.setattr(type(load(MODEL).network), "run", lambda *_: pytest.fail("a view ran the network"))
    view, pair = weighted_sum.view_head(shown, event(kind="encoder", layer=1, head=2, query=1))
    assert (view.layer, view.head, pair.own) == (1, 2, None)


@pytest.mark.parametrize("data", [{}, {"kind": "cross"}, {"kind": "cross", "layer": 9, "head": 0, "query": 0}])
def test_an_incomplete_choice_is_refused(data):
    *_, (shown, *_) = weighted_sum.compute_sum(TEXT, MODEL)
    with pytest.raises(InputError):
        weighted_sum.view_head(shown, event(**data))


def test_a_change_is_told_in_words():
    edits = Edits(heads_off=frozenset({Head("encoder", 0, 0), Head("encoder", 0, 1)}), positions=False)
    assert changes_of(edits, (1, 2)) == ["2 heads off", "two tokens swapped", "no positions"]


def test_the_pages_begin_with_a_network_that_writes(monkeypatch):
    def offers(*names):
        monkeypatch.setattr(controls.weights, "offered", lambda _=None: list(names))

    offers("all-minilm-l6-v2", "translator-en-fr", "book-gpt")
    assert controls.predicting_model() == "book-gpt"
    offers("all-minilm-l6-v2", "translator-en-fr")
    assert controls.predicting_model() == "translator-en-fr"


@pytest.mark.parametrize(
    ("value", "words"), [(0.9, "largely"), (0.5, "in part"), (0.1, "hardly"), (-0.1, "hardly"), (-0.5, "contradict")]
)
def test_agreement_is_told_as_it_is(value, words):
    from demos.views.attention_inside import AGREEMENT

    assert words in next(text for low, text in AGREEMENT if value >= low)


def test_the_page_opens_without_the_head_that_counts_most():
    """What is said of it is what an edit of that head gives."""
    *_, last = inside.compute_opening(inside.EXAMPLE, "book-gpt")
    ((kind, layer, head),) = last[1]["heads_off"]
    assert last[2].off == (kind, layer, head)
    found = edit_inside("book-gpt", inside.EXAMPLE, last[1]).comparison
    assert f"Without head {head + 1} of layer {layer + 1} the prediction after “" in last[-1]
    assert "changes most: “" in last[-1]
    assert f", {found.bits.max():.2f} bits." in last[-1]


def test_a_change_that_changes_nothing_is_said():
    found = look_inside("book-gpt", "It was").comparison
    assert say_effect(found) == ""
    assert say_effect(replace(found, changes=("no positions",))) == "With no positions no prediction changes."

"""What the pages of the weighted sum and of the inside refuse, and what they draw."""

import base64
import json
import math
from types import SimpleNamespace

import numpy as np
import pytest

from demos.attention import inside, runs, weighted_sum
from demos.views.attention_effect import draw_effect
from demos.views.attention_inside import draw_importance, draw_inside, draw_question
from demos.views.attention_sum import draw_sum, first_head
from models.attention.changes import MAX_ROWS, parse_sum
from models.attention.effects import compare, effect_of
from models.attention.importance import MAX_TOKENS_LEFT_OUT, measure_importance, predicted_tokens
from models.attention.trace import load, load_subject
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


# --- figures


def floats(text, size):
    return np.frombuffer(base64.b64decode(text), "<f4").reshape(-1, size)


def test_the_numbers_sent_are_those_of_the_head(looked):
    subject, reading, run = looked
    head, query = first_head(run, subject.kinds)
    drawn = json.loads(json.dumps(draw_sum(subject, reading, run, head, query)))
    attended = run.attended[Place(head.kind, head.layer)]
    for name, part in (("q", attended.query), ("k", attended.key), ("v", attended.value)):
        np.testing.assert_array_equal(floats(drawn[name], drawn["size"]), part[head.head].numpy())
    hidden = np.frombuffer(base64.b64decode(drawn["hidden"]), np.uint8).reshape(attended.weights.shape[1:])
    assert not attended.weights[head.head].numpy()[hidden == 1].any()
    assert (len(drawn["queries"]), len(drawn["keys"])) == hidden.shape


def test_effects_and_importance_are_plain_json(looked):
    subject, reading, run = looked
    edits = Edits(heads_off=frozenset({Head(subject.kinds[0], 0, 0)}))
    drawn = json.loads(json.dumps(draw_effect(subject, reading, compare(subject, reading, edits), changes=["a"])))
    assert len(drawn["places"]) == len(drawn["bits"]) == len(drawn["rows"])
    same = draw_effect(subject, reading, effect_of(subject, reading, run, run))
    assert not any(same["bits"])
    assert draw_inside(subject, reading)["heads"] == subject.heads
    question = draw_question(subject, reading, run)
    assert len(question["choices"]) == len(question["places"])
    *_, found = measure_importance(subject, reading, run, 2)
    answer = json.loads(json.dumps(draw_importance(subject, found), allow_nan=False))
    assert [column["name"] for column in answer["columns"]] == ["attention", "rollout", "gradient", "left_out"]
    assert len(answer["agreement"]) == 6
    assert answer["sentences"]


@pytest.mark.parametrize(
    "text", ["x", "🙂", "مرحبا بالعالم", "<script>alert(1)</script>", "e\u0301\u200b\u202e", "the"]
)
def test_strange_and_short_texts_are_drawn(subject, text):
    reading = subject.read(text)
    run = subject.run(reading)
    draw_sum(subject, reading, run, *first_head(run, subject.kinds))
    *_, found = measure_importance(subject, reading, run, 0)
    json.dumps(draw_importance(subject, found), allow_nan=False)


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
    assert "predicts no word" in draw_question(subject, reading, run)["nothing"]
    for ask in (
        lambda: predicted_tokens(subject, run, 0, 3),
        lambda: list(measure_importance(subject, reading, run, 0)),
    ):
        with pytest.raises(InputError, match="predicts no token"):
            ask()
    effect = compare(subject, reading, Edits(layers_off=frozenset({Place("encoder", 5)})))
    drawn = draw_effect(subject, reading, effect)
    assert drawn["rows"] == [] and 0 < drawn["cosine"] < 1


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
    drawn, pair = weighted_sum.view_head(shown, event(kind="encoder", layer=1, head=2, query=1))
    assert (drawn["layer"], drawn["head"], pair["own"]) == (1, 2, None)


@pytest.mark.parametrize("data", [{}, {"kind": "cross"}, {"kind": "cross", "layer": 9, "head": 0, "query": 0}])
def test_an_incomplete_choice_is_refused(data):
    *_, (shown, *_) = weighted_sum.compute_sum(TEXT, MODEL)
    with pytest.raises(InputError):
        weighted_sum.view_head(shown, event(**data))


def test_only_the_latest_runs_are_kept():
    for number in range(runs.KEPT_RUNS + 3):
        runs.run_of(MODEL, f"the cat {number}")
    assert len(runs._runs) == runs.KEPT_RUNS


def test_a_change_is_told_in_words():
    edits = Edits(heads_off=frozenset({Head("encoder", 0, 0), Head("encoder", 0, 1)}), positions=False)
    assert inside._in_words(edits, (1, 2)) == ["2 heads off", "two tokens swapped", "no positions"]


def test_the_pages_begin_with_a_network_that_writes(monkeypatch):
    def offers(*names):
        monkeypatch.setattr(runs.weights, "offered", lambda _=None: list(names))

    offers("all-minilm-l6-v2", "translator-en-fr", "book-gpt")
    assert runs.predicting_model() == "book-gpt"
    offers("all-minilm-l6-v2", "translator-en-fr")
    assert runs.predicting_model() == "translator-en-fr"


@pytest.mark.parametrize(
    ("value", "words"), [(0.9, "largely"), (0.5, "in part"), (0.1, "hardly"), (-0.1, "hardly"), (-0.5, "contradict")]
)
def test_agreement_is_told_as_it_is(value, words):
    from demos.views.attention_inside import AGREEMENT

    assert words in next(text for low, text in AGREEMENT if value >= low)

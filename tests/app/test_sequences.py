"""/sequences_next through gradio_client and as raw JSON: good answers, and one sentence for every mistake."""

import json

import httpx
import pytest
from gradio_client.exceptions import AppError

ENDPOINT = "/sequences_next"


def ask(client, *values, **named):
    return client.predict(*values, api_name=ENDPOINT, **named)


def raw(app_url, body):
    """POST a body as it is, follow the event, and return the text of its stream."""
    call = f"{app_url}/gradio_api/call{ENDPOINT}"
    answer = httpx.post(call, content=body, headers={"content-type": "application/json"}, timeout=60)
    assert answer.status_code == 200
    return httpx.get(f"{call}/{answer.json()['event_id']}", timeout=60).text


def test_answer_has_the_agreed_form(client):
    answer = ask(client, "The little girl looked out of the windo", "char-lstm", 3)
    assert answer["model"] == "char-lstm"
    assert answer["seconds"] >= 0
    assert answer["top"][0]["token"] == "w"
    assert [sorted(entry) for entry in answer["top"]] == [["probability", "token"]] * 3


def test_model_and_top_k_have_defaults(client):
    answer = ask(client, "Once upon a time")
    assert len(answer["top"]) == 10
    assert answer == {**answer, "model": "char-lstm"}


def test_all_hundred_symbols_sum_to_one(client):
    assert sum(entry["probability"] for entry in ask(client, "Once", top_k=100)["top"]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    "text", ["emoji 🙂 here", "a\0b", "\u202eright to left", "é\u0301\u0301", "<b>x</b>", "x" * 20_000]
)
def test_any_text_is_read(client, text):
    assert len(ask(client, text)["top"]) == 10


def test_nul_is_left_out(client):
    assert ask(client, "a\0b")["top"] == ask(client, "ab")["top"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (("",), "The text is empty"),
        ((" \n ",), "The text is empty"),
        (("x" * 1_000_000,), "The text has 1,000,000 characters; the limit is 20,000."),
        ((None,), "The text must be text."),
        ((["a"],), "The text must be text."),
        (("a", "no-such-model"), "There is no such model; choose one of: char-lstm"),
        (("a", "vit-s14-caltech101"), "There is no such model; choose one of: char-lstm"),
        (("a", ["char-lstm"]), "There is no such model"),
        (("a", "../../etc/passwd"), "There is no such model"),
        (("a", "char-lstm", 0), "top_k must be from 1 to 100; 0 is outside."),
        (("a", "char-lstm", 101), "top_k must be from 1 to 100; 101 is outside."),
        (("a", "char-lstm", 2.5), "top_k must be a whole number from 1 to 100."),
        (("a", "char-lstm", "5"), "top_k must be a whole number from 1 to 100."),
        (("a", "char-lstm", None), "top_k must be a whole number from 1 to 100."),
        (("a", "char-lstm", True), "top_k must be a whole number from 1 to 100."),
        (("a", "char-lstm", [3]), "top_k must be a whole number from 1 to 100."),
    ],
)
def test_mistakes_are_answered_with_one_sentence(client, values, sentence):
    with pytest.raises(AppError, match=sentence):
        ask(client, *values)


@pytest.mark.parametrize("top_k", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_json_does_not_have(app_url, top_k):
    stream = raw(app_url, f'{{"data": ["a", "char-lstm", {top_k}]}}')
    assert "event: error" in stream
    assert "top_k must be a whole number from 1 to 100." in stream


def test_lone_surrogates_are_left_out(app_url, client):
    stream = raw(app_url, '{"data": ["a\\ud800b", "char-lstm", 2]}')
    answer = json.loads(stream.split("data: ", 1)[1])[0]
    assert answer["top"] == ask(client, "ab", "char-lstm", 2)["top"]

"""The endpoint that changes the inside of a network, called as a client would."""

import pytest
from gradio_client.exceptions import AppError

from models import weights

SENTENCE = "The bank by the river lends no money."
MODEL = "translator-en-fr"
OFFERED = [name for name in weights.offered("attention") if weights.find(name).kind != "hub"]


def edit(client, text=SENTENCE, model=MODEL, **changes):
    return client.predict(text, model, **changes, api_name="/attention_edit")


@pytest.mark.parametrize("model", OFFERED)
def test_nothing_changed_is_nothing_changed(client, model):
    found = edit(client, model=model)
    assert found["model"] == model
    assert found["bits"] in (0, None)
    assert (found["bits"] is None) == (found["predicts"] == "nothing") == (found["predictions"] == [])
    assert found["cosine"] == pytest.approx(1)
    assert not any(sum(moved) for moved in found["moved"].values())
    for prediction in found["predictions"]:
        assert prediction["bits"] == 0
        assert all(before == after for _, before, after in prediction["top"])


def test_every_kind_of_change_counts(client):
    changes = {
        "heads_off": [["encoder", 1, 2]],
        "layers_off": [["decoder", 2]],
        "edges_off": [["cross", 1, 1], ["encoder", 3, 1, 0, 4], ["decoder", 2, 0, None, None]],
        "unseen": [3],
        "swap": [1, 4],
        "positions": False,
    }
    for name, value in changes.items():
        found = edit(client, **{name: value})
        assert found["bits"] > 0, name
        assert len(found["predictions"]) == len(found["written"]) - 1
    assert edit(client, **changes)["bits"] > 0


BAD = {
    "empty text": {"text": " "},
    "megabyte": {"text": "word " * 210_000},
    "unknown model": {"model": "gpt5"},
    "another tab's model": {"model": "sprites-unet"},
    "a head too far": {"heads_off": [["encoder", 0, 8]]},
    "a negative layer": {"heads_off": [["encoder", -1, 0]]},
    "half a head": {"heads_off": [["encoder", 0, 0.5]]},
    "no such kind": {"heads_off": [["eye", 0, 0]]},
    "not a list": {"heads_off": [7]},
    "text for a head": {"heads_off": [["encoder", "0", "0"]]},
    "huge": {"heads_off": [["encoder", 0, 0]] * 5_000},
    "a cross layer": {"layers_off": [["cross", 0]]},
    "a layer too far": {"layers_off": [["encoder", 99]]},
    "a look too far": {"edges_off": [["encoder", 0, 500]]},
    "too many looks": {"edges_off": [["encoder", 0, 0]] * 65},
    "an edge of one": {"edges_off": [["encoder"]]},
    "a hidden token too far": {"unseen": [200]},
    "an object": {"unseen": [{"a": 1}]},
    "true": {"unseen": [True]},
    "one to swap": {"swap": [1]},
    "swapped with itself": {"swap": [2, 2]},
    "positions as text": {"positions": "no"},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
def test_bad_changes_get_one_sentence(client, changes):
    with pytest.raises(AppError) as refusal:
        edit(client, **changes)
    sentence = str(refusal.value)
    assert 10 < len(sentence) < 400
    assert not any(word in sentence for word in ("Traceback", ".py", "/home", "/root", "Error(", "our side"))


@pytest.mark.parametrize("text", ["🙂", "x", "مرحبا بالعالم", "<script>alert(1)</script>", "a\0b", "\u202e\u0301x"])
@pytest.mark.parametrize("model", OFFERED)
def test_strange_texts_are_edited(client, text, model):
    if model == "translator-en-fr" and text in ("🙂", "مرحبا بالعالم"):
        with pytest.raises(AppError, match="no symbol for anything"):
            edit(client, text, model)
        return
    found = edit(client, text, model, positions=False)
    assert found["tokens"]


def test_a_long_text_is_cut_and_edited_within_its_end(client):
    found = edit(client, "the cat sat on the mat " * 100, unseen=[127])
    assert len(found["tokens"]) == 128
    assert "first 128" in found["note"]

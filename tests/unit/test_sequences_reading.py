"""The page "Next character": what is sent for every version of a text, its handlers, and what they refuse."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.sequences import reading as page
from demos.sequences.networks import YOURS
from demos.take.shown import SHOWN, TAKE
from demos.views.sequences import MAX_BARS, arithmetic_html, next_characters, view_of_reading
from demos.wire import to_wire
from models.errors import InputError
from models.sequences.networks import OWN, OwnNetwork
from models.sequences.reading import READINGS, Reading, describe, read_text
from models.sequences.trace import trace_text
from models.text.recurrent import GATES, CharacterNetwork, Config
from models.text.symbols import ALPHABET
from tests.handles import array_of
from tests.travelled import travelled

LOOK = ("hidden state", 8)
SAMPLING = (0.7, 40, 1, 0)


def make(cell="lstm", units=16):
    torch.manual_seed(0)
    return CharacterNetwork(Config(cell, units=units)).eval().requires_grad_(False)


@pytest.fixture(params=tuple(GATES))
def network(request):
    return make(request.param)


@pytest.fixture(scope="module")
def own():
    """Name of a tiny network of a visitor's own, with which the handlers are tried."""
    return OWN.put(OwnNetwork(make(), "A small LSTM"))


def reading_of(network, text, *, typed, layer="hidden state"):
    facts = describe(OWN.put(OwnNetwork(network, "")))
    return Reading(facts, trace_text(network, text), typed, layer, "v")


def event(**data):
    return SimpleNamespace(_data=data)


def read(own, text="It was", name=None):
    return page.compute_reading(text, YOURS, *LOOK, name, own)


def step(own, text, name):
    return page.compute_step(text, YOURS, *LOOK, name, own, *SAMPLING)


def kept(name):
    return READINGS.find(name)


class TestView:
    @pytest.mark.parametrize("layer", page.LAYERS[:6])
    def test_columns_are_those_of_the_trace(self, layer):
        reading = reading_of(make(), "Tea", typed=2, layer=layer)
        sent = to_wire(view_of_reading("name", reading, bars=8))
        columns = array_of(sent["columns"])
        assert np.allclose(columns, reading.trace.layers()[layer], rtol=0.0005, atol=1e-7)
        assert sent["text"] == "\nTea"
        assert sent["scale"] == ("share" if layer.endswith("gate") else "signed")
        json.dumps(sent)

    def test_a_cell_state_beyond_one_has_its_own_limit(self):
        reading = reading_of(make(), "Tea", typed=3, layer="cell state")
        reading.trace.cell_state[2, 3] = -3.2
        assert view_of_reading("name", reading, bars=8).limit == 4

    def test_what_follows_is_sent_alone(self):
        reading = reading_of(make(), "Teapot", typed=6)
        whole, rest = (to_wire(view_of_reading("name", reading, bars=8, base="b", kept=k)) for k in (0, 5))
        assert rest["text"] == "ot"
        assert rest["tracked"] is None
        for name in ("symbols", "surprise", "best", "probabilities", "columns"):
            assert np.array_equal(array_of(rest[name]), array_of(whole[name])[5:])

    def test_the_likeliest_come_first(self):
        reading = reading_of(make(), "Tea", typed=3)
        top = next_characters(reading.trace.probabilities[-1], 100)
        assert sum(entry["probability"] for entry in top) == pytest.approx(1, abs=1e-5)
        assert top == sorted(top, key=lambda entry: -entry["probability"])
        sent = to_wire(view_of_reading("name", reading, bars=8))
        best, probabilities = array_of(sent["best"])[-1], array_of(sent["probabilities"])[-1]
        assert [ALPHABET[index] for index in best] == [entry["token"] for entry in top[:MAX_BARS]]
        assert probabilities == pytest.approx([entry["probability"] for entry in top[:MAX_BARS]])

    def test_arithmetic_shows_the_numbers_of_the_trace(self, network):
        trace = trace_text(network, "a<b")
        shown = arithmetic_html(trace, 2, 5)
        assert f"{trace.hidden_state[2, 5]:.3f}".replace("-", "−") in shown
        assert "&lt;" in shown
        assert "“<”" not in shown
        arithmetic_html(trace, 0, 0)


class TestVersions:
    """The browser adds each view to the version it has; what it is sent must give the text that is kept."""

    @settings(max_examples=40, deadline=None)
    @given(st.lists(st.text("ab é🙂\n", max_size=6), min_size=1, max_size=5))
    def test_versions_add_up_to_the_text(self, own, texts):
        name, shown, version = None, "", ""
        for text in texts:
            name, view, *_ = read(own, text, name)
            assert view.base == version or view.kept == 0
            shown, version = shown[: view.kept] + view.text, view.version
            assert shown == "\n" + text
            assert kept(name).version == version

    def test_a_keystroke_sends_one_character(self, own):
        name, *_ = read(own, "a" * 255)
        _, view, *_ = read(own, "a" * 255 + "b", name)
        assert (view.kept, view.text) == (256, "b")

    def test_a_keystroke_takes_a_few_kilobytes_over_the_wire(self):
        """At 256 characters, by the embedded LSTM: one character of the reader, and the words of the cell."""
        text = ("It was late when the old captain came home, and nobody had waited for him but the dog. " * 4)[:256]
        name, view, cell, _ = page.compute_reading(text[:-1], "char-lstm", *LOOK, None, None)
        assert travelled(view) < 0.3e6
        _, view, cell, _ = page.compute_reading(text, "char-lstm", *LOOK, name, None)
        assert len(json.dumps(to_wire(view))) < 3_000
        assert len(json.dumps(to_wire(cell))) < 6_000
        assert travelled(view) < 3_000

    def test_another_layer_or_network_is_sent_whole(self, own):
        name, *_ = read(own, "It was")
        assert page.view_reading("cell state", 8, name).kept == 0
        other = OWN.put(OwnNetwork(make("gru"), "A small GRU"))
        _, view, *_ = page.compute_reading("It was", YOURS, *LOOK, name, other)
        assert (view.kept, view.layer) == (0, "hidden state")

    @pytest.mark.parametrize(
        ("shown", "lacking"),
        [
            ({"text": "\nIt was"}, " late"),
            ({"text": "\nIt was late"}, ""),
            ({"text": "\nIt is"}, "was late"),
            ({"text": "\nIt was", "layer": "cell state"}, "\nIt was late"),
            ({"text": "\nIt was", "network": "char-lstm"}, "\nIt was late"),
            ({"text": 7}, "\nIt was late"),
        ],
    )
    def test_a_page_that_missed_a_version_gets_what_it_lacks(self, own, shown, lacking):
        name, view, *_ = read(own, "It was")
        read(own, "It was late", name)
        asked = {"reading": name, "bars": 8, "network": own, "layer": "hidden state", **shown}
        newest = page.newest_reading(asked)
        assert newest["text"] == lacking
        assert newest["kept"] + len(lacking) == len("\nIt was late")
        assert newest["version"] == kept(name).version != view.version

    @pytest.mark.parametrize("request_", [None, {}, {"reading": "x", "bars": 8}, {"reading": 7}, ["name"]])
    def test_readings_of_nobody(self, request_):
        assert page.newest_reading(request_)["error"].endswith(".")

    def test_a_keystroke_past_the_event_reads_what_the_event_reads(self):
        name, first, *_ = page.compute_reading("It was", "char-lstm", *LOOK, None, None)
        asked = {"reading": name, "text": "It was l", "network": "char-lstm", "layer": LOOK[0], "bars": LOOK[1]}
        answer = page.typed_reading(asked)
        assert (answer["reader"]["base"], answer["reader"]["kept"]) == (first.version, 7)
        assert (answer["reader"]["text"], kept(name).text) == (" l", "It was l")
        assert "Character LSTM" in answer["strip"]
        taken = SHOWN.find(answer["reader"][TAKE]), SHOWN.find(answer["cell"][TAKE])
        assert [one.view.__name__ for one in taken] == ["ReaderView", "UnrolledView"]
        by_event = page.compute_reading("It was l", "char-lstm", *LOOK, None, None)[2]
        assert answer["cell"]["values"] == to_wire(by_event)["values"]
        assert page.typed_reading({**asked, "network": "char-gru"}) is None  # another one was chosen: the event reads
        assert page.typed_reading({**asked, "reading": "x"}) is None
        for bad in ({"text": 7}, {"bars": None}, {"layer": "none"}, {"text": "x" * 1001}):
            assert page.typed_reading({**asked, **bad})["error"].endswith(".")
        assert kept(name).text == "It was l"

    def test_what_is_no_longer_kept_is_read_anew(self, own):
        name, *_ = read(own, "It was")
        READINGS.discard(name)
        again, view, *_ = read(own, "It was late", name)
        assert again != name
        assert (view.kept, view.text) == (0, "\nIt was late")


class TestHandlers:
    def test_reading_keeps_what_was_typed(self, own):
        name, view, cell, strip = read(own)
        assert (kept(name).text, kept(name).typed) == ("It was", 6)
        assert view.text == "\nIt was"
        assert "A small LSTM" in strip
        assert [one.input for one in cell.steps] == ["start", "I", "t", "space", "w", "a", "s"]
        assert cell.parameters == sum(p.numel() for p in OWN.find(own).network.parameters())

    def test_reading_on_is_reading_anew(self, own):
        network = OWN.find(own).network
        trace = None
        for text in ("It w", "It was", "It", "Item", ""):
            trace = read_text(own, text, trace).trace
            whole = trace_text(network, text)
            assert trace.text == whole.text
            for array in ("hidden_state", "cell_state", "gates", "probabilities", "surprise_bits"):
                assert np.allclose(getattr(trace, array), getattr(whole, array), atol=1e-6), (text, array)

    def test_a_keystroke_costs_one_step(self, own, monkeypatch):
        name, *_ = read(own, "a" * 50)
        calls, one = [], CharacterNetwork.step
        monkeypatch.setattr(CharacterNetwork, "step", lambda *a: calls.append(1) or one(*a))
        read(own, "a" * 50 + "b", name)
        assert len(calls) == 1

    def test_empty_text_shows_how_texts_begin(self, own):
        assert read(own, "")[1].text == "\n"

    def test_another_network_brings_its_layers_and_equations(self, own):
        *_, layers, equations, units = page.compute_model("It", YOURS, *LOOK, None, own)
        assert [name for name, _ in layers.choices] == list(page.LAYERS[:6])
        assert "LSTM" in equations
        assert units

    def test_a_layer_that_the_network_lacks_is_shown_as_its_hidden_state(self, own):
        assert page.compute_reading("a", YOURS, "reset gate", 8, None, own)[1].layer == "hidden state"

    def test_step_and_step_back(self, own):
        name, view, *_ = step(own, "It was", None)
        written = kept(name).text
        assert (len(written), view.typed, view.replaces) == (7, 6, "It was")
        assert view.writing
        _, shorter, _ = page.view_step_back(written, *LOOK, name)
        assert (kept(name).text, shorter.replaces) == ("It was", written)
        step(own, "It was", name)
        assert kept(name).text == written
        page.view_step_back(written, *LOOK, name)
        with pytest.raises(InputError, match="No sampled character"):
            page.view_step_back("It was", *LOOK, name)

    def test_play_is_stepping(self, own):
        play = page.compute_play("It", YOURS, *LOOK, None, own, *SAMPLING, 30)
        views = [next(play)[:2] for _ in range(4)]
        play.close()
        played = kept(views[-1][0]).text
        assert {(view.writing, view.replaces, view.goes_on) for _, view in views} == {(views[0][1].writing, "It", True)}
        assert "".join(view.text for _, view in views).endswith(played[3:])
        name, text = None, "It"
        for _ in range(4):
            name, *_ = step(own, text, name)
            text = kept(name).text
        assert text == played

    def test_play_goes_on_from_its_own_text_when_another_is_read_meanwhile(self, own):
        play = page.compute_play("It", YOURS, *LOOK, None, own, *SAMPLING, 30)
        name, *_ = next(play)
        written = kept(name).text
        assert read(own, "Something else", name)[1].writing == ""
        assert next(play)[0] == name
        assert kept(name).text.startswith(written)
        play.close()

    def test_the_last_character_ends_the_writing(self, own, monkeypatch):
        monkeypatch.setattr(page, "MAX_SAMPLED", 2)
        played = page.compute_play("It", YOURS, *LOOK, None, own, *SAMPLING, 30)
        assert [view.goes_on for _, view, *_ in played] == [True, False]

    def test_pick_goes_back_and_on_with_another_character(self, own):
        name, *_ = read(own)
        picked = event(position=3, character="x")
        _, view, *_ = page.compute_pick("It was", YOURS, *LOOK, name, own, picked)
        assert kept(name).text == "It x"
        assert (view.typed, view.replaces) == (3, "It was")

    def test_views_never_run_the_network(self, own, monkeypatch):
        name, *_ = step(own, "It was", None)
        for method in ("step", "_advance", "forward", "scores"):
            monkeypatch.setattr(CharacterNetwork, method, None)
        for layer in page.LAYERS[:6]:
            assert page.view_reading(layer, 20, name).layer == layer
        assert "Unit 3" in page.view_arithmetic(name, event(position=2, unit=3))
        assert page.view_position(name, event(position=2)).selected == 2
        assert page.view_position(name, event(position=900)).selected == len(kept(name).trace.text) - 1
        assert page.view_follow(8, name, event(layer="cell state", unit=3))[1].layer == "cell state"
        page.view_step_back(kept(name).text, *LOOK, name)
        assert kept(name).text == "It was"

    @settings(max_examples=30, deadline=None)
    @given(st.text(max_size=40))
    def test_any_text_can_be_typed(self, own, text):
        name, view, *_ = read(own, text)
        json.dumps(to_wire(view)).encode()
        assert len(view.text) == len(kept(name).trace.text)


class TestRefused:
    NOT_NUMBERS = (None, "5", True, [1], {}, float("nan"), float("inf"), -1, 1e12)

    def good(self, own):
        return {"text": "a", "model": YOURS, "layer": "hidden state", "bars": 8, "name": None, "own": own}

    def good_step(self, own):
        return {**self.good(own), "temperature": 1, "top_k": 40, "top_p": 1, "seed": 0}

    @pytest.mark.parametrize(
        ("name", "values", "sentence"),
        [
            ("text", ["x" * 1_000_000], "1,000,000 characters; the limit is"),
            ("text", ["a" * 1000], "has reached 1,000"),
            ("text", [None, 5, ["a"]], "must be text"),
            ("model", [None, "nope", ["char-lstm"], 3], "no such model"),
            ("layer", [None, "x", []], "The layer must be one of"),
            ("bars", NOT_NUMBERS, "The number of bars must be"),
            ("temperature", NOT_NUMBERS, "The temperature must be"),
            ("top_k", NOT_NUMBERS, "Top-k must be"),
            ("top_p", NOT_NUMBERS, "Top-p must be"),
            ("seed", NOT_NUMBERS, "The seed must be"),
        ],
    )
    def test_mistakes_become_one_sentence(self, own, name, values, sentence):
        for value in values:
            with pytest.raises(InputError, match=sentence):
                page.compute_step(**{**self.good_step(own), name: value})
            if name in self.good(own) and "reached" not in sentence:
                with pytest.raises(InputError, match=sentence):
                    page.compute_reading(**{**self.good(own), name: value})

    @pytest.mark.parametrize("pace", NOT_NUMBERS)
    def test_bad_pace(self, own, pace):
        with pytest.raises(InputError, match="Characters a second must be"):
            next(page.compute_play(**self.good_step(own), pace=pace))

    def test_nothing_read_yet(self, own):
        for call in (
            lambda: page.compute_pick("", YOURS, *LOOK, None, own, event()),
            lambda: page.view_arithmetic(None, event()),
            lambda: page.view_position(None, event()),
        ):
            with pytest.raises(InputError, match="Type a text first"):
                call()
        assert page.view_reading(*LOOK, None) is None

    def test_no_longer_kept(self):
        with pytest.raises(InputError, match="no longer kept"):
            page.view_position("gone", event(position=0))

    def test_without_a_network_of_ones_own(self):
        with pytest.raises(InputError, match="train one"):
            read(None)
        with pytest.raises(InputError, match="no longer kept"):
            read("gone")

    @pytest.mark.parametrize(
        "data", [{}, {"position": 99, "character": "a"}, {"position": 1, "character": "🙂"}, None, [1]]
    )
    def test_bad_picks(self, own, data):
        name, *_ = read(own)
        with pytest.raises(InputError, match="must be"):
            page.compute_pick("It was", YOURS, *LOOK, name, own, SimpleNamespace(_data=data))

    @pytest.mark.parametrize(
        "data", [{}, {"position": -1, "unit": 0}, {"position": 1, "unit": 16}, {"unit": "x"}, None]
    )
    def test_bad_inspections(self, own, data):
        name, *_ = read(own)
        with pytest.raises(InputError, match="must be"):
            page.view_arithmetic(name, SimpleNamespace(_data=data))

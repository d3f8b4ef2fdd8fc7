"""Edits of the memory, influence of earlier characters, units that track something, and the pages that show them."""

import base64
import json
from types import SimpleNamespace

import gradio as gr
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.sequences import edit as edit_page
from demos.sequences import networks, reach
from demos.views.influence import draw_influence
from demos.views.memory import draw_comparison
from demos.views.sequences import draw_units
from demos.views.unrolled import draw_cell, draw_unrolled
from models import runtime, weights
from models.errors import InputError
from models.recipes.sequences import units
from models.sequences.edits import KINDS, WHOLE_MEMORY, Edit, compare_edits, parse_units
from models.sequences.influence import BLOCK, MAX_CHARACTERS, InfluenceTrace, trace_influence
from models.sequences.trace import trace_text
from models.sequences.units import tracked_units
from models.sequences.unrolled import UnrolledStep, UnrolledTrace, matrices_of, weight_maps
from models.text.recurrent import GATES, CharacterNetwork, Config, matrices

TEXT = "The cat sat on the mat."


def make(cell, units=16):
    torch.manual_seed(1)
    network = CharacterNetwork(Config(cell, units=units))
    for parameter in network.parameters():
        parameter.data *= 3  # an untrained network hardly remembers; this one does
    return network.eval().requires_grad_(False)


@pytest.fixture(params=tuple(GATES))
def network(request):
    return make(request.param)


def edit(kind, position=5, **how):
    return Edit(kind, position, (1, 2, 3, 4), donor="Another sentence", **how)


class TestEdits:
    @pytest.mark.parametrize("kind", KINDS)
    def test_strength_zero_changes_nothing(self, network, kind):
        trace = trace_text(network, TEXT)
        compared = compare_edits(network, trace, [edit(kind, strength=0.0)])
        for name in ("hidden_state", "cell_state", "gates", "probabilities", "surprise_bits"):
            assert np.array_equal(getattr(compared.edited, name), getattr(trace, name)), name
        assert not compared.difference_bits.any()

    def test_no_edit_runs_nothing(self, network):
        trace = trace_text(network, TEXT)
        assert compare_edits(network, trace, []).edited is trace

    @pytest.mark.parametrize("kind", KINDS)
    def test_full_strength_changes_what_follows_and_nothing_before(self, network, kind):
        trace = trace_text(network, TEXT)
        compared = compare_edits(network, trace, [edit(kind)])
        assert np.array_equal(compared.edited.hidden_state[:5], trace.hidden_state[:5])
        assert not np.allclose(compared.edited.hidden_state[6:], trace.hidden_state[6:], atol=1e-5)
        assert (compared.difference_bits >= 0).all()
        assert compared.difference_bits[6:].max() > 0

    @pytest.mark.parametrize("position", [0, 5, len(TEXT)])
    def test_erasing_everything_equals_a_fresh_state(self, network, position):
        trace = trace_text(network, TEXT)
        edited = compare_edits(network, trace, [Edit("erase", position)]).edited
        state = network.fresh_state()
        assert not edited.hidden_state[position].any()
        for t in range(position + 1, len(trace.text)):
            step = network.step(torch.tensor(trace.symbols[t]), state)
            state = step.state
            assert np.allclose(edited.hidden_state[t], state.hidden.numpy(), atol=1e-6)
            assert np.allclose(edited.probabilities[t], step.logits.softmax(-1).numpy(), atol=1e-6)

    def test_pasting_equals_having_read_the_other_sentence(self, network):
        trace = trace_text(network, TEXT)
        edited = compare_edits(network, trace, [edit("paste", 5)]).edited
        other = trace_text(network, "Another sentence" + TEXT[5:])
        assert np.allclose(edited.hidden_state[5:], other.hidden_state[-len(TEXT[5:]) - 1 :], atol=1e-6)

    def test_freezing_holds_for_the_rest_of_the_text(self, network):
        trace = trace_text(network, TEXT)
        hidden = compare_edits(network, trace, [edit("freeze")]).edited.hidden_state
        assert np.array_equal(hidden[5:, 1:5], np.tile(trace.hidden_state[5, 1:5], (len(hidden) - 5, 1)))
        assert not np.allclose(hidden[6, 0], hidden[7, 0])

    def test_zero_scale_and_swap_do_what_they_say(self, network):
        trace = trace_text(network, TEXT)
        before = trace.hidden_state[5]
        zeroed, scaled, swapped = (
            compare_edits(network, trace, [edit(kind)]).edited.hidden_state[5] for kind in ("zero", "scale", "swap")
        )
        assert np.array_equal(zeroed[1:5], np.zeros(4))
        assert np.allclose(scaled[1:5], 2 * before[1:5])
        assert np.array_equal(swapped[1:5], before[[2, 1, 4, 3]])
        for after in (zeroed, scaled, swapped):
            assert np.array_equal(after[5:], before[5:])

    def test_edits_take_place_in_order(self, network):
        trace = trace_text(network, TEXT)
        twice = compare_edits(network, trace, [edit("scale"), edit("zero", 9), edit("scale", strength=0.5)])
        assert np.allclose(twice.edited.hidden_state[5, 1:5], 3 * trace.hidden_state[5, 1:5])
        assert not twice.edited.hidden_state[9, 1:5].any()

    @pytest.mark.parametrize(
        ("bad", "sentence"),
        [
            (Edit("zero", 99, (1,)), "no character 99"),
            (Edit("zero", -1, (1,)), "no character -1"),
            (Edit("zero", 3), "at least one unit"),
            (Edit("freeze", 3, (16,)), "units 0 to 15"),
            (Edit("scale", 3, (1, 1)), "each unit once"),
            (Edit("swap", 3, (1, 2, 3)), "even number"),
        ],
    )
    def test_edits_that_do_not_fit(self, network, bad, sentence):
        with pytest.raises(InputError, match=sentence):
            compare_edits(network, trace_text(network, TEXT), [bad])


class TestUnitLists:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [("3", (3,)), ("3, 1,2", (3, 1, 2)), ("2-4, 3", (2, 3, 4)), ("all", tuple(range(10))), (" 0 – 1 ", (0, 1))],
    )
    def test_lists(self, text, expected):
        assert parse_units(text, 10) == expected

    @pytest.mark.parametrize("text", ["x", "3-", "-3", "1.5", "1;2", "9e9", "4-2", "10", "0-10", "999999999"])
    def test_nonsense(self, text):
        with pytest.raises(InputError):
            parse_units(text, 10)

    @settings(max_examples=100, deadline=None)
    @given(st.text(max_size=30))
    def test_any_text_is_units_or_one_sentence(self, text):
        try:
            assert all(0 <= unit < 10 for unit in parse_units(text, 10))
        except InputError as error:
            assert str(error).endswith(".")


class TestInfluence:
    def trace(self, network, text=TEXT):
        *shares, trace = trace_influence(network, text)
        assert shares == sorted(shares)
        assert shares[-1] == 1
        return trace

    def test_the_future_has_no_influence(self, network):
        influence = self.trace(network).influence
        assert np.array_equal(influence, np.tril(influence))
        assert (np.diag(influence) > 0).all()

    def test_shares_sum_to_one(self, network):
        trace = self.trace(network)
        assert np.allclose(trace.shares().sum(axis=1), 1, atol=1e-5)
        assert len(trace.by_distance()) == len(trace.text)

    def test_blocks_change_nothing(self, network, monkeypatch):
        whole = self.trace(network).influence
        monkeypatch.setattr("models.sequences.influence.BLOCK", 7)
        assert np.allclose(self.trace(network).influence, whole, atol=1e-6)
        assert BLOCK != 7

    def test_only_the_end_of_a_long_text_counts(self):
        assert len(self.trace(make("rnn", 8), "ab" * 300).text) == MAX_CHARACTERS + 1

    def test_empty_text_is_the_line_break_alone(self, network):
        assert self.trace(network, "").influence.shape == (1, 1)

    def test_by_distance_is_the_mean_over_rows(self):
        influence = np.tril(np.ones((4, 4), np.float32))
        curve = InfluenceTrace("abcd", influence, "....").by_distance(warm_up=2)
        assert curve == pytest.approx([(1 / 3 + 1 / 4) / 2] * 3 + [1 / 4])

    def test_wrong_shapes_are_refused(self):
        with pytest.raises(ValueError, match="does not fit"):
            InfluenceTrace("ab", np.zeros((3, 3), np.float32), "ab")

    def test_figure_travels_whole(self, network):
        trace = self.trace(network)
        drawn = draw_influence([("LSTM", trace)])
        packed = np.frombuffer(base64.b64decode(drawn["networks"][0]["shares"]), np.uint8)
        assert np.allclose((packed / 255) ** 2, trace.shares().ravel(), atol=0.005)
        json.dumps(drawn)


class TestUnits:
    def test_a_unit_that_follows_a_feature_is_found(self):
        rng = np.random.default_rng(0)
        feature = rng.random((500, 1))
        states = rng.standard_normal((500, 6)).astype(np.float32)
        states[:, 4] = -2 * feature[:, 0] + 0.01 * rng.standard_normal(500)
        table = units.correlations(states, feature)
        assert table.shape == (6, 1)
        assert np.abs(table).argmax() == 4
        assert table[4, 0] < -0.95
        assert table[1, 0] == pytest.approx(np.corrcoef(states[:, 1], feature[:, 0])[0, 1], abs=1e-9)

    def test_a_constant_unit_follows_nothing(self):
        assert not units.correlations(np.ones((9, 2)), np.arange(9.0)[:, None]).any()

    def test_features_of_a_sentence(self):
        text = np.array(list("A “cat” sat.\nOn"))
        values = {name: np.asarray(feature(text), float) for name, feature in units.FEATURES.items()}
        assert values["inside quotation marks"].tolist() == [0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]
        assert values["position in the word"].tolist()[8:12] == [1, 2, 3, 0]
        assert values["in a word with a capital"].tolist() == [1] + [0] * 12 + [1, 1]
        assert np.expm1(values["distance since the line break (log)"])[12:] == pytest.approx([0, 1, 2])
        assert values["just read a vowel"][4] == 1

    def test_states_are_those_of_the_trace(self, network, monkeypatch):
        monkeypatch.setattr(units, "STRETCHES", 2)
        layers = units.states_of(network, "abcdef")
        for half, text in enumerate(("abc", "def")):
            trace = trace_text(network, text)
            assert np.allclose(layers["hidden state"][3 * half : 3 * half + 3], trace.hidden_state[1:], atol=1e-6)
        assert ("cell state" in layers) == (network.config.cell == "lstm")

    def test_found_units_are_different_and_score_on_the_other_text(self, network, monkeypatch):
        monkeypatch.setattr(units, "STRETCHES", 2)
        found = units.find_units(network, "“No,” said Ann. He ran\n" * 20, "“Yes,” she cried. They sat\n" * 20)
        assert [u.feature for u in found] == [f for f in units.FEATURES for _ in range(units.UNITS_PER_FEATURE)]
        for feature in units.FEATURES:
            assert len({u.unit for u in found if u.feature == feature}) == units.UNITS_PER_FEATURE
        assert all(-1 <= u.correlation <= 1 and 0 <= u.chance <= 1 for u in found)
        assert "inside quotation marks" in draw_units(found)

    @pytest.mark.parametrize("name", networks.CELLS)
    def test_embedded_networks_have_units_that_beat_chance(self, name):
        tracked = tracked_units(name)
        assert {u.feature for u in tracked} == set(units.FEATURES)
        best = {u.feature: max(abs(t.correlation) for t in tracked if t.feature == u.feature) for u in tracked}
        assert all(best[u.feature] > u.chance for u in tracked)


class TestDrawing:
    def test_the_cell_shows_the_numbers_of_the_trace(self, network):
        trace = trace_text(network, "a cat")
        drawn = draw_cell(trace, 3, weight_maps(matrices(network)), 123)
        assert [step["input"] for step in drawn["steps"]] == ["start", "a", "space", "c"]
        inside = {entry["name"]: entry for entry in drawn["inside"]}
        assert next(iter(inside)) == "hidden state before"
        assert set(inside) >= {"hidden state", *(f"{g} gate" for g in GATES[network.config.cell] if g != "candidate")}
        for name, expected in (("hidden state", 3), ("hidden state before", 2)):
            values = np.frombuffer(base64.b64decode(inside[name]["values"]), np.int8) / 127 * inside[name]["limit"]
            assert np.allclose(values, trace.hidden_state[expected], atol=0.005)
        json.dumps(drawn)

    def test_weight_maps_are_root_mean_squares_of_blocks(self):
        matrix = np.arange(24, dtype=np.float32).reshape(4, 6)
        (shrunk,) = weight_maps({"W": matrix}, largest=2)
        assert shrunk.shape == (4, 6)
        blocks = matrix.reshape(2, 2, 2, 3)
        assert np.allclose(shrunk.magnitudes, np.sqrt((blocks**2).mean(axis=(1, 3))))
        (whole,) = weight_maps({"W": matrix}, largest=10)
        assert np.allclose(whole.magnitudes, matrix)

    def test_every_matrix_of_a_network_has_a_name(self, network):
        assert list(matrices_of(network)) == ["recurrent W, input", "recurrent U, memory", "output"]

    def test_long_runs_are_cut_at_their_beginning(self):
        steps = tuple(UnrolledStep(str(n), np.zeros(3, np.float32), (("x", 1.0),), asked=True) for n in range(100))
        drawn = draw_unrolled(UnrolledTrace("many to many", steps, ""), (), 5)
        assert (drawn["first"], drawn["total"], drawn["selected"]) == (52, 100, 99)
        assert drawn["steps"][0]["input"] == "52"

    def test_runs_without_an_answer_are_refused(self):
        with pytest.raises(ValueError, match="asked"):
            UnrolledTrace("many to one", (UnrolledStep("a", np.zeros(2)),), "")
        with pytest.raises(ValueError, match="best first"):
            UnrolledStep("a", np.zeros(2), (("x", 0.1), ("y", 0.9)))


@pytest.fixture
def model(monkeypatch):
    """Both pages with a tiny network in the place of the embedded ones."""
    network = make("lstm")
    loaded = runtime.Loaded("char-lstm", network, weights.find("char-lstm"), 1000, 4000, "cpu")
    monkeypatch.setattr(edit_page, "usable_network", lambda name, own: (loaded, ""))
    return network


def last(stream):
    *_, final = stream
    return final


ERASE = ("erase", 5, "", 2, "")


@pytest.mark.usefixtures("model")
class TestEditPage:
    def edit(self, session=None, kind="erase", position=5, units="1-4", factor=2, donor="x", strength=1, text=TEXT):
        chosen = (text, "char-lstm", None, session, strength, 0, kind, position, units, factor, donor)
        return last(edit_page.compute_edit(*chosen))

    def test_edits_add_up_and_can_be_undone(self):
        session, drawn, strip = self.edit()
        assert drawn["first"] == 5
        assert len(drawn["continuations"]) == 2
        assert "Character LSTM" in strip
        session, drawn, _ = self.edit(session, "zero", 9)
        assert len(drawn["edits"]) == 2
        session, drawn, _ = last(edit_page.compute_undo(TEXT, "char-lstm", None, session, 1, 0, every=False))
        assert len(drawn["edits"]) == 1
        session, drawn, _ = last(edit_page.compute_undo(TEXT, "char-lstm", None, session, 1, 0, every=True))
        assert drawn["edits"] == []
        assert max(drawn["difference"]) == 0
        with pytest.raises(gr.Error, match="no edit to undo"):
            last(edit_page.compute_undo(TEXT, "char-lstm", None, session, 1, 0, every=True))

    def test_strength_zero_shows_two_equal_runs(self):
        drawn = self.edit(strength=0)[1]
        assert max(drawn["difference"]) == 0
        assert drawn["continuations"][0] == drawn["continuations"][1]

    def test_edits_that_do_not_fit_a_new_text_are_dropped(self):
        session = self.edit(self.edit()[0], "zero", 15)[0]
        shorter = last(edit_page.compute_comparison(TEXT[:9], "char-lstm", None, session, 1, 0))[0]
        assert [e.position for e in shorter.edits] == [5]

    def test_units_are_picked_from_the_trace(self, model, monkeypatch):
        session = self.edit()[0]
        for name in ("step", "_advance", "forward"):
            monkeypatch.setattr(type(model), name, None)
        largest = [int(u) for u in edit_page.view_pick(edit_page.LARGEST, 5, session).split(", ")]
        hidden = np.abs(session.comparison.unedited.hidden_state[5])
        assert largest[0] == hidden.argmax()
        assert edit_page.view_pick(edit_page.EVERY, 5, session) == "all"

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_described(self, kind):
        assert self.edit(kind=kind)[1]["edits"][0]
        shown = edit_page.view_fields(kind)
        assert shown[0]["visible"] == (kind not in WHOLE_MEMORY)

    NOT_NUMBERS = (None, "5", True, [1], {}, float("nan"), float("inf"), -1e9, 1e12)

    @pytest.mark.parametrize(
        ("name", "values", "sentence"),
        [
            ("kind", [None, "x", ["erase"]], "The edit must be one of"),
            ("position", [*NOT_NUMBERS, len(TEXT) + 1], "The position must be"),
            ("strength", NOT_NUMBERS, "The strength must be"),
            ("factor", NOT_NUMBERS, "The factor must be"),
            ("text", ["x" * 20_000], "20,000 characters; the limit is 1,000"),
            ("text", [None, 5, ["a"]], "The text must be text"),
            ("donor", [None, 5, "", "x" * 2_000], "The other sentence"),
            ("units", ["", "x", "99"], "unit|list"),
        ],
    )
    def test_mistakes_become_one_sentence(self, name, values, sentence):
        kind = {"donor": "paste", "units": "zero"}.get(name, "erase")
        for value in values:
            with pytest.raises(gr.Error, match=sentence):
                self.edit(**{"kind": kind, name: value})

    @pytest.mark.parametrize("data", [None, {}, {"position": "x"}, {"position": -1}, {"position": 1e9}])
    def test_bad_pauses(self, data):
        with pytest.raises(gr.Error, match="position must be"):
            edit_page.view_pause(SimpleNamespace(_data=data))

    def test_comparison_figure_is_json(self, model):
        trace = trace_text(model, "")
        json.dumps(draw_comparison(compare_edits(model, trace, [Edit("erase", 0)]), [Edit("erase", 0)]))


class TestOwnNetwork:
    def test_without_one_there_is_a_sentence(self):
        with pytest.raises(InputError, match="train one"):
            networks.usable_network(networks.OWN, None)
        assert networks.choices(None) == networks.CHOICES

    def test_a_kept_network_is_used_under_its_own_name(self):
        own = networks.Own(make("gru"), "Your own GRU", "yours-1")
        loaded, note = networks.usable_network(networks.OWN, own)
        assert (loaded.name, loaded.weights.title, note) == ("yours-1", "Your own GRU", "")
        assert networks.choices(own)[-1] == ("Your own GRU", networks.OWN)

    def test_an_own_network_is_measured_too(self, monkeypatch):
        network = make("gru")
        loaded = runtime.Loaded("char-gru", network, weights.find("char-gru"), 1000, 4000, "cpu")
        monkeypatch.setattr(reach, "_network", lambda name, own: loaded)
        own = networks.Own(network, "Your own GRU", "yours-1")
        drawn, strip = last(reach.compute_influence(TEXT, own))
        assert [n["title"] for n in drawn["networks"]] == ["RNN", "GRU", "LSTM", "Transformer", "Your own GRU"]
        assert "Your own GRU" in strip

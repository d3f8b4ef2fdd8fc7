"""Edits of the memory, influence of earlier characters, units that track something, and the pages that show them."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from demos.sequences import edit as edit_page
from demos.sequences import networks, reach
from demos.sequences.networks import YOURS
from demos.views.influence import InfluenceView, reach_of
from demos.views.sequences import units_html
from demos.views.unrolled import view_of_cell, view_of_task
from demos.wire import to_wire
from models.errors import InputError
from models.recipes.sequences import units
from models.sequences.editing import EDITED
from models.sequences.edits import KINDS, WHOLE_MEMORY, Edit, compare_edits, parse_units
from models.sequences.influence import BLOCK, MAX_CHARACTERS, InfluenceTrace, trace_influence
from models.sequences.networks import OWN, OwnNetwork, load_cell
from models.sequences.reading import cell_says, read_text
from models.sequences.trace import trace_text
from models.sequences.units import LEAST_CORRELATION, tracked_units
from models.sequences.unrolled import UnrolledStep, UnrolledTrace, matrices_of, weight_maps
from models.text.recurrent import GATES, CharacterNetwork, Config, matrices
from models.text.symbols import ALPHABET
from tests.handles import array_of

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
        [
            *[
                ("3", (3,)),
                ("3, 1,2", (3, 1, 2)),
                ("2-4, 3", (2, 3, 4)),
                ("all", tuple(range(10))),
                (" 0 – 1 ", (0, 1)),
            ],
            *[("2—4", (2, 3, 4)), ("2‐3", (2, 3)), ("１，２", (1, 2)), ("ALL ", tuple(range(10))), ("1,,2,", (1, 2))],
        ],
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

    def test_view_travels_whole(self, network):
        trace = self.trace(network)
        sent = to_wire(InfluenceView(list(trace.text), [reach_of("LSTM", trace)]))
        assert np.allclose((array_of(sent["networks"][0]["shares"]) / 255) ** 2, trace.shares(), atol=0.005)
        json.dumps(sent)


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
        assert "inside quotation marks" in units_html(found)

    @pytest.mark.parametrize("name", networks.CELLS)
    def test_embedded_networks_have_units_that_beat_chance(self, name):
        tracked = tracked_units(name)
        assert {"inside quotation marks", "just read a space"} <= {u.feature for u in tracked} <= set(units.FEATURES)
        assert min(abs(u.correlation) for u in tracked) >= LEAST_CORRELATION, "what follows weakly is not offered"
        best = {u.feature: max(abs(t.correlation) for t in tracked if t.feature == u.feature) for u in tracked}
        assert all(best[u.feature] > u.chance for u in tracked)


class TestExample:
    """What the page "Edit the memory" opens on: the place where the quotation may end."""

    @pytest.fixture(scope="class")
    def quote(self):
        """Probability of a closing quotation mark after "years.", by edit."""
        network = load_cell("char-lstm").network
        trace = trace_text(network, edit_page.EXAMPLE)
        mark, after = ALPHABET.index('"'), edit_page.EXAMPLE_POSITION + len("years.")

        def probability(*edits):
            return float(compare_edits(network, trace, edits).edited.probabilities[after, mark])

        return probability

    def test_it_stands_before_the_word_after_which_the_quotation_may_end(self):
        assert edit_page.EXAMPLE[: edit_page.EXAMPLE_POSITION].endswith("twenty ")

    def test_erasing_all_takes_the_quotation_away_and_three_units_much_of_it(self, quote):
        units = [u.unit for u in tracked_units("char-lstm") if u.feature == "inside quotation marks"]
        assert len(units) == 3
        others = [unit for unit in range(512) if unit not in units][::170][:3]
        at = edit_page.EXAMPLE_POSITION
        assert quote() == pytest.approx(0.319, abs=0.01)
        assert quote(Edit("erase", at)) == pytest.approx(0.115, abs=0.01)
        assert quote(Edit("zero", at, tuple(units))) == pytest.approx(0.143, abs=0.01)
        assert quote(Edit("zero", at, tuple(others))) > 0.9 * quote()


class TestDrawing:
    def test_the_cell_shows_the_numbers_of_the_trace_exactly(self, network):
        trace = trace_text(network, "a cat")
        sent = to_wire(view_of_cell(trace, 3, weight_maps(matrices(network)), 123))
        assert [step["input"] for step in sent["steps"]] == ["start", "a", "space", "c"]
        names = [entry["name"] for entry in sent["inside"]]
        assert names[0] == "hidden state before"
        assert set(names) >= {"hidden state", *(f"{g} gate" for g in GATES[network.config.cell] if g != "candidate")}
        values = dict(zip(names, array_of(sent["values"]), strict=True))
        assert np.array_equal(values.pop("hidden state before"), trace.hidden_state[2])
        if trace.cell_state.size:
            assert np.array_equal(values.pop("cell state before"), trace.cell_state[2])
        assert sent["cell"] == network.config.cell
        for name, shown in values.items():
            assert np.array_equal(shown, trace.layers()[name][3]), name
        limits = np.array([step["limit"] for step in sent["steps"]])
        hidden = array_of(sent["hidden"]) / 127 * limits[:, None]
        assert np.allclose(hidden, trace.hidden_state[:4], atol=0.005)
        json.dumps(sent)

    @pytest.mark.parametrize("model", ["char-rnn", "char-gru", "char-lstm"])
    def test_what_is_added_up_gives_the_gates_of_the_trace(self, model):
        """The numbers beside the equations, squashed by hand, are the gates that the cell has used."""
        trace = read_text(model, "a cat").trace
        says = cell_says(model, int(trace.symbols[3]), trace.hidden_state[2])
        layers = {name: values[3] for name, values in trace.layers().items()}
        for name in layers.keys() - {"cell state", "hidden state"} or {"hidden state"}:
            shown = layers["reset gate"] if (model, name) == ("char-gru", "candidate") else 1
            total = says[f"W x, {name}"] + shown * says[f"U h, {name}"]
            by_hand = 1 / (1 + np.exp(-total)) if name.endswith("gate") else np.tanh(total)
            np.testing.assert_allclose(by_hand, layers[name], atol=1e-5)
        view = view_of_cell(trace, 3, (), 1, says)
        assert view.added == list(says)
        assert np.array_equal(view.sums[0], next(iter(says.values())))

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
        view = view_of_task(UnrolledTrace("many to many", steps, ""), (), 5)
        assert (view.first, view.total, view.selected) == (52, 100, 99)
        assert view.steps[0].input == "52"
        assert [one.name for one in view.inside] == ["hidden state before", "hidden state"]

    def test_runs_without_an_answer_are_refused(self):
        with pytest.raises(ValueError, match="asked"):
            UnrolledTrace("many to one", (UnrolledStep("a", np.zeros(2)),), "")
        with pytest.raises(ValueError, match="best first"):
            UnrolledStep("a", np.zeros(2), (("x", 0.1), ("y", 0.9)))


@pytest.fixture(scope="module")
def own():
    """Name of a tiny network of a visitor's own, with which the page is tried."""
    return OWN.put(OwnNetwork(make("lstm"), "A small LSTM"))


def last(stream):
    *_, final = stream
    return final


class TestEditPage:
    @pytest.fixture
    def edit(self, own):
        def edit_(name=None, kind="erase", position=5, units="1-4", factor=2, donor="x", strength=1, text=TEXT):
            chosen = (text, YOURS, own, name, strength, 0, kind, position, units, factor, donor)
            return last(edit_page.compute_edit(*chosen))

        return edit_

    def test_edits_add_up_and_can_be_undone(self, edit, own):
        name, view, strip = edit()
        assert view.first == 5
        assert len(view.continuations) == 2
        assert "A small LSTM" in strip
        name, view, _ = edit(name, "zero", 9)
        assert len(view.edits) == 2
        name, view, _ = last(edit_page.compute_undo(TEXT, YOURS, own, name, 1, 0, every=False))
        assert len(view.edits) == 1
        name, view, _ = last(edit_page.compute_undo(TEXT, YOURS, own, name, 1, 0, every=True))
        assert view.edits == view.memories == []
        assert not view.difference.any()
        with pytest.raises(InputError, match="no edit to undo"):
            last(edit_page.compute_undo(TEXT, YOURS, own, name, 1, 0, every=True))

    def test_strength_zero_shows_two_equal_runs(self, edit):
        view = edit(strength=0)[1]
        assert not view.difference.any()
        assert view.continuations[0] == view.continuations[1]

    def test_edits_that_do_not_fit_a_new_text_are_dropped(self, edit, own):
        name = edit(edit()[0], "zero", 15)[0]
        shorter = last(edit_page.compute_comparison(TEXT[:9], YOURS, own, name, 1, 0))[0]
        assert [e.position for e in EDITED.find(shorter).edits] == [5]

    def test_edits_of_units_are_dropped_with_another_network(self, edit):
        name = edit(edit()[0], "zero", 6)[0]
        other = OWN.put(OwnNetwork(make("gru"), "A small GRU"))
        read = last(edit_page.compute_comparison(TEXT, YOURS, other, name, 1, 0))[0]
        assert [e.kind for e in EDITED.find(read).edits] == ["erase"]

    def test_what_is_no_longer_kept_begins_anew(self, edit):
        name = edit()[0]
        EDITED.discard(name)
        assert len(edit(name, position=7)[1].edits) == 1

    def test_units_are_picked_from_the_trace(self, edit, monkeypatch):
        name = edit()[0]
        for method in ("step", "_advance", "forward"):
            monkeypatch.setattr(CharacterNetwork, method, None)
        largest = [int(u) for u in edit_page.view_pick(edit_page.LARGEST, 5, name).split(", ")]
        hidden = np.abs(EDITED.find(name).compared.comparison.unedited.hidden_state[5])
        assert largest[0] == hidden.argmax()
        assert edit_page.view_pick(edit_page.EVERY, 5, name) == "all"
        with pytest.raises(InputError, match="Read a text first"):
            edit_page.view_pick(edit_page.EVERY, 5, None)

    @pytest.mark.parametrize("kind", KINDS)
    def test_every_kind_is_described(self, edit, kind):
        assert edit(kind=kind)[1].edits[0]
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
    def test_mistakes_become_one_sentence(self, edit, name, values, sentence):
        kind = {"donor": "paste", "units": "zero"}.get(name, "erase")
        for value in values:
            with pytest.raises(InputError, match=sentence):
                edit(**{"kind": kind, name: value})

    @pytest.mark.parametrize("data", [None, {}, {"position": "x"}, {"position": -1}, {"position": 1e9}])
    def test_bad_pauses(self, data):
        with pytest.raises(InputError, match="position must be"):
            edit_page.view_pause(SimpleNamespace(_data=data))

    def test_the_view_holds_both_runs(self, edit):
        name, view, _ = edit()
        sent, runs = to_wire(view), EDITED.find(name).compared.comparison
        best, pairs = array_of(sent["best"]), array_of(sent["probabilities"])
        assert np.array_equal(pairs[7, :, 0], runs.unedited.probabilities[7, best[7]])
        assert np.array_equal(pairs[7, :, 1], runs.edited.probabilities[7, best[7]])
        assert np.array_equal(array_of(sent["states"])[1], runs.edited.cell_state[5])
        json.dumps(sent)


class TestOwnNetwork:
    def test_without_one_there_is_a_sentence(self):
        with pytest.raises(InputError, match="train one"):
            networks.usable_network(networks.YOURS, None)
        assert networks.choices(None) == networks.CHOICES

    def test_one_that_is_no_longer_kept(self):
        with pytest.raises(InputError, match="no longer kept"):
            networks.usable_network(networks.YOURS, "gone")
        assert networks.choices("gone") == networks.CHOICES

    def test_a_kept_network_is_used_under_its_own_name(self, own):
        assert networks.usable_network(networks.YOURS, own) == (own, "")
        assert networks.choices(own)[-1] == ("A small LSTM", networks.YOURS)
        loaded = load_cell(own)
        assert (loaded.name, loaded.weights.title) == (own, "A small LSTM")

    def test_its_name_is_no_model_of_the_catalogue(self, own):
        with pytest.raises(InputError, match="no such model"):
            networks.usable_network(own, own)

    def test_an_own_network_is_measured_too(self, own, monkeypatch):
        monkeypatch.setattr(reach, "TITLES", {"char-gru": "GRU"})
        view, strip = last(reach.compute_influence(TEXT, own))
        assert [n.title for n in view.networks] == ["GRU", "A small LSTM"]
        assert "A small LSTM" in strip

"""Units found for the visitor: ranked by what they follow in the text, switched off at one place."""

import numpy as np
import pytest

from demos.sentences import percent
from demos.sequences.unit_finder import units_off
from demos.views.units import view_of_found, view_of_without
from models.errors import InputError
from models.sequences.edits import Edit, compare_edits
from models.sequences.features import FEATURES
from models.sequences.found_units import OTHERS, rank_units, without_units
from models.sequences.networks import load_cell
from models.sequences.trace import SequenceTrace, trace_text
from models.sequences.units import tracked_units

QUOTED = '"I have never seen such a thing," said the captain, "and I have sailed these seas for twenty years.'


@pytest.fixture(scope="module")
def trace():
    return trace_text(load_cell("char-lstm").network, QUOTED)


def with_cells(trace, cells):
    parts = vars(trace) | {"cell_state": cells.astype(np.float32)}
    return SequenceTrace(**parts)


def test_straight_quotation_marks_open_and_close():
    flags = FEATURES["inside quotation marks"](np.array(list('\n"No," he said. "Yes')))
    assert "".join("#" if flag else "." for flag in flags) == ".####" + "." * 11 + "####"


def test_the_unit_that_follows_is_first_whichever_its_sign(trace):
    follows = np.asarray(FEATURES["just read a space"](np.array(list(trace.text))), float)
    cells = np.random.default_rng(0).standard_normal(trace.cell_state.shape)
    cells[:, 7] = 3 - 2 * follows + 0.01 * cells[:, 7]
    ranked = rank_units(with_cells(trace, cells), "just read a space", "cell state", 5)
    assert ranked.units[0][0] == 7
    assert ranked.units[0][1] == pytest.approx(np.corrcoef(cells[:, 7], follows)[0, 1], abs=1e-6)
    assert ranked.chance < 0.6
    sizes = [abs(here) for _, here in ranked.units]
    assert sizes == sorted(sizes, reverse=True)


def test_the_quote_unit_of_the_lstm_is_among_the_first_and_known(trace):
    ranked = rank_units(trace, "inside quotation marks", "cell state", 24)
    view = view_of_found(ranked, "inside quotation marks", tracked_units("char-lstm"))
    known = {unit.unit: unit.known for unit in view.units if unit.known is not None}
    assert known
    assert set(known) <= set(view.off)
    assert abs(ranked.units[0][1]) > ranked.chance


@pytest.mark.parametrize(("text", "feature"), [("no marks", "inside quotation marks"), ("abc", "what I like")])
def test_nothing_to_follow_is_said(text, feature):
    trace = trace_text(load_cell("char-rnn").network, text)
    with pytest.raises(InputError, match=r"nothing to follow|must be one of"):
        rank_units(trace, feature, "hidden state", 3)


def test_switching_off_is_the_edit_of_the_memory_page(trace):
    units = tuple(unit.unit for unit in tracked_units("char-lstm") if unit.feature == "inside quotation marks")
    place = len(trace.text) - 1
    found = without_units("char-lstm", trace, place, units)
    edited = compare_edits(load_cell("char-lstm").network, trace, [Edit("zero", place, units)])
    change = np.abs(edited.edited.probabilities[place] - edited.unedited.probabilities[place])
    assert abs(found.before - found.after) == pytest.approx(change.max(), abs=1e-6)
    assert found.bits == pytest.approx(edited.difference_bits[place:].mean(), rel=1e-5)
    assert found.symbol == '"', "the units that follow quotation marks are used for closing them"
    assert found.before - found.after > 3 * abs(found.before - found.others), "more than as many other units do"
    said = view_of_without(found, units, trace.text[place]).sentence
    assert f"{percent(found.before, 1)} to {percent(found.after, 1)}" in said
    assert "drawn five times" in said
    assert OTHERS == 5


def test_all_units_leave_no_others_to_compare_with(trace):
    every = tuple(range(trace.hidden_state.shape[1]))
    found = without_units("char-lstm", trace, 3, every)
    assert np.isnan(found.others)
    assert "as many other" not in view_of_without(found, every, "h").sentence


@pytest.mark.parametrize("request_", [{}, {"reading": "x", "units": [1]}, None, {"reading": "x", "units": "1"}])
def test_what_is_no_question_is_answered_with_a_sentence(request_):
    assert units_off(request_)["error"].endswith((".", "again."))

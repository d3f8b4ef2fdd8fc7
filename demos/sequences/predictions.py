"""Questions about recurrent networks on what stands in this tab, answered by running them."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from demos.predict import Answered, Question, answered, in_order, yes_or_no
from demos.sentences import percent
from demos.sequences.answering import checked_review, checked_sentence
from demos.sequences.networks import CELLS, usable_network
from demos.sequences.reading import checked_text
from models.errors import InputError
from models.sequences.unrolled import UnrolledStep
from models.text.symbols import ALPHABET

if TYPE_CHECKING:
    from models.compute import Run
    from models.sequences.edits import Comparison
    from models.sequences.trace import SequenceTrace

SHOWN_BEFORE = 18
SAME_BITS = 0.05
SAME_FOR = 5
REACH_CHARACTERS = 100
NAMES = {" ": "a blank", "\n": "a line break"}


def _named(character: str) -> str:
    return NAMES.get(character, f"“{character}”")


def _in_place(text: str, position: int) -> str:
    """A character of a text with what stands before it."""
    before = text[max(0, position - SHOWN_BEFORE) : position].replace("\n", " ")
    return f"{_named(text[position])} after “…{before}”"


def _read(given: Mapping[str, Any]) -> "tuple[SequenceTrace, Run]":
    """The text of the first page, read by the network chosen there."""
    text = checked_text(given["text"])
    if not text.strip():
        raise InputError("Type a text on the page “Next character” first: the question is about it.")
    from models.sequences.reading import read_text

    read = read_text(usable_network(given["model"], given["own"])[0], text)
    return read.trace, read.run


def ask_next(given: Mapping[str, Any]) -> Answered:
    """The most probable next character."""
    trace, run = _read(given)
    likely = np.argsort(-trace.probabilities[-1], kind="stable")[:12]
    best = [(ALPHABET[index], float(trace.probabilities[-1, index])) for index in likely]
    (first, probability), (second, runner_up) = best[:2]
    return answered(
        f"The {run.title} has read “…{trace.text[-SHOWN_BEFORE:].lstrip()}”. Which character does it hold most likely "
        "to come next?",
        _named(first),
        (_named(best[place][0]) for place in (1, 2, 6)),
        f"It gives {_named(first)} {percent(probability, 1)} and {_named(second)} {percent(runner_up, 1)}. "
        f"The rest of the {len(ALPHABET)} characters share {percent(1 - probability - runner_up, 1)}.",
    )


def ask_surprise(given: Mapping[str, Any]) -> Answered:
    """The character of the text that was least expected."""
    trace, run = _read(given)
    order = 1 + np.argsort(-trace.surprise_bits[1:], kind="stable")
    wanted = [int(order[place]) for place in sorted({0, len(order) // 3, len(order) * 2 // 3, len(order) - 1})]
    most, mean = wanted[0], float(trace.surprise_bits[1:].mean())
    bits = float(trace.surprise_bits[most])
    return answered(
        f"Which of these characters of your text surprised the {run.title} most?",
        _in_place(trace.text, most),
        (_in_place(trace.text, place) for place in wanted[1:]),
        f"It had given it a probability of 1 in {2**bits:,.0f}: a surprise of {bits:.1f} bits. "
        f"The mean of the text is {mean:.2f} bits a character.",
    )


def ask_cells(given: Mapping[str, Any]) -> Answered:
    """Which of the three networks expects the text best."""
    text = checked_text(given["text"])
    if len(text.strip()) < 10:
        raise InputError("Type at least ten characters on the page “Next character” first.")
    from models.sequences.reading import read_text

    mean = {title: float(read_text(name, text).trace.surprise_bits[1:].mean()) for name, title in CELLS.items()}
    least = min(mean, key=lambda title: mean[title])
    measured = ", ".join(f"{title} {bits:.2f}" for title, bits in mean.items())
    return in_order(
        "Three networks read your text: RNN, GRU and LSTM. Which is surprised least?",
        list(mean),
        list(mean).index(least),
        f"Mean surprise in bits a character: {measured}. Fewer bits mean that the text was expected better.",
    )


def _edited(given: Mapping[str, Any], **changed: object) -> "tuple[Comparison, int]":
    """The text of the page “Edit the memory” with the edit that stands there, and where it takes place."""
    from demos.sequences.edit import checked_edit, checked_reading
    from models.sequences.editing import compare

    values = {**given, **changed}
    own, strength, seed = values["own"], values["edit_strength"], values["edit_seed"]
    asked = checked_reading(values["edit_text"], values["edit_model"], own, strength, seed)
    names = ("edit_kind", "edit_position", "edit_units", "edit_factor", "edit_donor")
    edit = replace(checked_edit(asked, *(values[name] for name in names)), strength=asked.strength)
    with closing(compare(asked.network, asked.text, (edit,), None, 1, asked.sampling)) as steps:  # pyright: ignore[reportArgumentType]  # a generator
        return next(steps).comparison, edit.position


def ask_edit(given: Mapping[str, Any]) -> Answered:
    """Whether the edit on the page changes the next character."""
    what = {
        "erase": "The whole memory is erased",
        "paste": "The memory is replaced by that of another sentence",
        "zero": "The units named on the page are set to zero",
        "scale": "The units named on the page are scaled",
        "freeze": "The units named on the page are frozen",
        "swap": "The units named on the page are swapped",
    }
    comparison, place = _edited(given)
    said = what[str(given["edit_kind"])]
    before, after = (trace.probabilities[place] for trace in (comparison.unedited, comparison.edited))
    old, new = int(before.argmax()), int(after.argmax())
    return yes_or_no(
        f"{said} after character {place} (“…{comparison.unedited.text[: place + 1][-SHOWN_BEFORE:]}”). "
        "Does another character become the most likely one there?",
        yes=old != new,
        explanation=f"Before: {_named(ALPHABET[old])} with {percent(before[old], 1)}. After: {_named(ALPHABET[new])} "
        "with "
        f"{percent(after[new], 1)}. The two predictions differ by {comparison.difference_bits[place]:.2f} bits.",
    )


def ask_forgotten(given: Mapping[str, Any]) -> Answered:
    """How soon an erased memory makes no difference any more."""
    comparison, place = _edited(given, edit_kind="erase", edit_strength=1)
    later = comparison.difference_bits[place:]
    if len(later) <= SAME_FOR:
        raise InputError("Pause earlier in the text: too few characters are left to see an effect fade.")
    alike = later < SAME_BITS
    runs = [start for start in range(len(alike) - SAME_FOR + 1) if alike[start : start + SAME_FOR].all()]
    first = runs[0] if runs else None
    scale = ("within 5 characters", "after 6 to 20", "after more than 20", "not in this text")
    bounds = (5, 20, len(later))
    level = 3 if first is None else next(index for index, bound in enumerate(bounds) if first <= bound)
    told = f"after {first} characters" if first is not None else "not before the text ends"
    return in_order(
        f"The memory is erased after character {place}. When does the network predict as if nothing had happened?",
        scale,
        level,
        f"The difference falls below {SAME_BITS} bits, for {SAME_FOR} characters in a row, {told}. Right after the "
        f"edit it is {later[0]:.2f} bits; its mean over the rest of the text is {later.mean():.2f}.",
    )


def ask_reach(given: Mapping[str, Any]) -> Answered:
    """How far back the last prediction reaches."""
    text = checked_text(given["reach_text"])
    if len(text.strip()) < 30:
        raise InputError("Type at least 30 characters on the page “How far back” first.")
    from models.sequences.influence import InfluenceTrace
    from models.sequences.reach import measure_influence

    def share(name: str) -> float:
        *_, last = measure_influence(name, text[-REACH_CHARACTERS:])
        assert isinstance(last.trace, InfluenceTrace)
        row = last.trace.shares()[-1][::-1]
        return float(row[10:].sum())

    owed = {title: share(name) for name, title in (("char-rnn", "RNN"), ("char-lstm", "LSTM"))}
    most = max(owed, key=lambda title: owed[title])
    return in_order(
        f"Both read the last {REACH_CHARACTERS} characters on the page. Whose last prediction owes a larger share to "
        "what lies ten or more characters back?",
        list(owed),
        list(owed).index(most),
        "Share of the influence, measured by gradients: "
        + ", ".join(f"{title} {percent(amount, 1)}" for title, amount in owed.items())
        + ". The rest is owed to the last ten characters.",
    )


def ask_order(given: Mapping[str, Any]) -> Answered:
    """Whether the words of a review in reverse order give the same verdict."""
    text = checked_review(given["review"])
    from models.sequences.tasks import judge_review

    forward, backward = judge_review(text), judge_review(" ".join(reversed(text.split())))
    (old, sure), (new, sure_after) = (task.trace.steps[-1].output[0] for task in (forward, backward))
    return yes_or_no(
        f"The review on the page is read from its last word to its first. It was judged {old} before. Still?",
        yes=old == new,
        explanation=f"Forwards: {old}, {percent(sure, 1)}. Backwards: {new}, {percent(sure_after, 1)}. A network that "
        "only counted "
        "words would say the same both times; one that remembers reads an order.",
    )


def ask_fed_back(given: Mapping[str, Any]) -> Answered:
    """What the decoder reads next."""
    text = checked_sentence(given["sentence"])
    from models.sequences.tasks import translate

    steps = translate(text).traces[0].steps
    decoder = [step for step in steps if step.part == "decoder"]
    if len(decoder) < 2:
        raise InputError("The translation is too short to ask about: take a longer sentence.")
    place = min(len(decoder) - 2, len(decoder) // 2)
    wrote, probability = decoder[place].output[0]
    read = decoder[place + 1].input
    encoder = [step for step in steps if step.part == "encoder"]
    return answered(
        f"The decoder has just read “{decoder[place].input.strip()}”. What will it read in its next step?",
        _piece(read),
        _other_pieces(encoder, decoder, place),
        f"It reads what it has just written: “{wrote.strip()}”, chosen with {percent(probability, 1)}. Nothing of the "
        "English "
        "is read again; all it knows of that is the vector the encoder left.",
    )


def _piece(piece: str) -> str:
    return f"“{piece.strip() or 'a blank'}”"


def _other_pieces(encoder: list[UnrolledStep], decoder: list[UnrolledStep], place: int) -> list[str]:
    second = decoder[place].output[1][0]
    english = encoder[min(place, len(encoder) - 1)].input
    return [_piece(english), _piece(second), _piece(decoder[place].input)]


QUESTIONS = (
    Question("next", "the next character", "next", ask_next),
    Question("surprise", "what surprises", "next", ask_surprise),
    Question("cells", "RNN, GRU or LSTM", "next", ask_cells),
    Question("reach", "who looks further back", "reach", ask_reach),
    Question("edit", "the edit on the page", "edit", ask_edit),
    Question("forgotten", "how soon it is forgotten", "edit", ask_forgotten),
    Question("order", "a review backwards", "types", ask_order),
    Question("fed-back", "what the decoder reads", "types", ask_fed_back),
)

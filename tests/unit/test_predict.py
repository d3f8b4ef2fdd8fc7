"""Predict, then reveal: every question has one right answer, that of the model, whatever stands on the page."""

import importlib

import numpy as np
import pytest

from demos import DEMOS
from demos.attention import controls
from demos.attention import predictions as of_attention
from demos.detection import picture
from demos.detection import predictions as of_detection
from demos.detection.api import THRESHOLD
from demos.diffusion import other_data, predictions_beyond
from demos.diffusion import predictions as of_diffusion
from demos.predict import Answered, Question, answered, ask_question
from demos.sequences import edit, next_character, reach, tasks
from demos.sequences import predictions as of_sequences
from demos.views.prediction import options_with
from demos.vit import predictions as of_vit
from demos.vit.shared import FAILURE, example_pictures
from models import weights
from models.errors import InputError

CHEETAH = str(example_pictures()[FAILURE])
GIVEN = {
    "sequences": {
        "text": next_character.EXAMPLES["A story"],
        "model": "char-lstm",
        "own": None,
        "edit_text": edit.EXAMPLE,
        "edit_model": "char-lstm",
        "edit_kind": "zero",
        "edit_units": "all",
        "edit_position": edit.EXAMPLE_POSITION,
        "edit_factor": 2,
        "edit_donor": "She",
        "edit_strength": 1,
        "edit_seed": 0,
        "reach_text": reach.EXAMPLE,
        "review": tasks.REVIEWS["A mixed one"],
        "sentence": tasks.SENTENCES["Medium"],
    },
    "attention": {
        **{
            f"{page}_text": "Alice was tired, and she sat by her sister on the bank"
            for page in ("explorer", "sum", "inside")
        },
        **{f"{page}_model": controls.predicting_model() for page in ("explorer", "sum", "inside")},
        "translate_text": "My brother bought a red car last week.",
        "translate_model": "translator-en-fr",
    },
    "vit": {
        "image": CHEETAH,
        "neighbours_image": CHEETAH,
        "damage_image": CHEETAH,
        "model": "vit-s14-caltech101",
        "damage_seed": 0,
    },
    "detection": {
        "image": str(picture.EXAMPLES["Six things"]),
        "model": weights.offered("detection")[0],
        "threshold": THRESHOLD,
    },
    "diffusion": {
        "network": "embedded",
        "sprite_class": "potion",
        "steps": 8,
        "seed": 0,
        "guidance": 2.0,
        "sampler": "ddim",
        "schedule": "cosine",
        "application_picture": "potion",
        "application_seed": 0,
        "line": other_data.FIRST,
        "line_order": "random",
        "line_seed": 0,
        "drawing": other_data.FIRST_DRAWING,
        "drawing_steps": 25,
        "drawing_seed": 0,
    },
}
QUESTIONS = {tab: importlib.import_module(f"demos.{tab}.predictions").QUESTIONS for tab in DEMOS}
SLOW = {"reach", "class", "fork", "guidance", "fresh", "small", "mirrored", "rests-on", "neighbours"}
SLOW |= {"enlarged", "at-once"}
EVERY = [
    pytest.param(tab, one, id=f"{tab}-{one.name}", marks=[pytest.mark.slow] if one.name in SLOW else [])
    for tab in DEMOS
    for one in QUESTIONS[tab]
]


@pytest.mark.parametrize("tab", DEMOS)
def test_every_tab_has_at_least_six_questions_about_pages_it_has(tab):
    module = importlib.import_module(f"demos.{tab}")
    pages = (
        set(module.PAGES) if isinstance(module.PAGES, dict) else {p.__name__.rpartition(".")[2] for p in module.PAGES}
    )
    names = [question.name for question in QUESTIONS[tab]]
    assert len(names) == len(set(names)) >= 6
    assert {question.page for question in QUESTIONS[tab]} <= pages


@pytest.mark.parametrize(("tab", "question"), EVERY)
def test_a_question_has_one_right_answer_among_different_options(tab, question):
    asked = question.ask(GIVEN[tab])
    assert len(set(asked.options)) == len(asked.options) >= 2
    assert 0 <= asked.right < len(asked.options)
    assert asked.question.endswith("?")
    assert any(character.isdigit() for character in asked.explanation)
    assert max(map(len, asked.options)) <= 200
    assert len(asked.question) <= 500


def test_the_next_character_is_the_most_probable_one():
    from models.sequences.reading import predict
    from models.text.symbols import ALPHABET

    given = GIVEN["sequences"]
    asked = of_sequences.ask_next(given)
    best = ALPHABET[int(predict("char-lstm", given["text"]).probabilities.argmax())]
    assert asked.options[asked.right] == {" ": "a blank"}.get(best, f"“{best}”")


def test_an_edit_of_strength_zero_changes_no_character():
    asked = of_sequences.ask_edit({**GIVEN["sequences"], "edit_strength": 0})
    assert asked.options[asked.right] == "No"
    assert "0.00 bits" in asked.explanation


def test_an_erased_memory_after_a_q_forgets_the_u():
    given = {**GIVEN["sequences"], "edit_text": "The queen of the q", "edit_kind": "erase", "edit_position": 18}
    asked = of_sequences.ask_edit(given)
    assert asked.options[asked.right] == "Yes"
    assert "“u”" in asked.explanation.split("After")[0]


def test_the_decoder_reads_what_it_has_written():
    from models.sequences.tasks import translate

    asked = of_sequences.ask_fed_back(GIVEN["sequences"])
    decoder = [step for step in translate(tasks.SENTENCES["Medium"]).traces[0].steps if step.part == "decoder"]
    written = [step.output[0][0].strip() for step in decoder]
    assert asked.options[asked.right].strip("“”") in written


def test_heads_of_the_token_before_are_counted():
    from models.attention.runs import trace_text

    given = GIVEN["attention"]
    asked = of_attention.ask_previous(given)
    attention = trace_text(given["explorer_model"], given["explorer_text"]).attention.traces[0].attention
    before = np.stack([attention[:, :, t, t - 1] for t in range(1, attention.shape[2])], -1).mean(-1)
    assert asked.explanation.startswith(f"{int((before > 0.5).sum())} of {before.size}.")


def test_the_translator_writes_the_word_of_its_greedy_translation():
    asked = of_attention.ask_translates(GIVEN["attention"])
    word = asked.options[asked.right].strip("“”")
    wrote = asked.question.split("“")[1].split("”")[0]
    assert f"{wrote} {word}" in asked.explanation or f"{wrote}{word}" in asked.explanation


def test_a_network_without_attention_is_asked_nothing_about_it():
    with pytest.raises(InputError, match="no attention"):
        of_attention.ask_aligned({**GIVEN["attention"], "translate_model": "gru-translator-en-fr"})


def test_twice_as_many_patches_a_side_are_sixteen_times_as_many_looks():
    asked = of_vit.ask_cost(GIVEN["vit"])
    assert asked.options[asked.right] == "about 16 times"


def test_the_layer_of_the_answer_is_that_of_the_logit_lens():
    from models.images import read_image
    from models.vit.trace import trace_picture

    lens = trace_picture("vit-s14-caltech101", read_image(CHEETAH)).trace.lens.argmax(1)
    first = next(layer for layer in range(len(lens)) if (lens[layer:] == lens[-1]).all())
    assert of_vit.ask_layer(GIVEN["vit"]).explanation.startswith(f"From layer {first} on")


def test_a_lower_threshold_adds_the_boxes_between():
    from models.detection.detect import find_boxes
    from models.images import read_image

    given = GIVEN["detection"]
    prediction = find_boxes(given["model"], read_image(given["image"])).prediction
    scores = np.sort((1 / (1 + np.exp(-prediction.logits))).ravel())[::-1][: len(prediction.logits)]
    between = int(((scores > THRESHOLD / 2) & (scores <= THRESHOLD)).sum())
    assert of_detection.ask_threshold(given).explanation.startswith(f"{between} more")


def test_noise_outweighs_the_picture_where_the_schedule_says_so():
    from models.diffusion.schedule import cosine_schedule

    asked = of_diffusion.ask_balance(GIVEN["diffusion"])
    half = int(asked.explanation.split("t = ")[1].split(",")[0])
    schedule = cosine_schedule()
    assert schedule.alpha_bar(half) < 0.5 <= schedule.alpha_bar(half - 1)


def test_what_copies_is_asked_of_what_is_stored():
    from models.diffusion.copying import copying

    networks = copying().networks
    asked = predictions_beyond.ask_copies(GIVEN["diffusion"])
    assert asked.options == ("1", "12", "200", "2,269")
    halves = [2 * one.copies < len(one.rgba) for one in networks]
    assert not any(halves[: asked.right]) and all(halves[asked.right :])
    asked = predictions_beyond.ask_loss(GIVEN["diffusion"])
    assert networks[asked.right].loss == min(one.loss for one in networks)


@pytest.mark.parametrize(("line", "side"), [("the quee_", "from the left"), ("_ueen of the land", "from the right")])
def test_a_blank_is_more_decided_by_the_side_where_letters_are(line, side):
    asked = predictions_beyond.ask_side({**GIVEN["diffusion"], "line": line})
    assert asked.options[asked.right] == side
    assert f"character {line.index('_') + 1}:" in asked.question


def test_strokes_of_one_step_are_nearer_to_each_other():
    from models.diffusion.strokes import draw_strokes

    asked = predictions_beyond.ask_mean(GIVEN["diffusion"])
    few, many = (draw_strokes("star", 6, steps, 0).x_0[-1].std(0).mean() for steps in (1, 25))
    assert f"{few:.3f} from drawing to drawing in one step, by {many:.3f} in 25" in asked.explanation
    assert asked.right == (0 if few <= many / 10 else 1 if few <= many / 2 else 2)


def test_a_last_step_in_which_nothing_is_true_lies_past_the_end():
    assert of_diffusion._since(np.array([False, True, True])) == 2
    assert of_diffusion._since(np.array([True, True])) == 1
    assert of_diffusion._since(np.array([True, False])) == 3


BAD = [
    ("sequences", of_sequences.ask_next, {"text": "  "}, "Type a text"),
    ("sequences", of_sequences.ask_next, {"text": 7}, "must be text"),
    ("sequences", of_sequences.ask_next, {"model": "no-such"}, ""),
    ("sequences", of_sequences.ask_edit, {"edit_units": "999999"}, ""),
    ("attention", of_attention.ask_looks, {"explorer_text": ""}, "empty"),
    ("vit", of_vit.ask_layer, {"image": None}, "Give a picture"),
    ("detection", of_detection.ask_query, {"image": None}, "Give a picture"),
    ("detection", of_detection.ask_query, {"threshold": 1}, "No box"),
    ("diffusion", of_diffusion.ask_few, {"network": "own"}, "embedded network"),
    ("diffusion", of_diffusion.ask_few, {"sprite_class": "cat"}, "sprite class"),
    ("diffusion", of_diffusion.ask_balance, {"schedule": []}, "The schedule"),
    ("diffusion", predictions_beyond.ask_enlarged, {"application_picture": "cat"}, "The picture"),
    ("diffusion", predictions_beyond.ask_enlarged, {"application_seed": -1}, "The seed"),
    ("diffusion", predictions_beyond.ask_at_once, {"line": "no blank"}, "has no blank"),
    ("diffusion", predictions_beyond.ask_at_once, {"line": "She ___"}, "Too few whole words"),
    ("diffusion", predictions_beyond.ask_side, {"line": "_" * 64}, "letters as well as blanks"),
    ("diffusion", predictions_beyond.ask_side, {"line": "_" * 65}, "has 65 characters"),
    ("diffusion", predictions_beyond.ask_mean, {"drawing_steps": 1}, "more than one step"),
    ("diffusion", predictions_beyond.ask_mean, {"drawing": "cube"}, "What to draw"),
]


@pytest.mark.parametrize(("tab", "ask", "changed", "said"), BAD)
def test_what_cannot_be_asked_becomes_a_sentence(tab, ask, changed, said):
    question = Question("one", "a topic", "page", ask)
    shown = ask_question([question], {"page": "A page"}, "one", {**GIVEN[tab], **changed})
    assert said in shown.fault
    assert shown.fault
    assert not shown.options


@pytest.mark.parametrize("name", [None, 3, "two", ["one"], {"one": 1}])
def test_a_question_that_is_not_there_is_refused(name):
    question = Question("one", "a topic", "page", lambda _: Answered("Is it?", ("Yes", "No"), 0, "It is."))
    with pytest.raises(InputError, match="The question"):
        ask_question([question], {"page": "A page"}, name, {})


def test_options_do_not_depend_on_the_order_of_the_wrong_ones():
    options, right = options_with("b", ["c", "a", "b", "d"])
    assert options_with("b", ["d", "c", "a"]) == (options, right)
    assert options[right] == "b"
    assert sorted(options) == ["a", "b", "c", "d"]
    assert len({options_with(one, "abcd")[1] for one in "abcd"}) > 1


def test_one_option_is_no_question():
    with pytest.raises(InputError, match="one possible answer"):
        answered("Which?", "a", ["a"], "It is a.")

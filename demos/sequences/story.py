"""Ask a story: questions about who is where with what, and the sentences each answer was read from."""

import random
from functools import partial

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.opening import opens
from demos.tab import LATEX, RUN, fold, private
from demos.ui import component
from demos.views.parallel import stored
from demos.views.story import StoryView, accuracy_html, view_of_answer
from models import weights
from models.errors import InputError
from models.inputs import check_integer, check_text
from models.runtime import Stopwatch
from models.sequences.answer.stories import ask, make_story, spoken
from models.sequences.tasks import answer_story

TITLE = "Ask a story"
MAX_CHARS, MAX_QUESTION = 20_000, 300
MAX_MADE = 200
FIGURES = weights.EMBEDDED.parent / "figures" / "story_reader.json"

LEAD = """**Many to many**, once more: a story goes in sentence by sentence, then a question, and an answer comes out.
Nothing is pressed into one vector. The network goes back through the story to the last sentence that matches what it
seeks, and from what it finds there it knows what to seek next."""

EXAMPLES = {
    "One fact": (
        "Mary went to the garden.\nJohn moved to the kitchen.\nMary took the apple to the hallway.\n"
        "John went to the office.",
        "Where is the apple?",
    ),
    "Two facts": (
        "Mary is in the garden.\nJohn went to the kitchen.\nMary took the apple.\nMary walked to the library.\n"
        "John ran to the cellar.",
        "Where is the apple?",
    ),
    "Three facts": (
        "The box was in the attic.\nSandra went to the attic.\nSandra picked up the key.\n"
        "Sandra put the key in the box.\nTom went to the attic.\nTom took the box.\n"
        "Sandra moved to the garden.\nTom travelled to the station.",
        "Where is the key?",
    ),
    "Not said": (
        "Mary went to the garden.\nJohn took the lamp.",
        "Where is the lamp?",
    ),
    "A contradiction": (
        "Emma went to the school.\nPaul is in the kitchen.\nEmma took the book.\nPaul is in the museum.",
        "Where is Paul?",
    ),
    "Words of your own": (
        "Xiomara went to the lighthouse.\nXiomara took the telescope.\nBen walked to the bakery.",
        "Where is the telescope?",
    ),
}
FIRST = "Three facts"

MEANING = r"""Three times the network makes a **query** of what it knows so far. Every sentence answers with a match
$m_s$ between 0 and 1, and the network goes back, from the end of the story or from the sentence it has just read, until
one stops it: the weight of a sentence is its match times the chance that no later one was taken
(stick-breaking attention, Tan et al. 2024). What is left over at the beginning has found nothing: so it can say that it
is not said. Within the sentence a softmax takes the words it needs.

$$w_s = m_s \prod_{u > s} (1 - m_u) \qquad \text{nothing} = \prod_{u} (1 - m_u)$$

It is a memory network (Weston et al. 2015; Sukhbaatar et al. 2015), taught with stories of its own which sentences say
it, of the kinds of bAbI (Weston et al. 2016). There is no number for the place of a sentence in it: a story of 200
sentences is read as one of eight. It knows people, places and things, who takes, gives, drops and puts what, and
questions with where, who, is and what. It knows nothing of the world."""

TRY = """- Follow the numbers down the rows: which sentence is read first, which after it, and why in this order?
- Take the sentence out that it read first. Does the answer change as the table below says?
- Add a sentence that changes the answer, then one that does not.
- Let two people carry two things and swap them; ask “Where was Mary before the garden?”, “Who has the apple?”, “Who
  gave the apple to John?”, “Is the key in the cellar?”
- Write names and things that it was never taught: it takes each for a name and reads on.
- Ask for somebody the story does not speak of."""


def checked_story(story: object, question: object) -> tuple[str, str]:
    """A story and a question of a length that is read."""
    return (
        check_text(story, name="The story", max_chars=MAX_CHARS),
        check_text(question, name="The question", max_chars=MAX_QUESTION),
    )


def compute_answer(story: object, question: object) -> tuple[StoryView, str]:
    """The answer and what was read for it. Returns (view, strip)."""
    done, watch = answer_story(*checked_story(story, question)), Stopwatch()
    with watch("drawing"):
        view = view_of_answer(done.found)
    return view, strip_of(done.run, drawing=watch.seconds["drawing"], note=done.found.note)


def view_story(count: object) -> tuple[str, str]:
    """Another story of so many sentences, with a question about it; no network is run. (story, question)."""
    length = check_integer(count, name="The number of sentences", low=2, high=MAX_MADE)
    dice = random.Random()  # noqa: S311  # nothing secret
    story, world = make_story(dice, length)
    asked = ask(story, world, dice, 1, unseen=True) or ask(story, world, dice, 1, unseen=False)
    if not asked:
        raise InputError("Nothing can be asked about this story: make another one.")
    return "\n".join(f"{spoken(sentence)}." for sentence in story.sentences), f"{spoken(asked[0].text)}?"


def build() -> None:
    """The page: story and question on the left, the answer and what was read on the right."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            with fold("Your story"):
                first = EXAMPLES[FIRST]
                story = gr.Textbox(
                    first[0], label="Your story", lines=8, max_lines=14, max_length=MAX_CHARS, elem_id="story-text"
                )
                question = gr.Textbox(first[1], label="Question", max_length=MAX_QUESTION, elem_id="story-question")
                with gr.Row():
                    count = gr.Slider(2, MAX_MADE, 10, step=1, label="Sentences of a story that is made up")
                    made = gr.Button("Make up a story", size="sm", elem_id="story-make")
            run = gr.Button("Ask it", variant="primary", size="sm", elem_id="story-ask")
            with gr.Row():
                examples = [gr.Button(name, size="sm", min_width=110) for name in EXAMPLES]
        with gr.Column(scale=3, min_width=300):
            answer = component("story_answer", elem_id="story-answer")
            strip = gr.HTML(empty_strip("The network (0.3 M parameters, 0.6 MB) is loaded with the first question."))
    gr.Markdown(MEANING, elem_classes="gb-note", latex_delimiters=LATEX)
    with gr.Accordion("What to try", open=False):
        gr.Markdown(TRY)
    if lines := stored(FIGURES):
        with gr.Accordion("How often it is right, by kind of question", open=False):
            gr.HTML(accuracy_html(lines))
    keeps(story=story, question=question)
    shown = [answer, strip]
    opens(compute_answer, [story, question], shown)
    gr.on([run.click, question.submit], compute_answer, [story, question], shown, **RUN, **private())
    changed = [made.click(view_story, count, [story, question], **private())]
    for button, (text, asked) in zip(examples, EXAMPLES.values(), strict=True):
        filled = button.click(partial(_given, text, asked), None, [story, question], queue=False, **private())
        changed.append(filled)
    for event in changed:
        event.success(compute_answer, [story, question], shown, **RUN, **private())


def _given(story: str, question: str) -> tuple[str, str]:
    return story, question

"""Four types: one drawing in which each task decides what goes in, what comes out, and after which step."""

from functools import partial

import gradio as gr
from gradio.components import Component

from demos.address import keeps
from demos.base import empty_strip
from demos.inputs.uploaded_image import UploadedImage
from demos.offer import model_offer, run_on_arrival
from demos.opening import opens
from demos.sequences.answering import (
    ALONE,
    CHAT,
    MAX_CHARS,
    MAX_QUESTION,
    PHOTO,
    compute_caption,
    compute_chat,
    compute_photo,
    compute_rain,
    compute_review,
    compute_translation,
    compute_type,
    view_lengthen,
    view_scene,
    view_shuffle,
    view_step,
    view_surprise,
)
from demos.sequences.next_character import STATE_SECONDS
from demos.tab import RUN, private
from demos.ui import component
from models import hub, weights
from models.inputs import check_choice
from models.sequences.caption.scenes import COLOURS, NOUNS, RELATIONS, Phrase, SceneDescription, draw_scene
from models.sequences.sampling import MAX_SEED
from models.sequences.unrolled import TYPES
from models.sequences.weather.features import MONTHS

FIRST = "many to one"

LEAD = """What goes in and what comes out can each be one thing or a sequence, and each needs a network of its own form.
Choose a type: what is drawn is the trained network that does it, at work on your own input."""

ABOUT = {
    "one to one": """**One to one.** A single step: the temperatures, the wind and the month of a day in Seattle go in,
yes or no comes out. Nothing came before, so there is no memory to use: it is an ordinary network with one hidden
layer.""",
    "many to one": """**Many to one.** A review goes in word by word, one verdict comes out after the last. The faint
verdicts before it were computed too, but nobody asked for them. Order matters: shuffle the words. Length does not.""",
    "one to many": """**One to many.** A picture goes in once, a sentence comes out word by word. Each word written is
read back at the next step, so the network knows what it has said so far. Convolutions look at the picture once; the
GRU that writes has its own weights.""",
    "many to many": """**Many to many.** Two networks: one GRU reads English piece by piece, another writes French.
Only the reader's last state is handed over: the French must be written from that one vector. What the encoder could
not keep is lost, the more the longer the sentence.""",
}

ABOUT_CHAT = """**Questions and answers** are many to many as well. These language models (SmolLM2, from the hub) are
Transformers: their steps are drawn the same way, but no memory is handed on, every step looks back at all that was
said."""

ABOUT_PHOTOS = """**Photos** need more than ten objects. This model from the hub (SmolVLM) is a vision transformer
before a language model: the picture becomes 64 vectors that stand in the text like words, and every word that is
written looks back at them. No memory is handed on."""

STORY = "Questions and answers: ask a story, and see from which sentences each answer was read"

PHOTOGRAPHS = "Photographs described word by word, each word with the cells that it read"

REVIEWS = {
    "A mixed one": "I expected a dull film, but the acting is so warm and funny that I would watch it again.",
    "Not good": "This is not a good movie, it is a waste of time.",
    "Not bad": "Not bad at all.",
    "A long one": "The first half is slow and badly written. But then the story finds its feet, the music is "
    "wonderful, the two leads are a joy to watch, and in the end I left the theatre smiling.",
}
SENTENCES = {
    "Short": "I don't know.",
    "Medium": "She has been waiting for her brother at the station.",
    "Long": "I thought that he would come back before the winter, but nobody in the village has seen him since then.",
}


def view_type(sequence_type: str) -> tuple[object, ...]:
    """Show the inputs of a type and what it is about."""
    sequence_type = check_choice(sequence_type, TYPES, name="The type")
    return ABOUT[sequence_type], *(gr.update(visible=name == sequence_type) for name in TYPES)


def build() -> None:
    """The page: the type, its inputs, the one drawing, and what stands beside it."""
    name = gr.State(None, time_to_live=STATE_SECONDS)
    reviews = gr.State((), time_to_live=STATE_SECONDS)
    gr.Markdown(LEAD, elem_classes="gb-lead")
    kind = gr.Radio(list(TYPES), value=FIRST, label="Type", elem_id="sequences-type")
    groups = [gr.Column(visible=name == FIRST, elem_id=f"sequences-{name.replace(' ', '-')}") for name in TYPES]
    beside = gr.HTML(elem_id="sequences-beside")
    drawing = component("unrolled", events=("step",), elem_id="sequences-drawing")
    about = gr.Markdown(ABOUT[FIRST], elem_classes="gb-note")
    strip = gr.HTML(empty_strip("Choose a type, or press the button: its network is loaded then."))
    shown = [name, drawing, beside, strip]
    with groups[0]:
        day = _rain_inputs(shown)
    with groups[1]:
        review = _review_inputs([*shown, reviews], reviews)
    with groups[2]:
        image = _scene_inputs(shown)
    with groups[3]:
        sentence = _translation_inputs(shown)
    keeps(type=kind, review=review, sentence=sentence, warmest=day[0], coldest=day[1], wind=day[2], month=day[3])
    kind.change(view_type, kind, [about, *groups], queue=False, **private())
    kind.input(compute_type, [kind, *day, review, reviews, image, sentence], [*shown, reviews], **RUN, **private())
    drawing.step(view_step, name, drawing, **private())
    opens(compute_type, [kind, *day, review, reviews, image, sentence], [*shown, reviews])


def _rain_inputs(shown: list[Component]) -> list[Component]:
    with gr.Row():
        warmest = gr.Slider(-10, 40, 12, step=0.5, label="Warmest today (°C)")
        coldest = gr.Slider(-15, 30, 7, step=0.5, label="Coldest today (°C)")
        wind = gr.Slider(0, 15, 4, step=0.1, label="Wind (m/s)")
        month = gr.Dropdown(list(MONTHS), value="November", label="Month")
    fields: list[Component] = [warmest, coldest, wind, month]
    ask = gr.Button("Will it rain?", variant="primary", size="sm", elem_id="sequences-rain")
    moved = [slider.release for slider in (warmest, coldest, wind)]
    asked = [ask.click, month.input, *moved]
    gr.on(asked, compute_rain, fields, shown, trigger_mode="always_last", **RUN, **private())
    return fields


def _review_inputs(shown: list[Component], reviews: gr.State) -> gr.Textbox:
    text = gr.Textbox(
        REVIEWS["A mixed one"], label="Your review", lines=2, max_length=MAX_CHARS, elem_id="sequences-review"
    )
    with gr.Row(elem_classes="gb-examples"):
        ask = gr.Button("Positive or negative?", variant="primary", size="sm", elem_id="sequences-judge")
        shuffle = gr.Button("Shuffle the words", size="sm")
        longer = gr.Button("Lengthen it", size="sm")
        examples = [gr.Button(name, size="sm") for name in REVIEWS]
    gr.on([ask.click, text.submit], compute_review, [text, reviews], shown, **RUN, **private())
    changed = [
        shuffle.click(view_shuffle, text, text, **private()),
        longer.click(view_lengthen, text, text, **private()),
    ]
    for button, example in zip(examples, REVIEWS.values(), strict=True):
        changed.append(button.click(partial(str, example), None, text, queue=False, **private()))
    for event in changed:
        event.success(compute_review, [text, reviews], shown, **RUN, **private())
    return text


def _scene_inputs(shown: list[Component]) -> UploadedImage:
    with gr.Row():
        with gr.Column(scale=2, min_width=260):
            image = UploadedImage(
                draw_scene(SceneDescription(Phrase(1, "red", NOUNS[0]), "left of", Phrase(2, "blue", NOUNS[1])), 0),
                label="Picture: a scene from here, or your own",
                sources=["upload", "webcam"],
                height=240,
                elem_id="sequences-scene",
            )
            ask = gr.Button("Describe it", variant="primary", size="sm", elem_id="sequences-describe")
        with gr.Column(scale=3, min_width=260):
            with gr.Row():
                count = gr.Dropdown([1, 2, 3], value=1, label="How many", min_width=80)
                color = gr.Dropdown(list(COLOURS), value="red", label="Colour", min_width=100)
                noun = gr.Dropdown(list(NOUNS), value=NOUNS[0], label="Object", min_width=100)
            relation = gr.Dropdown([*RELATIONS, ALONE], value="left of", label="Where")
            with gr.Row():
                other_count = gr.Dropdown([1, 2, 3], value=2, label="How many", min_width=80)
                other_color = gr.Dropdown(list(COLOURS), value="blue", label="Colour", min_width=100)
                other_noun = gr.Dropdown(list(NOUNS), value=NOUNS[1], label="Object", min_width=100)
            seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed of the drawing")
            with gr.Row():
                draw = gr.Button("Draw the scene", size="sm")
                surprise = gr.Button("Surprise me", size="sm", elem_id="sequences-surprise")
    component("page_door", taken=False, page="sequences/captions", words=PHOTOGRAPHS)
    fields = [count, color, noun, relation, other_count, other_color, other_noun, seed]
    ask.click(compute_caption, image, shown, **RUN, **private())
    drawn = [draw.click(view_scene, fields, image, **private())]
    drawn.append(surprise.click(view_surprise, None, fields, **private()).then(view_scene, fields, image, **private()))
    for event in drawn:
        event.success(compute_caption, image, shown, **RUN, **private())
    image.upload(compute_caption, image, shown, **RUN, **private())
    if photographic := weights.offered(PHOTO):
        _photo(photographic, image, shown)
    return image


def _photo(models: list[str], image: UploadedImage, shown: list[Component]) -> None:
    """Photos described by a model of the hub."""
    gr.Markdown(ABOUT_PHOTOS, elem_classes="gb-note")
    with gr.Row():
        model = gr.Dropdown(
            [(weights.find(name).title, name) for name in models],
            value=models[0],
            label="Model",
            min_width=200,
            elem_id="sequences-photo",
        )
        describe = gr.Button("Describe the photo", size="sm", elem_id="sequences-describe-photo")
    model_offer(model)
    run_on_arrival(model, compute_photo, [image, model], shown)
    describe.click(compute_photo, [image, model], shown, **RUN, **private())


def _translation_inputs(shown: list[Component]) -> gr.Textbox:
    text = gr.Textbox(SENTENCES["Medium"], label="English", lines=2, max_length=2_000, elem_id="sequences-sentence")
    with gr.Row():
        ask = gr.Button("Translate", variant="primary", size="sm", elem_id="sequences-translate")
        examples = [gr.Button(name, size="sm") for name in SENTENCES]
    gr.on([ask.click, text.submit], compute_translation, text, shown, **RUN, **private())
    for button, example in zip(examples, SENTENCES.values(), strict=True):
        button.click(partial(str, example), None, text, queue=False, **private()).then(
            compute_translation, text, shown, **RUN, **private()
        )
    component("page_door", taken=False, page="sequences/story", words=STORY)
    if chats := weights.offered(CHAT):
        _chat(chats, shown)
    return text


def _chat(models: list[str], shown: list[Component]) -> None:
    """Questions to a language model: which one, and what."""
    gr.Markdown(ABOUT_CHAT, elem_classes="gb-note")
    with gr.Row():
        question = gr.Textbox(
            "Why is the sky blue?", label="Question", max_length=MAX_QUESTION, scale=3, elem_id="sequences-question"
        )
        model = gr.Dropdown(
            [(weights.find(name).title, name) for name in models],
            value=next(filter(hub.is_here, models), models[0]),
            label="Model",
            min_width=200,
            elem_id="sequences-chat",
        )
    answer = gr.Button("Ask it", size="sm", elem_id="sequences-ask")
    model_offer(model)
    run_on_arrival(model, compute_chat, [question, model], shown)
    gr.on([answer.click, question.submit], compute_chat, [question, model], shown, **RUN, **private())

"""Captions: a picture goes in once, a sentence comes out word by word, each word with what it read of the picture."""

from functools import partial
from typing import Any

import gradio as gr

from demos.address import keeps
from demos.base import empty_strip, strip_of
from demos.finding import finding_line, html_of_finding
from demos.inputs.uploaded_image import UploadedImage
from demos.opening import opens
from demos.sequences.answering import checked_picture, view_scene, view_surprise
from demos.tab import RUN, fold, payload, private
from demos.ui import component
from demos.views.captions import (
    CaptionView,
    sentence_of_photo,
    sentence_of_scene,
    view_of_photo,
    view_of_scene,
)
from models import weights
from models.errors import InputError
from models.inputs import check_choice, check_integer, check_number, check_text
from models.runtime import Stopwatch
from models.sequences.caption.choice import MAX_BEAM, Choice
from models.sequences.caption.words import words_of
from models.sequences.captions import CAPTIONER, describe_with_cells
from models.sequences.sampling import MAX_SEED
from models.sequences.tasks import CANNOT_KNOW, describe_picture

TITLE = "Captions"
SCENES = "caption-gru"
MODELS = {"Photographs": CAPTIONER, "Toy scenes": SCENES}
MEDIA = weights.EMBEDDED.parent / "media"
EXAMPLES = {
    "A stop sign": MEDIA / "vit-stop-sign.jpg",
    "An elephant": MEDIA / "vit-elephant.jpg",
    "Elephants": MEDIA / "vit-elephants.jpg",
    "An umbrella": MEDIA / "vit-umbrella.jpg",
}
MAX_BEGINNING, HOTTEST = 200, 2.0

LEAD = """**One to many**, with a photograph: the picture goes in once, a sentence comes out word by word. Before each
word the network looks at the picture again, at 8 x 8 cells of it, and you see where. Put another word in a place, and
watch it go on from there. The **toy scenes** are its exact counterpart: there the truth is known, and so is every
mistake."""

KNOWS = """It learned from about 2,000 photos with five sentences each (COCO), nine in ten of them of people, many of
sport: people who ride waves, play tennis or baseball, stand in streets and kitchens. It does not know what it has not
seen there: it has no word for “I do not know”, cannot count reliably, reads no text, knows nobody's name, and guesses
who, what and which colour from what is usual. What it says is the sentence that people would most often write for such
a picture: never a statement about a person."""

EYES = "Beside it the two networks that look at the photo: ViT-S/14 and EfficientNet-Lite0, 25.6 M parameters."

MEANING = """The eyes are the two networks of the ViT tab, the Vision Transformer and the convolutional one, whose
weights stay as they are: what they know of the photo becomes 64 vectors, one a cell. The writer is a Transformer
decoder: each word looks back at the words before it (self-attention) and across at the cells (cross-attention). What is
shaded is that cross-attention, the mean of the heads. It says where numbers were taken from, not why the word was
chosen."""


def checked_choice(beginning: object, temperature: object, beam: object, seed: object) -> Choice:
    """How words are to be chosen. Raises `InputError`."""
    begins = check_text(beginning, name="The beginning", max_chars=MAX_BEGINNING, allow_empty=True)
    return Choice(
        tuple(words_of(begins)),
        check_number(temperature, name="The temperature", low=0, high=HOTTEST),
        check_integer(beam, name="The beam", low=1, high=MAX_BEAM),
        check_integer(seed, name="The seed", low=0, high=MAX_SEED),
    )


def compute_words(
    model: object, image: object, beginning: object, temperature: object, beam: object, seed: object
) -> tuple[str, CaptionView, str, str]:
    """What is on the picture? Returns (finding, view, what it cannot know, strip)."""
    name, pixels = check_choice(model, list(MODELS.values()), name="The model"), checked_picture(image)
    watch = Stopwatch()
    if name == SCENES:
        task = describe_picture(pixels)
        with watch("drawing"):
            scene = view_of_scene(task, pixels)
        facts = strip_of(task.run, drawing=watch.seconds["drawing"])
        return html_of_finding(sentence_of_scene(task)), scene, CANNOT_KNOW, facts
    done = describe_with_cells(pixels, checked_choice(beginning, temperature, beam, seed))
    with watch("drawing"):
        view = view_of_photo(done)
    facts = strip_of(done.run, drawing=watch.seconds["drawing"], note=EYES)
    return html_of_finding(sentence_of_photo(done.caption)), view, KNOWS, facts


def compute_force(
    model: object, image: object, temperature: object, beam: object, seed: object, event: gr.EventData
) -> tuple[str, str, CaptionView, str, str]:
    """Put a word in a place and go on from there. Returns (beginning, finding, view, what it cannot know, strip)."""
    before, word = payload(event, "words"), payload(event, "word")
    if not isinstance(before, list) or not all(isinstance(one, str) for one in [*before, word]):
        raise InputError("A word is put in a place after words.")
    beginning = check_text(" ".join([*before, word]), name="The beginning", max_chars=MAX_BEGINNING)
    return beginning, *compute_words(model, image, beginning, temperature, beam, seed)


def view_random_scene() -> Any:
    """Any scene of the scene maker; no network is run."""
    fields: tuple[Any, ...] = view_surprise()
    return view_scene(*fields)


def view_model(model: object) -> tuple[Any, ...]:
    """Only what the chosen network can do: (settings, examples, scene button)."""
    photos = check_choice(model, list(MODELS.values()), name="The model") == CAPTIONER
    return gr.update(visible=photos), gr.update(visible=photos), gr.update(visible=not photos)


def build() -> None:
    """The page: the picture and how words are chosen on the left, the caption on the right."""
    gr.Markdown(LEAD, elem_classes="gb-lead")
    with gr.Row():
        with gr.Column(scale=2, min_width=280), fold("Picture and words"):
            model = gr.Radio(list(MODELS.items()), value=CAPTIONER, label="Model", elem_id="captions-model")
            with gr.Row(elem_classes="gb-examples") as photos:
                examples = [gr.Button(name, size="sm", min_width=90) for name in EXAMPLES]
            scene = gr.Button("Surprise me", size="sm", visible=False, elem_id="captions-scene")
            image = UploadedImage(
                value=str(next(iter(EXAMPLES.values()))),
                label="Your picture",
                sources=["upload", "webcam", "clipboard"],
                height=240,
                elem_id="captions-image",
            )
            run = gr.Button("Describe it", variant="primary", size="sm", elem_id="captions-run")
            with gr.Column() as settings:
                beginning = gr.Textbox(
                    "", label="It must begin with", max_length=MAX_BEGINNING, elem_id="captions-beginning"
                )
                temperature = gr.Slider(0, HOTTEST, 0, step=0.1, label="Temperature", elem_id="captions-temperature")
                beam = gr.Slider(1, MAX_BEAM, 3, step=1, label="Width of the beam", elem_id="captions-beam")
                seed = gr.Number(0, precision=0, minimum=0, maximum=MAX_SEED, label="Seed")
        with gr.Column(scale=4, min_width=300):
            finding = finding_line("captions-finding")
            words = component("caption_words", events=("force",), elem_id="captions-words")
            knows = gr.Markdown(KNOWS, elem_classes="gb-note", elem_id="captions-knows")
            strip = gr.HTML(empty_strip("The captioner (3 M parameters) and its eyes are loaded with the first photo."))
    gr.Markdown(MEANING, elem_classes="gb-note")
    keeps(model=model, picture=image, beginning=beginning, temperature=temperature, beam=beam, seed=seed)
    given, shown = [model, image, beginning, temperature, beam, seed], [finding, words, knows, strip]
    opens(compute_words, given, shown)
    gr.on([run.click, beginning.submit, image.upload], compute_words, given, shown, **RUN, **private())
    gr.on([slider.release for slider in (temperature, beam)], compute_words, given, shown, **RUN, **private())
    words.force(compute_force, [model, image, temperature, beam, seed], [beginning, *shown], **RUN, **private())
    model.change(view_model, model, [settings, photos, scene], queue=False, **private())
    filled = [scene.click(view_random_scene, None, image, **private())]
    for button, path in zip(examples, EXAMPLES.values(), strict=True):
        filled.append(button.click(partial(_example, str(path)), None, [image, beginning], queue=False, **private()))
    for event in filled:
        event.success(compute_words, given, shown, **RUN, **private())


def _example(path: str) -> tuple[str, str]:
    return path, ""

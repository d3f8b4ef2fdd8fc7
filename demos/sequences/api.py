"""The public endpoints of the tab."""

from collections.abc import Iterator
from functools import partial
from typing import TypedDict

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from gradio.events import api

from demos.base import save_arrays
from demos.inputs.uploaded_image import UploadedImage
from demos.sequences import captions
from demos.sequences.answering import MAX_CHARS as MAX_API_CHARS
from demos.sequences.answering import checked_picture, checked_review, checked_sentence
from demos.sequences.networks import usable_network
from demos.sequences.reach import TITLES
from demos.sequences.reading import MAX_SAMPLED, checked_text
from demos.sequences.story import checked_story
from demos.tab import LIGHT, LONG, RUN, chosen_from, models_of
from demos.views.captions import strange_of
from demos.views.sequences import NextCharacter, next_characters
from models.inputs import check_choice, check_integer, check_text
from models.sequences.caption.choice import Choice
from models.sequences.captions import describe_with_cells
from models.sequences.sampling import Sampling
from models.sequences.tasks import CANNOT_KNOW, answer_story, describe_picture, judge_review, translate
from models.sequences.unrolled import UnrolledTrace
from models.text.symbols import ALPHABET, unknown_note
from models.weights import find

CHARS_PER_ANSWER = 20


class Prediction(TypedDict):
    """What `sequences_next` answers."""

    model: str
    seconds: float
    top: list[NextCharacter]
    note: str


@chosen_from(model=models_of("sequences"))
def sequences_next(text: str, model: str = "char-lstm", top_k: int = 10) -> Prediction:
    """The most probable next characters of a text, by a character-level recurrent network.

    Args:
        text: 1 to 20,000 characters; those outside the alphabet are read as "unknown".
        model: a name of the Sequences tab.
        top_k: how many characters to return, 1 to 100.

    Returns:
        {"model": name, "seconds": duration, "top": [{"token": character, "probability": 0..1}, ...], "note": which
        characters have no symbol, or nothing}, best first.
    """
    text = check_text(text, name="The text", max_chars=MAX_API_CHARS)
    top_k = check_integer(top_k, name="top_k", low=1, high=len(ALPHABET))
    model = _embedded(model)
    from models.sequences.reading import predict

    answer = predict(model, text)
    top = next_characters(answer.probabilities, top_k)
    seconds = round(answer.run.seconds, 4)
    return {"model": answer.run.model, "seconds": seconds, "top": top, "note": unknown_note(text)}


class Continuation(TypedDict):
    """What `sequences_sample` answers."""

    model: str
    seconds: float
    continuation: str
    surprise_bits: list[float]
    done: bool
    note: str


@chosen_from(model=models_of("sequences"))
def sequences_sample(
    text: str,
    model: str = "char-lstm",
    count: int = 100,
    temperature: float = 0.7,
    top_k: int = 40,
    top_p: float = 1.0,
    seed: int = 0,
) -> Iterator[Continuation]:
    """A text goes on, one sampled character after the other; the same seed gives the same continuation.

    Args:
        text: 0 to 1,000 characters.
        model: a name of the Sequences tab.
        count: how many characters to write, 1 to 300.
        temperature: 0 (always the most probable) to 2.
        top_k: sample from the k most probable, 1 to 100.
        top_p: and of these from the most probable that together reach this probability, 0.05 to 1.
        seed: 0 to 2147483647.

    Returns:
        {"model": name, "seconds": duration, "continuation": what was written, "surprise_bits": one for each character,
        "done": whether it is the last of the answers streamed, "note": which characters of the text have no symbol}.
    """
    text = checked_text(text)
    count = check_integer(count, name="count", low=1, high=MAX_SAMPLED)
    sampling = Sampling.check(temperature, top_k, top_p, seed)
    model = _embedded(model)
    from models.sequences.reading import write_on

    for written in write_on(model, text, count, sampling, CHARS_PER_ANSWER):
        yield {
            "model": written.run.model,
            "seconds": round(written.run.seconds, 4),
            "continuation": written.continuation,
            "surprise_bits": [round(float(bits), 3) for bits in written.surprise_bits],
            "done": len(written.continuation) == count,
            "note": unknown_note(text),
        }


def _embedded(model: object) -> str:
    """The network of an API call: a name of the catalogue, never that of a session."""
    find(model, "sequences")
    return usable_network(model, None)[0]


class Memory(TypedDict, total=False):
    """What `sequences_memory` answers; text, best and by_distance with the last answer."""

    model: str
    seconds: float
    done: float
    text: str
    best: str
    by_distance: list[float]
    note: str


@chosen_from(model=partial(list, TITLES))
def sequences_memory(text: str, model: str = "char-lstm") -> Iterator[tuple[Memory, FileData | None]]:
    """What every prediction of a network owes to every earlier character of a text (connectivity, Madsen 2019).

    Args:
        text: 1 to 20,000 characters; the last 200 count.
        model: a network that predicts characters.

    Returns:
        {"model", "seconds", "done": share 0..1, "text": the T characters traced, beginning with a line break,
        "best": the most probable next character after each, "by_distance": mean share of the influence by distance,
        "note": which characters have no symbol} and a compressed .npz with `influence [T, T]` float32: row t, the
        prediction after character t; column s, the character at s. Streams the share done; the last answer is whole.
    """
    text = check_text(text, name="The text", max_chars=MAX_API_CHARS)
    name = check_choice(model, list(TITLES), name="The model")
    from models.sequences.reach import measure_influence

    for step in measure_influence(name, text):
        facts: Memory = {"model": step.run.model, "seconds": round(step.run.seconds, 4), "done": round(step.done, 3)}
        if step.trace is None:
            yield facts, None
            continue
        curve = [float(f"{share:.4g}") for share in step.trace.by_distance()]
        path = save_arrays("influence.npz", influence=np.asarray(step.trace.influence))
        whole: Memory = {**facts, "text": step.trace.text, "best": step.trace.best, "by_distance": curve}
        whole["note"] = unknown_note(text)
        yield whole, FileData(path=str(path), orig_name="influence.npz")


class Verdict(TypedDict):
    """After a word: how probable "positive" is, 0 to 1."""

    word: str
    positive: float


class Classification(TypedDict):
    """What `sequences_classify` answers."""

    model: str
    seconds: float
    label: str
    probability: float
    steps: list[Verdict]
    note: str


def sequences_classify(text: str) -> Classification:
    """Is a review positive or negative? Read word by word by an LSTM (many to one).

    Args:
        text: 1 to 20,000 characters of English.

    Returns:
        {"model", "seconds", "label", "probability" of the label, "steps": [{"word", "positive": 0..1}, ...]: the
        verdict after every word piece, "note": what must be said of the text (it was cut, some of it has no symbol)}.
        A text of which nothing has a symbol is refused.
    """
    task = judge_review(checked_review(text))
    label, probability = task.trace.steps[-1].output[0]
    steps = task.trace.steps
    return {
        "model": task.run.model,
        "seconds": round(task.run.seconds, 4),
        "label": label,
        "probability": round(probability, 4),
        "steps": [{"word": s.input.strip(), "positive": round(dict(s.output)["positive"], 4)} for s in steps],
        "note": task.note,
    }


class Word(TypedDict):
    """A word or piece written, and its probability, 0 to 1."""

    word: str
    probability: float


class Caption(TypedDict):
    """What `sequences_caption` answers."""

    model: str
    seconds: float
    steps: list[Word]
    caption: str
    note: str


def sequences_caption(
    image: str | None,
    model: str = captions.SCENES,
    beginning: str = "",
    temperature: float = 0.0,
    beam: int = 1,
    seed: int = 0,
) -> Caption:
    """A sentence for a picture (one to many).

    Args:
        image: an uploaded picture; of several the first.
        model: caption-gru, which knows the objects and colours of the scene maker and nothing else, or photo-captioner,
            which knows what is common on 2,000 photos, mostly of people and sport.
        beginning: words that the caption of a photo must begin with.
        temperature: of a photo's caption; 0 takes the likeliest words, above it they are drawn by chance, up to 2.
        beam: 1 to 5 beginnings kept in the search for the likeliest caption of a photo, where the temperature is 0.
        seed: of the chance.

    Returns:
        {"model", "seconds", "caption", "steps": [{"word", "probability"}, ...], "note": what it cannot know}.
    """
    if check_choice(model, list(captions.MODELS.values()), name="The model") == captions.CAPTIONER:
        return _photo_caption(image, captions.checked_choice(beginning, temperature, beam, seed))
    task = describe_picture(checked_picture(image))
    return {
        "model": task.run.model,
        "seconds": round(task.run.seconds, 4),
        "steps": _written(task.trace),
        "caption": task.trace.answer,
        "note": CANNOT_KNOW,
    }


def _photo_caption(image: str | None, choice: Choice) -> Caption:
    done = describe_with_cells(checked_picture(image), choice)
    return {
        "model": done.run.model,
        "seconds": round(done.run.seconds, 4),
        "steps": [{"word": word.word, "probability": round(word.probability, 4)} for word in done.caption.words],
        "caption": done.caption.sentence,
        "note": " ".join(filter(None, (strange_of(done), captions.KNOWS.replace("\n", " ")))),
    }


class Translation(TypedDict):
    """What `sequences_translate` answers."""

    model: str
    seconds: float
    steps: list[Word]
    translation: str
    note: str


def sequences_translate(text: str) -> Translation:
    """English to French by a recurrent encoder and decoder without attention (many to many).

    Args:
        text: up to 20 sentences, each translated on its own; the first 64 word pieces of each are read.

    Returns:
        {"model", "seconds", "translation", "steps": [{"word": piece, "probability"}, ...], "note": what must be said
        of the text (it was cut, some of it has no symbol, capitals were read as small letters)}.
    """
    translation = translate(checked_sentence(text))
    return {
        "model": translation.first.run.model,
        "seconds": round(translation.first.run.seconds, 4),
        "steps": [word for trace in translation.traces for word in _written(trace)],
        "translation": translation.answer,
        "note": translation.first.note,
    }


class HopRead(TypedDict):
    """What one hop read: the sentence, from 0, or null where more than half finds nothing; how much of it, 0 to 1."""

    sentence: int | None
    weight: float
    from_end: float


class Answer(TypedDict):
    """What `sequences_answer` answers."""

    model: str
    seconds: float
    answer: str
    reply: str
    alternatives: list[Word]
    sentences: list[str]
    hops: list[HopRead]
    weights: list[list[float]]
    without: list[Word]
    note: str


def sequences_answer(story: str, question: str) -> Answer:
    """The answer to a question about a story of who goes where with what, and the sentences it was read from.

    Args:
        story: up to 400 short English sentences, 20,000 characters.
        question: one that begins with where, who, is or what.

    Returns:
        {"model", "seconds", "answer": a word, "(not said)" or "(contradiction)", "reply": in a sentence,
        "alternatives": [{"word", "probability"}, ...] best first, "sentences": of the story, "hops": [{"sentence":
        from 0 or null, "weight", "from_end": whether it starts at the end of the story or at the sentence before},
        ...], "weights": [hops][sentences], "without": the answer without each sentence read, in their order, "note":
        which words it was not taught}. Other languages and other questions are refused.
    """
    done = answer_story(*checked_story(story, question))
    found = done.found
    weights = [[round(float(weight), 4) for weight in hop.weights] for hop in found.hops]
    read = [0.0 if hop.best is None else float(hop.weights[hop.best]) for hop in found.hops]
    return {
        "model": done.run.model,
        "seconds": round(done.run.seconds, 4),
        "answer": found.answer,
        "reply": found.reply,
        "alternatives": [{"word": word, "probability": round(share, 4)} for word, share in found.alternatives],
        "sentences": list(found.sentences),
        "hops": [
            {"sentence": hop.best, "weight": round(weight, 4), "from_end": round(hop.from_end, 4)}
            for hop, weight in zip(found.hops, read, strict=True)
        ],
        "weights": weights,
        "without": [{"word": word, "probability": round(share, 4)} for _, word, share in found.without],
        "note": found.note,
    }


def _written(trace: UnrolledTrace) -> list[Word]:
    best = [step.output[0] for step in trace.steps if step.asked]
    return [{"word": word, "probability": round(probability, 4)} for word, probability in best]


def build() -> None:
    """Offer the endpoints."""
    for endpoint, queue in (
        (sequences_next, LIGHT),
        (sequences_sample, RUN),
        (sequences_memory, LONG),
        (sequences_classify, RUN),
        (sequences_translate, RUN),
        (sequences_answer, RUN),
    ):
        api(endpoint, api_name=endpoint.__name__, **queue)
    image, answer = UploadedImage(visible=False), gr.JSON(visible=False)
    name = sequences_caption.__name__
    words = [gr.Textbox(value, visible=False) for value in (captions.SCENES, "")]
    numbers = [gr.Number(value, visible=False) for value in (0, 1, 0)]
    asked = [image, *words, *numbers]
    gr.Button(visible=False).click(sequences_caption, asked, answer, api_name=name, api_visibility="public", **RUN)

"""The other public endpoints of the Sequences tab: sampling, memory, reviews, captions, translation."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from models.sequences.caption.scenes import Phrase, SceneDescription, draw_scene


def refused(client, sentence, *values, api_name):
    with pytest.raises(AppError, match=sentence):
        client.predict(*values, api_name=api_name)


class TestSample:
    def sample(self, client, *values):
        return client.predict(*values, api_name="/sequences_sample")

    def test_same_seed_same_continuation(self, client):
        first, again, other = (
            self.sample(client, "It was a dark", "char-lstm", 50, 0.8, 40, 0.9, seed) for seed in (1, 1, 2)
        )
        assert first["continuation"] == again["continuation"] != other["continuation"]
        assert len(first["continuation"]) == len(first["surprise_bits"]) == 50
        assert first["done"]
        assert first["model"] == "char-lstm"

    def test_it_streams(self, client):
        job = client.submit("It was", "char-lstm", 60, api_name="/sequences_sample")
        job.result(60)
        written = [answer["continuation"] for answer in job.outputs()]
        assert [len(text) for text in written] == [20, 40, 60]
        assert all(longer.startswith(shorter) for shorter, longer in pairwise(written))

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            (("x" * 1_001,), "the limit is 1,000"),
            (("a", "yours"), "no such model"),
            (("a", "char-transformer"), "no such model"),
            (("a", "char-lstm", 301), "count must be from 1 to 300"),
            (("a", "char-lstm", 5, 2.5), "The temperature must be"),
            (("a", "char-lstm", 5, 1, 0), "Top-k must be"),
            (("a", "char-lstm", 5, 1, 5, 0), "Top-p must be"),
            (("a", "char-lstm", 5, 1, 5, 1, -1), "The seed must be"),
        ],
    )
    def test_mistakes(self, client, values, sentence):
        refused(client, sentence, *values, api_name="/sequences_sample")


class TestMemory:
    @pytest.mark.parametrize("model", ["char-rnn", "char-gru", "char-lstm", "char-transformer"])
    def test_every_network_can_be_measured(self, client, model):
        facts, file = client.predict("The boy and the d", model, api_name="/sequences_memory")
        assert facts["model"] == model
        assert facts["text"] == "\nThe boy and the d"
        influence = np.load(file, allow_pickle=False)["influence"]
        assert influence.shape == (18, 18)
        assert np.array_equal(influence, np.tril(influence))
        assert sum(facts["by_distance"]) == pytest.approx(1, abs=0.35)

    def test_of_a_long_text_the_end_counts(self, client):
        facts, _ = client.predict("word " * 4_000, "char-rnn", api_name="/sequences_memory")
        assert len(facts["text"]) == 201

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            (("", "char-rnn"), "The text is empty"),
            (("x" * 20_001, "char-rnn"), "the limit is 20,000"),
            (("a", "gpt2"), "The model must be one of"),
            (("a", None), "The model must be one of"),
        ],
    )
    def test_mistakes(self, client, values, sentence):
        refused(client, sentence, *values, api_name="/sequences_memory")


class TestClassify:
    def classify(self, client, text):
        return client.predict(text, api_name="/sequences_classify")

    def test_clear_cases(self, client):
        assert self.classify(client, "A wonderful, moving and funny film, one of the best.")["label"] == "positive"
        assert self.classify(client, "A dull, stupid and boring waste of time.")["label"] == "negative"

    def test_a_verdict_after_every_word(self, client):
        answer = self.classify(client, "Good, but far too long.")
        assert len(answer["steps"]) >= 5
        assert answer["probability"] == pytest.approx(
            max(answer["steps"][-1]["positive"], 1 - answer["steps"][-1]["positive"]), abs=1e-3
        )

    @pytest.mark.parametrize("text", ["x", "<script>alert(1)</script>", "good " * 3_900, "\u202e live", "a\0b"])
    def test_any_text_is_read(self, client, text):
        assert self.classify(client, text)["label"] in ("positive", "negative")

    @pytest.mark.parametrize(
        ("text", "sentence"),
        [
            ("", "is empty"),
            ("  \n", "is empty"),
            ("🙂", "no symbol for anything"),
            ("x" * 20_001, "limit is 20,000"),
            (None, "text"),
        ],
    )
    def test_mistakes(self, client, text, sentence):
        refused(client, sentence, text, api_name="/sequences_classify")


class TestCaption:
    SCENE = SceneDescription(Phrase(2, "red", "potion"), "left of", Phrase(1, "blue", "key"))

    def caption(self, client, path):
        return client.predict(handle_file(str(path)), api_name="/sequences_caption")

    def test_a_scene_is_described(self, client, tmp_path):
        path = tmp_path / "scene.png"
        Image.fromarray(draw_scene(self.SCENE, 3)).save(path)
        answer = self.caption(client, path)
        assert answer["caption"] in self.SCENE.sentences()
        assert answer["note"]
        assert 0 < answer["steps"][0]["probability"] <= 1

    def test_an_animated_gif_is_its_first_frame(self, client, tmp_path):
        path = tmp_path / "scene.gif"
        frames = [Image.fromarray(draw_scene(self.SCENE, 3)), Image.new("RGB", (96, 72), "white")]
        frames[0].save(path, save_all=True, append_images=frames[1:])
        assert self.caption(client, path)["caption"] in self.SCENE.sentences()

    @pytest.mark.parametrize("size", [(1, 1), (640, 480), (30, 400)])
    def test_any_picture_gets_a_sentence(self, client, tmp_path, size):
        path = tmp_path / "other.png"
        Image.new("LA", size, (90, 120)).save(path)
        assert self.caption(client, path)["caption"]

    def test_what_is_no_picture(self, client, tmp_path):
        path = tmp_path / "no.png"
        path.write_text("not a picture")
        with pytest.raises(AppError, match="not a picture"):
            self.caption(client, path)
        refused(client, "no picture yet", None, api_name="/sequences_caption")


class TestPhotoCaption:
    PHOTO = Path(__file__).parents[2] / "assets" / "media" / "vit-umbrella.jpg"

    def caption(self, client, **how):
        return client.predict(handle_file(str(self.PHOTO)), "photo-captioner", api_name="/sequences_caption", **how)

    def test_a_photo_is_described_with_words_that_stand_first(self, client):
        answer = self.caption(client, beginning="Two women", beam=2)
        assert answer["model"] == "photo-captioner"
        assert answer["caption"].startswith("two women ")
        assert [step["word"] for step in answer["steps"]][-1] == "(end)"
        assert "nobody's name" in answer["note"]

    def test_another_model_is_refused(self, client):
        with pytest.raises(AppError, match="The model must be one of"):
            client.predict(handle_file(str(self.PHOTO)), "char-lstm", api_name="/sequences_caption")
        with pytest.raises(AppError, match="no word"):
            self.caption(client, beginning="a xylophone")


class TestTranslate:
    def test_a_sentence(self, client):
        answer = client.predict("I am tired.", api_name="/sequences_translate")
        assert "fatigué" in answer["translation"]
        assert answer["model"] == "gru-translator-en-fr"
        assert answer["note"] == ""

    def test_a_long_text_is_cut_with_a_sentence(self, client):
        answer = client.predict("I am so tired " * 50, api_name="/sequences_translate")
        assert "the first 64 are read" in answer["note"]

    def test_of_many_sentences_twenty_are_translated(self, client):
        answer = client.predict("I am tired. " * 50, api_name="/sequences_translate")
        assert "The first 20 of 50 sentences were translated." in answer["note"]

    @pytest.mark.parametrize(("text", "sentence"), [("", "is empty"), ("x" * 20_001, "limit"), ([1], "text")])
    def test_mistakes(self, client, text, sentence):
        refused(client, sentence, text, api_name="/sequences_translate")


class TestAnswer:
    def test_an_answer_and_what_it_was_read_from(self, client):
        story = "Mary is in the garden. John went to the kitchen. Mary took the apple. Mary walked to the library."
        answer = client.predict(story, "Where is the apple?", api_name="/sequences_answer")
        assert (answer["answer"], answer["reply"]) == ("library", "In the library.")
        assert [hop["sentence"] for hop in answer["hops"]] == [2, 3, None]
        assert len(answer["weights"]) == 3
        assert all(len(row) == 4 for row in answer["weights"])
        assert answer["seconds"] < 2

    @pytest.mark.parametrize(
        ("story", "question", "sentence"),
        [
            ("", "Where is Mary?", "The story is empty"),
            ("Mary is in the garden.", "", "The question is empty"),
            ("Mary is in the garden.", "Why?", "where, who, is or what"),
            ("Marie est dans le jardin.", "Où est Marie?", "short English sentences"),
            ("x" * 20_001, "Where is Mary?", "the limit is 20,000"),
            ([1], "Where is Mary?", "must be text|text"),
        ],
    )
    def test_mistakes(self, client, story, question, sentence):
        refused(client, sentence, story, question, api_name="/sequences_answer")


def test_answers_are_plain_json(client):
    json.dumps(client.predict("A fine film.", api_name="/sequences_classify"))

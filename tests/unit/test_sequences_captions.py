"""The captioner of photos: its words, how they are chosen, how sentences are measured, what it learns from."""

import hashlib
import io
import json
import math
from itertools import pairwise

import numpy as np
import pytest
import sacrebleu
import torch
from PIL import Image, ImageDraw

from demos.sequences.captions import checked_choice
from demos.views.captions import sentence_of_photo, strange_of
from models import weights
from models.errors import InputError, WeightsError
from models.images import read_image
from models.recipes.sequences.caption import train_photos
from models.recipes.sequences.caption.evaluate_photos import NAME, commonest, nearest
from models.recipes.sequences.caption.photos import SHOWN, Photo, captions_of, view_of
from models.recipes.sequences.caption.scores import bleu4, cider
from models.sequences.caption.choice import MAX_WORDS, Choice
from models.sequences.caption.photo_network import Config, PhotoCaptioner, load
from models.sequences.caption.photo_trace import PhotoCaption, WordRead, describe_features, search
from models.sequences.caption.scenes import Phrase, SceneDescription, draw_scene
from models.sequences.caption.words import END, MARKS, START, mirrored, vocabulary, words_of
from models.sequences.captions import describe_with_cells

WORDS = (*MARKS, "a", "man", "dog", "wave", "left", "right")
SMALL = Config(WORDS, features=6, cells=4, width=16, heads=2, layers=2, hidden=24)


@pytest.fixture
def network():
    torch.manual_seed(1)
    return PhotoCaptioner(SMALL).eval().requires_grad_(False)


@pytest.fixture
def features():
    return torch.randn(4, 6, generator=torch.Generator().manual_seed(2))


class TestWords:
    @pytest.mark.parametrize(
        ("caption", "words"),
        [
            ("A man's T-shirt.", ["a", "man's", "t", "shirt"]),
            ("Two  dogs,\n2 cats!", ["two", "dogs", "2", "cats"]),
            ("", []),
            ("…", []),
        ],
    )
    def test_what_counts_as_a_word(self, caption, words):
        assert words_of(caption) == words

    def test_known_are_those_that_come_often_the_commonest_first(self):
        assert vocabulary([["a", "b", "a"], ["a", "c", "b"]], least=2) == (*MARKS, "a", "b")

    def test_a_mirrored_photo_has_its_sides_changed(self):
        assert mirrored(["on", "the", "left", "right"]) == ["on", "the", "right", "left"]


class TestScores:
    """Against values by hand; BLEU against sacrebleu too."""

    def test_bleu_by_hand(self):
        expected = (4 / 5 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
        assert bleu4([list("abcde")], [[list("abcdf")]]) == pytest.approx(expected)
        short = expected_of_four = (1.0) * math.exp(1 - 5 / 4)
        assert bleu4([list("abcd")], [[list("abcde")]]) == pytest.approx(short)
        assert expected_of_four < 1

    def test_bleu_is_that_of_sacrebleu(self):
        rng = np.random.default_rng(0)
        written = [list(rng.choice(list("abc"), rng.integers(5, 12))) for _ in range(30)]
        true = [[list(rng.choice(list("abc"), rng.integers(5, 12))) for _ in range(3)] for _ in range(30)]
        theirs = sacrebleu.corpus_bleu(
            [" ".join(one) for one in written],
            [[" ".join(some[place]) for some in true] for place in range(3)],
            smooth_method="none",
            tokenize="none",
            force=True,
        )
        assert 100 * bleu4(written, true) == pytest.approx(theirs.score)

    def test_cider_by_hand(self):
        """Two pictures, so that every gram of one of them weighs log 2: cosines are counts alone."""
        true = [[list("abcd")], [list("efgh")]]
        assert cider([list("abcd"), list("efgh")], true) == pytest.approx(10)
        half = 10 * (2 / 4 + 1 / 3 + 0 + 0) / 4
        assert cider([list("abxy"), list("zzzz")], true) == pytest.approx(half / 2)

    def test_cider_counts_what_all_pictures_have_for_nothing_and_length_against(self):
        true = [[["a", "dog", "runs", "far"]], [["a", "cat", "sits", "here"]]]
        assert cider([["a"], ["a"]], true) == 0
        longer = ["a", "dog", "runs", "far", "x", "y"]
        ones = 3 / math.sqrt(3 * 5)  # “a” weighs nothing, five words of six do
        grams = [ones, 3 / math.sqrt(3 * 5), 2 / math.sqrt(2 * 4), 1 / math.sqrt(1 * 3)]
        expected = 10 * sum(grams) / 4 * math.exp(-4 / 72)
        assert cider([longer, ["z"]], true) == pytest.approx(expected / 2)

    def test_baselines(self):
        photos = [Photo("a", b"", (("a", "man"), ("a", "dog"))), Photo("b", b"", (("a", "dog"),))]
        assert commonest(photos, 2) == [["a", "dog"]] * 2
        known = np.array([[[1.0, 0.0]], [[0.0, 1.0]]], np.float16)
        assert nearest(known, photos, known[::-1]) == [["a", "dog"], ["a", "man"]]


class TestWriting:
    def test_numbers_are_those_of_one_reading(self, network, features):
        caption = describe_features(network, features, Choice())
        assert caption.words[-1].word == MARKS[END] or len(caption.words) == MAX_WORDS
        for word in caption.words:
            assert word.read.shape == (2, 2, 4)
            np.testing.assert_allclose(word.read.sum(-1), 1, rtol=1e-5)
            assert word.word == word.likely[0][0]
            assert word.probability == pytest.approx(word.likely[0][1])
            assert not {name for name, share in word.likely if share} & {MARKS[0], MARKS[START], MARKS[3]}

    def test_a_beam_of_one_is_greedy_and_wider_ones_find_no_worse_first_sentence(self, network, features):
        memory = network.look(features[None])
        greedy = [START]
        while greedy[-1] != END and len(greedy) <= MAX_WORDS:
            scores = network(memory, torch.tensor([[greedy]]))[0, 0, -1]
            followed = [after for before, after in pairwise(greedy) if before == greedy[-1]]
            scores[[0, 1, 3, greedy[-1], *followed, *([END] if len(greedy) == 1 else [])]] = -torch.inf
            greedy.append(int(scores.argmax()))
        assert search(network, memory, [START], 1)[0][0] == greedy
        found = describe_features(network, features, Choice(beam=4)).candidates
        assert 1 <= len(found) <= 4
        said = [one.log_probability for one in found]
        assert said == sorted(said, reverse=True)

    def test_a_candidate_is_as_likely_as_its_words(self, network, features):
        caption = describe_features(network, features, Choice(beam=3))
        total = sum(math.log(word.probability) for word in caption.words)
        assert caption.candidates[0].sentence == caption.sentence
        assert caption.candidates[0].log_probability == pytest.approx(total, rel=1e-4)

    def test_chosen_words_stand_and_it_goes_on(self, network, features):
        caption = describe_features(network, features, Choice(("dog", "left")))
        assert [word.word for word in caption.words[:2]] == ["dog", "left"]
        assert [word.chosen for word in caption.words[:3]] == [True, True, False]

    def test_dice_fall_the_same_for_the_same_seed(self, network, features):
        written = [describe_features(network, features, Choice((), 1.5, 1, seed)).sentence for seed in (1, 1, 2, 3, 4)]
        assert written[0] == written[1]
        assert len(set(written)) > 1

    @pytest.mark.parametrize(("words", "said"), [(("zebra",), "no word"), (("(end)",), "no word"), (("a",) * 20, "20")])
    def test_what_cannot_be_written_is_refused(self, network, features, words, said):
        with pytest.raises(InputError, match=said):
            describe_features(network, features, Choice(words))

    @pytest.mark.parametrize(
        ("how", "sentence"),
        [
            (("a " * 101, 0, 1, 0), "limit is 200"),
            ((7, 0, 1, 0), "must be text"),
            (("", 3, 1, 0), "The temperature must be"),
            (("", 0, 9, 0), "The beam must be"),
            (("", 0, 1, -1), "The seed must be"),
        ],
    )
    def test_what_a_page_or_a_program_asks_for_is_checked(self, how, sentence):
        assert checked_choice("A Man's, dog", 0.5, 2, 3) == Choice(("a", "man's", "dog"), 0.5, 2, 3)
        with pytest.raises(InputError, match=sentence):
            checked_choice(*how)

    def test_weights_that_do_not_fit_are_refused(self, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        with pytest.raises(WeightsError):
            load(tmp_path)


class TestLearning:
    def test_parts_follow_from_the_key_and_the_app_s_examples_are_in_none(self):
        parts = [Photo(f"photo-{number}", b"", ()).part for number in range(2_000)]
        assert {part: round(parts.count(part) / 2_000, 2) for part in set(parts)} == {
            "train": pytest.approx(0.835, abs=0.02),
            "held out": pytest.approx(0.125, abs=0.02),
            "validation": pytest.approx(0.04, abs=0.02),
        }
        assert {Photo(f"coco-{end}", b"", ()).part for end in SHOWN} == {"shown"}

    def test_odd_views_are_mirrored_and_windows_repeat(self, photo):
        whole, turned = view_of(photo, 0), view_of(photo, 1)
        assert whole.shape == (30, 40, 3)
        assert np.array_equal(whole[:, ::-1], turned)
        assert captions_of(photo, 1) == [["left", "dog"]]
        assert np.array_equal(view_of(photo, 2), view_of(photo, 2))
        assert not np.array_equal(view_of(photo, 2), whole)

    def test_a_few_steps_make_the_loss_fall(self, photo):
        torch.manual_seed(0)
        seen = [np.random.default_rng(1).normal(size=(6, 64, 6)).astype(np.float16)]
        photos = [Photo(str(n), photo.jpeg, ((WORDS[4 + n], "dog"),)) for n in range(6)]
        examples = train_photos.Examples(photos, seen, WORDS)
        config = Config(WORDS, features=6, cells=64, width=16, heads=2, layers=1, hidden=16)
        job = train_photos.Training(examples, config, train_photos.Trapezoid(5e-3, 1, 30))
        before = train_photos.mean_loss(job.network, examples)
        losses = [step.loss for step in job.fit()]
        assert np.mean(losses[-5:]) < np.mean(losses[:5])
        assert train_photos.mean_loss(job.network, examples) < before


@pytest.fixture(scope="module")
def photo():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return Photo("key", file.getvalue(), (("right", "dog"),))


class TestEmbedded:
    """The weights in the project, on pictures that nothing was learned from."""

    @pytest.mark.parametrize("name", ["vit-elephant", "vit-elephants", "vit-stop-sign", "vit-umbrella"])
    def test_photos_are_described_without_a_warning(self, name):
        pixels = read_image(weights.EMBEDDED.parent / "media" / f"{name}.jpg")
        done = describe_with_cells(pixels, Choice(beam=3))
        assert done.strange < 1
        assert strange_of(done) == ""
        assert 3 <= len(done.caption.sentence.split()) <= MAX_WORDS

    def test_what_is_seen_is_told_from_the_numbers(self):
        read = np.full((2, 1, 2, 4), 0.1, np.float32)
        read[0, 0, :, 2] = 0.7
        words = tuple(WordRead(word, 0.5, (), one, False) for word, one in zip(("dog", "(end)"), read, strict=True))
        said = sentence_of_photo(PhotoCaption(words, ()))
        assert said == "It says “dog”. For “dog” it read most of one place: 70 % from the cell in row 2, column 1."

    @pytest.mark.parametrize("kind", ["noise", "white", "black", "text", "toy scene"])
    def test_pictures_of_nothing_it_knows_are_told_apart(self, kind):
        done = describe_with_cells(unlike_photos(kind), Choice())
        assert done.strange > 1
        assert "a guess" in strange_of(done)
        assert done.caption.sentence

    def test_the_photos_it_learned_from_are_listed_and_those_shown_are_not_among_them(self):
        listed = json.loads((weights.EMBEDDED / NAME / "training_photos.json").read_text())
        assert len(set(listed)) == len(listed) > 1_500
        shown = (weights.EMBEDDED.parent / "media").glob("vit-*.jpg")
        assert not {hashlib.sha256(path.read_bytes()).hexdigest()[:32] for path in shown} & set(listed)


def unlike_photos(kind):
    """Pictures (300, 400, 3) uint8 that show nothing that photos show."""
    if kind == "noise":
        return np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    if kind == "toy scene":
        return draw_scene(SceneDescription(Phrase(1, "red", "potion")), 0)
    page = Image.new("RGB", (400, 300), "black" if kind == "black" else "white")
    if kind == "text":
        for line in range(12):
            ImageDraw.Draw(page).text((10, 10 + 22 * line), "The quick brown fox jumps over the lazy dog.", "black")
    return np.asarray(page)

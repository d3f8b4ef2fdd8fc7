"""Questions about stories: the stories against a simulated world, going back against its definition, the network."""

import json
import random
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from demos.sequences.story import EXAMPLES, compute_answer, view_story
from models import runtime, weights
from models.errors import InputError, WeightsError
from models.recipes.sequences.answer.evaluate import accuracy
from models.recipes.sequences.answer.train import Training, with_spare_words
from models.sequences.answer.network import StoryReader, batch_of, go_back, load
from models.sequences.answer.stories import KINDS, ask, held_out, make_story, questions, spoken
from models.sequences.answer.trace import answer_question
from models.sequences.answer.words import (
    CONTRADICTION,
    MAX_SENTENCES,
    NOBODY,
    NOT_SAID,
    NUMBERS,
    PEOPLE,
    PLACES,
    VOCABULARY,
    read,
    sentences_of,
)
from models.sequences.tasks import answer_story
from models.training import Trapezoid


@pytest.fixture(scope="module")
def network():
    return runtime.load("story-reader", load).network


class Simulated:
    """The world of a story, told forwards from its sentences: who is where, and what each thing is with."""

    def __init__(self):
        self.people, self.things = {}, {}

    def goes(self, who, place):
        self.people |= dict.fromkeys(who.split(" and "), place)

    def brings(self, who, thing, place):
        self.people[who], self.things[thing] = place, ("place", place)

    def holds(self, who, thing):
        self.things[thing] = ("with", who)

    def hands_over(self, _, thing, other):
        self.things[thing] = ("with", other)

    def is_in(self, what, place):
        if what in PEOPLE:
            self.people[what] = place
        else:
            self.things[what] = ("place", place)

    def is_gone(self, who, _):
        self.people[who] = NOT_SAID

    def drops(self, who, thing):
        self.things[thing] = ("place", self.people.get(who, NOT_SAID))

    PLACE = rf"({'|'.join(PLACES)})"
    TOLD = (
        (rf"(\w+) (?:took|carried|brought|moved) the (\w+) to the {PLACE}", brings),
        (rf"(.+?) (?:went|moved|walked|ran|travelled|journeyed|came)(?: back)? (?:in)?to the {PLACE}", goes),
        (r"(\w+) (?:took|picked up|got|grabbed) the (\w+)", holds),
        (r"(\w+) (?:gave|handed|passed|put|placed) the (\w+) (?:to|into the|in the) (\w+)", hands_over),
        (rf"(?:the )?(\w+) (?:is|was) in the {PLACE}", is_in),
        (rf"(\w+) (?:is not in|is no longer in|left) the {PLACE}", is_gone),
        (r"(\w+) (?:dropped|put down|left|put) the (\w+)(?: down)?", drops),
    )

    def hear(self, sentence):
        text = re.sub(r"^(then|later|after that|now) ", "", sentence).removesuffix(" there")
        for pattern, happens in self.TOLD:
            if found := re.fullmatch(pattern, text):
                return happens(self, *found.groups())
        raise AssertionError(sentence)

    def where(self, name):
        if name in PEOPLE:
            return self.people.get(name, NOT_SAID)
        how, what = self.things.get(name, ("place", NOT_SAID))
        return what if how == "place" else self.where(what)


class TestStories:
    @pytest.mark.parametrize("seed", range(40))
    def test_where_everything_is_agrees_with_a_world_told_forwards(self, seed):
        story, world = make_story(random.Random(seed), 4 + seed % 20)
        simulated = Simulated()
        for sentence in story.sentences:
            simulated.hear(sentence)
        asked = [question for question in questions(story, world) if question.text.startswith("where is")]
        assert asked
        for question in asked:
            if question.answer != CONTRADICTION:
                assert question.answer == simulated.where(question.asked), (story.sentences, question)

    def test_the_same_dice_tell_the_same_story(self):
        first, again, other = (make_story(random.Random(seed), 12)[0] for seed in (3, 3, 4))
        assert first == again != other

    def test_every_kind_is_asked_and_its_facts_are_as_many_as_it_says(self):
        dice, seen = random.Random(0), {}
        for _ in range(300):
            story, world = make_story(dice, dice.randint(4, 20))
            for question in ask(story, world, dice, 4, unseen=False):
                seen.setdefault(question.kind, []).append(question)
        assert set(seen) == set(KINDS)
        assert {len([at for at in q.reads if at is not None]) for q in seen["two facts"]} == {2}
        assert {len([at for at in q.reads if at is not None]) for q in seen["three facts"]} == {3}

    def test_an_answer_that_is_held_out_is_never_given_in_training(self):
        dice, left_out = random.Random(1), 0
        for _ in range(200):
            story, world = make_story(dice, 12)
            for question in ask(story, world, dice, 6, unseen=False):
                if question.answer not in (NOT_SAID, CONTRADICTION, NOBODY, "yes", "no"):
                    assert not held_out(question.asked, question.answer)
            left_out += len(ask(story, world, dice, 6, unseen=True))
        assert left_out > 200

    def test_the_word_that_is_needed_stands_in_the_sentence_that_is_read(self):
        dice, seen = random.Random(3), 0
        for _ in range(60):
            story, world = make_story(dice, 14)
            for question in questions(story, world):
                for place, word in zip(question.reads, question.words, strict=False):
                    if word:
                        assert word in story.sentences[place].split()
                        seen += 1
                if question.kind in ("two facts", "three facts"):
                    assert question.words[-1] == question.answer
        assert seen > 200

    def test_it_is_written_with_capitals(self):
        assert spoken("then mary gave the apple to john") == "Then Mary gave the apple to John"


class TestReading:
    def test_words_that_were_not_taught_take_spare_places(self):
        given = read("Xiomara went to the lighthouse. Mary saw Xiomara.", "Where is Xiomara?")
        assert given.spare == ("xiomara", "lighthouse", "saw")
        assert given.symbols[0][0] == given.question[-1] == given.symbols[1][2]
        assert [VOCABULARY[number] for number in given.symbols[0][1:4]] == ["went", "to", "the"]

    @pytest.mark.parametrize(
        ("story", "question", "sentence"),
        [
            ("...", "Where is Mary?", "has no sentence"),
            ("Mary is in the garden.", "?!", "Ask a question"),
            ("Mary is in the garden.", "Why is Mary in the garden?", "questions that begin with|begin with"),
            ("Marie est dans le jardin. Jean va à la cuisine.", "Où est Marie?", "short English sentences"),
            ("マリアは庭にいます。", "マリアはどこ？", "short English sentences"),
            ("Mary is in the garden. " * (MAX_SENTENCES + 1), "Where is Mary?", "at most 400 are read"),
            ("Mary went " + "to the garden " * 9, "Where is Mary?", "sentences of up to 16"),
            ("Mary is in the garden.", "Where is " + "the very " * 9 + "Mary?", "questions of up to 16"),
        ],
    )
    def test_what_it_cannot_read_is_said_in_a_sentence(self, story, question, sentence):
        with pytest.raises(InputError, match=sentence):
            read(story, question)

    def test_a_text_is_cut_at_its_stops(self):
        assert sentences_of("Mary ran! John — did he?\nYes; no... 。") == ["Mary ran", "John — did he", "Yes", "no"]


def by_definition(match, start):
    """Going back from `start`: a row of weights, by the story of somebody who walks back and stops."""
    weights, left = np.zeros(len(match)), 1.0
    for place in range(start - 1, -1, -1):
        weights[place] = left * match[place]
        left *= 1 - match[place]
    return weights


class TestGoingBack:
    def test_from_the_end_and_from_what_was_read(self):
        generator = torch.Generator().manual_seed(0)
        logits = torch.randn(3, 7, generator=generator, dtype=torch.float64) * 2
        match = logits.sigmoid().numpy()
        first = go_back(logits, torch.ones(3, dtype=torch.float64), None)
        assert np.allclose(first, [by_definition(row, 7) for row in match])
        share = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
        second = go_back(logits, share, first)
        for row in range(3):
            there = sum(float(first[row, t]) * by_definition(match[row], t) for t in range(7))
            end = by_definition(match[row], 7)
            there = there + (1 - float(first[row].sum())) * end
            expected = float(share[row]) * end + (1 - float(share[row])) * there
            assert np.allclose(second[row], expected)

    def test_what_fills_a_short_story_up_changes_nothing(self, network):
        story = [tuple(NUMBERS[w] for w in s.split()) for s in ("mary went to the garden", "john ran to the park")]
        question = tuple(NUMBERS[word] for word in ("where", "is", "mary"))
        alone = network(batch_of([story], [question]))[0]
        beside = network(batch_of([story, story * 5], [question, question]))[0][:1]
        assert torch.allclose(alone, beside, atol=1e-4)


class TestNetwork:
    @pytest.mark.parametrize(
        ("example", "answer", "read_first"),
        [
            ("One fact", "hallway", 2),
            ("Two facts", "library", 2),
            ("Three facts", "station", 3),
            ("Not said", NOT_SAID, None),
            ("A contradiction", CONTRADICTION, 3),
            ("Words of your own", "lighthouse", 1),
        ],
    )
    def test_the_examples_of_the_page(self, network, example, answer, read_first):
        found = answer_question(network, *EXAMPLES[example])
        assert found.answer == answer
        if read_first is not None:
            assert found.hops[0].best == read_first
        for hop in found.hops:
            assert hop.weights.sum() + hop.nothing == pytest.approx(1, abs=1e-4)

    def test_leaving_a_sentence_out_is_asking_without_it(self, network):
        story, question = EXAMPLES["Two facts"]
        found = answer_question(network, story, question)
        assert [place for place, _, _ in found.without] == list(found.read) != []
        for place, answer, share in found.without:
            rest = [line for at, line in enumerate(story.split("\n")) if at != place]
            alone = answer_question(network, "\n".join(rest), question)
            assert (alone.answer, alone.alternatives[0][1]) == (answer, pytest.approx(share, abs=1e-4))

    def test_who_is_not_in_the_story_is_not_said(self, network):
        found = answer_question(network, "Mary went to the garden. John ran to the park.", "Where is Sandra?")
        assert (found.answer, found.reply, found.hops[0].best) == (NOT_SAID, "It is not said.", None)

    @pytest.mark.parametrize("place", [3, 120, 196])
    def test_a_fact_in_two_hundred_sentences(self, network, place):
        lines = [f"{('John', 'Sandra', 'Tom')[n % 3]} went to the {('park', 'office')[n % 2]}." for n in range(200)]
        lines[place] = "Mary travelled to the museum."
        found = answer_question(network, " ".join(lines), "Where is Mary?")
        assert (found.answer, found.hops[0].best) == ("museum", place)

    def test_accuracy_on_answers_that_were_held_out(self, network):
        shares = accuracy(network, count=600, seed=5)
        assert shares["one fact"] >= 0.95
        assert shares["two facts"] >= 0.85

    def test_it_has_less_than_a_million_parameters(self):
        assert answer_story("Mary is in the garden.", "Where is Mary?").run.parameters < 1_000_000

    def test_weights_that_do_not_fit_are_refused(self, tmp_path):
        (tmp_path / "config.json").write_text(json.dumps({"width": 8}))
        (tmp_path / "model.safetensors").write_bytes(
            (weights.folder("story-reader") / "model.safetensors").read_bytes()
        )
        with pytest.raises(WeightsError, match="cannot be used"):
            load(tmp_path)


class TestTraining:
    def test_it_learns_and_is_the_same_again(self):
        first, again = (Training(Trapezoid(2e-3, 1, 4)) for _ in range(2))
        losses = [step.loss for step in first.fit()]
        assert losses == pytest.approx([step.loss for step in again.fit()], rel=1e-4)
        assert losses[-1] < losses[0]

    def test_a_spare_word_is_the_same_all_along_a_story(self):
        symbols = with_spare_words(random.Random(2))
        told = [symbols("mary took the apple"), symbols("where is mary"), symbols("mary")]
        assert told[0][0] == told[1][2] == told[2][0]
        assert symbols(NOT_SAID) == (NUMBERS[NOT_SAID],)

    def test_the_command_measures_what_the_app_uses(self):
        command = [sys.executable, "-m", "models.recipes.sequences.answer.evaluate", "--count", "60"]
        line = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        assert line["model"] == "story-reader"
        assert {"one fact", "not said"} <= set(line["accuracy"]) <= set(KINDS)
        assert sum(line["questions"].values()) == 60


class TestPage:
    def test_the_answer_travels_with_what_was_read(self):
        view, strip = compute_answer(*EXAMPLES["Three facts"])
        assert view.reply == "In the station."
        assert [hop.best for hop in view.hops] == [3, 5, 7]
        assert view.hops[0].sentence == "1: from the end to sentence 4 (99.7 % of its reading)."
        assert "Story reader" in strip

    @pytest.mark.parametrize("count", [2, 10, 60])
    def test_a_story_that_is_made_up_can_be_asked(self, count):
        story, question = view_story(count)
        assert len(sentences_of(story)) == count
        assert compute_answer(story, question)[0].reply

    @pytest.mark.parametrize("count", [0, 201, "ten", None])
    def test_how_long_a_story_may_be(self, count):
        with pytest.raises(InputError, match="number of sentences"):
            view_story(count)


def test_the_network_needs_no_spare_weights():
    assert len(StoryReader(load(weights.folder("story-reader")).config).embedding.weight) == len(VOCABULARY)

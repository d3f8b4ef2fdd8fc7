"""Teach a small memory network to answer questions about stories, and which sentences say so.

    python -m models.recipes.sequences.answer.train --run DIR [--steps N] [--cooldown M] [--resume]
    python -m models.recipes.sequences.answer.train --run DIR --export       write assets/weights/story-reader/

No data are needed: the stories are made by `models/sequences/answer/stories.py`, 24 a step with six questions each. The
loss is the cross-entropy of the answer, of the sentence that each hop should read ("nothing" where none says it), and
of the word that is needed of it: strong supervision, as in Weston et al. 2015 ("Memory networks"). An answer of which
`held_out` says so is never asked for. Names, places and things of a story are replaced by spare words now and then, so
that words which are not in the vocabulary can be read. Stories grow longer in the first third.
"""

import random
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from models import training
from models.recipes.sequences.answer.evaluate import accuracy
from models.sequences.answer.network import Config, Hop, Stories, StoryReader, batch_of, describe
from models.sequences.answer.stories import MAX_READS, Question, ask, make_story
from models.sequences.answer.words import CONTAINERS, NUMBERS, PEOPLE, PLACES, SPARE, THINGS, words_of
from models.training import Trainer, Trapezoid

NAME = "story-reader"
STORIES, QUESTIONS = 24, 6
SENTENCES = (2, 26)
GROWING_SHARE = 0.33
SPARE_STORIES, SPARE_WORDS = 0.4, 0.4
WORD_WEIGHT = 0.5
READ_WEIGHT = 2.0
PEAK_LEARNING_RATE = 2e-3
WARMUP_STEPS = 100
SMALLEST = 1e-6


class Training(Trainer[StoryReader]):
    """The network and its stories, which follow from the seed and the step; losses are in nats."""

    def __init__(self, schedule: Trapezoid, seed: int = 0) -> None:
        torch.manual_seed(seed)
        network = StoryReader(Config())
        optimizer = torch.optim.AdamW(network.parameters(), lr=1.0, betas=(0.9, 0.98), weight_decay=0.01)
        super().__init__(network, {"adam": optimizer}, schedule, ema_decay=0.998)
        self.seed = seed

    def loss(self) -> tuple[Tensor, int]:
        """Cross-entropy of the answers and of the sentences read."""
        dice = random.Random(self.seed * 1_000_003 + self.steps_done)  # noqa: S311  # nothing secret
        longest = self._longest()
        stories, asked, questions, needed = [], [], [], []
        for _ in range(STORIES):
            length = dice.randint(SENTENCES[0], longest)
            story, world = make_story(dice, length)
            symbols = with_spare_words(dice)
            sentences = [symbols(sentence) for sentence in story.sentences]
            for question in ask(story, world, dice, QUESTIONS, unseen=False):
                stories.append(sentences)
                asked.append(symbols(question.text))
                questions.append((question, symbols(question.answer)[0]))
                needed.append([symbols(word)[0] if word else 0 for word in question.words])
        batch = batch_of(stories, asked)
        logits, hops = self.network(batch)
        answers = F.cross_entropy(logits, torch.tensor([answer for _, answer in questions]))
        answers = answers + WORD_WEIGHT * words_loss(hops, batch, [question for question, _ in questions], needed)
        return answers + READ_WEIGHT * reads_loss([h.weights for h in hops], [q for q, _ in questions]), len(questions)

    def _longest(self) -> int:
        low, high = SENTENCES
        grown = min(1.0, self.steps_done / (GROWING_SHARE * self.schedule.total_steps))
        return round(low + 4 + grown * (high - low - 4))


def with_spare_words(dice: random.Random) -> Callable[[str], tuple[int, ...]]:
    """From words to symbols, as one story reads them: some of its names, places and things are spare words."""
    spare = dice.sample(SPARE, len(SPARE)) if dice.random() < SPARE_STORIES else []
    replaced: dict[str, int] = {}

    def symbols(text: str) -> tuple[int, ...]:
        return tuple(_symbol(word) for word in ([text] if text in NUMBERS else words_of(text)))

    def _symbol(word: str) -> int:
        if word not in replaced:
            is_name = word in PEOPLE or word in PLACES or word in THINGS or word in CONTAINERS
            other = spare and is_name and dice.random() < SPARE_WORDS
            replaced[word] = NUMBERS[spare.pop() if other else word]
        return replaced[word]

    return symbols


def reads_loss(weights: list[Tensor], questions: list[Question]) -> Tensor:
    """Mean over hops and questions of minus the logarithm of how much the right sentence was read."""
    losses = []
    for hop in range(MAX_READS):
        places = [question.reads[hop] if hop < len(question.reads) else None for question in questions]
        right = torch.tensor([weights[hop].shape[1] if place is None else place for place in places])
        nothing = 1 - weights[hop].sum(1, keepdim=True)
        read = torch.cat([weights[hop], nothing], 1).gather(1, right[:, None])
        losses.append(-read.clamp(min=SMALLEST).log().mean())
    return torch.stack(losses).mean()


def words_loss(hops: list[Hop], batch: Stories, questions: list[Question], needed: list[list[int]]) -> Tensor:
    """Mean over the words needed of minus the logarithm of how much of its sentence each was; `needed` has symbols."""
    losses = []
    for hop in range(MAX_READS):
        wanted = [
            (row, place, word)
            for row, question in enumerate(questions)
            for place, word in zip(question.reads[hop : hop + 1], needed[row][hop : hop + 1], strict=False)
            if place is not None and word
        ]
        if wanted:
            rows, places, words = (torch.tensor(part) for part in zip(*wanted, strict=True))
            symbols = batch.sentences[batch.places[rows, places]]
            taken = (hops[hop].words[rows, places] * (symbols == words[:, None])).sum(1)
            losses.append(-taken.clamp(min=SMALLEST).log())
    return torch.cat(losses).mean() if losses else torch.zeros(())


def _export(job: Training) -> None:
    network = job.averaged_network()
    training.export(NAME, network.state_dict(), describe(network), half=True)


def main() -> None:
    """The command line described at the top of this module."""
    arguments = training.recipe_parser("Train the story reader.", steps=6_000, cooldown=2_000).parse_args()
    torch.set_num_threads(arguments.threads)
    job = Training(Trapezoid(PEAK_LEARNING_RATE, WARMUP_STEPS, arguments.steps, arguments.cooldown))

    def figures(loss: float) -> dict[str, float]:
        return {"train_nats": loss, **accuracy(job.averaged_network(), count=1_000, seed=1)}

    training.run_recipe(job, arguments, figures, lambda: _export(job))


if __name__ == "__main__":
    main()

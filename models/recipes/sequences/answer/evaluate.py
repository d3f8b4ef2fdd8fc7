"""How often is the answer right, by kind of question, for answers that were never given in training?

    python -m models.recipes.sequences.answer.evaluate [--count 2000] [--seed 0] [--sentences 4 26] [--store]

prints one JSON line (with `--store` one for short and one for long stories, which the page shows): `accuracy` by kind,
on stories of their own and questions whose answer training never gave about this person or thing (`held_out`; the kinds
"not said" and "contradiction" have no such answers); `read`: how often every sentence that the answer needs was read,
each at its hop, more than any other; `commonest_answer`: how often one would be right by always giving the commonest
answer of a kind.
"""

import argparse
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import torch

from models import runtime, weights
from models.sequences.answer.network import StoryReader, batch_of, load
from models.sequences.answer.stories import KINDS, MAX_READS, Question, ask, make_story
from models.sequences.answer.words import NUMBERS, VOCABULARY, words_of

NAME = "story-reader"
BATCH = 50
QUESTIONS = 6
SENTENCES, LONG = (4, 26), (100, 200)
FIGURES = weights.EMBEDDED.parent / "figures" / "story_reader.json"


def measured(
    network: StoryReader, *, count: int, seed: int, sentences: tuple[int, int] = SENTENCES
) -> Iterator[tuple[Question, str, bool]]:
    """Questions, what the network answers, and whether it read the right sentences."""
    dice = random.Random(seed + 10**9)  # noqa: S311  # nothing secret
    asked: list[tuple[list[tuple[int, ...]], Question]] = []
    while len(asked) < count:
        story, world = make_story(dice, dice.randint(*sentences))
        symbols = [tuple(NUMBERS[word] for word in words_of(sentence)) for sentence in story.sentences]
        asked += [(symbols, question) for question in ask(story, world, dice, QUESTIONS, unseen=True)]
    for first in range(0, count, BATCH):
        some = asked[first : min(count, first + BATCH)]
        texts = [tuple(NUMBERS[word] for word in words_of(question.text)) for _, question in some]
        with torch.inference_mode():
            logits, hops = network(batch_of([story for story, _ in some], texts))
        read = [torch.cat([hop.weights, 1 - hop.weights.sum(1, keepdim=True)], 1).argmax(1).tolist() for hop in hops]
        nothing = hops[0].weights.shape[1]
        for row, (_, question) in enumerate(some):
            needed = [*question.reads, *[None] * (MAX_READS - len(question.reads))]
            right = all(read[hop][row] == (nothing if at is None else at) for hop, at in enumerate(needed))
            yield question, VOCABULARY[int(logits[row].argmax())], right


def accuracy(
    network: StoryReader, *, count: int, seed: int, sentences: tuple[int, int] = SENTENCES
) -> dict[str, float]:
    """The share of right answers by kind."""
    right: dict[str, list[bool]] = defaultdict(list)
    for question, answer, _ in measured(network, count=count, seed=seed, sentences=sentences):
        right[question.kind].append(answer == question.answer)
    return {kind: round(sum(right[kind]) / len(right[kind]), 4) for kind in KINDS if right[kind]}


def line_of(network: StoryReader, count: int, seed: int, sentences: tuple[int, int]) -> dict[str, Any]:
    """The figures of one length of stories."""
    found = list(measured(network, count=count, seed=seed, sentences=sentences))
    of_kind = {kind: some for kind in KINDS if (some := [one for one in found if one[0].kind == kind])}
    return {
        "model": NAME,
        "count": count,
        "seed": seed,
        "sentences": sentences,
        "accuracy": {kind: _share([one[1] == one[0].answer for one in some]) for kind, some in of_kind.items()},
        "read": {kind: _share([one[2] for one in some]) for kind, some in of_kind.items()},
        "commonest_answer": {
            kind: round(Counter(question.answer for question, _, _ in some).most_common(1)[0][1] / len(some), 4)
            for kind, some in of_kind.items()
        },
        "questions": {kind: len(some) for kind, some in of_kind.items()},
    }


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Accuracy of the story reader by kind of question.")
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sentences", type=int, nargs=2, default=SENTENCES, help="shortest and longest story")
    parser.add_argument(
        "--store", action="store_true", help="measure short and long stories, write the lines for the app"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    network = runtime.load(NAME, load).network
    low, high = arguments.sentences
    lengths = (SENTENCES, LONG) if arguments.store else ((low, high),)
    lines = [line_of(network, arguments.count, arguments.seed, length) for length in lengths]
    for line in lines:
        print(json.dumps(line))
    if arguments.store:
        FIGURES.write_text(json.dumps(lines, indent=1) + "\n", encoding="utf-8")


def _share(right: list[bool]) -> float:
    return round(sum(right) / len(right), 4)


if __name__ == "__main__":
    main()

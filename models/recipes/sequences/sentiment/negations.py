"""Negation: generated sentences to learn it from, and a list written by hand to measure it with.

In 11,000 reviews "not good" is common and "not bad" is rare, so that "not" alone becomes a bad sign. The generated
sentences put good and bad words into the same frames, plain and negated, as often each way. The list was written before
anything was trained on them and is not changed afterwards; no sentence of it is generated.
"""

import random
import re
from collections.abc import Iterator

from models.recipes.sequences.sentiment.data import Sentence, normalise

_GOOD = """good great funny clever interesting exciting original moving believable impressive convincing enjoyable warm
entertaining wonderful brilliant memorable fresh charming beautiful smart gripping fun delicious friendly useful
comfortable reliable sturdy fast helpful excellent satisfying thrilling special worthwhile"""
_BAD = """bad boring dull slow stupid silly predictable disappointing terrible awful annoying tedious clumsy shallow
weak ugly cheap confusing lifeless pointless tiresome forgettable unpleasant lame horrible flat bland rude dirty cold
noisy broken useless overpriced poor painful"""
_THINGS = """the film; this movie; the story; the plot; the acting; the script; the music; the ending; the dialogue
the cast; the food; the service; the place; the phone; this product; it; that"""
_PLAIN = """{thing} is {word}; {thing} was {word}; {thing} is really {word}; so {word}; very {word}
{thing} is always {word}; i found {thing} {word}; i think {thing} is {word}; everything about {thing} is {word}
{thing} is simply {word}"""
_NEGATED = """{thing} is not {word}; {thing} is not {word} at all; {thing} isn't {word}; {thing} was not {word}
not {word}; {thing} wasn't {word} at all; {thing} is never {word}; {thing} was never {word}; not {word} at all
not at all {word}; {thing} is far from {word}; {thing} is hardly {word}; i did not find {thing} {word}
i don't think {thing} is {word}; nothing about {thing} is {word}; {thing} is by no means {word}
{thing} isn't even {word}; nobody would call {thing} {word}"""
_NOT_A_BUT_B = "{thing} is not {word}, it is {other}; {thing} is not {word} but {other}"
_NOT_ONLY = "{thing} is not only {word} but {same}; {thing} is not just {word}, it is also {same}"
_WHOLE_GOOD = """{thing} never disappoints; {thing} did not disappoint; {thing} does not bore for a second
i have no complaints about {thing}; there is nothing wrong with {thing}; you will not regret {thing}
{thing} never gets old; {thing} did not let me down; i could not find a flaw in {thing}
{thing} has no weak moment; i cannot praise {thing} enough; {thing} could not be better"""
_WHOLE_BAD = """i did not like {thing}; i never liked {thing}; i would not recommend {thing}
i did not enjoy {thing} at all
nobody will enjoy {thing}; {thing} does not work; there is nothing good about {thing}
i have nothing good to say about {thing}; {thing} did not make me laugh; {thing} never gets going
i cannot think of a reason for {thing}; {thing} could not be worse"""


def _parts(written: str) -> list[str]:
    return re.split(r"; |\n", written)


GOOD, BAD, THINGS = _GOOD.split(), _BAD.split(), _parts(_THINGS)
PLAIN, NEGATED, NOT_A_BUT_B, NOT_ONLY = (_parts(text) for text in (_PLAIN, _NEGATED, _NOT_A_BUT_B, _NOT_ONLY))
WHOLE = {True: _parts(_WHOLE_GOOD), False: _parts(_WHOLE_BAD)}

LIST: tuple[tuple[str, bool], ...] = (
    ("Not bad at all.", True),
    ("The film is not good.", False),
    ("It never fails to be funny.", True),
    ("I can't recommend this film enough.", True),
    ("Nothing here is worth your time.", False),
    ("You won't be bored for one minute.", True),
    ("This is no masterpiece, just a waste of an evening.", False),
    ("There is not a single dull moment in it.", True),
    ("The jokes aren't funny and the romance isn't touching.", False),
    ("I wasn't disappointed in the least.", True),
    ("He doesn't know how to tell a story.", False),
    ("It isn't without charm.", True),
    ("I have never laughed so little.", False),
    ("I have never laughed so much.", True),
    ("The waiter was not rude, quite the opposite.", True),
    ("Don't waste your money on this.", False),
    ("Don't miss it.", True),
    ("It doesn't get any better than this.", True),
    ("It doesn't get any worse than this.", False),
    ("The battery does not last a day.", False),
    ("No one should have to sit through this.", False),
    ("The sequel isn't half as bad as people say.", True),
    ("Not exactly a thrilling evening.", False),
    ("She is anything but boring in this role.", True),
    ("The hero is anything but likable.", False),
    ("I wouldn't call the ending satisfying.", False),
    ("I wouldn't call the plot predictable.", True),
    ("We will not be going back to this restaurant.", False),
    ("We couldn't have asked for a nicer dinner.", True),
    ("The director never lets the tension drop.", True),
    ("The director never finds the right tone.", False),
    ("None of the characters feel real.", False),
    ("None of the songs are weak.", True),
    ("It's not the disaster I had expected.", True),
    ("It's not the triumph I had hoped for.", False),
    ("Neither clever nor amusing.", False),
    ("Neither clumsy nor sentimental.", True),
    ("The picture lacks any sense of wonder.", False),
    ("The picture is free of false notes.", True),
    ("I don't regret buying it.", True),
    ("I don't understand the praise.", False),
    ("The headphones do not sound cheap.", True),
    ("The headphones do not sound good.", False),
    ("Hardly anything in this comedy made me smile.", False),
    ("Hardly a scene is wasted.", True),
    ("The pacing is not slow at all.", True),
    ("The pacing is not right.", False),
    ("This isn't a bad way to spend two hours.", True),
    ("This isn't a good way to spend two hours.", False),
    ("Without wit, without heart, without a point.", False),
    ("Without a doubt the best of the series.", True),
    ("It is not stupid, it is smart and tender.", True),
    ("It is not smart, it is stupid and cruel.", False),
    ("The food was not cold and the staff were not unfriendly.", True),
    ("The food was not fresh and the staff were not friendly.", False),
    ("You can't go wrong with this one.", True),
    ("You can't take any of it seriously.", False),
    ("I did not hate it.", True),
    ("I did not love it.", False),
    ("Never once did I believe in these people.", False),
)


def _frames(positive: bool, dice: random.Random) -> Iterator[str]:
    """One sentence of every kind with this verdict, without end."""
    good, bad = (GOOD, BAD) if positive else (BAD, GOOD)
    while True:
        yield dice.choice(PLAIN).format(thing=dice.choice(THINGS), word=dice.choice(good))
        yield dice.choice(NEGATED).format(thing=dice.choice(THINGS), word=dice.choice(bad))
        yield dice.choice(NEGATED).format(thing=dice.choice(THINGS), word=dice.choice(bad))
        word, same = dice.sample(good, 2)
        yield dice.choice(NOT_ONLY).format(thing=dice.choice(THINGS), word=word, same=same)
        yield dice.choice(NOT_A_BUT_B).format(thing=dice.choice(THINGS), word=dice.choice(bad), other=dice.choice(good))
        yield dice.choice(WHOLE[positive]).format(thing=dice.choice(THINGS))


def generated(count: int, seed: int = 0) -> list[Sentence]:
    """`count` sentences, half of them positive; those of `LIST` are left out."""
    dice = random.Random(seed)  # noqa: S311  # nothing secret
    kept = {normalise(text) for text, _ in LIST}
    sources = {positive: _frames(positive, dice) for positive in (True, False)}
    sentences: list[Sentence] = []
    while len(sentences) < count:
        positive = len(sentences) % 2 == 0
        text = next(sources[positive])
        if normalise(text) not in kept:
            sentences.append(Sentence(f"{text}.", positive, "generated"))
    return sentences

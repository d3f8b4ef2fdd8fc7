"""Stories of people who carry things about, with questions, their answers and the sentences that say so.

The kinds follow bAbI (Weston et al. 2016, "Towards AI-complete question answering: a set of prerequisite toy tasks");
the stories are this project's own. A thing may lie somewhere, be held by somebody, or lie in something that is held:
so one, two or three sentences say where it is.
"""

import random
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from models.sequences.answer.words import (
    CONTAINERS,
    CONTRADICTION,
    NO,
    NOBODY,
    NOT_SAID,
    PEOPLE,
    PLACES,
    THINGS,
    YES,
)

Kind = Literal[
    "one fact", "two facts", "three facts", "before", "yes or no", "who has it", "giving", "not said", "contradiction"
]
KINDS: tuple[Kind, ...] = (
    *("one fact", "two facts", "three facts", "before", "yes or no"),
    *("who has it", "giving", "not said", "contradiction"),
)
MAX_READS = 3
HELD_OUT_ONE_IN = 5

FORMS = {
    "go": (
        *("{who} went to the {place}", "{who} moved to the {place}", "{who} walked to the {place}"),
        *("{who} ran to the {place}", "{who} travelled to the {place}", "{who} journeyed to the {place}"),
        *("{who} went back to the {place}", "{who} came to the {place}", "{who} walked into the {place}"),
    ),
    "be": ("{thing} is in the {place}", "{thing} was in the {place}"),
    "not": ("{thing} is not in the {place}", "{thing} is no longer in the {place}", "{thing} left the {place}"),
    "take": (
        *("{who} took {thing}", "{who} picked up {thing}", "{who} got {thing}", "{who} grabbed {thing}"),
        *("{who} took {thing} there", "{who} got {thing} there"),
    ),
    "bring": (
        *("{who} took {thing} to the {place}", "{who} carried {thing} to the {place}"),
        *("{who} brought {thing} to the {place}", "{who} moved {thing} to the {place}"),
    ),
    "drop": (
        *("{who} dropped {thing}", "{who} put down {thing}", "{who} left {thing}", "{who} left {thing} there"),
        *("{who} put {thing} down", "{who} dropped {thing} there"),
    ),
    "give": ("{who} gave {thing} to {other}", "{who} handed {thing} to {other}", "{who} passed {thing} to {other}"),
    "put": (
        "{who} put {thing} in the {other}",
        "{who} put {thing} into the {other}",
        "{who} placed {thing} in the {other}",
    ),
}
OPENINGS = ("", "", "", "", "then ", "later ", "after that ", "now ")
WEIGHTS = {"go": 30, "take": 20, "drop": 8, "give": 8, "put": 12, "bring": 6, "be": 10, "not": 4, "contradict": 3}
TOPICS = ("go", "give", "put", "put", "contradict")
TOPIC_FACTOR = 4
RARE: tuple[Kind, ...] = ("three facts", "giving", "contradiction")
RARE_FACTOR = 3


@dataclass(frozen=True)
class Event:
    """A sentence of a story: who does what with which thing, where, or to whom or into what."""

    index: int
    kind: str
    who: tuple[str, ...] = ()
    thing: str = ""
    place: str = ""
    other: str = ""


@dataclass(frozen=True)
class Question:
    """A question about a story, its answer, and the sentences that say so in the order in which they are needed.

    asked: the person or thing it is about; a read of None: nothing in the story says it
    words: of each sentence read the one that is needed, as far as only one is
    """

    text: str
    kind: Kind
    answer: str
    reads: tuple[int | None, ...]
    asked: str
    words: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Story:
    """Sentences without their full stops, in small letters, and what happens in each."""

    sentences: tuple[str, ...]
    events: tuple[Event, ...]


class World:
    """What the sentences so far say."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def where_person(self, person: str, before: int | None = None) -> Event | None:
        """The last sentence that says where somebody is."""
        for event in reversed(self.events[:before]):
            if (event.kind in ("go", "bring") and person in event.who) or (
                event.kind in ("be", "not") and event.thing == person
            ):
                return event
        return None

    def last_of(self, thing: str, before: int | None = None) -> Event | None:
        """The last sentence that says where a thing is or who has it."""
        return next((e for e in reversed(self.events[:before]) if e.thing == thing), None)

    def place_of_person(self, person: str, before: int | None = None) -> str:
        """Where somebody is, by the last sentence that says so."""
        event = self.where_person(person, before)
        return event.place if event and event.kind != "not" else NOT_SAID

    def find_person(self, person: str, before: int | None = None) -> tuple[str, list[int | None]]:
        """Where somebody is, and what was read."""
        event = self.where_person(person, before)
        return self.place_of_person(person, before), [event.index if event else None]

    def find(self, thing: str) -> tuple[str, list[int | None]]:
        """Where a thing is, and what was read."""
        event = self.last_of(thing)
        if event is None:
            return NOT_SAID, [None]
        if event.kind in ("be", "bring"):
            return event.place, [event.index]
        if event.kind == "put":
            place, reads = self.find(event.other)
        elif event.kind == "drop":
            place, reads = self.find_person(event.who[0], event.index)
        else:
            place, reads = self.find_person(event.other or event.who[0])
        return place, [event.index, *reads]

    def contradicted(self, asked: str) -> Event | None:
        """The sentence before that puts somebody or something elsewhere, where the last only says "is in"."""
        finder = self.where_person if asked in PEOPLE else self.last_of
        event = finder(asked)
        if event is None or event.kind != "be":
            return None
        return finder(asked, event.index)

    def holder(self, thing: str) -> str:
        """Who has a thing: a name, `NOBODY`, or `NOT_SAID`."""
        event = self.last_of(thing)
        if event is None:
            return NOT_SAID
        return {"take": event.who[0] if event.who else "", "give": event.other}.get(event.kind, NOBODY)


def held_out(asked: str, answer: str) -> bool:
    """Whether this answer to a question about this thing is never given in training."""
    return zlib.crc32(f"{asked} {answer}".encode()) % HELD_OUT_ONE_IN == 0


def make_story(dice: random.Random, length: int) -> tuple[Story, World]:
    """A story of `length` sentences, and what it says."""
    world, topic = World(), dice.choice(TOPICS)
    weights = [weight * (TOPIC_FACTOR if kind == topic else 1) for kind, weight in WEIGHTS.items()]
    cast = dice.sample(PEOPLE, dice.randint(1 if topic == "put" else 2, 3 if topic in ("put", "give") else 5))
    places = dice.sample(PLACES, dice.randint(2, 3 if topic in ("put", "give") else 6))
    boxes = dice.randint(1, 2) if topic == "put" else dice.randint(0, 1)
    things = [*dice.sample(THINGS, dice.randint(1, 4)), *dice.sample(CONTAINERS, boxes)]
    sentences: list[str] = []
    while len(world.events) < length:
        event = _event(dice.choices(list(WEIGHTS), weights)[0], world, dice, cast, places, things)
        if event:
            world.events.append(event)
            sentences.append(dice.choice(OPENINGS) + _sentence(event, dice))
    return Story(tuple(sentences), tuple(world.events)), world


def _sentence(event: Event, dice: random.Random) -> str:
    thing = event.thing if event.thing in PEOPLE else f"the {event.thing}"
    form = dice.choice(FORMS[event.kind])
    if event.kind == "not" and event.thing not in PEOPLE:
        form = FORMS["not"][0]
    return form.format(who=" and ".join(event.who), thing=thing, place=event.place, other=event.other)


def _event(
    kind: str, world: World, dice: random.Random, cast: list[str], places: list[str], things: list[str]
) -> Event | None:
    """Something that may happen next, or None where this kind of thing cannot."""
    index, who, place = len(world.events), dice.choice(cast), dice.choice(places)
    here, other = world.place_of_person(who), dice.choice(cast)
    if kind == "go":
        people = (who, other) if other != who and dice.random() < 0.15 else (who,)
        return Event(index, "go", people, place=place)
    held = {one: world.holder(one) for one in things}
    if kind in ("take", "bring"):
        at_hand = [one for one in things if held[one] not in cast and world.find(one)[0] in (here, NOT_SAID)]
        at_hand += [one for one in things if held[one] == who] if kind == "bring" else []
        if not at_hand:
            return None
        return Event(index, kind, (who,), dice.choice(at_hand), place if kind == "bring" else "")
    carried = [one for one in things if held[one] in cast]
    if kind in ("drop", "give", "put") and carried:
        return _hand_over(kind, world, dice, dice.choice(carried), other, things)
    thing = dice.choice(things)
    if kind == "be":
        free = [
            one for one in [*cast, *things] if not (world.where_person(one) if one in PEOPLE else world.last_of(one))
        ]
        return Event(index, "be", thing=dice.choice(free), place=place) if free else None
    if kind == "not" and here != NOT_SAID:
        return Event(index, "not", thing=who, place=here)
    if kind == "contradict":
        one = dice.choice([who, thing])
        event = world.where_person(one) if one in PEOPLE else world.last_of(one)
        if event and event.kind in ("be", "go", "bring"):
            return Event(index, "be", thing=one, place=dice.choice([place, event.place]))
    return None


def _hand_over(kind: str, world: World, dice: random.Random, thing: str, other: str, things: list[str]) -> Event | None:
    """Whoever has a thing drops it, gives it to `other`, or puts it into something that is near."""
    index, holder = len(world.events), world.holder(thing)
    here = world.place_of_person(holder)
    if kind == "drop":
        return Event(index, "drop", (holder,), thing)
    if kind == "give":
        near = other != holder and world.place_of_person(other) == here != NOT_SAID
        return Event(index, "give", (holder,), thing, other=other) if near else None
    boxes = [one for one in things if one in CONTAINERS and world.last_of(one)]
    boxes = [one for one in boxes if world.find(one)[0] in (here, NOT_SAID)]
    if thing in CONTAINERS or not boxes:
        return None
    return Event(index, "put", (holder,), thing, other=dice.choice(boxes))


def questions(story: Story, world: World) -> Iterator[Question]:
    """Every question that can be asked about a story: about everybody and everything in it."""
    people = sorted({p for e in story.events for p in (*e.who, e.thing, e.other) if p in PEOPLE})
    things = sorted({e.thing for e in story.events if e.thing and e.thing not in PEOPLE})
    places = sorted({e.place for e in story.events if e.place})
    for asked in (*people, *things):
        yield from _where(world, asked, places)
    for person in people:
        yield from _before(world, person)
    for thing in things:
        holder, last = world.holder(thing), world.last_of(thing)
        reads = (last.index if last else None,)
        yield Question(f"who has the {thing}", "who has it", holder, reads, thing)
    given: dict[tuple[str, str], Event] = {(e.thing, e.other): e for e in story.events if e.kind == "give"}
    for (thing, other), event in given.items():
        text, giver = f"who gave the {thing} to {other}", event.who[0]
        yield Question(text, "giving", giver, (event.index,), thing, (giver,))
        last = next(e for e in reversed(story.events) if e.kind == "give" and (e.who, e.other) == (event.who, other))
        text = f"what did {giver} give to {other}"
        yield Question(text, "giving", last.thing, (last.index,), other, (last.thing,))


def _where(world: World, asked: str, places: list[str]) -> Iterator[Question]:
    named = asked if asked in PEOPLE else f"the {asked}"
    answer, reads = world.find_person(asked) if asked in PEOPLE else world.find(asked)
    kind: Kind = ("one fact", "two facts", "three facts")[len(reads) - 1]
    last = world.where_person(asked) if asked in PEOPLE else world.last_of(asked)
    if last and last.kind == "be":  # said, not done: the sentence before may say something else
        before = world.contradicted(asked)
        reads = [last.index, before.index if before else None]
        if before and (before.kind == "not") == (before.place == last.place):
            yield Question(f"where is {named}", "contradiction", CONTRADICTION, tuple(reads), asked)
            return
    said, words = tuple(reads), _needed(world, reads)
    yield Question(f"where is {named}", "not said" if answer == NOT_SAID else kind, answer, said, asked, words)
    if last and last.kind == "not":
        yield Question(f"is {named} in the {last.place}", "yes or no", NO, said, asked, words)
    elif answer != NOT_SAID:
        yield Question(f"is {named} in the {answer}", "yes or no", YES, said, asked, words)
        for place in [place for place in places if place != answer][:1]:
            yield Question(f"is {named} in the {place}", "yes or no", NO, said, asked, words)


def _needed(world: World, reads: Sequence[int | None]) -> tuple[str | None, ...]:
    """Of each sentence read the word that is needed: who has a thing, in what it lies, or the place."""
    events = [None if at is None else world.events[at] for at in reads]
    return tuple(event and (event.place or event.other or event.who[0]) for event in events)


def _before(world: World, person: str) -> Iterator[Question]:
    visited = {e.place: e for e in world.events if e.kind in ("go", "bring") and person in e.who}
    for place, event in visited.items():
        answer, reads = world.find_person(person, event.index)
        kind: Kind = "not said" if answer == NOT_SAID else "before"
        if answer != place:
            words = (None, *_needed(world, reads))
            yield Question(f"where was {person} before the {place}", kind, answer, (event.index, *reads), person, words)


def unmentioned(story: Story, dice: random.Random) -> Question:
    """A question about somebody or something that the story does not speak of."""
    spoken_of = " ".join(story.sentences).split()
    asked = dice.choice([word for word in (*PEOPLE, *THINGS, *CONTAINERS) if word not in spoken_of])
    named = asked if asked in PEOPLE else f"the {asked}"
    forms = [f"where is {named}", f"is {named} in the {dice.choice(PLACES)}"]
    forms += [] if asked in PEOPLE else [f"who has {named}"]
    return Question(dice.choice(forms), "not said", NOT_SAID, (None,), asked)


def ask(story: Story, world: World, dice: random.Random, count: int, *, unseen: bool) -> list[Question]:
    """Up to `count` questions, the kinds as even as the story allows; of held-out answers only, or none of them."""
    fitting = [
        question
        for question in [*questions(story, world), unmentioned(story, dice)]
        if question.answer in (NOT_SAID, CONTRADICTION, NOBODY)
        or held_out(question.asked, _what_counts(question)) == unseen
    ]
    by_kind: dict[Kind, list[Question]] = {}
    for question in fitting:
        by_kind.setdefault(question.kind, []).append(question)
    kinds = sorted(by_kind)
    weights = [RARE_FACTOR if kind in RARE else 1 for kind in kinds]
    return [dice.choice(by_kind[kind]) for kind in dice.choices(kinds, weights, k=count)]


def _what_counts(question: Question) -> str:
    return question.text.split()[-1] if question.answer in (YES, NO) else question.answer


def spoken(text: str) -> str:
    """A sentence as it is written: names and the beginning with a capital."""
    words = [word.capitalize() if word in PEOPLE else word for word in text.split()]
    return " ".join([words[0].capitalize(), *words[1:]])

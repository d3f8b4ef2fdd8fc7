"""Rooms: a class answers one question at a time, each on a machine of its own, and the projector shows the tally.

Nobody has a name here. A member is a number that nobody can guess, kept so that each answers once; with the room all of
it goes. Nothing is written anywhere.
"""

import secrets
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from models.errors import InputError
from models.inputs import check_choice, check_integer, check_text

LETTERS = "ABCDEFGHJKMNPQRTUVWXYZ2346789"
"""Without those that look like another one."""
CODE_LENGTH = 5
MAX_ROOMS, MAX_ROOMS_AN_ADDRESS = 50, 5
MAX_MEMBERS = 500
LIFE_SECONDS, IDLE_SECONDS = 4 * 3600, 45 * 60
MISSES_A_MINUTE = 30
MAX_OPTIONS, MAX_QUESTION, MAX_OPTION, MAX_EXPLANATION = 8, 500, 200, 1500
NO_ROOM = "There is no room with this code: check it, or ask whether the room is still open."


@dataclass(frozen=True)
class Posed:
    """A question to a class; `right` is the index of an option."""

    question: str
    options: tuple[str, ...]
    right: int
    explanation: str

    @classmethod
    def check(cls, given: object) -> "Posed":
        """Raises `InputError` for anything that is no question."""
        if not isinstance(given, Mapping):
            raise InputError("A question must be sent as a JSON object.")
        options = given.get("options")
        if not isinstance(options, list) or not 2 <= len(options) <= MAX_OPTIONS:
            raise InputError(f"A question must have 2 to {MAX_OPTIONS} options.")
        texts = tuple(check_text(option, name="An option", max_chars=MAX_OPTION) for option in options)
        return cls(
            check_text(given.get("question"), name="The question", max_chars=MAX_QUESTION),
            texts,
            check_integer(given.get("right"), name="The right option", low=0, high=len(texts) - 1),
            check_text(given.get("explanation"), name="The explanation", max_chars=MAX_EXPLANATION, allow_empty=True),
        )


@dataclass
class Room:
    """A class in session. `key`: known to its teacher alone; `answers`: option by member, of the present question."""

    code: str
    key: str
    address: str
    opened: float
    used: float
    members: set[str] = field(default_factory=set)
    posed: Posed | None = None
    number: int = 0
    revealed: bool = False
    answers: dict[str, int] = field(default_factory=dict)

    def tally(self) -> list[int]:
        """How many chose each option."""
        counts = Counter(self.answers.values())
        return [counts[option] for option in range(len(self.posed.options) if self.posed else 0)]


class Rooms:
    """All rooms of this process. Every method raises `InputError` where it is asked for what it does not do."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rooms: dict[str, Room] = {}
        self._misses: defaultdict[str, deque[float]] = defaultdict(deque)
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rooms)

    def act(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        """Do what a request asks for: `{"do": "open" | "join" | "state" | "pose" | "reveal" | "answer" | "close", …}`.

        All but the first name a `code`; `pose`, `reveal` and `close` the teacher's `key`; `answer` a `member`, the
        `number` of the question and the `choice`.
        """
        does = {
            "open": self._open,
            "join": self._join,
            "state": self._state,
            "pose": self._pose,
            "reveal": self._reveal,
            "answer": self._answer,
            "close": self._close,
        }
        do = does[check_choice(request.get("do"), list(does), name="What to do")]
        with self._lock:
            self._sweep()
            return do(request, address)

    def _sweep(self) -> None:
        now = self._clock()
        for room in list(self._rooms.values()):
            if now - room.opened > LIFE_SECONDS or now - room.used > IDLE_SECONDS:
                del self._rooms[room.code]
        for address, times in list(self._misses.items()):
            while times and now - times[0] > 60:
                times.popleft()
            if not times:
                del self._misses[address]

    def _open(self, _: Mapping[str, Any], address: str) -> dict[str, Any]:
        if len(self._rooms) >= MAX_ROOMS:
            raise InputError(f"{MAX_ROOMS} rooms are open, as many as this server holds: try again later.")
        if sum(room.address == address for room in self._rooms.values()) >= MAX_ROOMS_AN_ADDRESS:
            raise InputError(f"{MAX_ROOMS_AN_ADDRESS} rooms were opened from here: close one first.")
        code = self._free_code()
        now = self._clock()
        room = self._rooms[code] = Room(code, secrets.token_urlsafe(16), address, now, now)
        return {"code": code, "key": room.key}

    def _free_code(self) -> str:
        while (code := "".join(secrets.choice(LETTERS) for _ in range(CODE_LENGTH))) in self._rooms:
            continue
        return code

    def _find(self, request: Mapping[str, Any], address: str) -> Room:
        if len(self._misses.get(address, ())) >= MISSES_A_MINUTE:
            raise InputError("Too many wrong codes were tried from here: wait a minute.")
        code = check_text(request.get("code"), name="The code", max_chars=20).strip().upper()
        room = self._rooms.get(code)
        if room is None:
            self._misses[address].append(self._clock())
            raise InputError(NO_ROOM)
        return room

    def _own(self, request: Mapping[str, Any], address: str) -> Room:
        room = self._find(request, address)
        key = request.get("key")
        if not isinstance(key, str) or not secrets.compare_digest(key.encode(), room.key.encode()):
            raise InputError("Only whoever opened the room may do this.")
        room.used = self._clock()
        return room

    def _join(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        room = self._find(request, address)
        if len(room.members) >= MAX_MEMBERS:
            raise InputError(f"{MAX_MEMBERS} are in this room, as many as it holds.")
        member = secrets.token_urlsafe(16)
        room.members.add(member)
        return {"code": room.code, "member": member}

    def _state(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        """What the room looks like to a member, and, with the key, to its teacher: the tally before the reveal."""
        teacher = "key" in request
        room = self._own(request, address) if teacher else self._find(request, address)
        posed = room.posed
        state: dict[str, Any] = {
            "code": room.code,
            "members": len(room.members),
            "number": room.number,
            "answered": len(room.answers),
            "revealed": room.revealed,
            "wait": max(1, len(room.members) // 40),
        }
        if posed is None:
            return state
        state |= {"question": posed.question, "options": list(posed.options)}
        if teacher or room.revealed:
            state["tally"] = room.tally()
        if room.revealed:
            state |= {"right": posed.right, "explanation": posed.explanation}
        return state

    def _pose(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        room = self._own(request, address)
        room.posed, room.number, room.revealed, room.answers = (
            Posed.check(request.get("question")),
            room.number + 1,
            False,
            {},
        )
        return {"number": room.number}

    def _reveal(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        room = self._own(request, address)
        if room.posed is None:
            raise InputError("Ask the class a question first.")
        room.revealed = True
        return {"number": room.number}

    def _answer(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        room = self._find(request, address)
        member = request.get("member")
        if not isinstance(member, str) or member not in room.members:
            raise InputError("You are not in this room: enter its code again.")
        if room.posed is None or request.get("number") != room.number:
            raise InputError("This question is over: the room has gone on.")
        if room.revealed:
            raise InputError("The answer has been shown already.")
        if member in room.answers:
            raise InputError("You have answered this question.")
        last = len(room.posed.options) - 1
        room.answers[member] = check_integer(request.get("choice"), name="The choice", low=0, high=last)
        return {"number": room.number}

    def _close(self, request: Mapping[str, Any], address: str) -> dict[str, Any]:
        room = self._own(request, address)
        del self._rooms[room.code]
        return {"closed": True}


ROOMS = Rooms()

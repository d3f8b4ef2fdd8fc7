"""Whose request it is, and how much of everything one visitor may hold at a time."""

import ipaddress
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.types import Scope

from demos.door.answers import Refused
from models.hub import ASKING

UPLOADED_BYTES_A_MINUTE = 240 * 2**20
NEW_PAGES_A_MINUTE = 20
VISITOR = ASKING
"""The address for which the present code runs, also inside of an event."""


def address_of(scope: Scope, proxies: int) -> str:
    """The address a request comes from: an IPv4 address, or the first half of an IPv6 one.

    Each proxy adds to X-Forwarded-For who asked it, at the end. So with `proxies` of them the entry of that number
    from the end was written by the outermost one; everything before it may be invented, and without a trusted proxy
    all of it.
    """
    peer = scope["client"][0] if scope.get("client") else ""
    if proxies:
        told = [part.strip() for part in ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")]
        peer = told[-proxies] if len(told) >= proxies and told[-proxies] else peer
    try:
        address = ipaddress.ip_address(peer.strip("[]"))
    except ValueError:
        return peer[:100]
    if address.version == 6 and address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address, 64), strict=False)) if address.version == 6 else str(address)


@dataclass(frozen=True)
class Share:
    """How many things of one kind may be open: of one address, and in all."""

    name: str
    an_address: int
    in_all: int


BODIES = Share("requests on their way", 8, 64)
UPLOADS = Share("uploads on their way", 4, 16)
STREAMS = Share("open event streams", 128, 1000)
FILES = Share("files on their way", 24, 200)
PAGES = Share("pages being made", 16, 64)


@dataclass
class Ledger:
    """What every visitor holds now (`hold`) and has sent within the last minute (`spend`)."""

    _held: defaultdict[Share, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    _made: defaultdict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _sent: defaultdict[str, deque[tuple[float, int]]] = field(default_factory=lambda: defaultdict(deque))

    @contextmanager
    def hold(self, share: Share, address: str) -> Iterator[None]:
        """One more thing of that kind, as long as the block runs. Raises `Refused` (429, 503) where none is left."""
        held = self._held[share]
        if held[address] >= share.an_address:
            raise Refused(429, f"You have {held[address]} {share.name}: try again when one of them has ended.", 5)
        if held.total() >= share.in_all:
            raise Refused(503, f"Too many {share.name} of all visitors together: try again in a moment.", 5)
        held[address] += 1
        try:
            yield
        finally:
            held[address] -= 1
            if not held[address]:
                del held[address]

    def spend(self, address: str, size: int) -> None:
        """Note `size` more uploaded bytes. Raises `Refused` (429) past `UPLOADED_BYTES_A_MINUTE`."""
        now, sent = time.monotonic(), self._sent[address]
        while sent and now - sent[0][0] > 60:
            sent.popleft()
        if sum(bytes_ for _, bytes_ in sent) + size > UPLOADED_BYTES_A_MINUTE:
            seconds = int(61 - (now - sent[0][0])) if sent else 60
            limit = UPLOADED_BYTES_A_MINUTE // 2**20
            raise Refused(429, f"More than {limit} MB a minute were uploaded: try again in {seconds} s.", seconds)
        sent.append((now, size))

    def note_page(self, address: str) -> None:
        """Note that a page is made anew for this visitor. Raises `Refused` (429) past `NEW_PAGES_A_MINUTE`."""
        now, made = time.monotonic(), self._made[address]
        while made and now - made[0] > 60:
            made.popleft()
        if len(made) >= NEW_PAGES_A_MINUTE:
            raise Refused(429, "Too many pages were made for you: try again in a minute.", 60)
        made.append(now)

    def forget(self) -> None:
        """Drop what was noted of visitors who have sent nothing for a minute."""
        now = time.monotonic()
        for address in [one for one, sent in self._sent.items() if not sent or now - sent[-1][0] > 60]:
            del self._sent[address]
        for address in [one for one, made in self._made.items() if not made or now - made[-1] > 60]:
            del self._made[address]

    def held(self) -> dict[str, int]:
        """How many things of each kind are open, of all visitors."""
        return {share.name: held.total() for share, held in self._held.items()}

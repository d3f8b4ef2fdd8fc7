"""A model that may be fetched from the hub, for the browser."""

from demos.wire import view


@view
class OfferView:
    """A hub model: what it is, what one gains, how large it is (0: not known), whose licence, and where it stands.

    name: in the catalogue.
    status: absent, running, failed, ready.
    share: of its bytes that have arrived, 0 to 1.
    sentence: where it stands, in words.
    chosen: whether the page's menu has it chosen.
    """

    name: str
    title: str
    does: str
    megabytes: int
    licence: str
    status: str
    share: float
    sentence: str
    chosen: bool

"""Sentences for visitors: what is repeated of theirs is short, encodable and no markup; what failures of ours say."""

import errno
import html

MAX_ECHO = 100
MAX_SENTENCE = 300
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
DEFECT = "Something went wrong on our side; the app goes on."
DISK_FULL = "There is no room left on this machine's disk (or it cannot be written to): try again in some minutes."


def encodable(text: str) -> str:
    """`text` with every half character (a lone surrogate) as a question mark, so that it can be sent as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def quoted(text: str, limit: int = MAX_ECHO) -> str:
    """Something a visitor sent, to be repeated in a sentence: encodable and at most `limit` characters."""
    return encodable(text if len(text) <= limit else text[: limit - 1] + "…")


def sentence_for_page(text: str) -> str:
    """A sentence for a toast, which Gradio draws as HTML: escaped, encodable, at most `MAX_SENTENCE` characters."""
    return html.escape(quoted(text, MAX_SENTENCE), quote=False)


def is_disk_full(error: BaseException) -> bool:
    """Whether `error`, or what it was raised from, says that nothing can be written."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in NO_ROOM:
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def percent(share: float, digits: int = 0) -> str:
    """A share (1: all) as visitors read it: "9 %"; what is not all is not called 100 %."""
    text = f"{100 * share:.{digits}f}"
    if float(text) == 100 and share < 1:
        text = f"{100 * share:.1f}" if share < 0.9995 else "> 99.9"
    return f"{text} %".replace("-", "−")

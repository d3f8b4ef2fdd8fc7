"""Names for a picture, drawn: a table of every sentence, maps of where a name fits, one sentence about the names."""

import html
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from demos import wire
from demos.sentences import percent
from demos.views.colors import sequential
from demos.views.tables import scrolls

if TYPE_CHECKING:
    from models.vit.clip import ZeroShot
    from models.vit.namer import Named

MAPS = 6
FITS = 0.95
"""Share of wrong names that a name must fit better than to be believed."""
TOLD = 3


def table_of_names(answer: "ZeroShot", better: np.ndarray | None = None) -> str:
    """HTML, the most probable sentence first. better: `[C]`, the share of wrong names that fit worse, where known."""
    rows = "".join(_row(answer, better, int(place)) for place in np.argsort(-answer.probabilities, kind="stable"))
    names = ["sentence", "cosine", f"times {answer.scale:.3g}", "probability (softmax)", ""]
    if better is not None:
        names.insert(2, "better than wrong names")
    head = "".join(f"<th>{name}</th>" if name else "<td></td>" for name in names)
    return f'<div {scrolls("Names by similarity")}><table class="gb-table"><tr>{head}</tr>{rows}</table></div>'


def _row(answer: "ZeroShot", better: np.ndarray | None, place: int) -> str:
    cosine, probability = float(answer.cosines[place]), float(answer.probabilities[place])
    cells = [
        html.escape(answer.sentences[place]),
        f"{cosine:.3f}".replace("-", "−"),
        f"{answer.scale * cosine:.2f}".replace("-", "−"),
        percent(probability, 1).replace(" ", "&nbsp;"),
        f'<span class="gb-bar" style="width:{120 * probability:.0f}px"></span>',
    ]
    if better is not None:
        cells.insert(2, _share(float(better[place])).replace(" ", "&nbsp;"))
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _share(share: float) -> str:
    return "99 %" if share > 0.99 else f"{100 * share:.0f} %"


def maps_of_names(named: "Named", names: list[str]) -> str:
    """HTML: for the most probable names, what each patch adds to the cosine, over the picture, on one scale."""
    best = np.argsort(-named.answer.probabilities, kind="stable")[:MAPS]
    low, high = float(named.maps[best].min()), float(named.maps[best].max())
    figures = "".join(_figure(named, names, int(place), low, high) for place in best)
    scale = (
        f"One scale for all: dark {low:.2f}, bright {high:.2f}. The mean of a map and what CLS adds make the cosine."
    ).replace("-", "−")
    return f'<div class="gb-fields">{figures}</div><p class="gb-caption">{scale}</p>'


def _figure(named: "Named", names: list[str], place: int, low: float, high: float) -> str:
    share = (named.maps[place] - low) / max(high - low, 1e-12)
    mean, cls = float(named.maps[place].mean()), float(named.cls[place])
    name = html.escape(names[place])
    text = f"{name}: patches {mean:+.3f}, CLS {cls:+.3f}".replace("-", "−")
    return (
        f'<figure><img src="{wire.picture(over_picture(named.square, share))}" alt="Where {name} fits">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def over_picture(square: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Values of patches, 0 to 1, in colours over the picture `(side, side, 3)` uint8."""
    side = len(square)
    small = Image.fromarray(np.rint(255 * share).astype(np.uint8))
    large = np.asarray(small.resize((side, side), Image.Resampling.NEAREST), np.float32) / 255
    weight = (0.3 + 0.45 * np.abs(2 * large - 1))[..., None]
    return np.rint(square * (1 - weight) + sequential(large) * weight).astype(np.uint8)


def sentence_of_names(named: "Named", names: list[str]) -> str:
    """Which name fits best and whether it fits better than a wrong one would; what is to be known of the names."""
    best = int(named.answer.probabilities.argmax())
    probability, better = float(named.answer.probabilities[best]), float(named.better[best])
    if better >= FITS:
        fits = f"it fits better than {_share(better)} of wrong names fit held-out photos"
    else:
        fits = f"but {percent(1 - better)} of wrong names fit held-out photos as well: perhaps none of yours is right"
    said = [f"Of your {len(names)} names “{names[best]}” fits best ({percent(probability)}); {fits}."]
    said += [
        f"“{one}” and “{other}” mean nearly the same here (cosine {cosine:.2f}) and share the probability."
        for one, other, cosine in named.alike[:TOLD]
    ]
    if named.spelled:
        words = ", ".join(f"“{name}”" for name in named.spelled[:TOLD])
        said.append(f"{words} is spelled out letter by letter: the text encoder knows no such word.")
    return " ".join(said)

"""How near are the sentences to what people wrote? What `evaluate --data` prints; see there."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch

from models import runtime, weights
from models.recipes.sequences.caption.photos import Photo, features_of, read_photos, view_of
from models.recipes.sequences.caption.scores import bleu4, cider
from models.sequences.caption.photo_network import PhotoCaptioner, load
from models.sequences.caption.photo_trace import START, search, sentence_of

NAME = "photo-captioner"
BEAM = 3
Written = list[list[str]]


def figures(data: Path, *, beam: int = BEAM, features: Path | None = None) -> dict[str, object]:
    """BLEU-4 and CIDEr-D on the photos of a file that nothing was learned from, beside two baselines.

    features: `view0.npy` of `photos --out`, in the order of the file, so that no photo is looked at again.
    """
    network, photos = runtime.load(NAME, load).network, read_photos(data)
    seen = None if features is None else np.load(features)
    learned = set(json.loads((weights.folder(NAME) / "training_photos.json").read_text()))
    known = [number for number, photo in enumerate(photos) if photo.name in learned]
    new = [number for number, photo in enumerate(photos) if photo.name not in learned]
    looked = _features(photos, new, seen)
    references = [[list(caption) for caption in photos[number].captions] for number in new]
    written = {"": describe_all(network, looked, beam), "greedy_": describe_all(network, looked, 1)}
    if known:
        written["commonest_sentence_"] = commonest([photos[n] for n in known], len(new))
        written["nearest_photo_"] = nearest(_features(photos, known, seen), [photos[n] for n in known], looked)
    scored = {
        f"{how}{score.__name__}": round(score(sentences, references), 4)
        for how, sentences in written.items()
        for score in (bleu4, cider)
    }
    distinct = len({" ".join(sentence) for sentence in written[""]})
    return {"model": NAME, **scored, "beam": beam, "photos": len(new), "distinct_sentences": distinct}


def _features(photos: list[Photo], chosen: list[int], seen: np.ndarray | None) -> np.ndarray:
    return features_of([view_of(photos[number], 0) for number in chosen]) if seen is None else seen[chosen]


def describe_all(network: PhotoCaptioner, features: np.ndarray, beam: int) -> Written:
    """A sentence for each of `(N, cells, features)`."""
    written = []
    with torch.inference_mode():
        for cells in torch.from_numpy(features).float():
            best, _ = search(network, network.look(cells[None]), [START], beam)[0]
            written.append(sentence_of(network, best).split())
    return written


def commonest(photos: list[Photo], count: int) -> Written:
    """The sentence that most people wrote, for every photo."""
    return [list(Counter(caption for photo in photos for caption in photo.captions).most_common(1)[0][0])] * count


def nearest(known: np.ndarray, photos: list[Photo], features: np.ndarray) -> Written:
    """The first caption of the photo whose mean cell is most alike (cosine, each number in standard deviations)."""
    means = known.astype(np.float32).mean(1)
    middle, spread = means.mean(0), means.std(0) + 1e-3
    rows, asked = ((m - middle) / spread for m in (means, features.astype(np.float32).mean(1)))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return [list(photos[number].captions[0]) for number in (asked @ rows.T).argmax(1)]

"""How the translator learns: predict the next French token, given the English sentence and the true beginning.

    python -m models.recipes.attention.train --data eng-fra.tsv.gz --run RUN_FOLDER  until stopped (Ctrl-C saves)
    python -m models.recipes.attention.train --data ... --run ... --resume --cooldown 500      cool down and end
    python -m models.recipes.attention.train --data ... --run ... --export                     write assets/weights
    python -m models.recipes.attention.train --data ... --run ... --fine-tune      begin with the embedded weights

Every pair is learnt twice: as it is, and with the English in small letters, without its stop, or both (`forms`).
Recipe: label smoothing 0.1, Muon (Jordan et al. 2024) for the matrices of the layers and AdamW for the rest,
batches of sentences of equal length, bfloat16 autocast, an exponential moving average of the weights.
"""

import argparse
import dataclasses
import functools
import shutil
import signal
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from models import runtime, weights
from models.recipes.attention.forms import with_forms
from models.text.pairs import Part, part_of, read_pairs
from models.text.tokenizer import PAD, as_target, load_tokenizer, train_tokenizer
from models.text.transformer import Config, Translator, load_network
from models.training import Network, Trainer, Trapezoid, export, follow, load_checkpoint, muon_and_adam, recipe_parser

NAME = "translator-en-fr"
VOCABULARY = 6000
MAX_TOKENS = 64
BATCH_TOKENS = 3500
LABEL_SMOOTHING = 0.1
PEAK = {"muon": 4e-3, "adam": 2e-3}
WARMUP_STEPS = 100
EMA_DECAY = {"constant": 0.998, "cooldown": 0.99}
SEED = 0

Encoded = tuple[list[int], list[int]]
Batch = tuple[torch.Tensor, torch.Tensor]


def encode_pairs(tokenizer: Tokenizer, path: Path, part: Part, *, forms: bool = False) -> list[Encoded]:
    """Token numbers of the pairs of one part: source with `</s>`, target with `<s>` and `</s>`; long pairs left out.

    `forms`: every pair comes twice, the second time in another form (`forms.with_forms`).
    """
    pairs = [pair for pair in read_pairs(path) if part_of(pair.english) == part]
    pairs = with_forms(pairs, SEED) if forms else pairs
    sources = tokenizer.encode_batch([pair.english for pair in pairs])
    targets = tokenizer.encode_batch([pair.french for pair in pairs])
    encoded = [(s.ids, as_target(t.ids)) for s, t in zip(sources, targets, strict=True)]
    return [pair for pair in encoded if max(map(len, pair)) <= MAX_TOKENS]


def make_batches(encoded: list[Encoded], epoch: int) -> list[list[int]]:
    """Indices of all pairs in batches of `BATCH_TOKENS` target tokens, alike in length, in an order of the epoch."""
    random = np.random.default_rng((SEED, epoch))
    lengths = np.array([(len(source), len(target)) for source, target in encoded])
    order = np.lexsort((random.random(len(encoded)), lengths[:, 1], lengths[:, 0]))
    batches, batch, longest = [], [], 0
    for index in order:
        longest = max(longest, int(lengths[index, 1]))
        if batch and longest * (len(batch) + 1) > BATCH_TOKENS:
            batches.append(batch)
            batch, longest = [], int(lengths[index, 1])
        batch.append(int(index))
    batches.append(batch)
    random.shuffle(batches)
    return batches


def collate(encoded: list[Encoded], indices: list[int]) -> Batch:
    """Pairs as padded arrays: source `[B, S]`, target `[B, T]`."""
    source, target = (
        pad_sequence([torch.tensor(encoded[i][side]) for i in indices], batch_first=True, padding_value=PAD)
        for side in (0, 1)
    )
    return source, target


def loss_of(network: Translator, batch: Batch, smoothing: float) -> torch.Tensor:
    """Cross-entropy in nats a target token against (1 - smoothing) one-hot + smoothing uniform.

    The uniform part needs only the mean logit, which is the product with the mean embedding. Padding is left out.
    """
    source, target = batch
    with runtime.autocast():
        states = network.decode(target[:, :-1], *network.encode(source))
        real = target[:, 1:] != PAD
        states, wanted = states[real], target[:, 1:][real]
        logits = network.logits(states)
    right = logits.gather(1, wanted[:, None])[:, 0].float()
    mean = states.float() @ network.embedding.weight.mean(dim=0)
    return (logits.logsumexp(dim=1).float() - (1 - smoothing) * right - smoothing * mean).mean()


class PairTraining(Trainer[Network]):
    """Pairs in batches alike in length; order and dropout follow from the step. Losses are in nats a target token.

    The moving average gets shorter in the cool-down.
    """

    def __init__(
        self,
        network: Network,
        encoded: list[Encoded],
        schedule: Trapezoid,
        peaks: Mapping[str, float],
        loss_of: Callable[[Network, Batch, float], torch.Tensor],
    ) -> None:
        """`loss_of(network, batch, smoothing)` in nats a target token; `peaks`: see `muon_and_adam`."""
        optimizers = muon_and_adam(network, peaks, lambda name, p: p.ndim == 2 and "embedding" not in name)
        super().__init__(network, optimizers, schedule, ema_decay=EMA_DECAY["constant"])
        self.encoded, self._loss_of = encoded, loss_of
        self._batches = functools.lru_cache(maxsize=1)(functools.partial(make_batches, encoded))

    def loss(self) -> tuple[torch.Tensor, int]:
        """The smoothed loss of this step's batch."""
        torch.manual_seed(self.steps_done)
        if self.ema:
            self.ema.decay = EMA_DECAY["cooldown" if self.schedule.cooling(self.steps_done) else "constant"]
        epoch, place = divmod(self.steps_done, self._batches_per_epoch)
        indices = self._batches(epoch)[place]
        return self._loss_of(self.network, collate(self.encoded, indices), LABEL_SMOOTHING), len(indices)

    @functools.cached_property
    def _batches_per_epoch(self) -> int:
        return len(self._batches(0))

    @torch.no_grad()
    def validation_loss(self, encoded: list[Encoded]) -> float:
        """Cross-entropy of the averaged weights on held-out pairs, nats a token, no smoothing."""
        network, batches = self.averaged_network(), make_batches(encoded, 0)
        losses = [float(self._loss_of(network, collate(encoded, indices), 0.0)) for indices in batches]
        return float(np.average(losses, weights=[sum(len(encoded[i][1]) - 1 for i in indices) for indices in batches]))


class Training(PairTraining[Translator]):
    """The Transformer learns, from the weights of `start` on if they are given."""

    def __init__(
        self, config: Config, encoded: list[Encoded], schedule: Trapezoid, start: Translator | None = None
    ) -> None:
        torch.manual_seed(SEED)
        network = Translator(config)
        if start:
            network.load_state_dict(start.state_dict())
        super().__init__(network, encoded, schedule, PEAK, loss_of)

    def own_state(self) -> dict[str, Any]:
        """The network's configuration, without which a checkpoint cannot be used."""
        return {"config": dataclasses.asdict(self.network.config)}


def network_of(saved: dict[str, Any]) -> Translator:
    """The averaged network of a checkpoint, in evaluation mode."""
    network = Translator(Config(**{**saved["config"], "dropout": 0.0}))
    network.load_state_dict(saved["ema"]["state"])
    return network.eval()


def prepare_tokenizer(folder: Path, data: Path, start: Path | None) -> Tokenizer:
    """The tokenizer of this run: that of `start`, or one made from the training sentences, when the run begins."""
    if not (folder / "tokenizer.json").exists():
        folder.mkdir(parents=True, exist_ok=True)
        if start:
            shutil.copyfile(start / "tokenizer.json", folder / "tokenizer.json")
        else:
            training = [pair for pair in read_pairs(data) if part_of(pair.english) == "train"]
            texts = chain(dict.fromkeys(p.english for p in training), dict.fromkeys(p.french for p in training))
            train_tokenizer(texts, VOCABULARY).save(str(folder / "tokenizer.json"))
    return load_tokenizer(folder)


def train(options: argparse.Namespace) -> None:
    """Run the recipe in the run folder until its end, or until asked to stop."""
    start = weights.folder(NAME) if options.fine_tune else None
    tokenizer = prepare_tokenizer(options.run, options.data, start)
    training = encode_pairs(tokenizer, options.data, "train", forms=True)
    validation = encode_pairs(tokenizer, options.data, "validation")
    saved = load_checkpoint(options.run / "checkpoint.pt") if options.resume else None
    stored = load_network(start) if start and not saved else None
    config = Config(vocabulary=tokenizer.get_vocab_size(), dropout=options.dropout)
    if saved:
        config = Config(**{**saved["config"], "dropout": options.dropout})
    done = saved["steps_done"] if saved else 0
    total = done + options.cooldown if options.cooldown else options.steps
    schedule = Trapezoid(options.peak, WARMUP_STEPS, total, options.cooldown)
    job = Training(stored.config if stored else config, training, schedule, stored)
    if saved:
        job.load_state_dict(saved)

    def stop(*_: object) -> None:
        job.stopped = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    follow(
        job,
        options.run / "checkpoint.pt",
        lambda loss: {"train_nats": loss, "validation_nats": job.validation_loss(validation)},
    )


def blend(tuned: dict[str, Tensor], before: dict[str, Tensor], keep: float) -> dict[str, Tensor]:
    """`keep` of the weights `before` fine-tuning and the rest of the tuned ones, tensor by tensor.

    The straight line between both keeps what was known and most of what was learnt (Wortsman et al. 2022, "Robust
    fine-tuning of zero-shot models", section 3). Raises `KeyError` where a tensor of `tuned` is missing before.
    """
    return {name: torch.lerp(tensor.float(), before[name].float(), keep) for name, tensor in tuned.items()}


def export_run(folder: Path, keep: float = 0.0) -> None:
    """Write averaged weights and tokenizer of a run folder to `assets/weights/translator-en-fr/`, with the share `keep`
    of the weights that are there now.
    """
    network = network_of(load_checkpoint(folder / "checkpoint.pt"))
    state = network.state_dict()
    if keep:
        state = blend(state, load_network(weights.folder(NAME)).state_dict(), keep)
    target = weights.EMBEDDED / NAME
    target.mkdir(parents=True, exist_ok=True)
    (target / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    export(NAME, state, dataclasses.asdict(network.config), half=True)


def main() -> None:
    """Command line, described at the top of this module."""
    parser = recipe_parser("Train the translator.", steps=100_000, cooldown=0)
    parser.add_argument("--data", type=Path, required=True, help="pairs in the manythings.org format (.tsv.gz)")
    parser.add_argument("--fine-tune", action="store_true", help="begin with the embedded weights and tokenizer")
    parser.add_argument("--peak", type=float, default=1.0, help="share of the peak learning rates")
    parser.add_argument("--dropout", type=float, default=0.0, help="also for a resumed run; none for a few epochs")
    parser.add_argument("--keep", type=float, default=0.0, help="share of the embedded weights in what is exported")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if not options.export:
        train(options)
    if options.export or options.cooldown:
        export_run(options.run, options.keep)


if __name__ == "__main__":
    main()

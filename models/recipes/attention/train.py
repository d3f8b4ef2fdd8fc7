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
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn.utils.rnn import pad_sequence

from models import weights
from models.recipes.attention.forms import with_forms
from models.text.pairs import Part, part_of, read_pairs
from models.text.tokenizer import PAD, as_target, load_tokenizer, train_tokenizer
from models.text.transformer import Config, Translator, load_network
from models.training import Ema, TrainStep, Trapezoid, export, gradient_norm, load_checkpoint, save_checkpoint

NAME = "translator-en-fr"
VOCABULARY = 6000
MAX_TOKENS = 64
BATCH_TOKENS = 3500
LABEL_SMOOTHING = 0.1
PEAK = {"muon": 4e-3, "adam": 2e-3}
WARMUP_STEPS = 100
EMA_DECAY = {"constant": 0.998, "cooldown": 0.99}
SAVE_EVERY_SECONDS = 120
SEED = 0

Encoded = tuple[list[int], list[int]]
Batch = tuple[torch.Tensor, torch.Tensor]


@dataclass
class Run:
    """All that changes during training, and so all that a checkpoint holds."""

    network: Translator
    muon: torch.optim.Optimizer
    adam: torch.optim.Optimizer
    ema: Ema
    step: int = 0

    @classmethod
    def start(cls, config: Config) -> "Run":
        """A fresh network with its optimisers."""
        torch.manual_seed(SEED)
        network = Translator(config)
        matrices = [p for name, p in network.named_parameters() if p.ndim == 2 and "embedding" not in name]
        others = [p for name, p in network.named_parameters() if p.ndim < 2 or "embedding" in name]
        muon = torch.optim.Muon(matrices, lr=PEAK["muon"], weight_decay=0.02, adjust_lr_fn="match_rms_adamw")
        adam = torch.optim.AdamW(others, lr=PEAK["adam"], betas=(0.9, 0.98), weight_decay=0.0)
        return cls(network, muon, adam, Ema(network, EMA_DECAY["constant"]))

    @classmethod
    def fine_tune(cls, folder: Path) -> "Run":
        """The network stored in `folder` with new optimisers."""
        stored = load_network(folder)
        run = cls.start(stored.config)
        run.network.load_state_dict(stored.state_dict())
        run.ema = Ema(run.network, EMA_DECAY["constant"])
        return run

    def save(self, path: Path) -> None:
        """Write the checkpoint atomically."""
        content = {
            "config": dataclasses.asdict(self.network.config),
            "network": self.network.state_dict(),
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
            "ema": self.ema.state,
            "step": self.step,
        }
        save_checkpoint(path, content)

    @classmethod
    def resume(cls, path: Path, dropout: float = 0.0) -> "Run":
        """The run as it was when saved, going on with this dropout."""
        content = load_checkpoint(path)
        run = cls.start(Config(**{**content["config"], "dropout": dropout}))
        run.network.load_state_dict(content["network"])
        run.muon.load_state_dict(content["muon"])
        run.adam.load_state_dict(content["adam"])
        run.ema.state, run.ema.updates, run.step = content["ema"], content["step"], content["step"]
        return run


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
    with torch.autocast("cpu", torch.bfloat16):
        states = network.decode(target[:, :-1], *network.encode(source))
        real = target[:, 1:] != PAD
        states, wanted = states[real], target[:, 1:][real]
        logits = network.logits(states)
    right = logits.gather(1, wanted[:, None])[:, 0].float()
    mean = states.float() @ network.embedding.weight.mean(dim=0)
    return (logits.logsumexp(dim=1).float() - (1 - smoothing) * right - smoothing * mean).mean()


def fit(run: Run, encoded: list[Encoded], schedule: Trapezoid) -> Iterator[TrainStep]:
    """Train until `schedule.total_steps`; order and dropout follow from the step, so a resumed run repeats itself."""
    run.network.train()
    batches_per_epoch = len(make_batches(encoded, 0))
    while run.step < schedule.total_steps:
        epoch, first = divmod(run.step, batches_per_epoch)
        for indices in make_batches(encoded, epoch)[first:batches_per_epoch]:
            start = time.perf_counter()
            torch.manual_seed(run.step)
            share = schedule(run.step)
            for optimizer, peak in ((run.muon, PEAK["muon"]), (run.adam, PEAK["adam"])):
                optimizer.param_groups[0]["lr"] = share * peak
                optimizer.zero_grad()
            loss = loss_of(run.network, collate(encoded, indices), LABEL_SMOOTHING)
            loss.backward()
            norm = gradient_norm(run.network.parameters(), clip=1.0)
            run.muon.step()
            run.adam.step()
            run.ema.update(run.network)
            run.step += 1
            seconds = time.perf_counter() - start
            yield TrainStep(run.step, loss.item(), norm, share, len(indices) / seconds)
            if run.step >= schedule.total_steps:
                return


@torch.no_grad()
def validation_loss(run: Run, encoded: list[Encoded]) -> float:
    """Cross-entropy of the averaged weights on the validation part, nats a token, no smoothing."""
    averaged = averaged_network(run)
    batches = make_batches(encoded, 0)
    losses = [float(loss_of(averaged, collate(encoded, indices), 0.0)) for indices in batches]
    return float(np.average(losses, weights=[sum(len(encoded[i][1]) - 1 for i in indices) for indices in batches]))


def averaged_network(run: Run) -> Translator:
    """A network in evaluation mode with the moving average as its weights."""
    network = Translator(run.network.config)
    network.load_state_dict(run.ema.state)
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


def train(options: argparse.Namespace) -> Run:
    """Run the recipe in the run folder, saving every two minutes and when asked to stop."""
    start = weights.folder(NAME) if options.fine_tune else None
    tokenizer = prepare_tokenizer(options.run, options.data, start)
    training = encode_pairs(tokenizer, options.data, "train", forms=True)
    validation = encode_pairs(tokenizer, options.data, "validation")
    checkpoint = options.run / "checkpoint.pt"
    if options.resume:
        run = Run.resume(checkpoint, options.dropout)
    else:
        config = Config(vocabulary=tokenizer.get_vocab_size(), dropout=options.dropout)
        run = Run.fine_tune(start) if start else Run.start(config)
    total = run.step + options.cooldown if options.cooldown else options.steps
    schedule = Trapezoid(options.peak, WARMUP_STEPS, total, options.cooldown)
    run.ema.decay = EMA_DECAY["cooldown" if options.cooldown else "constant"]
    asked_to_stop: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda received, _: asked_to_stop.append(received))
    saved = time.monotonic()
    for report in fit(run, training, schedule):
        if report.step % 20 == 0:
            print(report, flush=True)
        if time.monotonic() - saved > SAVE_EVERY_SECONDS:
            run.save(checkpoint)
            saved = time.monotonic()
        if report.step % 500 == 0:
            print(f"step {report.step}: validation {validation_loss(run, validation):.4f} nats a token", flush=True)
        if asked_to_stop:
            break
    run.save(checkpoint)
    print(f"step {run.step}: validation {validation_loss(run, validation):.4f} nats a token", flush=True)
    return run


def export_run(run: Run, folder: Path) -> None:
    """Write averaged weights and tokenizer to `assets/weights/translator-en-fr/`."""
    target = weights.EMBEDDED / NAME
    target.mkdir(parents=True, exist_ok=True)
    (target / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    export(NAME, run.ema.state, dataclasses.asdict(run.network.config), half=True)


def main() -> None:
    """Command line, described at the top of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="pairs in the manythings.org format (.tsv.gz)")
    parser.add_argument("--run", type=Path, required=True, help="folder of tokenizer and checkpoint")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint in the run folder")
    parser.add_argument("--fine-tune", action="store_true", help="begin with the embedded weights and tokenizer")
    parser.add_argument("--peak", type=float, default=1.0, help="share of the peak learning rates")
    parser.add_argument("--steps", type=int, default=100_000, help="stop after this many steps in all")
    parser.add_argument("--cooldown", type=int, default=0, help="end after this many more steps, learning rate to zero")
    parser.add_argument("--dropout", type=float, default=0.0, help="also for a resumed run; none for a few epochs")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--export", action="store_true", help="only write the checkpoint's averaged weights to assets")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.export:
        export_run(Run.resume(options.run / "checkpoint.pt"), options.run)
        return
    run = train(options)
    if options.cooldown:
        export_run(run, options.run)


if __name__ == "__main__":
    main()

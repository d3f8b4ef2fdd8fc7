"""How the recurrent translator learns: predict the next French piece, given one vector and the true beginning.

    python -m models.recipes.sequences.translation.train --data eng-fra.tsv.gz --run RUN [--steps N] [--cooldown M]
        [--resume]
    python -m models.recipes.sequences.translation.train --data ... --run RUN --attention additive        with attention
    python -m models.recipes.sequences.translation.train --data ... --run RUN --export  write assets/weights

Pairs, split, pieces and batches are those of the Transformer in `models.attention`, so that the two can be compared.
Label smoothing 0.1, Muon (Jordan et al. 2024) for the matrices of the layers and AdamW for the rest, bfloat16 autocast,
an exponential moving average of the weights. Learning rate: warm-up, constant, linear cool-down of `--cooldown` steps
before `--steps`. A resumed run goes on exactly, or to another `--steps`.
"""

import argparse
import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import training, weights
from models.recipes.attention.train import Batch, Encoded, collate, encode_pairs, make_batches
from models.text.gru_translator import Config, GruTranslator
from models.text.tokenizer import PAD, load_tokenizer
from models.training import Ema, TrainStep, Trapezoid

NAMES = {"none": "gru-translator-en-fr", "additive": "gru-attention-en-fr"}
TOKENIZER = "translator-en-fr"
PEAK = {"muon": 3e-3, "adam": 2e-3}
LABEL_SMOOTHING = 0.1
WARMUP_STEPS = 100
EMA_DECAY = {"constant": 0.998, "cooldown": 0.99}
CLIP = 1.0
SECONDS_BETWEEN_CHECKPOINTS = 180


class Training:
    """A network, its optimisers and its moving average; `fit` yields a `TrainStep` a step, its loss in nats a piece."""

    def __init__(self, config: Config, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.network = GruTranslator(config)
        named = list(self.network.named_parameters())
        matrices = [p for name, p in named if p.ndim == 2 and "embedding" not in name]
        others = [p for name, p in named if p.ndim < 2 or "embedding" in name]
        self.optimizers: dict[str, torch.optim.Optimizer] = {
            "muon": torch.optim.Muon(matrices, lr=PEAK["muon"], weight_decay=0.02, adjust_lr_fn="match_rms_adamw"),
            "adam": torch.optim.AdamW(others, lr=PEAK["adam"], betas=(0.9, 0.98), weight_decay=0.0),
        }
        self.ema = Ema(self.network, EMA_DECAY["constant"])
        self.steps_done = 0

    def fit(self, encoded: list[Encoded], schedule: Trapezoid) -> Iterator[TrainStep]:
        """Train to the end of the schedule; order and dropout follow from the step: a resumed run repeats itself."""
        batches_per_epoch = len(make_batches(encoded, 0))
        while self.steps_done < schedule.total_steps:
            epoch, first = divmod(self.steps_done, batches_per_epoch)
            last = first + schedule.total_steps - self.steps_done
            for indices in make_batches(encoded, epoch)[first : min(last, batches_per_epoch)]:
                yield self._step(collate(encoded, indices), schedule)

    def _step(self, batch: Batch, schedule: Trapezoid) -> TrainStep:
        start, share = time.perf_counter(), schedule(self.steps_done)
        torch.manual_seed(self.steps_done)
        self.network.train()
        for name, optimizer in self.optimizers.items():
            optimizer.param_groups[0]["lr"] = share * PEAK[name]
            optimizer.zero_grad()
        loss = loss_of(self.network, batch, LABEL_SMOOTHING)
        loss.backward()
        norm = training.gradient_norm(self.network.parameters(), clip=CLIP)
        for optimizer in self.optimizers.values():
            optimizer.step()
        cooling = self.steps_done >= schedule.total_steps - schedule.cooldown_steps
        self.ema.decay = EMA_DECAY["cooldown" if cooling else "constant"]
        self.ema.update(self.network)
        self.steps_done += 1
        rate = len(batch[0]) / (time.perf_counter() - start)
        return TrainStep(self.steps_done, loss.item(), norm, share, rate)

    def averaged(self) -> GruTranslator:
        """A network in evaluation mode with the moving average as its weights."""
        network = GruTranslator(self.network.config)
        network.load_state_dict(self.ema.state)
        return network.eval()

    def state_dict(self) -> dict[str, Any]:
        """Everything needed to go on as if nothing had happened."""
        return {
            "config": dataclasses.asdict(self.network.config),
            "network": self.network.state_dict(),
            "optimizers": {name: optimizer.state_dict() for name, optimizer in self.optimizers.items()},
            "ema": self.ema.state,
            "steps_done": self.steps_done,
        }

    @classmethod
    def resume(cls, state: dict[str, Any]) -> "Training":
        """The training as it was when `state_dict` was taken."""
        job = cls(Config(**state["config"]))
        job.network.load_state_dict(state["network"])
        for name, optimizer in job.optimizers.items():
            optimizer.load_state_dict(state["optimizers"][name])
        job.ema.state, job.ema.updates, job.steps_done = state["ema"], state["steps_done"], state["steps_done"]
        return job


def loss_of(network: GruTranslator, batch: Batch, smoothing: float) -> torch.Tensor:
    """Cross-entropy in nats a target piece against (1 - smoothing) one-hot + smoothing uniform, without padding.

    The right piece's logit and the mean logit are products with one embedding each: no gradient but that of the
    logarithm of the sum has the size of the vocabulary.
    """
    source, target = batch
    real = target[:, 1:] != PAD
    with torch.autocast("cpu", torch.bfloat16):
        readouts = network.decode(target[:, :-1], network.encode(source))[0][real]
        total = network.logits(readouts).logsumexp(dim=1).float()
    readouts = readouts.float()
    right = (readouts * network.embedding(target[:, 1:][real])).sum(dim=1)
    mean = readouts @ network.embedding.weight.mean(dim=0)
    return (total - (1 - smoothing) * right - smoothing * mean).mean()


@torch.no_grad()
def validation_loss(network: GruTranslator, encoded: list[Encoded]) -> float:
    """Cross-entropy on held-out pairs, nats a piece, no smoothing."""
    batches = make_batches(encoded, 0)
    losses = [float(loss_of(network, collate(encoded, indices), 0.0)) for indices in batches]
    return float(np.average(losses, weights=[sum(len(encoded[i][1]) - 1 for i in indices) for indices in batches]))


def train(job: Training, data: Path, run: Path, schedule: Trapezoid) -> None:
    """Run the recipe, saving to `run/checkpoint.pt` every few minutes and at the end."""
    tokenizer = load_tokenizer(weights.folder(TOKENIZER))
    encoded, held_out = (encode_pairs(tokenizer, data, part) for part in ("train", "validation"))
    saved = time.monotonic()
    for report in job.fit(encoded, schedule):
        if report.step % 50 == 0:
            print(report, flush=True)
        last = report.step == schedule.total_steps
        if last or time.monotonic() - saved > SECONDS_BETWEEN_CHECKPOINTS:
            training.save_checkpoint(run / "checkpoint.pt", job.state_dict())
            saved = time.monotonic()
        if last or report.step % 300 == 0:
            nats = round(validation_loss(job.averaged(), held_out), 4)
            line = {"step": report.step, "validation_nats": nats, "cpu_seconds": round(time.process_time())}
            print(json.dumps(line), flush=True)


def export(job: Training) -> Path:
    """Write averaged weights and tokenizer to the folder in `assets/weights` that `NAMES` gives; returns it."""
    name = NAMES[job.network.config.attention]
    target = weights.EMBEDDED / name
    target.mkdir(parents=True, exist_ok=True)
    (target / "tokenizer.json").write_bytes((weights.folder(TOKENIZER) / "tokenizer.json").read_bytes())
    config = dataclasses.replace(job.network.config, dropout=0.0)
    return training.export(name, job.ema.state, dataclasses.asdict(config), half=True)


def main() -> None:
    """The command line described at the top of this module."""
    parser = argparse.ArgumentParser(description="Train the recurrent translator.")
    parser.add_argument("--data", type=Path, required=True, help="pairs in the manythings.org format (.tsv.gz)")
    parser.add_argument("--run", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--attention", choices=("none", "additive"), default="none")
    parser.add_argument("--dropout", type=float, default=0.0, help="none for a few passes over the data")
    parser.add_argument("--steps", type=int, default=2_700)
    parser.add_argument("--cooldown", type=int, default=900)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--export", action="store_true", help="only write the checkpoint's averaged weights to assets")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.resume or options.export:
        job = Training.resume(training.load_checkpoint(options.run / "checkpoint.pt"))
    else:
        vocabulary = load_tokenizer(weights.folder(TOKENIZER)).get_vocab_size()
        job = Training(Config(vocabulary, attention=options.attention, dropout=options.dropout))
    if options.export:
        export(job)
        return
    train(job, options.data, options.run, Trapezoid(1.0, WARMUP_STEPS, options.steps, options.cooldown))


if __name__ == "__main__":
    main()

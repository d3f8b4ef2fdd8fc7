"""Train the sprite U-Net that reads words, beginning with the convolutions of the one that is told a class.

    python -m models.recipes.diffusion.words --data sprites.npz --run RUN [--resume] [--steps 5000 --cooldown 800]

A sprite, often in another colour, with a caption (`captions.py`); a random time, noise; the network says v. One caption
in eight is empty, for guidance. In one of four, the vector of the whole prompt is that of an empty one, so that the
words must be read one by one. Writes `assets/weights/sprites-words/` at the end; to end early, see `train.py`.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from models import runtime, weights
from models.diffusion.colours import COLOURS, dominant_colours, recoloured
from models.diffusion.data import CLASSES, to_signal
from models.diffusion.learning import SNR_CAP
from models.diffusion.network import channels_last, load_network
from models.diffusion.reading import Reader
from models.diffusion.schedule import TRAINING_STEPS, add_noise, cosine_schedule, velocity
from models.diffusion.words_network import Prompts, WordsConfig, WordsUNet, mean_vector, padded
from models.muon import Muon
from models.recipes.diffusion.captions import UNSEEN, caption, kind_of, words_of_name
from models.recipes.diffusion.data import Sprites, held_out, read_sprites
from models.training import Trainer, Trapezoid, export, recipe_parser, run_recipe

NAME, BEGINS_WITH = "sprites-words", "sprites-unet"
BATCH = 32
LEARNING_RATE, NEW_LEARNING_RATE = 1e-3, 2e-3
NO_WORDS, NO_SENTENCE, OTHER_COLOUR = 0.125, 0.25, 0.65
RIDGE = 1e-3


class WordsTraining(Trainer[WordsUNet]):
    """Sprites with captions and noise. What is drawn comes from two generators, which are part of a checkpoint."""

    def __init__(self, sprites: Sprites, steps: int, cooldown: int) -> None:
        torch.manual_seed(0)
        self.reader = Reader()
        network = begin(self.reader, vocabulary_of(sprites))
        schedule = Trapezoid(1.0, 50, steps, cooldown)
        super().__init__(network, _optimizers(network), schedule, clip=1.0, ema_decay=0.998)
        self.sprites = sprites
        counts = np.bincount(sprites.labels)
        self.chances = counts[sprites.labels] ** -0.5 / (counts[sprites.labels] ** -0.5).sum()
        self.numbers, self.random = np.random.default_rng(0), torch.Generator().manual_seed(0)
        self.read: dict[str, Tensor] = {}

    def loss(self) -> tuple[Tensor, int]:
        """The weighted error of v for a batch of sprites, some of them mirrored."""
        rgba, texts = zip(*(self._example() for _ in range(BATCH)), strict=True)
        x_0 = torch.from_numpy(to_signal(np.stack(rgba)))
        x_0 = torch.where((torch.rand(BATCH, generator=self.random) < 0.5)[:, None, None, None], x_0.flip(3), x_0)
        texts = ["" if self.numbers.random() < NO_WORDS else text for text in texts]
        sentences = ["" if self.numbers.random() < NO_SENTENCE else text for text in texts]
        t = torch.randint(TRAINING_STEPS, (BATCH,), generator=self.random)
        epsilon = torch.randn(x_0.shape, generator=self.random)
        return words_loss(self.network, x_0, self._prompts(texts), t, epsilon, self._prompts(sentences)), BATCH

    def _example(self) -> tuple[np.ndarray, str]:
        """A sprite and its caption; never one of the combinations kept aside (`UNSEEN`)."""
        while True:
            place = self.numbers.choice(len(self.sprites), p=self.chances)
            label, name, rgba = (
                int(self.sprites.labels[place]),
                str(self.sprites.names[place]),
                self.sprites.rgba[place],
            )
            other = self.numbers.random() < OTHER_COLOUR
            if other:
                rgba = recoloured(rgba, str(self.numbers.choice(COLOURS)))
            colour = dominant_colours(rgba[None])[0]
            if colour not in UNSEEN.get(CLASSES[label], ()):
                return rgba, caption(label, name, colour, not other, self.numbers)

    def _prompts(self, texts: list[str]) -> Prompts:
        if new := [text for text in dict.fromkeys(texts) if text not in self.read]:
            read = self.reader(new)
            self.read |= {
                text: read.vectors[row, mask] for row, (text, mask) in enumerate(zip(new, read.mask, strict=True))
            }
        return padded([self.read[text] for text in texts])

    def own_state(self) -> dict[str, Any]:
        """Where the generators stand."""
        return {"generator": self.random.get_state(), "numbers": self.numbers.bit_generator.state}

    def load_own_state(self, state: dict[str, Any]) -> None:
        """Go back to where `own_state` was taken."""
        self.random.set_state(state["generator"])
        self.numbers.bit_generator.state = state["numbers"]


def begin(reader: Reader, vocabulary: tuple[str, ...]) -> WordsUNet:
    """The network before its first step: it knows the classes by their names and reads nothing else yet.

    The vector of a prompt becomes the vector of the class by ridge regression on the classes' names.
    """
    told = load_network(weights.folder(BEGINS_WITH))
    config: dict[str, Any] = asdict(told.config) | {"vocabulary": vocabulary}
    network = WordsUNet(WordsConfig(**config))
    state = {name: tensor for name, tensor in told.state_dict().items() if not name.startswith("sprite_class")}
    network.load_state_dict(state, strict=False)
    names = ["" if label == len(CLASSES) else CLASSES[label] for label in range(len(CLASSES) + 1)]
    names = [*names, *(f"{colour} {name}" for name in CLASSES for colour in COLOURS), "book", "parchment scroll"]
    rows = [
        *range(len(CLASSES) + 1),
        *(row for row in range(len(CLASSES)) for _ in COLOURS),
        *[CLASSES.index("scroll")] * 2,
    ]
    inputs = torch.cat([mean_vector(reader([name])) for name in names])
    inputs = torch.cat([inputs, torch.ones(len(inputs), 1)], 1)
    gram = inputs.T @ inputs + RIDGE * torch.eye(inputs.shape[1])
    solved = torch.linalg.solve(gram, inputs.T @ told.sprite_class.weight[rows]).T
    with torch.no_grad():
        network.sentence.weight.copy_(solved[:, :-1])
        network.sentence.bias.copy_(solved[:, -1])
    return channels_last(network)


def _optimizers(network: WordsUNet) -> dict[str, torch.optim.Optimizer]:
    """Muon for the new matrices, AdamW for what was learned before and for norms and biases."""
    new = [p for n, p in network.named_parameters() if "_words." in n and p.ndim >= 2]
    rest = [p for n, p in network.named_parameters() if "_words." not in n or p.ndim < 2]
    adam = torch.optim.AdamW(rest, LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    return {"muon": Muon(new, NEW_LEARNING_RATE), "adam": adam}


def words_loss(
    network: WordsUNet, x_0: Tensor, prompts: Prompts, t: Tensor, epsilon: Tensor, sentences: Prompts | None = None
) -> Tensor:
    """Squared error of v with min-SNR weights, as for the network that is told classes (`sprite_loss`)."""
    schedule = cosine_schedule()
    snr = torch.from_numpy(schedule.signal_to_noise(t)).float()
    weight = snr.clamp(max=SNR_CAP) / (snr + 1)
    with runtime.autocast(x_0.device.type):
        v = network(add_noise(schedule, x_0, epsilon, t), t, prompts, sentences=sentences)
    error = (v.float() - velocity(schedule, x_0, epsilon, t)).square().mean(dim=(1, 2, 3))
    return (weight * error).sum() / weight.sum()


def vocabulary_of(sprites: Sprites) -> tuple[str, ...]:
    """Every word that a caption may have."""
    words = {*COLOURS, *CLASSES, "a", "armor", "adventurer", "jewel"}
    for label, name in zip(sprites.labels, sprites.names, strict=True):
        words |= {kind_of(int(label), str(name)), *words_of_name(str(name), colours=True).split()}
    return tuple(sorted(words))


@torch.no_grad()
def held_out_loss(job: WordsTraining, network: WordsUNet, sprites: Sprites) -> float:
    """The loss of averaged weights on sprites never trained on, under plain captions, at fixed times and noise."""
    random = torch.Generator().manual_seed(1)
    colours = dominant_colours(sprites.rgba)
    texts = [
        " ".join(word for word in (colour, kind_of(int(label), str(name))) if word)
        for label, name, colour in zip(sprites.labels, sprites.names, colours, strict=True)
    ]
    x_0 = torch.from_numpy(to_signal(sprites.rgba))
    t = (torch.arange(len(x_0)) * TRAINING_STEPS // len(x_0))[torch.randperm(len(x_0), generator=random)]
    epsilon = torch.randn(x_0.shape, generator=random)
    return words_loss(network, x_0, job.reader(texts), t, epsilon).item()


def main() -> None:
    """The command line described at the top of this module."""
    parser = recipe_parser("Train the sprite U-Net that reads words.", steps=5000, cooldown=800)
    parser.add_argument("--data", type=Path, required=True, help="npz of sprites")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    sprites = read_sprites(options.data)
    kept = held_out(sprites.names)
    job = WordsTraining(sprites.take(~kept), options.steps, options.cooldown)

    def figures(loss: float) -> dict[str, float]:
        measured = held_out_loss(job, job.averaged_network(), sprites.take(kept))
        return {"train_loss": loss, "held_out_loss": measured}

    run_recipe(job, options, figures, lambda: export(NAME, job.weights(), asdict(job.network.config), half=True))


if __name__ == "__main__":
    main()

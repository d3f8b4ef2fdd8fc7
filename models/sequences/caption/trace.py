"""One picture described word by word: at each step what was read, what is remembered, which words are likeliest."""

import numpy as np
import torch
from PIL import Image

from models.sequences.caption.network import END, END_SYMBOL, OUTPUTS, START_SYMBOL, CaptionNetwork
from models.sequences.caption.scenes import HEIGHT, WIDTH
from models.sequences.unrolled import UnrolledStep, UnrolledTrace

BEST = 8
MAX_WORDS = 12


@torch.inference_mode()
def trace_caption(network: CaptionNetwork, image: np.ndarray) -> UnrolledTrace:
    """Describe `image` (height, width, 3) uint8 of any size, each time with the likeliest word, until the end symbol.

    The picture enters once: as the state before the first step, whose input is written "image". Every later step reads
    the word before. Outputs are the `BEST` likeliest words. At most `MAX_WORDS` words are written.
    """
    device = network.output.weight.device
    pictures = torch.from_numpy(np.array(fit(image))).permute(2, 0, 1)[None].float().to(device) / 255
    hidden, symbol, steps, words = network.look(pictures)[0], START_SYMBOL, [], []
    for _ in range(MAX_WORDS):
        hidden, logits = network.step(torch.tensor(symbol, device=device), hidden)
        best = logits.float().softmax(-1).topk(BEST)
        output = tuple(zip([OUTPUTS[i] for i in best.indices.tolist()], best.values.tolist(), strict=True))
        read = OUTPUTS[symbol] if symbol != START_SYMBOL else "image"
        state = hidden.float().cpu().numpy()
        steps.append(UnrolledStep(read, state, output, asked=True, fed_back=symbol != START_SYMBOL))
        symbol = int(best.indices[0])
        if symbol == END_SYMBOL:
            break
        words.append(OUTPUTS[symbol])
    return UnrolledTrace("one to many", tuple(steps), " ".join(words) or END)


def fit(image: np.ndarray) -> np.ndarray:
    """The whole picture on (72, 96, 3) uint8, its proportions kept, on grey; a scene of that size stays as it is."""
    if image.shape[:2] == (HEIGHT, WIDTH):
        return image
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    width, height = max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale))
    canvas = Image.new("RGB", (WIDTH, HEIGHT), (128, 128, 128))
    small = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
    canvas.paste(small, ((WIDTH - width) // 2, (HEIGHT - height) // 2))
    return np.asarray(canvas)

"""What a picture costs a Vision Transformer by its architecture: tokens, attention weights, multiply-adds."""

from dataclasses import dataclass

from models.vision.network import Architecture


@dataclass(frozen=True)
class Cost:
    """One picture through the network.

    tokens: patches and CLS. attention: numbers in the attention maps of all heads and layers. embedding, projections,
    looks, mlp, head: multiply-adds, one for each product of a matrix product: the linear embedding; query, key, value
    and output; scores and weighted sums, the part that grows with the square of the tokens; the MLPs; the last layer.
    """

    tokens: int
    attention: int
    embedding: int
    projections: int
    looks: int
    mlp: int
    head: int

    @property
    def multiply_adds(self) -> int:
        """All of them; normalisations, softmax and GELU are not counted."""
        return self.embedding + self.projections + self.looks + self.mlp + self.head


def cost_of(shape: Architecture, side: int, categories: int) -> Cost:
    """The cost of a picture of `side` x `side` patches for a network with that many categories (0: no head)."""
    patches, width, layers = side**2, shape.width, shape.layers
    tokens = 1 + patches
    return Cost(
        tokens=tokens,
        attention=layers * shape.heads * tokens**2,
        embedding=patches * shape.patch_size**2 * 3 * width,
        projections=layers * 4 * tokens * width**2,
        looks=layers * 2 * tokens**2 * width,
        mlp=layers * 2 * tokens * width * shape.mlp_width,
        head=width * (2 if shape.pool == "cls+mean" else 1) * categories,
    )

"""Text for networks, and the networks that both Sequences and Attention show."""

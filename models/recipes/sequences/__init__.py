"""How the networks of sequences were trained and are measured."""

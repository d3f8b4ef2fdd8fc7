"""How the networks of sequences: recall were trained and are measured."""

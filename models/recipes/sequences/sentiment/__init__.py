"""How the networks of sequences: sentiment were trained and are measured."""

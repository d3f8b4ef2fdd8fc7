"""How the networks of sequences: weather were trained and are measured."""

"""How the networks of sequences: caption were trained and are measured."""

"""How the networks of sequences: translation were trained and are measured."""

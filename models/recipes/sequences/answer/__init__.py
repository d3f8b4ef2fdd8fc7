"""How story-reader was trained and is measured."""

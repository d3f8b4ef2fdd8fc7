"""A sentence through one vector: translation by a recurrent encoder-decoder, the many-to-many task."""

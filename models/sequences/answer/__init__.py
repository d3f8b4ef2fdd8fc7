"""Questions about a story: a small network that goes back through the sentences until it has the answer."""

"""Many to one: a recurrent network reads a review word by word and is asked once, at the end, what it thinks of it."""

"""One to one: a single step of a recurrent cell, with nothing before it and nothing after it."""
